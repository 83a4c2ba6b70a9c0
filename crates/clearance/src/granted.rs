//! What became of grants: who has one runs a command, takes orders while it
//! runs, and says how it ended.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::json;
use tokio::task::JoinSet;
use tollgate_api::{ExecAnswer, ExecOutcome, ExecReport, ExecState, Order, RunOrder};
use tollgate_approvals::{ApprovalId, Digest};
use tollgate_types::{AgentName, Principal, RequestId};

use crate::Clearance;
use crate::journal::After;
use crate::line::Writer;

/// The grants of one connection.
///
/// Only who was granted something here can say what became of it, and once:
/// a report is a claim of the process that runs the command.
#[derive(Clone, Default)]
pub(crate) struct Granted {
    open: Arc<Mutex<HashMap<String, Open>>>,
}

/// A grant that is not known to be over.
#[derive(Clone)]
struct Open {
    agent: AgentName,
    subject: Digest,
    /// The ledger's entry that allowed it.
    request: Option<RequestId>,
    approval: Option<ApprovalId>,
    runs: bool,
}

impl Granted {
    /// Notes a grant before its answer is sent.
    pub(crate) fn note(&self, answer: &ExecAnswer) {
        if let ExecOutcome::Allowed {
            subject,
            grant: Some(grant),
            request_id,
            approval_id,
            ..
        } = &answer.outcome
        {
            let open = Open {
                agent: subject.agent().clone(),
                subject: grant.grant.subject,
                request: *request_id,
                approval: *approval_id,
                runs: false,
            };
            self.open().insert(answer.id.clone(), open);
        }
    }

    /// Hears a report. What runs gets its orders from now on.
    pub(crate) async fn hear(
        &self,
        clearance: &Arc<Clearance>,
        writer: &Writer,
        orders: &mut JoinSet<()>,
        report: ExecReport,
    ) {
        match report.state {
            ExecState::Started => {
                let agent = self.open().get_mut(&report.id).map(|open| {
                    open.runs = true;
                    open.agent.clone()
                });
                if let Some(agent) = agent {
                    orders.spawn(pass_on(Arc::clone(clearance), agent, writer.clone()));
                }
            }
            ExecState::NotRun | ExecState::Ended => {
                let known = self.open().remove(&report.id);
                if let Some(open) = known {
                    over(clearance, &open, Some(&report)).await;
                }
            }
        }
    }

    /// The connection is gone. What ran went on, or was killed with the
    /// process that held it; nobody will say.
    pub(crate) async fn close(&self, clearance: &Clearance) {
        let left: Vec<Open> = self.open().drain().map(|(_, open)| open).collect();
        for open in left {
            over(clearance, &open, None).await;
        }
    }

    fn open(&self) -> MutexGuard<'_, HashMap<String, Open>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Sends the order that stands, and each one after it.
async fn pass_on(clearance: Arc<Clearance>, agent: AgentName, writer: Writer) {
    let Some(mut orders) = clearance.house().orders(&agent) else {
        return;
    };
    let mut told = Order::Thaw;
    loop {
        let order = *orders.borrow_and_update();
        if order != std::mem::replace(&mut told, order) && !writer.send(&RunOrder { order }) {
            return;
        }
        if orders.changed().await.is_err() {
            return;
        }
    }
}

async fn over(clearance: &Clearance, open: &Open, report: Option<&ExecReport>) {
    let state = report.map(|report| report.state);
    let (kind, outcome) = match state {
        Some(ExecState::NotRun) => ("exec.not_run", "refused"),
        Some(_) => ("exec.ended", "ok"),
        None if open.runs => ("exec.ended", "lost"),
        None => ("exec.not_run", "lost"),
    };
    let end = report.and_then(|report| report.end.as_ref());
    let reason = report.and_then(|report| report.reason.as_deref());
    let facts = json!({
        "v": 1,
        "agent": open.agent,
        "subject": open.subject,
        "approval": open.approval,
        "reason": reason.map(|reason| reason.chars().take(400).collect::<String>()),
        "end": end,
    });
    let principal = Principal::agent(open.agent.clone());
    let after = After {
        principal,
        parent: open.request,
        kind,
        outcome,
        facts,
    };
    let written = clearance.after(after).await;
    if let Err(error) = written {
        tracing::error!(%error, "what became of a command is not in the ledger");
    }
}
