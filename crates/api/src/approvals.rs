use serde::{Deserialize, Serialize};
use tollgate_approvals::{ApprovalId, Card, Choice};
use tollgate_types::Tier;

/// A question that waits for a person, or lately did.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ApprovalReport {
    /// Its name; the whole of it is the confirmation for HIGH and above.
    pub id: ApprovalId,
    /// `pending`, `allowed_once`, `allowed_always`, `denied`, `timed_out`,
    /// `undeliverable` or `withdrawn`.
    pub status: String,
    /// The tier that it stands at: as judged, or what it has risen to.
    pub tier: Tier,
    /// Whose it is.
    pub agent: String,
    /// What is asked about, in one line.
    pub subject: String,
    /// When it rises or ends; 0 once it has ended.
    pub expires_at_ms: u64,
    /// Since when.
    pub asked_at_ms: u64,
    /// The tier as judged.
    pub judged_tier: Tier,
    /// Why a person is asked.
    pub reason: String,
    /// Whether `allow-always` can be said.
    pub may_always: bool,
    /// Others that ask the very same.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub like: Vec<ApprovalId>,
    /// Who answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// All that a person should know; with a single one only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub card: Option<Card>,
}

/// `POST /control/approvals/{id}`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnswerRequest {
    /// `allow-once`, `allow-always` or `deny`.
    pub decision: Choice,
    /// Why, for the record and for whoever asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The same answer to all that ask the very same.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub all_like_it: bool,
}

/// An operator, without the token.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct OperatorReport {
    /// The name.
    pub name: String,
    /// The highest tier that they may allow.
    pub may_answer: Tier,
    /// When they were added; none for the first one, who stands in
    /// `operator.token`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub added_at: Option<u64>,
}

/// `POST /control/operators`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewOperatorRequest {
    /// The name.
    pub name: String,
    /// The highest tier that they may allow; CRITICAL where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub may_answer: Option<Tier>,
}

/// A new operator, with the token that is shown once.
#[derive(Clone, Serialize, Deserialize)]
pub struct OperatorCreated {
    /// The name.
    pub name: String,
    /// The highest tier that they may allow.
    pub may_answer: Tier,
    /// For `Authorization: Bearer`. Kept by nobody but whoever reads this.
    pub token: String,
}
