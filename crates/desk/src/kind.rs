use std::fmt;
use std::str::FromStr;

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TaintKind {
    /// Something was read that a stranger may have written.
    UntrustedContent,
    /// Something was read that tries to give orders.
    InjectionFound,
    /// A key, a token or a password was seen.
    SecretSeen,
    /// Data was read that is not for everybody.
    PrivateDataRead,
}

/// A word that is no kind of taint.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "kind is `{0}`, expected `untrusted_content`, `injection_found`, `secret_seen` or `private_data_read`"
)]
pub struct UnknownKind(String);

impl TaintKind {
    /// Every kind, in the order of listings.
    pub const ALL: [Self; 4] = [
        Self::UntrustedContent,
        Self::InjectionFound,
        Self::SecretSeen,
        Self::PrivateDataRead,
    ];

    /// The word in rules, in JSON and in the ledger.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::UntrustedContent => "untrusted_content",
            Self::InjectionFound => "injection_found",
            Self::SecretSeen => "secret_seen",
            Self::PrivateDataRead => "private_data_read",
        }
    }
}

impl fmt::Display for TaintKind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

impl FromStr for TaintKind {
    type Err = UnknownKind;

    fn from_str(text: &str) -> Result<Self, UnknownKind> {
        let found = Self::ALL.into_iter().find(|kind| kind.as_str() == text);
        found.ok_or_else(|| UnknownKind(text.chars().take(64).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_reads_back_what_it_writes() {
        for kind in TaintKind::ALL {
            assert_eq!(kind.to_string().parse(), Ok(kind));
        }
        let error = "tired".parse::<TaintKind>().unwrap_err();
        assert!(error.to_string().starts_with("kind is `tired`, expected"));
    }
}
