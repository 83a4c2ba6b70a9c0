//! The proof that a call went through every step before it is sent.
//!
//! A call moves through `Identified → Planned → Permitted → Reserved →
//! Leased`. Each state owns the one before it, so a proof can't be mixed with
//! another request's, and only [`Leased`] can be turned into an upstream
//! request: a step that was skipped does not compile. What was judged is what
//! is sent, because the states own the very bytes that were judged.
//!
//! The engines (identity, routing, policy, ledger) know nothing of each
//! other; this module calls them in order.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tollgate_identity::{Agent, ModelDenied, bearer_token};
use tollgate_llm::{Endpoint, RequestView, read_request};
use tollgate_policy::Decision;
use tollgate_routing::{Candidate, Lease, NoCredential, Tried};
use tollgate_types::{FaultClass, Money, TokenUsage, UnixMillis};

use crate::account::Account;
use crate::bank::Bank;
use crate::gateway::Gateway;
use crate::hold::{Asked, Hold};
use crate::intake::Intake;
use crate::memory::MemoryHold;
use crate::peer::Peer;
use crate::refusal::Refusal;
use crate::rules::ModelCall;
use crate::snapshot::{Credential, Provider, Snapshot};

/// Who asks is known, and the snapshot that judges is fixed.
pub(crate) struct Identified {
    snapshot: Arc<Snapshot>,
    agent: Arc<Agent>,
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
    ) -> Result<Decision, Refusal> {
        let snapshot = &self.snapshot;
        let judged = snapshot
            .rules
            .model(gateway, &self.agent, call, &snapshot.routes, candidates);
        judged.await
    }

    /// Reads the control keys of the body and expands the name asked into
    /// concrete candidates.
    pub(crate) fn plan(
        self,
        endpoint: Endpoint,
        head: http::request::Parts,
        intake: Intake,
        account: &mut Account,
    ) -> Result<Planned, Refusal> {
        let view = read_request(endpoint, &intake.bytes).map_err(Refusal::Request)?;
        account.asked(&view.model, view.stream);
        let plan = self
            .snapshot
            .routes
            .resolve(&view.model)
            .map_err(Refusal::UnknownModel)?;
        let candidates = same_dialect(&self.snapshot, endpoint, plan.candidates)?;
        let Intake { bytes, hold } = intake;
        Ok(Planned {
            identified: self,
            endpoint,
            head,
            view,
            body: bytes,
            _hold: hold,
            candidates,
        })
    }
}

fn same_dialect(
    snapshot: &Snapshot,
    endpoint: Endpoint,
    candidates: impl IntoIterator<Item = Candidate>,
) -> Result<Vec<Candidate>, Refusal> {
    let mut other = None;
    let mut same = Vec::new();
    for candidate in candidates {
        let Some(provider) = snapshot.provider(candidate.provider) else {
            continue;
        };
        if provider.speaks(endpoint.dialect()) {
            same.push(candidate);
        } else {
            other.get_or_insert(Refusal::OtherDialect {
                provider: provider.id.clone(),
                wire: provider.wire.as_str(),
                asked: endpoint.dialect().as_str(),
            });
        }
    }
    match (same.is_empty(), other) {
        (false, _) => Ok(same),
        (true, Some(refusal)) => Err(refusal),
        (true, None) => Err(Refusal::Internal("plan without candidates")),
    }
}

/// What is asked, and which candidates could serve it.
pub(crate) struct Planned {
    identified: Identified,
    endpoint: Endpoint,
    head: http::request::Parts,
    view: RequestView,
    body: Bytes,
    _hold: MemoryHold,
    candidates: Vec<Candidate>,
}

impl Planned {
    /// Puts the name asked and every concrete candidate to the agent's own lists
    /// and to the rules.
    pub(crate) async fn permit(
        self,
        gateway: &Gateway,
        account: &mut Account,
    ) -> Result<Permitted, Refusal> {
        self.identified
            .may_use(&self.view.model, &self.candidates)?;
        let call = ModelCall {
            asked: &self.view.model,
            endpoint: Some(self.endpoint),
            stream: self.view.stream,
            max_output: self.view.max_output,
            choices: self.view.choices,
        };
        let said = self
            .identified
            .judged(gateway, &call, &self.candidates)
            .await?;
        account.permitted(said.rule(), said.reason());
        Ok(Permitted {
            planned: Box::new(self),
            turn: 0,
            tried: Tried::default(),
        })
    }
}

/// Every candidate may be used by this agent; `turn` says whose turn it is.
pub(crate) struct Permitted {
    /// Boxed: from here on it moves through every attempt, and it is large.
    planned: Box<Planned>,
    turn: usize,
    tried: Tried,
}

impl Permitted {
    /// Whether another candidate is left after this one.
    pub(crate) fn has_next(&self) -> bool {
        self.turn + 1 < self.planned.candidates.len()
    }

    /// Gives the turn to the next candidate.
    pub(crate) fn next_candidate(&mut self) {
        self.turn += 1;
        self.tried = Tried::default();
    }

    /// Lets every credential of the candidate be tried again.
    pub(crate) fn forget_tried(&mut self) {
        self.tried = Tried::default();
    }

    pub(crate) fn provider(&self) -> Option<&Provider> {
        let candidate = self.planned.candidates.get(self.turn)?;
        self.planned
            .identified
            .snapshot
            .provider(candidate.provider)
    }

