//! Candidates that speak another dialect than the caller.

use bytes::Bytes;
use tollgate_identity::Agent;
use tollgate_llm::{BadRequest, Endpoint, RequestView};
use tollgate_routing::Candidate;
use tollgate_types::{RequestId, UnixMillis};

use super::{Leased, Permitted, Planned};
use crate::refusal::Refusal;
use crate::snapshot::{Provider, Snapshot};
use crate::translated::Translated;

/// Those of the candidates that take the request, as it is or translated.
pub(super) fn servable(
    snapshot: &Snapshot,
    endpoint: Endpoint,
    view: &RequestView,
    candidates: impl IntoIterator<Item = Candidate>,
) -> Result<Vec<Candidate>, Refusal> {
    let mut other = None;
    let mut same = Vec::new();
    for candidate in candidates {
        let Some(provider) = snapshot.provider(candidate.provider) else {
            continue;
        };
        // A caller's own credential is for the API that it speaks.
        let translated = provider
            .counterpart(endpoint, view.stream)
            .filter(|_| !provider.pool.is_of_callers());
        // Where a provider doesn't count, it is estimated here.
        let estimated = endpoint.only_counts() && !provider.pool.is_of_callers();
        if provider.speaks(endpoint) || translated.is_some() || estimated {
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

impl Planned {
    pub(crate) fn endpoint(&self) -> Endpoint {
        self.endpoint
    }

    pub(crate) fn agent(&self) -> &Agent {
        &self.identified.agent
    }

    pub(crate) fn snapshot(&self) -> &Snapshot {
        &self.identified.snapshot
    }
}

impl Permitted {
    /// Writes the request in the dialect of the candidate whose turn it is,
    /// where that is another one than the caller's.
    pub(crate) fn translate(
        &mut self,
        request: RequestId,
        now: UnixMillis,
    ) -> Result<(), BadRequest> {
        let planned = &self.planned;
        let (Some(provider), Some(candidate)) = (self.provider(), self.candidate()) else {
            return Ok(());
        };
        let as_it_is = provider.speaks(planned.endpoint) || planned.through.is_some();
        if as_it_is || self.translated.is_some() {
            return Ok(());
        }
        let asked = self.asked();
        let translated = Translated::of(planned, asked, provider, &candidate.model, request, now)?;
        self.translated = translated.map(Box::new);
        Ok(())
    }
}

impl Leased {
    /// The endpoint that the caller asked.
    pub(crate) fn asked_endpoint(&self) -> Endpoint {
        self.permitted.planned.endpoint
    }

    /// What the caller sent, as it was cleared for this candidate.
    pub(crate) fn asked_body(&self) -> &Bytes {
        self.permitted.asked().1
    }

    /// Whether the provider has no endpoint for what is asked, which is then to
    /// count tokens.
    pub(crate) fn counts_here(&self) -> bool {
        let speaks = |it: &Provider| it.speaks(self.asked_endpoint());
        let other = self.translated().is_none() && self.through().is_none();
        other && !self.provider().is_some_and(speaks)
    }

    /// What the caller asked.
    pub(crate) fn asked(&self) -> &RequestView {
        self.permitted.asked().0
    }

    /// The request in the provider's dialect, where that is another one.
    pub(crate) fn translated(&self) -> Option<&Translated> {
        self.permitted.translated.as_deref()
    }
}
