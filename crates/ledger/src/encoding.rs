//! The canonical form of a row: what the chain is computed over.
//!
//! A row is its kind, one byte, and then every column that is not NULL, in
//! the order of their numbers: the number, one byte; 1 for an integer, 2 for
//! text, 3 for bytes; an integer as 8 bytes, big-endian; text and bytes as
//! their length, 4 bytes, big-endian, and themselves. No two different rows
//! have the same form, and a column that is added later changes nothing about
//! rows that don't have it.

use std::sync::Arc;

use sha2::{Digest, Sha256};

const INTEGER: u8 = 1;
const TEXT: u8 = 2;
const BYTES: u8 = 3;

/// What a row is, so that none can stand for one of another table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Kind {
    Request = 1,
    Event = 2,
    Shape = 3,
    AgentAdded = 4,
    AgentRemoved = 5,
    Budget = 6,
    Cutoff = 7,
    Rollup = 8,
}

/// One row in its canonical form, column by column.
#[derive(Debug, Default)]
pub(crate) struct Encoding {
    bytes: Vec<u8>,
    column: u8,
}

impl Encoding {
    pub(crate) fn of(kind: Kind) -> Self {
        let mut encoding = Self::default();
        encoding.begin(kind);
        encoding
    }

    /// Begins another row in the same memory.
    pub(crate) fn begin(&mut self, kind: Kind) {
        self.bytes.clear();
        self.bytes.push(kind as u8);
        self.column = 0;
    }

    /// The next column.
    pub(crate) fn add(&mut self, value: &impl Cell) {
        self.column = self.column.saturating_add(1);
        value.write(self);
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// SHA-256 of the row.
    pub(crate) fn digest(&self) -> [u8; 32] {
        Sha256::digest(&self.bytes).into()
    }

    fn sized(&mut self, kind: u8, data: &[u8]) {
        self.bytes.extend_from_slice(&[self.column, kind]);
        let length = u32::try_from(data.len()).unwrap_or(u32::MAX);
        self.bytes.extend_from_slice(&length.to_be_bytes());
        self.bytes.extend_from_slice(data);
    }
}

/// A value that a column can have.
pub(crate) trait Cell {
    fn write(&self, to: &mut Encoding);
}

impl Cell for i64 {
    fn write(&self, to: &mut Encoding) {
        to.bytes.extend_from_slice(&[to.column, INTEGER]);
        to.bytes.extend_from_slice(&self.to_be_bytes());
    }
}

impl Cell for bool {
    fn write(&self, to: &mut Encoding) {
        i64::from(*self).write(to);
    }
}

impl Cell for &str {
    fn write(&self, to: &mut Encoding) {
        to.sized(TEXT, self.as_bytes());
    }
}

impl Cell for String {
    fn write(&self, to: &mut Encoding) {
        self.as_str().write(to);
    }
}

impl Cell for Arc<str> {
    fn write(&self, to: &mut Encoding) {
        (&**self).write(to);
    }
}

impl Cell for Vec<u8> {
    fn write(&self, to: &mut Encoding) {
        to.sized(BYTES, self);
    }
}

impl Cell for [u8; 32] {
    fn write(&self, to: &mut Encoding) {
        to.sized(BYTES, self);
    }
}

/// Text read from a database, whose bytes need not be UTF-8 any more.
pub(crate) struct StoredText<'r>(pub(crate) &'r [u8]);

impl Cell for StoredText<'_> {
    fn write(&self, to: &mut Encoding) {
        to.sized(TEXT, self.0);
    }
}

impl<T: Cell> Cell for Option<T> {
    fn write(&self, to: &mut Encoding) {
        if let Some(value) = self {
            value.write(to);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_its_columns_and_nothing_else() {
        let mut row = Encoding::of(Kind::Request);
        row.add(&7_i64);
        row.add(&None::<i64>);
        row.add(&"ab");
        let expected = [
            &[1][..],
            &[1, 1, 0, 0, 0, 0, 0, 0, 0, 7],
            &[3, 2, 0, 0, 0, 2, b'a', b'b'],
        ];
        assert_eq!(row.bytes(), expected.concat());
    }

    #[test]
    fn values_that_look_alike_differ() {
        let one = |value: &dyn Fn(&mut Encoding)| {
            let mut row = Encoding::of(Kind::Event);
            value(&mut row);
            row.bytes().to_vec()
        };
        let rows = [
            one(&|row| row.add(&1_i64)),
            one(&|row| row.add(&"1")),
            one(&|row| row.add(&b"1".to_vec())),
            one(&|row| row.add(&None::<i64>)),
            one(&|row| {
                row.add(&None::<i64>);
                row.add(&1_i64);
            }),
            one(&|row| {
                row.add(&"1");
                row.add(&"");
            }),
        ];
        for (at, row) in rows.iter().enumerate() {
            assert!(!rows[at + 1..].contains(row), "{at}");
        }
        let mut other = Encoding::of(Kind::Shape);
        other.add(&1_i64);
        assert_ne!(other.bytes(), rows[0]);
    }
}
