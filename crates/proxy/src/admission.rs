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

use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;
use tollgate_llm::{Endpoint, RequestView, read_request_at};
use tollgate_routing::{Ask, Candidate, Lease, NoCredential, Pool, Tried};
use tollgate_types::UnixMillis;

use crate::account::Account;
use crate::bank::Bank;
use crate::gateway::Gateway;
use crate::hold::{Asked, Hold};
use crate::intake::Intake;
use crate::lanes::{Edited, Found, Sweep};
use crate::memory::MemoryHold;
use crate::peer::Peer;
use crate::refusal::Refusal;
use crate::rules::ModelCall;
use crate::snapshot::Provider;
use crate::through::Through;
use crate::translated::Translated;

mod clean;
mod identified;
mod leased;
mod measure;
mod own_key;
mod permissions;
mod review;
mod tie;
mod tongue;

pub(crate) use identified::{Identified, identify};
pub use permissions::Permissions;
use review::Held;
use tie::{Moved, Tied};
use tongue::servable;

impl Identified {
    /// Reads the control keys of the body and expands the name asked into
    /// concrete candidates.
    pub(crate) async fn plan(
        self,
        gateway: &Gateway,
        endpoint: Endpoint,
        head: http::request::Parts,
        intake: Intake,
        account: &mut Account,
    ) -> Result<Box<Planned>, Refusal> {
        let (path, query) = (head.uri.path(), head.uri.query());
        let view = read_request_at(endpoint, path, query, &intake.bytes);
        let view = view.map_err(Refusal::Request)?;
        account.asked(&view.model, view.stream);
        self.pace(endpoint, &view, intake.bytes.len(), account)?;
        let ask = Ask {
            name: &view.model,
            agent: self.agent.name().as_str(),
            need: 0,
            random: account.chance(),
        };
        let need = self.need(&ask, &view, &intake.bytes).await;
        let plan = self.snapshot.routes.resolve(&Ask { need, ..ask })?;
        let candidates = servable(&self.snapshot, endpoint, &view, plan.candidates)?;
        let mut candidates = self.with_key(&head, candidates)?;
        let tied = self.tied(&gateway.affinity, &intake.bytes, &mut candidates);
        let Intake { bytes, hold } = intake;
        Ok(Box::new(Planned {
            identified: self,
            endpoint,
            head,
            view,
            body: bytes,
            _hold: hold,
            candidates,
            tied,
            through: None,
            sweep: None,
        }))
    }

    /// The same for a request that goes to the provider it names as it is.
    pub(crate) fn plan_through(
        self,
        gateway: &Gateway,
        endpoint: Endpoint,
        through: Through,
        head: http::request::Parts,
        intake: Intake,
        account: &mut Account,
    ) -> Result<Box<Planned>, Refusal> {
        let view = match through.stated {
            Some(_) => RequestView::opaque(through.path.trim_start_matches('/')),
            None => {
                let query = head.uri.query();
                let view = read_request_at(endpoint, &through.path, query, &intake.bytes);
                view.map_err(Refusal::Request)?
            }
        };
        account.asked(&format!("{}/{}", through.provider, view.model), view.stream);
        self.pace(endpoint, &view, intake.bytes.len(), account)?;
        let provider = self.snapshot.routes.provider_index(&through.provider);
        let candidate = Candidate {
            provider: provider.ok_or(Refusal::Internal("provider vanished"))?,
            model: view.model.as_str().into(),
            window: None,
        };
        let mut candidates = self.with_key(&head, vec![candidate])?;
        let tied = self.tied(&gateway.affinity, &intake.bytes, &mut candidates);
        let Intake { bytes, hold } = intake;
        Ok(Box::new(Planned {
            identified: self,
            endpoint,
            head,
            view,
            body: bytes,
            _hold: hold,
            candidates,
            tied,
            through: Some(through),
            sweep: None,
        }))
    }
}

/// What is asked, and which candidates could serve it. Always boxed: it moves through
/// every state from here on, and it is large.
pub(crate) struct Planned {
    identified: Identified,
    endpoint: Endpoint,
    head: http::request::Parts,
    view: RequestView,
    body: Bytes,
    _hold: MemoryHold,
    candidates: Vec<Candidate>,
    tied: Tied,
    /// It goes out as it is, to a path of its provider.
    through: Option<Through>,
    /// What was found in it, where something was.
    sweep: Option<Box<Sweep>>,
}

