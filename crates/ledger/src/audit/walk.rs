//! The chain, record by record.

use super::fault::{AuditFaultKind, Faults, these};
use super::records::Record;
use super::statements::{Named, Stated};
use crate::chain::{Head, Link};
use crate::encoding::Kind;

/// Where the walk stands.
pub(crate) struct Walk<'w> {
    pub(crate) faults: &'w mut Faults,
    pub(crate) stated: &'w Stated,
    next: i64,
    /// What the next record may be linked to: the link that stands in the row
    /// before and, where that row is not as its link says, the one that it
    /// should have. Empty where the row before is missing.
    before: Vec<Link>,
    /// The last record that a checkpoint vouches for.
    vouched: i64,
    suspects: Vec<Suspect>,
    shapes: Vec<ShapeFault>,
    pub(crate) first: i64,
    pub(crate) last: Option<Link>,
    pub(crate) requests: u64,
    pub(crate) events: u64,
}

/// A record that is not what its link says.
struct Suspect {
    seq: i64,
    id: String,
    row: Vec<u8>,
    link: Option<Link>,
    before: Vec<Link>,
}

/// A shape that is not what records were written with.
struct ShapeFault {
    number: i64,
    first: i64,
    last: i64,
    records: u64,
    id: String,
}

/// Suspects that are kept: to look whether they changed places, every one is
/// tried at the place of every other.
const MOST_SUSPECTS: usize = 1000;
const MOST_MOVED: usize = 48;

impl<'w> Walk<'w> {
    pub(crate) fn new(start: Head, stated: &'w Stated, faults: &'w mut Faults) -> Self {
        Self {
            faults,
            stated,
            next: start.seq + 1,
            before: vec![start.link],
            vouched: start.seq,
            suspects: Vec::new(),
            shapes: Vec::new(),
            first: 0,
            last: None,
            requests: 0,
            events: 0,
        }
    }

    pub(crate) fn next(&self) -> i64 {
        self.next
    }

    /// The next record. `as_written` is its form with the digest that stands
    /// beside its shape, where that is another one than the shape's.
    pub(crate) fn record(&mut self, record: &Record, as_written: Option<&[u8]>) {
        match record.kind {
            Kind::Event => self.events += 1,
            _ => self.requests += 1,
        }
        if self.first == 0 {
            self.first = record.seq;
        }
        if record.seq < self.next {
            let message = format!("record {} has a place that is taken or gone", record.seq);
            let kind = AuditFaultKind::Doubled;
            return self.faults.at(kind, record.seq, &record.id, message);
        }
        if record.seq > self.next {
            self.missing(record.seq - 1, Some(record.seq));
        }
        self.link(record, as_written);
        self.checkpoint(record);
        self.next = record.seq + 1;
        self.last = record.link;
    }

    fn missing(&mut self, last: i64, after: Option<i64>) {
        let gone = these(self.next, last);
        // A checkpoint at the gap's end knows the link that is not there.
        let named = self.stated.links.get(&last);
        self.before = named.iter().map(|named| named.link).collect();
        let message = match (after, self.before.is_empty()) {
            (Some(after), true) => {
                format!("{gone} missing: record {after} can't be held against the one before it")
            }
            (Some(_), false) => format!("{gone} missing"),
            (None, _) => format!("{gone} missing: the chain was cut off at its end"),
        };
        let kind = AuditFaultKind::Missing;
        self.faults.range(kind, self.next, last, message);
    }

    fn link(&mut self, record: &Record, as_written: Option<&[u8]>) {
        let fits = |row: &[u8]| {
            let mut before = self.before.iter();
            before.any(|before| Some(before.then(row)) == record.link)
        };
        let fit = self.before.is_empty() || fits(record.row.bytes());
        let stored: Vec<Link> = record.link.into_iter().collect();
        if fit {
            self.before = stored;
            return;
        }
        if as_written.is_some_and(fits) {
            self.shape(record);
            self.before = stored;
            return;
        }
        let should = self.before.iter().map(|link| link.then(record.row.bytes()));
        let after: Vec<Link> = stored.into_iter().chain(should).take(4).collect();
        self.suspect(record);
        self.before = after;
    }

