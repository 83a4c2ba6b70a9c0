use serde::{Deserialize, Serialize};

/// The body of `POST /control/taint`. Unknown fields are refused.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaintRequest {
    /// `agent:NAME` or `run:ID`; a bare name is an agent's.
    pub subject: String,
    /// `untrusted_content`, `injection_found`, `secret_seen` or
    /// `private_data_read`.
    pub kind: String,
    /// Where it came from; `operator` where nothing is said.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub source: Option<String>,
}

/// What is known of one run, or of one agent outside any run. `POST
/// /control/taint` answers with it as it is then, `DELETE
/// /control/taint/{subject}` with what was forgotten.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaintReport {
    /// `agent:NAME` or `run:ID`.
    pub subject: String,
    /// One of each kind at most.
    pub facts: Vec<TaintFactReport>,
}

/// Something that happened and that later calls are judged by.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaintFactReport {
    /// `untrusted_content`, `injection_found`, `secret_seen` or
    /// `private_data_read`.
    pub kind: String,
    /// Where it came from.
    pub source: String,
    /// Since when, in Unix milliseconds.
    pub seen_at: u64,
    /// From when on it does not count any more, in Unix milliseconds.
    pub expires_at: u64,
}
