use std::fmt;
use std::str::FromStr;

use crate::digest::{as_text, hex, unhex};

/// What stands before the digits.
const PREFIX: &str = "apr_";

/// Names one approval, once: 128 random bits that the server made, written
/// `apr_` and 32 hexadecimal digits. What a caller calls its request is never
/// one.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ApprovalId([u8; 16]);

/// Text that is no id of an approval.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not the id of an approval, expected `apr_` and 32 hexadecimal digits")]
pub struct NoApprovalId(String);

impl ApprovalId {
    /// An id of 16 bytes, which must come from the system's randomness.
    pub const fn from_random(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }
}

impl fmt::Display for ApprovalId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{PREFIX}{}", hex(&self.0))
    }
}

impl fmt::Debug for ApprovalId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

impl FromStr for ApprovalId {
    type Err = NoApprovalId;

    fn from_str(text: &str) -> Result<Self, NoApprovalId> {
        let digits = text.strip_prefix(PREFIX);
        let bytes = digits.and_then(unhex);
        bytes
            .map(Self)
            .ok_or_else(|| NoApprovalId(text.chars().take(64).collect()))
    }
}

as_text!(ApprovalId);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_back_what_it_writes_and_has_one_form() {
        let id = ApprovalId::from_random([0xab; 16]);
        let text = id.to_string();
        assert_eq!(text, format!("apr_{}", "ab".repeat(16)));
        assert_eq!(text.parse(), Ok(id));
        for bad in [
            "",
            "apr_",
            "1",
            &text.to_uppercase(),
            &text[..35],
            &text[4..],
        ] {
            assert!(bad.parse::<ApprovalId>().is_err(), "{bad}");
        }
    }
}
