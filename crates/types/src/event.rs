use serde::{Deserialize, Serialize};

use crate::{Label, Principal, RequestId, UnixMillis, Versions};

/// One of the five things that stand behind the gate, and the gate itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Plane {
    /// Requests to models.
    Model,
    /// Traffic to the network.
    Egress,
    /// Shell commands.
    Command,
    /// Machines administered through the host daemon.
    Host,
    /// Chats and approvals.
    People,
    /// Tollgate's own life: start, reload, keys, drain.
    Gateway,
}

impl Plane {
    /// The word in the ledger and in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Model => "model",
            Self::Egress => "egress",
            Self::Command => "command",
            Self::Host => "host",
            Self::People => "people",
            Self::Gateway => "gateway",
        }
    }
}

/// How an event is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// In batches; kill -9 may lose the last one.
    Record,
    /// Before the caller goes on: keys, reloads, cutoffs, approvals.
    Security,
}

/// What every plane writes to the ledger.
///
/// The model plane's requests have columns of their own
/// ([`crate::RequestRecord`]); everything else comes in this form. Both are
/// read by one durable cursor.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Event {
    /// Names the event.
    pub id: RequestId,
    /// The event that caused this one, or that it belongs to.
    pub parent: Option<RequestId>,
    /// When.
    pub at: UnixMillis,
    /// Where.
    pub plane: Plane,
    /// What, as `noun.verb`: `agent.added`, `config.reloaded`.
    pub kind: Label,
    /// Who.
    pub principal: Principal,
    /// Which rule decided, where one did.
    pub rule: Option<Label>,
    /// What judged it.
    pub versions: Versions,
    /// Versioned facts without secrets: an object with `"v": 1`.
    pub facts: serde_json::Value,
    /// `ok`, `refused`, `failed` …
    pub outcome: Label,
    /// How it is written.
    pub severity: Severity,
}
