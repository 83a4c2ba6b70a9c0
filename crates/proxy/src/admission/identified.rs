//! The first proof: who asks, and by which snapshot it is judged.

use std::sync::Arc;

use tollgate_identity::{Agent, ModelDenied, bearer_token};
use tollgate_routing::Candidate;

use crate::gateway::Gateway;
use crate::peer::Peer;
use crate::refusal::Refusal;
use crate::rules::{Judged, ModelCall};
use crate::snapshot::Snapshot;

/// Who asks is known, and the snapshot that judges is fixed.
pub(crate) struct Identified {
    pub(super) snapshot: Arc<Snapshot>,
    pub(super) agent: Arc<Agent>,
}

/// Proves who asks, from a credential or a kernel fact only.
pub(crate) async fn identify(
    snapshot: Arc<Snapshot>,
    peer: &Peer,
    head: &http::request::Parts,
) -> Result<Identified, Refusal> {
    let token = bearer_token(&head.headers, head.uri.query())
        .map_err(|fault| Refusal::Unauthenticated(fault.to_string().into()))?;
    let known = token
        .as_deref()
        .and_then(|token| snapshot.agents.identify(token));
    if let Some(agent) = known.cloned() {
        return Ok(Identified { snapshot, agent });
    }
    // SDKs insist on some key. Only what claims to be a Tollgate key and is
    // not known is an attempt to be somebody else.
    if token.is_some_and(|token| token.starts_with("tg-")) || snapshot.anonymous.is_none() {
        let found = "the request has no Tollgate key that is known here";
        return Err(Refusal::Unauthenticated(found.into()));
    }
    let agent = anonymous(&snapshot, peer, head).await?;
    Ok(Identified { snapshot, agent })
}

/// Anonymous callers: a process of the same user on this machine, and no web
/// page that a browser of that user happens to show.
async fn anonymous(
    snapshot: &Snapshot,
    peer: &Peer,
    head: &http::request::Parts,
) -> Result<Arc<Agent>, Refusal> {
    let Some(agent) = &snapshot.anonymous else {
        return Err(Refusal::Internal("anonymous mode vanished"));
    };
    tollgate_identity::anonymous::page_guard(&head.headers, peer.local())
        .map_err(|page| Refusal::Unauthenticated(page.to_string().into()))?;
    match peer.is_same_user().await {
        true => Ok(Arc::clone(agent)),
        false => Err(Refusal::Unauthenticated(
            "callers without a Tollgate key must be processes of the gateway's own user".into(),
        )),
    }
}

impl Identified {
    pub(crate) fn agent(&self) -> &Agent {
        &self.agent
    }

    pub(crate) fn snapshot(&self) -> &Arc<Snapshot> {
        &self.snapshot
    }

    /// Whether the agent may use a name and every candidate that it leads to.
    pub(crate) fn may_use<'c>(
        &self,
        asked: &str,
        candidates: impl IntoIterator<Item = &'c Candidate>,
    ) -> Result<(), Refusal> {
        let denied = |model: &str, no: ModelDenied| Refusal::Denied {
            model: model.chars().take(200).collect(),
            agent: self.agent.name().to_string(),
            rule: no.list.to_string().into(),
        };
        self.agent.may_use(asked).map_err(|no| denied(asked, no))?;
        for candidate in candidates {
            let provider = self.snapshot.routes.provider(candidate.provider);
            let name = format!("{provider}/{}", candidate.model);
            self.agent.may_use(&name).map_err(|no| denied(&name, no))?;
        }
        Ok(())
    }

    /// What the rules say to a name and every candidate that it leads to.
    pub(crate) async fn judged<'c>(
        &'c self,
        gateway: &Gateway,
        call: &ModelCall<'c>,
        candidates: impl IntoIterator<Item = &'c Candidate>,
    ) -> Result<Judged, Refusal> {
        let snapshot = &self.snapshot;
        let judged = snapshot
            .rules
            .model(gateway, &self.agent, call, &snapshot.routes, candidates);
        judged.await
    }
}
