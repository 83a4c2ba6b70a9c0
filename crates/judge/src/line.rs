use serde::{Deserialize, Serialize};
use tollgate_policy::{Decision, Fact, PolicyFault, read_decision, read_decisions};

/// From the gateway to the child.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Ask {
    /// The first line: names and texts of the files.
    Load(Vec<(String, String)>),
    /// What was asked for by [`Answer::Need`].
    Library(Result<String, String>),
    /// One call.
    Decide(Fact<'static>),
    /// One call, with what every file says of it.
    Explain(Fact<'static>),
}

/// From the child to the gateway.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Answer {
    /// A file is loaded by another one, under this name.
    Need(String),
    /// The files are in force.
    Loaded(Proven),
    /// They are not.
    Faults(Vec<PolicyFault>),
    Decision(#[serde(deserialize_with = "read_decision")] Decision),
    Said(Vec<Saying>),
    /// The line could not be read.
    Unreadable(String),
}

/// What a child has proven.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Proven {
    pub(crate) version: String,
    pub(crate) straight: bool,
    pub(crate) steady: bool,
    /// Name, rules and examples of each file.
    pub(crate) files: Vec<(String, usize, usize)>,
}

/// What one file says to a call.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Saying {
    /// The file.
    pub file: String,
    /// Its word.
    #[serde(deserialize_with = "read_decision")]
    pub decision: Decision,
    /// The declared rules that match.
    #[serde(deserialize_with = "read_decisions")]
    pub rules: Vec<Decision>,
}
