//! How much harm an action can do, and so who may let it pass.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Five steps of risk. The order is the order of harm: `max` is the judgement
/// over several parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Tier {
    /// Reads, searches, lists. Nobody is asked.
    #[default]
    Safe,
    /// Writes and edits in the workspace. A judge model, where there is one.
    Low,
    /// Leaves the workspace, runs foreign code, or can't be seen. A person.
    Medium,
    /// Destroys, configures, touches credentials, deploys. A person.
    High,
    /// Destroys a system, or the guard itself. A person.
    Critical,
}

impl Tier {
    /// All five, from harmless to worst.
    pub const ALL: [Self; 5] = [
        Self::Safe,
        Self::Low,
        Self::Medium,
        Self::High,
        Self::Critical,
    ];

    /// The name on every surface: `SAFE`, `LOW`, `MEDIUM`, `HIGH`, `CRITICAL`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Safe => "SAFE",
            Self::Low => "LOW",
            Self::Medium => "MEDIUM",
            Self::High => "HIGH",
            Self::Critical => "CRITICAL",
        }
    }
}

impl fmt::Display for Tier {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

/// A tier that does not exist.
#[derive(Debug, thiserror::Error)]
#[error("unknown tier `{0}`, expected SAFE, LOW, MEDIUM, HIGH or CRITICAL")]
pub struct TierError(String);

impl FromStr for Tier {
    type Err = TierError;

    /// Reads a name, in any case.
    fn from_str(text: &str) -> Result<Self, TierError> {
        Self::ALL
            .into_iter()
            .find(|tier| tier.name().eq_ignore_ascii_case(text))
            .ok_or_else(|| TierError(text.chars().take(40).collect()))
    }
}

impl Serialize for Tier {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Tier {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let name = std::borrow::Cow::<'de, str>::deserialize(from)?;
        name.parse().map_err(serde::de::Error::custom)
    }
}
