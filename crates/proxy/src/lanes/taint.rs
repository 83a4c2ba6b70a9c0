//! What was found, put down on the run that met it.

use std::sync::Arc;

use serde_json::json;
use tollgate_desk::{DEFAULT_TTL, Desk, Subject, TaintKind};
use tollgate_ledger::{Ledger, WriteError};
use tollgate_types::{Actor, Event, Plane, Principal, RequestId, Severity, Versions};

use super::look::Order;
use crate::account::now;
use crate::gateway::Gateway;

/// Whom findings of one request taint, and where that is written.
pub(crate) struct Tainting {
    ledger: Ledger,
    desk: Arc<Desk>,
    principal: Principal,
    versions: Versions,
    request: RequestId,
}

impl Tainting {
    pub(crate) fn new(
        gateway: &Gateway,
        principal: &Principal,
        versions: &Versions,
        request: RequestId,
    ) -> Self {
        Self {
            ledger: gateway.ledger.clone(),
            desk: Arc::clone(&gateway.desk),
            principal: principal.clone(),
            versions: versions.clone(),
            request,
        }
    }

    /// The run, or the agent outside any.
    pub(crate) fn subject(&self) -> Option<Subject> {
        subject(&self.principal)
    }

    /// An instruction that came in; `source` says where it stood.
    pub(crate) async fn order(&self, order: &Order, source: &str) -> Result<(), WriteError> {
        let facts = json!({
            "finding": order.kind,
            "detector": order.detector.as_str(),
            "verdict": order.verdict.as_str(),
            "sha256": hex(&order.digest),
        });
        self.set(TaintKind::InjectionFound, source, facts).await
    }

    /// A secret that the agent knows.
    pub(crate) async fn secret(&self, kind: &str, source: &str) -> Result<(), WriteError> {
        let facts = json!({"finding": kind});
        self.set(TaintKind::SecretSeen, source, facts).await
    }

    /// Written before it counts, so that a start reads back whatever did.
    async fn set(
        &self,
        kind: TaintKind,
        source: &str,
        mut facts: serde_json::Value,
    ) -> Result<(), WriteError> {
        let Some(subject) = self.subject() else {
            return Ok(());
        };
        facts["v"] = json!(1);
        facts["subject"] = json!(subject.to_string());
        facts["kind"] = json!(kind.as_str());
        facts["source"] = json!(source);
        let event = Event {
            id: RequestId::fresh(),
            parent: Some(self.request),
            at: now(),
            plane: Plane::Model,
            kind: "taint.set".into(),
            principal: self.principal.clone(),
            rule: None,
            versions: self.versions.clone(),
            facts,
            outcome: "ok".into(),
            severity: Severity::Security,
        };
        self.ledger.write_event(event).await?;
        let forgotten = self.desk.taint(subject, kind, source, now(), DEFAULT_TTL);
        if let Some(forgotten) = forgotten {
            tracing::warn!(subject = %forgotten, "too many are tainted, so one was forgotten");
        }
        Ok(())
    }
}

/// The run, or the agent outside any.
pub(super) fn subject(principal: &Principal) -> Option<Subject> {
    match (&principal.run, &principal.actor) {
        (Some(run), _) => Some(Subject::Run(run.clone())),
        (None, Actor::Agent(agent)) => Some(Subject::Agent(agent.clone())),
        (None, _) => None,
    }
}

/// A digest as it is written.
pub(crate) fn hex(digest: &[u8; 32]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}
