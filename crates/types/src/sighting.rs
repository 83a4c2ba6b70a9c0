use serde::{Deserialize, Serialize};

use crate::Label;

/// Which way a text went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// From the agent to whoever it asks.
    Outbound,
    /// To the agent: an answer, or what a tool brought.
    Inbound,
}

impl Direction {
    /// The word in the ledger and in metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Outbound => "outbound",
            Self::Inbound => "inbound",
        }
    }
}

/// What became of a text in which something was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Consequence {
    /// It passed as it was.
    Noted,
    /// A placeholder went in its place.
    Redacted,
    /// As many `*` went in its place.
    Masked,
    /// It did not pass.
    Blocked,
    /// It passed, and later calls are judged by it.
    Tainted,
}

impl Consequence {
    /// The word in the ledger and in metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Noted => "noted",
            Self::Redacted => "redacted",
            Self::Masked => "masked",
            Self::Blocked => "blocked",
            Self::Tainted => "tainted",
        }
    }
}

/// Something that was found in a request or its answer: what, where, and what
/// became of it; never the text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sighting {
    /// Who found it, such as `known_secrets`.
    pub detector: Label,
    /// A stable name, such as `github-token`.
    pub kind: Label,
    /// Which way the text went.
    pub direction: Direction,
    /// Where, such as `messages[3].content`; keys of the dialect only.
    pub place: Label,
    /// What became of it.
    pub consequence: Consequence,
    /// How many there were of the same.
    pub count: u32,
}