    fn shape(&mut self, record: &Record) {
        let number = record.shape.as_ref().map_or(0, |shape| shape.number);
        if let Some(fault) = self.shapes.iter_mut().find(|it| it.number == number) {
            fault.last = record.seq;
            fault.records += 1;
            return;
        }
        self.shapes.push(ShapeFault {
            number,
            first: record.seq,
            last: record.seq,
            records: 1,
            id: record.id.clone(),
        });
    }

    fn suspect(&mut self, record: &Record) {
        if let Some(shape) = record.shape.as_ref().filter(|shape| shape.missing) {
            let message = format!(
                "record {} ({}) refers to shape {}, which is missing",
                record.seq, record.id, shape.number
            );
            let kind = AuditFaultKind::ShapeChanged;
            return self.faults.at(kind, record.seq, &record.id, message);
        }
        if self.suspects.len() >= MOST_SUSPECTS {
            self.faults.more += 1;
            return;
        }
        self.suspects.push(Suspect {
            seq: record.seq,
            id: record.id.clone(),
            row: record.row.bytes().to_vec(),
            link: record.link,
            before: self.before.clone(),
        });
    }

    /// Where a checkpoint names this record's link, it must be this one.
    fn checkpoint(&mut self, record: &Record) {
        let Some(Named { number, link }) = self.stated.links.get(&record.seq).copied() else {
            return;
        };
        let suspect = self.suspects.last().is_some_and(|it| it.seq == record.seq);
        if record.link != Some(link) && !suspect {
            let (first, last) = (self.vouched + 1, record.seq);
            let message = format!(
                "{} rewritten: the chain is whole but is not the one that checkpoint {number} signed",
                these(first, last)
            );
            let kind = AuditFaultKind::Rewritten;
            self.faults.range(kind, first, last, message);
        }
        self.vouched = record.seq;
        if !self.before.contains(&link) {
            self.before.push(link);
        }
    }

    /// The end: what was covered must have been there, and suspects are told
    /// apart.
    pub(crate) fn end(&mut self) {
        if self.stated.covered >= self.next {
            self.missing(self.stated.covered, None);
        }
        for fault in std::mem::take(&mut self.shapes) {
            let ShapeFault {
                number,
                first,
                last,
                records,
                id,
            } = fault;
            let message = match records {
                1 => format!("shape {number} was changed, which record {first} ({id}) refers to"),
                _ => format!(
                    "shape {number} was changed, which {records} records refer to, from record {first} ({id}) to {last}"
                ),
            };
            self.faults
                .range(AuditFaultKind::ShapeChanged, first, last, message);
        }
        for suspect in &self.suspects {
            if self.is_in_place(suspect) {
                continue;
            }
            let (seq, id) = (suspect.seq, &suspect.id);
            let (kind, message) = match self.belongs(suspect) {
                Some(place) => (
                    AuditFaultKind::Moved,
                    format!("record {seq} ({id}) was moved: it is record {place}"),
                ),
                None => (
                    AuditFaultKind::Changed,
                    format!("record {seq} ({id}) was changed"),
                ),
            };
            self.faults.at(kind, seq, id, message);
        }
    }

    /// Whether a suspect is right where it stands, and only the record before
    /// it is elsewhere.
    fn is_in_place(&self, suspect: &Suspect) -> bool {
        let others = &self.suspects[..self.suspects.len().min(MOST_MOVED)];
        let mut links = others.iter().filter_map(|it| it.link);
        links.any(|before| Some(before.then(&suspect.row)) == suspect.link)
    }

    /// The place at which a suspect would be what its link says.
    fn belongs(&self, suspect: &Suspect) -> Option<i64> {
        let others = &self.suspects[..self.suspects.len().min(MOST_MOVED)];
        let links = || {
            others
                .iter()
                .flat_map(|it| it.link.iter().chain(&it.before))
        };
        let places = others
            .iter()
            .map(|it| it.seq)
            .filter(|seq| *seq != suspect.seq);
        places.into_iter().find(|place| {
            let row = at_place(&suspect.row, *place);
            links().any(|before| Some(before.then(&row)) == suspect.link)
        })
    }
}

/// A row in canonical form, with another place: the first column, of which
/// kind, number and type take three bytes.
fn at_place(row: &[u8], place: i64) -> Vec<u8> {
    let mut row = row.to_vec();
    if let Some(seq) = row.get_mut(3..11) {
        seq.copy_from_slice(&place.to_be_bytes());
    }
    row
}
