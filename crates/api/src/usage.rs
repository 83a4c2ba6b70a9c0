use serde::{Deserialize, Serialize};

/// Use of tokens, as `GET /control/usage?by=&since=` answers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsageReport {
    /// What the rows are keyed by: `agent`, `provider` or `model`.
    pub by: String,
    /// Requests accepted from here on are counted, in Unix milliseconds;
    /// absent for all.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub since: Option<u64>,
    /// The rows, the largest total first.
    pub rows: Vec<UsageLine>,
}

/// The sum of one agent, provider or model.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsageLine {
    /// The agent, provider or model; `(none)` where there was none.
    pub key: String,
    /// Requests, however they ended.
    pub requests: u64,
    /// Those that failed at the providers.
    pub failed: u64,
    /// Those that were refused before anything was sent.
    pub refused: u64,
    /// Attempts that failed, in requests that ended well as in others.
    pub failed_attempts: u64,
    /// Input tokens that no prompt cache was involved in.
    pub input: u64,
    /// Input tokens read from a prompt cache.
    pub cache_read: u64,
    /// Input tokens written to a prompt cache.
    pub cache_write: u64,
    /// Output tokens, reasoning included.
    pub output: u64,
    /// All four kinds, at face value.
    pub total: u64,
    /// Requests whose tokens Tollgate estimated because no figure came.
    pub estimated_requests: u64,
}
