use serde::{Deserialize, Serialize};

use crate::{AgentName, Label, OperatorName, RunId};

/// Who acts.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Actor {
    /// An AI agent.
    Agent(AgentName),
    /// A person in charge.
    Operator(OperatorName),
    /// The gateway itself: a reload, a drain, an automatic cutoff.
    Gateway,
}

impl Actor {
    /// The bare name, as listings and the ledger show it.
    pub fn name(&self) -> &str {
        match self {
            Self::Agent(name) => name.as_str(),
            Self::Operator(name) => name.as_str(),
            Self::Gateway => "tollgate",
        }
    }
}

/// Who is asking, proven by a credential, a certificate or a kernel fact.
///
/// Nodes join when their plane does; budgets, taint and affinity hang on the
/// run.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Principal {
    /// The agent or operator.
    pub actor: Actor,
    /// The run that the credential was minted for, where it was.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub run: Option<RunId>,
    /// The sandbox that it acts in, where that is known.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub bottle: Option<Label>,
}

impl Principal {
    /// An agent outside any run.
    pub fn agent(name: AgentName) -> Self {
        Self {
            actor: Actor::Agent(name),
            run: None,
            bottle: None,
        }
    }

    /// An operator.
    pub fn operator(name: OperatorName) -> Self {
        Self {
            actor: Actor::Operator(name),
            run: None,
            bottle: None,
        }
    }

    /// The gateway itself.
    pub fn gateway() -> Self {
        Self {
            actor: Actor::Gateway,
            run: None,
            bottle: None,
        }
    }
}
