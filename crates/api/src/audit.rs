use serde::{Deserialize, Serialize};

/// What `POST /control/audit/prune` takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PruneRequest {
    /// Records from before this moment go, in Unix milliseconds.
    pub before: u64,
}

/// What was removed; a signed statement of it stays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PruneReport {
    /// Request records that were removed.
    pub requests: u64,
    /// Events that were removed.
    pub events: u64,
    /// The last record that was removed; 0 where none was.
    pub through: u64,
    /// The record at which it stopped, because it is not what its link says.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub damaged: Option<u64>,
}
