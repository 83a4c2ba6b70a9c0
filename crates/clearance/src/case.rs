use tollgate_api::{ExecOutcome, ExecRequest};
use tollgate_approvals::{ApprovalId, Subject};
use tollgate_types::{Label, RequestId, Tier, Versions};

use crate::claim::Asker;
use crate::subject::Judged;

/// A no, in words for the agent.
#[derive(Debug)]
pub(crate) struct Denial {
    pub(crate) code: &'static str,
    pub(crate) text: String,
    pub(crate) hint: Option<String>,
    pub(crate) approval: Option<ApprovalId>,
    pub(crate) rule: Option<Label>,
}

impl Denial {
    pub(crate) fn new(code: &'static str, text: impl Into<String>) -> Self {
        Self {
            code,
            text: text.into(),
            hint: None,
            approval: None,
            rule: None,
        }
    }

    pub(crate) fn bad(text: String) -> Self {
        Self::new("bad_request", text)
    }

    pub(crate) fn hint(mut self, hint: String) -> Self {
        self.hint = Some(hint);
        self
    }
}

/// A yes, and who or what said it.
#[derive(Debug, Default)]
pub(crate) struct Yes {
    pub(crate) by: &'static str,
    pub(crate) detail: Option<String>,
    pub(crate) smart: Option<bool>,
    pub(crate) approval: Option<ApprovalId>,
    /// The permission still lies in the room.
    pub(crate) collects: bool,
    pub(crate) rules: Vec<(String, String)>,
    pub(crate) policy: Option<Label>,
}

/// One command on its way.
pub(crate) struct Case<'c> {
    pub(crate) asker: &'c Asker,
    pub(crate) request: &'c ExecRequest,
    pub(crate) judged: &'c Judged,
    pub(crate) subject: &'c Subject,
    pub(crate) versions: &'c Versions,
}

pub(crate) fn denied(
    denial: Denial,
    tier: Option<Tier>,
    request_id: Option<RequestId>,
) -> ExecOutcome {
    ExecOutcome::Denied {
        reason: denial.text,
        code: denial.code.to_owned(),
        tier,
        hint: denial.hint,
        approval_id: denial.approval,
        request_id,
    }
}
