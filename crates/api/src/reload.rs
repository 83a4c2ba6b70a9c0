use serde::{Deserialize, Serialize};

/// The answer to `POST /control/reload`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReloadReport {
    /// Counts reloads since start, from 1.
    pub config_version: u64,
    /// Files that were read.
    #[serde(default)]
    pub files: Vec<String>,
    /// What needs a restart or an operator's eye, one sentence each.
    #[serde(default)]
    pub notes: Vec<String>,
}
