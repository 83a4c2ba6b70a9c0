//! Conversations that stay with the credential that served them.

use std::hash::{Hash, Hasher};

use tollgate_llm::{Endpoint, Tie, response_id, tie, tie_of_response};
use tollgate_routing::{Affinity, Candidate};

use super::{Identified, Leased};
use crate::account::now;
use crate::snapshot::Provider;
use crate::upstream::Answer;

/// Which conversation a request belongs to, where that is worth knowing.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tied {
    /// Under which who serves it is remembered.
    key: Option<u64>,
    /// The credential that served the turns before.
    pub(super) pin: Option<u32>,
    /// There is more than one credential that could serve it.
    has_choice: bool,
}

impl Identified {
    /// Looks whom the conversation is tied to, and moves that candidate to the
    /// front. Where there is nothing to choose from, nothing is looked at.
    pub(super) fn tied(
        &self,
        affinity: &Affinity,
        body: &[u8],
        candidates: &mut [Candidate],
    ) -> Tied {
        let provider = |it: &Candidate| self.snapshot.provider(it.provider);
        let many = |it: &Candidate| provider(it).is_some_and(|it| it.pool.len() > 1);
        if candidates.len() < 2 && !candidates.iter().any(many) {
            return Tied::default();
        }
        let untied = Tied {
            has_choice: true,
            ..Tied::default()
        };
        let (key, pin) = match tie(body, self.hasher(affinity)) {
            Tie::Loose => return untied,
            Tie::Opens(key) => (key, None),
            Tie::Continues(key) => (key, affinity.find(key, now())),
        };
        let has = |tag: u32| move |it: &Provider| it.pool.has_tagged(tag);
        let place = pin.and_then(|tag| {
            let has = has(tag);
            candidates
                .iter()
                .position(|it| provider(it).is_some_and(&has))
        });
        if let Some(place) = place {
            candidates[..=place].rotate_right(1);
        }
        Tied {
            key: Some(key),
            pin: pin.filter(|_| place.is_some()),
            ..untied
        }
    }

    /// A hasher that holds whose conversations it is for.
    fn hasher(&self, affinity: &Affinity) -> impl Hasher + use<> {
        let mut hasher = affinity.hasher();
        self.agent.principal().hash(&mut hasher);
        hasher
    }
}

impl Leased {
    /// Remembers who answered, for the turns that follow.
    pub(crate) fn remember(&self, affinity: &Affinity, answer: &Answer) {
        let planned = &self.permitted.planned;
        if !planned.tied.has_choice {
            return;
        }
        let tag = self.lease.tag();
        if let Some(key) = planned.tied.key {
            affinity.note(key, tag, now());
        }
        // A stored response may be continued by its id, by an otherwise plain
        // request.
        if self.endpoint() == Endpoint::Responses {
            let begin = match answer {
                Answer::Whole { body, .. } => Some(body),
                Answer::Stream { first, .. } => first.bytes.first(),
            };
            if let Some(id) = begin.and_then(|begin| response_id(begin)) {
                let key = tie_of_response(id, planned.identified.hasher(affinity));
                affinity.note(key, tag, now());
            }
        }
    }
}
