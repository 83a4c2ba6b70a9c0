use std::fmt;
use std::str::FromStr;

use crate::digest::as_text;

/// What an operator may say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Decision {
    /// This once.
    AllowOnce,
    /// Now, and from now on by the rule that the card proposes.
    AllowAlways,
    /// No.
    Deny,
}

/// A word that is no decision.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("decision is `{0}`, expected `allow-once`, `allow-always` or `deny`")]
pub struct UnknownDecision(String);

impl Decision {
    /// The word in protocols, in JSON and in the ledger.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AllowOnce => "allow-once",
            Self::AllowAlways => "allow-always",
            Self::Deny => "deny",
        }
    }
}

impl fmt::Display for Decision {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

impl FromStr for Decision {
    type Err = UnknownDecision;

    fn from_str(text: &str) -> Result<Self, UnknownDecision> {
        [Self::AllowOnce, Self::AllowAlways, Self::Deny]
            .into_iter()
            .find(|decision| decision.as_str() == text)
            .ok_or_else(|| UnknownDecision(text.chars().take(40).collect()))
    }
}

as_text!(Decision);
