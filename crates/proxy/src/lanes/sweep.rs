//! A request, looked at once: part by part, and only what is new.

use std::fmt::Write;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use tollgate_llm::{Endpoint, Segment, segments};
use tollgate_scan::Piece;
use tollgate_types::Principal;

use super::dlp::{Dlp, either};
use super::look::{Hit, Looker, Order, Seen, Wanted};
use super::memory::{Memory, Name};
use super::scanning::Scanning;
use super::taint;
use crate::account::now;

/// More new bytes than this are looked at off the runtime's threads.
const LARGE: usize = 128 << 10;

/// Members of requests that may be named: any other name is the caller's own
/// and could be a secret.
const MEMBERS: [&str; 15] = [
    "messages",
    "input",
    "contents",
    "system",
    "systemInstruction",
    "system_instruction",
    "instructions",
    "tools",
    "prompt",
    "metadata",
    "user",
    "model",
    "response_format",
    "text",
    "generationConfig",
];

/// Findings of one request that are kept; one more says that there are more
/// than anybody reads.
const MOST: usize = 4096;

/// A secret, the part that it stands in, and that part's name.
type Placed = (Hit, Arc<str>, Name);

/// Everything that was found in a request.
#[derive(Debug, Default)]
pub(crate) struct Sweep {
    /// Secrets, with places in the body.
    pub(crate) hits: Vec<Placed>,
    /// Instructions in what tools brought, with the part that they stand in.
    pub(crate) orders: Vec<(Order, Arc<str>, Name)>,
    /// Parts of guarded secrets, until it is known what the run has sent beside.
    pieces: Vec<(Piece, Placed)>,
    /// More was found than is kept: the request can't be mended.
    pub(crate) overflowed: bool,
}

/// What is looked at.
pub(crate) struct Subject<'a> {
    pub(crate) endpoint: Endpoint,
    pub(crate) body: &'a Bytes,
    /// Query and fields that go on to the provider.
    pub(crate) head: Vec<u8>,
    /// Who sends it.
    pub(crate) principal: &'a Principal,
}

/// What is looked for where any of these may be asked.
pub(crate) fn wanted(all: impl Iterator<Item = Dlp>) -> Option<Wanted> {
    all.map(|it| Wanted {
        outbound: it.outbound,
        inbound: it.inbound,
        profile: it.profile,
    })
    .reduce(|one, other| Wanted {
        outbound: either(one.outbound, other.outbound),
        inbound: super::Inward {
            naive: one.inbound.naive || other.inbound.naive,
            signals: one.inbound.signals || other.inbound.signals,
            ..one.inbound
        },
        profile: one.profile,
    })
    .filter(|it| !it.is_nothing())
}

/// Looks at a request.
pub(crate) async fn sweep(
    scanning: &Arc<Scanning>,
    memory: &Memory,
    subject: Subject<'_>,
    wanted: Wanted,
) -> Sweep {
    let mut swept = Sweep::default();
    let parts = Parts::of(scanning, memory, &subject, wanted);
    let mut fresh = Vec::new();
    for (at, (part, name)) in parts.0.iter().enumerate() {
        match memory.recall(*name, Instant::now()) {
            Some(None) => {}
            Some(Some(seen)) => swept.take(&subject, part, *name, &seen),
            None => fresh.push(at),
        }
    }
    if fresh.is_empty() {
        swept.put_together(scanning, subject.principal);
        return swept;
    }
    let looked = parts.look(scanning, &subject, &fresh, wanted).await;
    let time = Duration::from_secs(wanted.profile.digest_seconds());
    for (at, seen) in fresh.into_iter().zip(looked) {
        let (part, name) = &parts.0[at];
        let seen = (!seen.is_nothing()).then(|| Arc::new(seen));
        if let Some(seen) = &seen {
            swept.take(&subject, part, *name, seen);
        }
        if seen.as_ref().is_none_or(|seen| seen.is_whole()) {
            memory.remember(*name, seen, Instant::now(), time);
        }
    }
    swept.put_together(scanning, subject.principal);
    swept
}

/// The parts of a request with their names; the first is its head.
struct Parts(Vec<(Part, Name)>);

#[derive(Clone)]
enum Part {
    Head,
    /// A body that is no JSON.
    Opaque,
    Of(Segment),
}

impl Parts {
    fn of(scanning: &Scanning, memory: &Memory, subject: &Subject<'_>, wanted: Wanted) -> Self {
        let settings = (scanning.generation, wanted.bits());
        let name = |kind: u8, bytes: &[u8]| memory.name((settings, kind), bytes);
        let mut parts = Vec::new();
        if !subject.head.is_empty() {
            parts.push((Part::Head, name(0, &subject.head)));
        }
        for segment in segments(subject.body) {
            let bytes = &subject.body[segment.span.clone()];
            match segment.member.is_empty() {
                true if bytes.is_empty() => {}
                true => parts.push((Part::Opaque, name(1, bytes))),
                false => parts.push((Part::Of(segment), name(2, bytes))),
            }
        }
        Self(parts)
    }

