use serde::{Deserialize, Serialize};

/// Every refusal of the control API: `{"error":{…}}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorBody {
    /// What went wrong.
    pub error: ErrorDetail,
}

/// What went wrong, and what mends it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorDetail {
    /// A word for scripts: `unauthenticated`, `not_found`, `exists` …
    pub code: String,
    /// A sentence for people.
    pub message: String,
    /// The one thing to try.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub hint: Option<String>,
}
