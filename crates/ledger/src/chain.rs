use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};

/// What a record's place in the chain is computed to: SHA-256 of the link
/// before it and the record itself.
///
/// Whoever changes a record must change every link after it, up to one that a
/// signed checkpoint names. As text 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Link(pub(crate) [u8; 32]);

impl Link {
    /// What the first record of a node's chain is linked to.
    pub(crate) fn beginning(node: &Node) -> Self {
        let mut sha = Sha256::new();
        sha.update(b"tollgate audit chain 1\n");
        sha.update(node.0);
        Self(sha.finalize().into())
    }

    /// The link of the record that comes next, in its canonical form.
    pub(crate) fn then(&self, record: &[u8]) -> Self {
        let mut sha = Sha256::new();
        sha.update(self.0);
        sha.update(record);
        Self(sha.finalize().into())
    }

    pub(crate) fn from_column(bytes: Option<&[u8]>) -> Option<Self> {
        bytes?.try_into().ok().map(Self)
    }

    /// The 32 bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// The gateway whose chain it is: 16 bytes, made with the ledger.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Node(pub(crate) [u8; 16]);

/// The end of the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    /// The last record; 0 where there is none.
    pub(crate) seq: i64,
    pub(crate) link: Link,
}

impl Head {
    /// One record further.
    pub(crate) fn advance(&mut self, record: &[u8]) -> Link {
        self.seq += 1;
        self.link = self.link.then(record);
        self.link
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    use fmt::Write;
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        // Writing to a string can't fail.
        let _written = write!(text, "{byte:02x}");
    }
    text
}

pub(crate) fn unhex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digits = text.as_bytes();
    let lower = |digit: &u8| matches!(digit, b'0'..=b'9' | b'a'..=b'f');
    if digits.len() != 2 * N || !digits.iter().all(lower) {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(bytes)
}

/// Text that is not so many hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("found `{found}`, expected {digits} hexadecimal digits in lower case")]
pub struct ParseHexError {
    /// What stood there, cut to 80 characters.
    pub found: String,
    /// How many digits it should have.
    pub digits: usize,
}

macro_rules! as_hex {
    ($Name:ident, $bytes:literal) => {
        impl fmt::Display for $Name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str(&hex(&self.0))
            }
        }

        impl fmt::Debug for $Name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, out)
            }
        }

        impl FromStr for $Name {
            type Err = ParseHexError;

            fn from_str(text: &str) -> Result<Self, ParseHexError> {
                unhex(text).map(Self).ok_or_else(|| ParseHexError {
                    found: text.chars().take(80).collect(),
                    digits: 2 * $bytes,
                })
            }
        }

        impl Serialize for $Name {
            fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $Name {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(from)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}
as_hex!(Link, 32);
as_hex!(Node, 16);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_reads_back_and_nothing_else_does() {
        let link = Link::beginning(&Node([7; 16])).then(b"record");
        assert_eq!(link.to_string().parse(), Ok(link));
        for bad in ["", "zz", &"A".repeat(64), &"0".repeat(63), &"é".repeat(32)] {
            assert!(bad.parse::<Link>().is_err(), "{bad}");
        }
    }

    #[test]
    fn chains_of_two_nodes_never_meet() {
        let [one, two] = [1, 2].map(|node| Link::beginning(&Node([node; 16])));
        assert_ne!(one, two);
        assert_ne!(one.then(b"same"), two.then(b"same"));
        assert_ne!(one.then(b"a").then(b"b"), one.then(b"ab"));
    }
}
