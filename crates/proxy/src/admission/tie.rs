//! Conversations that stay with the credential that served them.

use std::hash::{Hash, Hasher};
use std::time::Duration;

use bytes::Bytes;
use tollgate_llm::{
    BadRequest, Endpoint, RequestView, Tie, read_request_at, response_id, tie, tie_of_response,
    unbind,
};
use tollgate_routing::{Affinity, Candidate};

use super::{Identified, Leased};
use crate::account::now;
use crate::snapshot::{Holdback, Provider};
use crate::upstream::Answer;

/// Beside a conversation's key: that it has been moved.
const MOVED: u64 = 0x6d6f_7665_645f_5f5f;

/// Which conversation a request belongs to, where that is worth knowing.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tied {
    /// Under which who serves it is remembered.
    key: Option<u64>,
    /// The credential that served the turns before.
    pub(super) pin: Option<u32>,
    /// The same, also where none of the candidates has it any more.
    from: Option<u32>,
    /// The conversation has been moved before: some of its turns are another
    /// one's, and which they are is not known.
    has_moved: bool,
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
        let from = pin;
        let has_moved = affinity.find(key ^ MOVED, now()).is_some();
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
            from,
            has_moved,
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

/// The request without what was bound to whoever served it before.
pub(super) struct Moved {
    pub(super) view: RequestView,
    pub(super) body: Bytes,
    pub(super) note: String,
}

impl Leased {
    /// Takes out what only the one before could use, where the conversation has
    /// to go on with somebody else.
    ///
    /// Signatures hold for every account of a provider, sealed reasoning of
    /// OpenAI for the account alone.
    pub(crate) fn unbind(&mut self) -> Result<(), BadRequest> {
        let tied = self.permitted.planned.tied;
        let tag = self.lease.tag();
        let leaves = tied.from.is_some_and(|from| from != tag);
        if !(leaves || tied.has_moved) || self.through().is_some() {
            return Ok(());
        }
        let is_near =
            |provider: &Provider| tied.from.is_some_and(|it| provider.pool.has_tagged(it));
        let stays = !tied.has_moved && self.provider().is_some_and(is_near);
        let endpoint = self.endpoint();
        if stays && endpoint != Endpoint::Responses {
            return Ok(());
        }
        let unbound = match unbind(endpoint, self.body()) {
            // Two keys may be of one account: whether it knows its own response
            // the provider says best.
            Err(_) if stays => None,
            unbound => unbound?,
        };
        let Some(unbound) = unbound else {
            return Ok(());
        };
        let head = self.head();
        let (path, query) = match self.translated() {
            Some(it) => (it.path.as_str(), it.query),
            None => (head.uri.path(), head.uri.query()),
        };
        let view = read_request_at(endpoint, path, query, unbound.body.as_bytes())?;
        let words: Vec<String> = unbound.drops.iter().map(ToString::to_string).collect();
        self.moved = Some(Box::new(Moved {
            view,
            body: unbound.body.into(),
            note: words.join("; "),
        }));
        Ok(())
    }

    /// What was left out or changed of the request for this candidate, and what
    /// became of its answer.
    pub(crate) fn note(&self, answer: &str) -> String {
        let translated = self.translated().map(|it| it.note.as_str());
        let moved = self.moved.as_deref().map(|it| it.note.as_str());
        let notes = [translated, moved, Some(answer)].into_iter().flatten();
        let notes: Vec<&str> = notes.filter(|note| !note.is_empty()).collect();
        notes.join("; ")
    }

    /// How much of a stream's beginning is kept back: what is said of the agent,
    /// else of the server; nothing says otherwise than no word.
    pub(crate) fn holdback(&self) -> Holdback {
        let (own, server) = (self.agent().spec().defaults, self.snapshot().holdback);
        let tokens = own.hold_tokens.map_or(server.tokens, Some);
        let time = own.hold_ms.map(Duration::from_millis).or(server.time);
        Holdback {
            tokens: tokens.filter(|it| *it > 0),
            time: time.filter(|it| !it.is_zero()),
        }
    }

    /// Remembers who answered, for the turns that follow.
    pub(crate) fn remember(&self, affinity: &Affinity, answer: &Answer) {
        let planned = &self.permitted.planned;
        if !planned.tied.has_choice {
            return;
        }
        let tag = self.lease.tag();
        if let Some(key) = planned.tied.key {
            affinity.note(key, tag, now());
            if self.moved.is_some() || planned.tied.has_moved {
                affinity.note(key ^ MOVED, tag, now());
            }
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
