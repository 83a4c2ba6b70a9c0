use serde::{Deserialize, Serialize};

use crate::RequestSummary;

/// One request from acceptance to settlement, as `GET /control/requests/{id}`
/// answers and `tollgate why` prints.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Story {
    /// The request in short.
    pub request: RequestSummary,
    /// How it ended, in a sentence.
    pub ending: String,
    /// The operator, agent or run, where more is known than the agent's name.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub run: Option<String>,
    /// The rule that decided.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub rule: Option<String>,
    /// Which configuration judged it; counts reloads since start.
    pub config_version: u64,
    /// Which policy judged it; `none` until there is any.
    pub policy_version: String,
    /// Gateway's own part of the time before the first attempt, in
    /// microseconds.
    pub overhead_micros: u64,
    /// What happened, in order.
    pub steps: Vec<StoryStep>,
}

/// One step of a request's path.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StoryStep {
    /// `accepted`, `identified`, `planned`, `permitted`, `reserved`,
    /// `attempt 1` …, `relayed`, `settled`.
    pub step: String,
    /// `done`, or the word for what stopped it: `refused`, `failed`,
    /// `client_left`.
    pub state: String,
    /// When it began, in milliseconds after acceptance, where that is known.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub at_ms: Option<f64>,
    /// What was found, in a sentence; never a secret.
    pub detail: String,
}

/// One command from the question to the grant, as `GET /control/commands/{id}`
/// answers and `tollgate why` prints.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CommandStory {
    /// Of the entry (`req_…`), or of the approval (`apr_…`).
    pub id: String,
    /// When it was asked for.
    pub at: u64,
    /// Whose it is.
    pub agent: String,
    /// The command in one line, secrets taken out.
    pub command: String,
    /// What happened, in order.
    pub steps: Vec<StoryStep>,
    /// How it ended, in a sentence.
    pub ending: String,
    /// Which configuration judged it; counts reloads since start.
    pub config_version: u64,
    /// Which policy judged it.
    pub policy_version: String,
}
