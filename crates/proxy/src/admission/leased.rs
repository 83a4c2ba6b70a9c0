use std::time::{Duration, Instant};

use bytes::Bytes;
use tollgate_identity::Agent;
use tollgate_llm::{Endpoint, RequestView};
use tollgate_routing::{Candidate, Lease, Pool};
use tollgate_types::{FaultClass, Money, TokenUsage, UnixMillis};

use super::{Leased, Permitted};
use crate::hold::Hold;
use crate::snapshot::{Credential, Provider, Snapshot};
use crate::through::Through;

impl Leased {
    /// The endpoint that is asked: the caller's, unless the provider speaks
    /// another dialect; so are view and body.
    pub(crate) fn endpoint(&self) -> Endpoint {
        self.translated()
            .map_or_else(|| self.asked_endpoint(), |it| it.endpoint)
    }

    pub(crate) fn view(&self) -> &RequestView {
        match (&self.moved, self.translated()) {
            (Some(moved), _) => &moved.view,
            (None, Some(translated)) => &translated.view,
            (None, None) => self.asked(),
        }
    }

    /// Where it goes as it is, where it does.
    pub(crate) fn through(&self) -> Option<&Through> {
        self.permitted.planned.through.as_ref()
    }

    /// The caller's own head: its fields and query are passed on.
    pub(crate) fn head(&self) -> &http::request::Parts {
        &self.permitted.planned.head
    }

    pub(crate) fn body(&self) -> &Bytes {
        match (&self.moved, self.translated()) {
            (Some(moved), _) => &moved.body,
            (None, Some(translated)) => &translated.body,
            (None, None) => self.permitted.asked().1,
        }
    }

    pub(crate) fn agent(&self) -> &Agent {
        &self.permitted.planned.identified.agent
    }

    pub(crate) fn snapshot(&self) -> &Snapshot {
        &self.permitted.planned.identified.snapshot
    }

    pub(crate) fn candidate(&self) -> Option<&Candidate> {
        self.permitted.candidate()
    }

    pub(crate) fn provider(&self) -> Option<&Provider> {
        self.permitted.provider()
    }

    pub(crate) fn credential(&self) -> Option<&Credential> {
        self.provider()?.credentials.get(self.lease.index())
    }

    /// When the whole request, under way since `started`, must be over.
    pub(crate) fn deadline(&self, started: Instant) -> Instant {
        let whole = self
            .provider()
            .map_or(Duration::ZERO, |provider| provider.times.whole);
        started + whole
    }

    pub(crate) fn lease(&self) -> &Lease {
        &self.lease
    }

    /// Whether another candidate is left after this one that may do better
    /// after such a fault.
    pub(crate) fn has_next_candidate(&self, fault: FaultClass) -> bool {
        match fault {
            FaultClass::ContextOverflow => self.permitted.larger().is_some(),
            _ => self.permitted.has_next(),
        }
    }

    /// Whether another credential of this candidate is free.
    pub(crate) fn has_next_credential(&self, now: UnixMillis) -> bool {
        let mut tried = self.permitted.tried.clone();
        tried.insert(self.lease.index());
        let passed_by = |pool: &Pool| self.permitted.has_next() && pool.is_passed_by(now);
        self.provider().is_some_and(|provider| {
            provider.pool.has_free(now, &tried) && !passed_by(&provider.pool)
        })
    }

    /// What is set aside.
    pub(crate) fn hold(&self) -> &Hold {
        &self.hold
    }

    /// What is set aside, to be booked into.
    pub(crate) fn hold_mut(&mut self) -> &mut Hold {
        &mut self.hold
    }

    /// Nothing was sent: the lease and what was set aside go back.
    pub(crate) fn give_back(self) -> Permitted {
        self.permitted
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
            ..
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
