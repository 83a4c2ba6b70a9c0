use std::fmt;
use std::str::FromStr;

use tollgate_types::{AgentName, NameError, RunId};

/// Longest id of a run that is taken from text, in bytes.
const LONGEST_RUN: usize = 64;

/// Whom facts are about: `agent:NAME` or `run:ID`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Subject {
    /// An agent outside any run.
    Agent(AgentName),
    /// One run.
    Run(RunId),
}

/// Text that names no subject.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoSubject {
    /// Neither kind.
    #[error("subject is `{0}`, expected `agent:NAME` or `run:ID`")]
    Form(String),
    /// The agent's name is none.
    #[error("{0}")]
    Agent(String),
}

impl From<NameError> for NoSubject {
    fn from(error: NameError) -> Self {
        Self::Agent(error.to_string())
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Agent(name) => write!(out, "agent:{name}"),
            Self::Run(run) => write!(out, "run:{}", run.as_str()),
        }
    }
}

impl FromStr for Subject {
    type Err = NoSubject;

    /// A bare name is an agent's.
    fn from_str(text: &str) -> Result<Self, NoSubject> {
        let form = || NoSubject::Form(text.chars().take(LONGEST_RUN).collect());
        match text.split_once(':') {
            None => Ok(Self::Agent(AgentName::new(text)?)),
            Some(("agent", name)) => Ok(Self::Agent(AgentName::new(name)?)),
            Some(("run", run)) if is_run(run) => Ok(Self::Run(RunId::new(run))),
            Some(_) => Err(form()),
        }
    }
}

/// Whether the text could be an id that Tollgate made: it stands in paths and
/// on screens.
fn is_run(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    (1..=LONGEST_RUN).contains(&text.len()) && text.bytes().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_reads_back_what_it_writes() {
        for text in ["agent:ci-bot", "run:run_0190", "agent:run_1"] {
            assert_eq!(text.parse::<Subject>().unwrap().to_string(), text);
        }
        let bare: Subject = "ci-bot".parse().unwrap();
        assert_eq!(bare.to_string(), "agent:ci-bot");
        let long = format!("run:{}", "x".repeat(65));
        for bad in ["", "agent:", "run:", "run:a/b", "host:x", "Agent:x", &long] {
            assert!(bad.parse::<Subject>().is_err(), "{bad}");
        }
    }
}