impl Planned {
    /// Puts the name asked and every concrete candidate to the agent's own lists
    /// and to the rules, and to a person where that is wanted.
    pub(crate) async fn permit(
        self: Box<Self>,
        gateway: &Gateway,
        peer: &Peer,
        account: &mut Account,
    ) -> Result<Permitted, Refusal> {
        let asked = self.asked();
        let call = ModelCall {
            asked: &asked,
            endpoint: Some(self.endpoint),
            stream: self.view.stream,
            max_output: self.view.max_output,
            choices: self.view.choices,
        };
        let permitted = self.identified.permitted(gateway, &call, &self.candidates);
        let judged = permitted.await?;
        let held = Held {
            rule: judged.review,
            found: self.supervised(),
        };
        if held.is_nothing() {
            account.permitted(judged.said.rule(), judged.said.reason());
        } else {
            let rule = held.rule.as_ref().map_or(&judged.said, |(said, _)| said);
            let released = self.released(gateway, peer, &held, account).await;
            if released.is_err() {
                account.found(held.found.iter().map(Found::blocked));
            }
            account.permitted(rule.rule(), &released?);
        }
        Ok(Permitted {
            released: !held.found.is_empty(),
            planned: self,
            turn: 0,
            tried: Tried::default(),
            edited: None,
            translated: None,
        })
    }

    /// The name that the caller wrote, with its provider where the path names it.
    fn asked(&self) -> Cow<'_, str> {
        match &self.through {
            Some(through) => format!("{}/{}", through.provider, self.view.model).into(),
            None => Cow::Borrowed(&self.view.model),
        }
    }
}

/// Every candidate may be used by this agent; `turn` says whose turn it is.
pub(crate) struct Permitted {
    planned: Box<Planned>,
    /// A person has seen what was found, and lets it go out as it is where dlp
    /// leaves that to them.
    released: bool,
    turn: usize,
    tried: Tried,
    /// The request with placeholders, where this candidate gets it so.
    edited: Option<Box<Edited>>,
    /// The request as this candidate gets it, where it speaks another dialect.
    translated: Option<Box<Translated>>,
}

impl Permitted {
    /// Whether another candidate is left after this one.
    pub(crate) fn has_next(&self) -> bool {
        self.turn + 1 < self.planned.candidates.len()
    }

    /// The next candidate whose context window is not known to be as small as
    /// this one's.
    fn larger(&self) -> Option<usize> {
        let window = |turn: usize| {
            let candidate = self.planned.candidates.get(turn)?;
            let snapshot = &self.planned.identified.snapshot;
            candidate.window.or_else(|| {
                let provider = snapshot.routes.provider(candidate.provider);
                let facts = snapshot.catalog.facts(provider, &candidate.model);
                facts.context_window
            })
        };
        let small = window(self.turn);
        (self.turn + 1..self.planned.candidates.len())
            .find(|turn| small.is_none() || window(*turn).is_none_or(|it| Some(it) > small))
    }

    /// Gives the turn to a candidate with a larger window.
    pub(crate) fn larger_candidate(&mut self) {
        self.turn_to(self.larger().unwrap_or(self.planned.candidates.len()));
    }

    /// Gives the turn to the next candidate.
    pub(crate) fn next_candidate(&mut self) {
        self.turn_to(self.turn + 1);
    }

    /// What was tried and translated was the one's before.
    fn turn_to(&mut self, turn: usize) {
        self.turn = turn;
        self.tried = Tried::default();
        self.edited = None;
        self.translated = None;
    }

    /// Lets every credential of the candidate be tried again.
    pub(crate) fn forget_tried(&mut self) {
        self.tried = Tried::default();
    }

    pub(crate) fn candidate(&self) -> Option<&Candidate> {
        self.planned.candidates.get(self.turn)
    }

    /// The credential that the conversation is tied to while it is healthy,
    /// else the one whose turn it is.
    fn take_credential(&self, pool: &Arc<Pool>, now: UnixMillis) -> Result<Lease, NoCredential> {
        let pin = self.planned.tied.pin;
        let pinned = pin.and_then(|tag| pool.lease_tagged(tag, now, &self.tried));
        match (pinned, self.has_next()) {
            (Some(lease), _) => Ok(lease),
            (None, true) => pool.lease_if_ready(now, &self.tried),
            (None, false) => pool.lease(now, &self.tried),
        }
    }

    pub(crate) fn provider(&self) -> Option<&Provider> {
        let candidate = self.candidate()?;
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
            return Err(Refusal::CutOff {
                why: why.to_string(),
                budget: None,
            });
        }
        let (Some(provider), Some(candidate)) = (self.provider(), self.candidate()) else {
            return Err(Refusal::Internal("candidate vanished"));
        };
        let other = self.translated.as_deref();
        let (view, body) = self.asked();
        let asked = Asked {
            endpoint: other.map_or(planned.endpoint, |it| it.endpoint),
            view: other.map_or(view, |it| &it.view),
            body: other.map_or(body, |it| &it.body),
            agent: &identified.agent,
            who: identified.agent.scopes(),
            provider: &provider.id,
            model: &candidate.model,
            through: planned.through.as_ref(),
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
            Some(provider) => permitted.take_credential(&provider.pool, now),
            None => Err(NoCredential::default()),
        };
        match leased {
            Ok(lease) => Ok(Leased {
                permitted,
                hold,
                lease,
                moved: None,
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
    /// The request for somebody else than served its conversation before.
    moved: Option<Box<Moved>>,
}
