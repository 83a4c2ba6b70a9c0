//! How much of a command could be understood.

use serde::{Deserialize, Serialize};

/// From clear to hidden; `max` over the parts is the sight of the whole.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Sight {
    /// Binary and flags are understood.
    #[default]
    Known,
    /// There is no grammar for the program, the subcommand or a flag.
    Unknown,
    /// Something runs that can't be seen: a dynamic name, a script by path, a
    /// download given to a shell. Never allowed without a person.
    Opaque,
}

impl Sight {
    /// `known`, `unknown` or `opaque`, as it stands in answers.
    pub fn name(self) -> &'static str {
        match self {
            Self::Known => "known",
            Self::Unknown => "unknown",
            Self::Opaque => "opaque",
        }
    }
}
