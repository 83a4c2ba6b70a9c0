use std::fmt;

use tollgate_approvals::{ApprovalId, State};
use tollgate_types::Label;

/// A request that waited for a person and got no yes.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) struct Unreleased {
    /// What it waited for.
    pub(crate) what: String,
    /// How its question ended.
    pub(crate) state: State,
    pub(crate) approval: ApprovalId,
    /// The rule that wanted a person; none where it was something in the text.
    pub(crate) rule: Option<Label>,
}

impl fmt::Display for Unreleased {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}; ", self.what)?;
        match &self.state {
            State::Denied { by, reason, .. } => {
                write!(out, "denied by \"{by}\"")?;
                if let Some(reason) = reason {
                    write!(out, ": {reason}")?;
                }
            }
            State::TimedOut { .. } => out.write_str("nobody answered in time")?,
            State::Undeliverable { .. } => {
                out.write_str("no operator had the question before them")?
            }
            other => write!(out, "the question is {}", other.as_str())?,
        }
        write!(out, " ({})", self.approval)
    }
}

impl Unreleased {
    /// One thing to try.
    pub(crate) const fn hint(&self) -> &'static str {
        match self.state {
            State::Denied { .. } => "whoever said no knows why; nothing was sent",
            _ => {
                "have somebody at `tollgate approvals watch`, then send it again; nothing was sent"
            }
        }
    }
}
