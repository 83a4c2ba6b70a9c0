use serde::{Deserialize, Deserializer, Serialize};
use tollgate_types::Label;

/// What may happen, from the mildest to the strictest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It may.
    Allow,
    /// A person has to be asked; a refusal where nobody can be.
    Review,
    /// It may not.
    Deny,
}

impl Verdict {
    /// The word that rules, clients and the ledger use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Review => "review",
            Self::Deny => "deny",
        }
    }

    pub(crate) fn from_word(word: &str) -> Option<Self> {
        [Self::Allow, Self::Review, Self::Deny]
            .into_iter()
            .find(|verdict| verdict.as_str() == word)
    }
}

/// A verdict, the rule that made it and why.
///
/// Only this crate builds one, so that no plane can let something through that
/// no rule let through. It can be written, and not be read by just anybody:
/// see [`read_decision`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Decision {
    verdict: Verdict,
    rule: Label,
    reason: String,
}

/// Why there is a denial although no rule said so.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The files that the operator named have never loaded.
    #[error("the policy never loaded, so everything is denied")]
    NeverLoaded,
    /// No answer within this many milliseconds.
    #[error("the policy took longer than {0} ms")]
    Overdue(u64),
    /// Every worker is held by an evaluation that does not end.
    #[error("the policy's workers are all held by evaluations that do not end")]
    Busy,
    /// The process that evaluates died or could not be started.
    #[error("the policy's process failed: {0}")]
    Process(String),
}

/// Reads what a process has said that evaluates rules for the gateway. Whoever
/// calls this vouches for that process: `cargo xtask check` lets only `judge`.
///
/// # Errors
/// Where it is no decision.
pub fn read_decision<'de, D: Deserializer<'de>>(from: D) -> Result<Decision, D::Error> {
    Written::deserialize(from).map(Decision::from)
}

/// The same for several.
///
/// # Errors
/// Where one of them is no decision.
pub fn read_decisions<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Decision>, D::Error> {
    let written: Vec<Written> = Vec::deserialize(from)?;
    Ok(written.into_iter().map(Decision::from).collect())
}

#[derive(Deserialize)]
struct Written {
    verdict: Verdict,
    rule: Label,
    reason: String,
}

impl From<Written> for Decision {
    fn from(written: Written) -> Self {
        Self::new(written.verdict, written.rule, written.reason)
    }
}

impl Decision {
    pub(crate) fn new(verdict: Verdict, rule: Label, reason: impl Into<String>) -> Self {
        Self {
            verdict,
            rule,
            reason: reason.into(),
        }
    }

    /// A denial, because the rules could not be asked.
    pub fn failed(failure: &Failure) -> Self {
        Self::new(Verdict::Deny, "policy".into(), failure.to_string())
    }

    /// What may happen.
    pub fn verdict(&self) -> Verdict {
        self.verdict
    }

    /// Whether it may happen now, without anybody being asked.
    pub fn is_allowed(&self) -> bool {
        self.verdict == Verdict::Allow
    }

    /// The rule that decided, as `file.star:12`; `policy` where none did.
    pub fn rule(&self) -> &Label {
        &self.rule
    }

    /// Why, in the rule's own words; may be empty.
    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// The stricter of two; this one where they agree.
    pub(crate) fn stricter(self, other: Self) -> Self {
        if other.verdict > self.verdict {
            other
        } else {
            self
        }
    }
}
