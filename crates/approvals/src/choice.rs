use std::fmt;
use std::str::FromStr;

use crate::digest::as_text;

/// What an operator may say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Choice {
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
pub struct UnknownChoice(String);

impl Choice {
    /// The word in protocols, in JSON and in the ledger.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AllowOnce => "allow-once",
            Self::AllowAlways => "allow-always",
            Self::Deny => "deny",
        }
    }
}

impl fmt::Display for Choice {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

impl FromStr for Choice {
    type Err = UnknownChoice;

    fn from_str(text: &str) -> Result<Self, UnknownChoice> {
        [Self::AllowOnce, Self::AllowAlways, Self::Deny]
            .into_iter()
            .find(|decision| decision.as_str() == text)
            .ok_or_else(|| UnknownChoice(text.chars().take(40).collect()))
    }
}

as_text!(Choice);
