use serde::{Deserialize, Serialize};
use tollgate_approvals::{Approval, Card, Rule, State};
use tollgate_types::{AgentName, Principal, RequestId, UnixMillis, Versions};

/// What a person is asked about, as long as it is of interest.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Question {
    /// Who asks.
    pub principal: Principal,
    /// Whose it is.
    pub agent: AgentName,
    /// The request to a model that waits; none of a command.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<RequestId>,
    /// In one line, nothing invisible in it.
    pub summary: String,
    /// Why a person is asked.
    pub why: String,
    /// What the person sees.
    pub card: Card,
    /// What `allow-always` keeps; none where nothing may be kept.
    pub rules: Vec<Rule>,
    /// What judged it.
    pub versions: Versions,
    /// The process that asks, by the kernel; zero where there is none any more.
    #[serde(skip)]
    pub pid: i32,
}

/// A question in the room and where it stands.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Seat {
    /// Its life.
    pub approval: Approval,
    /// What it is about.
    pub question: Question,
}

impl Seat {
    /// When it rises or ends; zero once it has ended.
    pub fn expires_at(&self) -> UnixMillis {
        self.approval.until().unwrap_or_default()
    }

    /// Whether both ask the very same thing of the same agent, so that one
    /// answer can be meant for both.
    pub fn is_like(&self, other: &Self) -> bool {
        self.approval.subject == other.approval.subject
            && self.question.agent == other.question.agent
    }

    /// Whether a yes waits here for somebody to take it.
    pub(crate) fn is_ready(&self) -> bool {
        match &self.approval.state {
            State::AllowedOnce(yes) | State::AllowedAlways(yes) => !yes.used,
            _ => false,
        }
    }
}