    /// Sets aside what the candidate may use at most, in every budget that
    /// counts it; gives the permission back where there is too little left.
    pub(crate) async fn reserve(
        self,
        bank: &Bank,
        now: UnixMillis,
    ) -> Result<Reserved, (Self, Refusal)> {
        match self.hold(bank, now) {
            Ok(hold) if hold.is_backed(bank).await => Ok(Reserved {
                permitted: self,
                hold,
            }),
            Ok(_) => Err((self, Refusal::Ledger)),
            Err(refusal) => Err((self, refusal)),
        }
    }

    fn hold(&self, bank: &Bank, now: UnixMillis) -> Result<Hold, Refusal> {
        let planned = &self.planned;
        let identified = &planned.identified;
        if let Some(why) = bank.cutoff(identified.agent.name()) {
            return Err(Refusal::CutOff(why.to_string()));
        }
        let (Some(provider), Some(candidate)) =
            (self.provider(), planned.candidates.get(self.turn))
        else {
            return Err(Refusal::Internal("candidate vanished"));
        };
        let asked = Asked {
            endpoint: planned.endpoint,
            view: &planned.view,
            body: &planned.body,
            agent: &identified.agent,
            provider: &provider.id,
            model: &candidate.model,
        };
        Hold::take(bank, &identified.snapshot, &asked, now)
            .map_err(|fault| Refusal::budget(fault, now))
    }
}

/// What the candidate may use is set aside.
pub(crate) struct Reserved {
    permitted: Permitted,
    hold: Hold,
}

impl Reserved {
    /// Takes a credential of the candidate's pool; gives the permission back
    /// where there is none.
    pub(crate) fn lease(self, now: UnixMillis) -> Result<Leased, (Permitted, NoCredential)> {
        let Self { permitted, hold } = self;
        let leased = match permitted.provider() {
            Some(provider) => provider.pool.lease(now, &permitted.tried),
            None => Err(NoCredential::default()),
        };
        match leased {
            Ok(lease) => Ok(Leased {
                permitted,
                hold,
                lease,
            }),
            Err(none) => Err((permitted, none)),
        }
    }
}

/// The only state that can be sent.
pub(crate) struct Leased {
    permitted: Permitted,
    hold: Hold,
    lease: Lease,
}

impl Leased {
    pub(crate) fn endpoint(&self) -> Endpoint {
        self.permitted.planned.endpoint
    }

    pub(crate) fn view(&self) -> &RequestView {
        &self.permitted.planned.view
    }

    /// The caller's own head: its fields and query are passed on.
    pub(crate) fn head(&self) -> &http::request::Parts {
        &self.permitted.planned.head
    }

    pub(crate) fn body(&self) -> &Bytes {
        &self.permitted.planned.body
    }

    pub(crate) fn agent(&self) -> &Agent {
        &self.permitted.planned.identified.agent
    }

    pub(crate) fn snapshot(&self) -> &Snapshot {
        &self.permitted.planned.identified.snapshot
    }

    pub(crate) fn candidate(&self) -> Option<&Candidate> {
        self.permitted.planned.candidates.get(self.permitted.turn)
    }

    pub(crate) fn provider(&self) -> Option<&Provider> {
        self.permitted.provider()
    }

    pub(crate) fn credential(&self) -> Option<&Credential> {
        self.provider()?.credentials.get(self.lease.index())
    }

    /// When the whole request, accepted at `started`, must be over.
    pub(crate) fn deadline(&self, started: Instant) -> Instant {
        let whole = self
            .provider()
            .map_or(Duration::ZERO, |provider| provider.times.whole);
        started + whole
    }

    pub(crate) fn lease(&self) -> &Lease {
        &self.lease
    }

    /// Whether another candidate is left after this one.
    pub(crate) fn has_next_candidate(&self) -> bool {
        self.permitted.has_next()
    }

    /// Whether another credential of this candidate is free.
    pub(crate) fn has_next_credential(&self, now: UnixMillis) -> bool {
        let mut tried = self.permitted.tried.clone();
        tried.insert(self.lease.index());
        self.provider()
            .is_some_and(|provider| provider.pool.has_free(now, &tried))
    }

    /// What is set aside.
    pub(crate) fn hold(&self) -> &Hold {
        &self.hold
    }

    /// What is set aside, to be booked into.
    pub(crate) fn hold_mut(&mut self) -> &mut Hold {
        &mut self.hold
    }

    /// The attempt failed and `billed` is what it may cost all the same: books
    /// it, tells the pool and gives the permission back.
    pub(crate) fn fail(
        self,
        now: UnixMillis,
        class: FaultClass,
        retry_after: Option<Duration>,
        billed: &TokenUsage,
    ) -> Permitted {
        let Self {
            mut permitted,
            mut hold,
            lease,
        } = self;
        hold.settle(billed);
        permitted.tried.insert(lease.index());
        lease.fail(now, class, retry_after);
        permitted
    }

    /// The attempt served and used this much: books it and tells the pool.
    /// Returns what it cost.
    pub(crate) fn succeed(mut self, now: UnixMillis, usage: &TokenUsage) -> Option<Money> {
        self.lease.succeed(now);
        self.hold.settle(usage)
    }
}
