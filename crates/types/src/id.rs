use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use uuid::Uuid;

/// Names one request from acceptance to its ledger row.
///
/// UUID version 7 (RFC 9562): ordered by time, so that the ledger's index
/// grows at its end. Written `req_` and 32 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RequestId(Uuid);

impl RequestId {
    /// A fresh id. Takes the time and randomness from the system: an id is
    /// the one thing that must differ between two otherwise equal runs.
    pub fn fresh() -> Self {
        Self(Uuid::now_v7())
    }

    /// An id from its 16 bytes, for tests and for rows read back.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(Uuid::from_bytes(bytes))
    }

    /// The 16 bytes as the ledger stores them.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }

    /// As it is written, in ASCII.
    pub fn text(&self) -> [u8; 36] {
        let mut text = [0; 36];
        text[..4].copy_from_slice(b"req_");
        self.0.simple().encode_lower(&mut text[4..]);
        text
    }

    /// The request as a span of a trace: its last 8 bytes, 62 bits of which
    /// are random. The first bytes are a time and would repeat.
    pub fn span_id(&self) -> [u8; 8] {
        let mut span = [0; 8];
        span.copy_from_slice(&self.as_bytes()[8..]);
        span
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(str::from_utf8(&self.text()).unwrap_or_default())
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

/// Text that is not a request id.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{found}` is not a request id, expected `req_` and 32 hexadecimal digits")]
pub struct ParseIdError {
    /// What stood there, cut to 64 characters.
    pub found: String,
}

impl FromStr for RequestId {
    type Err = ParseIdError;

    fn from_str(text: &str) -> Result<Self, ParseIdError> {
        text.strip_prefix("req_")
            .filter(|digits| digits.len() == 32)
            .and_then(|digits| Uuid::try_parse(digits).ok())
            .map(Self)
            .ok_or_else(|| ParseIdError {
                found: text.chars().take(64).collect(),
            })
    }
}

impl Serialize for RequestId {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for RequestId {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(from)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// Names one run of an agent: everything between its start and its end shares
/// budgets, taint and affinity.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunId(std::sync::Arc<str>);

impl RunId {
    /// A run id from text that Tollgate made itself.
    pub fn new(text: &str) -> Self {
        Self(text.into())
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_id_reads_back_what_it_writes() {
        let id = RequestId::fresh();
        assert_eq!(id.to_string().parse(), Ok(id));
    }

    #[test]
    fn ids_grow_with_time() {
        let ids: Vec<_> = (0..1000).map(|_| RequestId::fresh()).collect();
        assert!(ids.is_sorted());
    }

    #[test]
    fn foreign_text_is_refused_by_name() {
        let error = "req_xyz".parse::<RequestId>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "`req_xyz` is not a request id, expected `req_` and 32 hexadecimal digits"
        );
    }
}
