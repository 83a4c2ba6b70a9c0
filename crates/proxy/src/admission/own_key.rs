//! Providers that are sent the caller's own credential (`auth = "client"`).

use http::{HeaderName, HeaderValue};
use tollgate_identity::callers_own;
use tollgate_routing::Candidate;
use tollgate_types::Secret;

use super::{Identified, Leased};
use crate::refusal::Refusal;

impl Identified {
    /// The candidates that there is a credential for. One that takes the
    /// caller's own is left out where the caller sent none.
    pub(super) fn with_key(
        &self,
        head: &http::request::Parts,
        mut candidates: Vec<Candidate>,
    ) -> Result<Vec<Candidate>, Refusal> {
        let of_callers = |it: &Candidate| {
            let provider = self.snapshot.provider(it.provider);
            provider.is_some_and(|it| it.pool.is_of_callers())
        };
        let Some(first) = candidates.iter().find(|it| of_callers(it)) else {
            return Ok(candidates);
        };
        if !self.own_key(head).is_empty() {
            return Ok(candidates);
        }
        let provider = self.snapshot.routes.provider(first.provider).clone();
        candidates.retain(|it| !of_callers(it));
        match candidates.is_empty() {
            true => Err(Refusal::NoOwnKey(provider)),
            false => Ok(candidates),
        }
    }

    fn own_key(&self, head: &http::request::Parts) -> Vec<(HeaderName, HeaderValue)> {
        let agents = &self.snapshot.agents;
        callers_own(&head.headers, head.uri.query(), |token| {
            agents.identify(token).is_some()
        })
    }
}

impl Leased {
    /// Whether this provider is sent the caller's own credential.
    pub(crate) fn takes_own_key(&self) -> bool {
        self.provider().is_some_and(|it| it.pool.is_of_callers())
    }

    /// The fields that carry the caller's own credential, for a provider that
    /// takes it and for no other.
    pub(crate) fn own_key(&self) -> Vec<(HeaderName, HeaderValue)> {
        match self.takes_own_key() {
            true => self.permitted.planned.identified.own_key(self.head()),
            false => Vec::new(),
        }
    }

    /// What must not be repeated to anybody: the credential in use.
    pub(crate) fn secrets(&self) -> Vec<Secret> {
        let own = self.own_key();
        let own = own.iter().filter_map(|(_, value)| {
            let text = value.to_str().ok()?;
            Some(Secret::new(text.rsplit(' ').next()?.to_owned()))
        });
        let pooled = self.credential().map(|it| it.key.clone());
        own.chain(pooled).collect()
    }
}