    /// Looks at those that are not known yet.
    async fn look(
        &self,
        scanning: &Arc<Scanning>,
        subject: &Subject<'_>,
        fresh: &[usize],
        wanted: Wanted,
    ) -> Vec<Seen> {
        let parts: Vec<Part> = fresh.iter().map(|at| self.0[*at].0.clone()).collect();
        let length = |part: &Part| match part {
            Part::Head => subject.head.len(),
            Part::Opaque => subject.body.len(),
            Part::Of(segment) => segment.span.len(),
        };
        let waits = !scanning.opinions.is_empty() && wanted.inbound.listens();
        if !waits && parts.iter().map(length).sum::<usize>() <= LARGE {
            return look(
                scanning,
                subject.endpoint,
                &subject.head,
                subject.body,
                &parts,
                wanted,
            );
        }
        let (scanning, body) = (Arc::clone(scanning), subject.body.clone());
        let (endpoint, head, count) = (subject.endpoint, subject.head.clone(), parts.len());
        let looked = tokio::task::spawn_blocking(move || {
            look(&scanning, endpoint, &head, &body, &parts, wanted)
        });
        // Only a panic ends it early; what was not looked at does not pass.
        looked
            .await
            .unwrap_or_else(|_| (0..count).map(|_| Seen::unread()).collect())
    }
}

fn look(
    scanning: &Scanning,
    endpoint: Endpoint,
    head: &[u8],
    body: &[u8],
    parts: &[Part],
    wanted: Wanted,
) -> Vec<Seen> {
    let mut looker = Looker::default();
    let mut seen = |part: &Part| match part {
        Part::Head => Looker::opaque(scanning, head, wanted),
        Part::Opaque => Looker::opaque(scanning, body, wanted),
        Part::Of(segment) => looker.part(scanning, endpoint, &body[segment.span.clone()], wanted),
    };
    parts.iter().map(&mut seen).collect()
}

impl Sweep {
    /// Whether there is nothing to decide about.
    pub(crate) fn is_clean(&self) -> bool {
        self.hits.is_empty() && self.orders.is_empty() && !self.overflowed
    }

    fn take(&mut self, subject: &Subject<'_>, part: &Part, name: Name, seen: &Seen) {
        let offset = match part {
            Part::Of(segment) => segment.span.start,
            Part::Head | Part::Opaque => 0,
        };
        let placed = |hit: &Hit| {
            let mut hit = hit.clone();
            hit.span = hit.span.start + offset..hit.span.end + offset;
            let place = place(subject.body, part, hit.key);
            (hit, place, name)
        };
        self.hits.extend(seen.hits.iter().map(placed));
        let pieces = seen.pieces.iter();
        self.pieces
            .extend(pieces.map(|(piece, hit)| (piece.clone(), placed(hit))));
        for order in &seen.orders {
            let place = place(subject.body, part, order.key);
            self.orders.push((order.clone(), place, name));
        }
        self.overflowed |= self.hits.len() > MOST || self.orders.len() > MOST;
        self.overflowed |= self.pieces.len() > MOST;
        self.hits.truncate(MOST);
        self.pieces.truncate(MOST);
        self.orders.truncate(MOST);
    }
}

impl Sweep {
    /// Pieces of secrets of which enough has gone by count as findings: those
    /// that this request has, since what was sent before is gone.
    fn put_together(&mut self, scanning: &Scanning, principal: &Principal) {
        let pieces = std::mem::take(&mut self.pieces);
        let Some(whose) = taint::subject(principal).filter(|_| !pieces.is_empty()) else {
            return;
        };
        let fragments = scanning.fragments.lock();
        let mut fragments = fragments.unwrap_or_else(PoisonError::into_inner);
        let seconds = now().0 / 1000;
        let noted = pieces.iter().map(|(piece, _)| piece);
        let gone = fragments.note(&whose.to_string(), seconds, &scanning.book, noted);
        drop(fragments);
        let of = |(piece, hit): (Piece, _)| piece.is_of(&gone).then_some(hit);
        self.hits.extend(pieces.into_iter().filter_map(of));
        self.hits.sort_by_key(|(hit, ..)| hit.span.start);
    }
}

/// Where something stands, such as `messages[3].content`.
fn place(body: &[u8], part: &Part, key: &str) -> Arc<str> {
    let segment = match part {
        Part::Head => return "head".into(),
        Part::Opaque => return "body".into(),
        Part::Of(segment) => segment,
    };
    let name = body.get(segment.member.clone()).unwrap_or_default();
    let known = MEMBERS.iter().find(|known| known.as_bytes() == name);
    let Some(known) = known else {
        return "body".into();
    };
    let mut place = (*known).to_owned();
    if let Some(index) = segment.index {
        // Writing to a string can't fail.
        let _written = write!(place, "[{index}]");
    }
    if !key.is_empty() && key != *known {
        let _written = write!(place, ".{key}");
    }
    place.into()
}
