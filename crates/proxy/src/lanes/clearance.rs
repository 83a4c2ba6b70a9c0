//! What one candidate gets of a request in which something was found.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use tollgate_llm::{Endpoint, RequestView, read_request_at};
use tollgate_scan::{Redactor, Severity};
use tollgate_types::{Consequence, Direction, Label, Sighting};

use super::dlp::{Dlp, OnMatch, has};
use super::look::Hit;
use super::sweep::Sweep;

/// A request with placeholders, and where its control keys stand now.
pub(crate) struct Edited {
    pub(crate) view: RequestView,
    pub(crate) body: Bytes,
}

/// A request that does not go out.
#[derive(Clone, Debug, thiserror::Error)]
#[error("`{kind}` was found in {place} on its way to provider \"{provider}\"{}", why.words())]
pub(crate) struct Kept {
    kind: Arc<str>,
    place: Label,
    provider: Label,
    why: Why,
}

/// Why it is kept back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Why {
    /// `block`
    Blocked,
    /// `supervise`, and nobody was asked.
    Unsupervised,
    /// `redact`, and it is nothing that may be edited.
    Sealed,
}

impl Why {
    const fn words(self) -> &'static str {
        match self {
            Self::Blocked => ", which dlp blocks",
            Self::Unsupervised => ", which a person has to allow",
            Self::Sealed => ", where nothing can be edited",
        }
    }
}

impl Kept {
    /// One thing to try.
    pub(crate) const fn hint(&self) -> &'static str {
        match self.why {
            Why::Blocked => "take it out of the conversation; the request was not sent",
            Why::Unsupervised => "nobody was asked about it",
            Why::Sealed => {
                "it stands in a seal, an id, a field or signed text; take that out of the conversation"
            }
        }
    }
}

/// The request as it was planned.
pub(crate) struct Plan<'a> {
    pub(crate) endpoint: Endpoint,
    pub(crate) path: &'a str,
    pub(crate) query: Option<&'a str>,
    pub(crate) view: &'a RequestView,
    /// Nothing of the view is read again: it goes out as it is.
    pub(crate) is_opaque: bool,
    pub(crate) body: &'a Bytes,
    pub(crate) provider: &'a Label,
    /// A person lets what was found go out where dlp leaves that to them.
    pub(crate) released: bool,
}

/// Something that goes out as it is if a person says so: kind and place, and
/// never the text.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    detector: Label,
    pub(crate) kind: Label,
    pub(crate) place: Label,
    pub(crate) severity: Severity,
    pub(crate) count: usize,
}

impl Found {
    /// What names it.
    pub(crate) fn named(&self) -> (Label, Label) {
        (self.kind.clone(), self.place.clone())
    }

    /// Nobody let it go out.
    pub(crate) fn blocked(&self) -> Sighting {
        Sighting {
            detector: self.detector.clone(),
            kind: self.kind.clone(),
            direction: Direction::Outbound,
            place: self.place.clone(),
            consequence: Consequence::Blocked,
            count: u32::try_from(self.count).unwrap_or(u32::MAX),
        }
    }
}

/// What a person is asked about: what has consequences at a candidate whose
/// settings leave these to a person. Each kind and place once, worst first.
pub(crate) fn supervised(sweep: &Sweep, dlps: impl Iterator<Item = Dlp>) -> Vec<Found> {
    let asking: Vec<Dlp> = dlps
        .filter(|it| it.on_match == OnMatch::Supervise)
        .collect();
    let mut all: Vec<Found> = Vec::new();
    for (hit, place, _) in &sweep.hits {
        if !asking.iter().any(|dlp| acts(*dlp, hit, place)) {
            continue;
        }
        let same = |it: &&mut Found| it.kind == hit.kind && it.place == *place;
        match all.iter_mut().find(same) {
            Some(known) => {
                known.severity = known.severity.max(hit.severity);
                known.count += 1;
            }
            None => all.push(Found {
                detector: hit.detector.as_str().into(),
                kind: hit.kind.clone(),
                place: place.clone(),
                severity: hit.severity,
                count: 1,
            }),
        }
    }
    all.sort_by_key(|it| std::cmp::Reverse(it.severity));
    all
}

/// What a candidate with these settings gets: nothing else than the caller
/// wrote, or the same with placeholders. What was done is told in `sightings`.
pub(crate) fn clear(
    sweep: &Sweep,
    redactor: &Redactor,
    dlp: Dlp,
    plan: &Plan<'_>,
    sightings: &mut Vec<Sighting>,
) -> Result<Option<Edited>, Kept> {
    let mut acting = Vec::new();
    for (hit, place, _) in &sweep.hits {
        match acts(dlp, hit, place) {
            true => acting.push((hit, place)),
            false if has(dlp.outbound, hit.detector) => {
                sightings.push(sighting(hit, place, Consequence::Noted));
            }
            false => {}
        }
    }
    let Some((first, place)) = acting.first() else {
        return Ok(None);
    };
    // Nobody was shown what is beyond what is kept.
    if dlp.on_match == OnMatch::Supervise && plan.released && !sweep.overflowed {
        let noted = |(hit, place): &(&Hit, &Label)| sighting(hit, place, Consequence::Noted);
        sightings.extend(acting.iter().map(noted));
        return Ok(None);
    }
    let sealed = acting.iter().find(|(hit, _)| !hit.editable);
    let kept = |hit: &Hit, place: &Label, why| Kept {
        kind: hit.kind.clone(),
        place: place.clone(),
        provider: plan.provider.clone(),
        why,
    };
    let kept = match (dlp.on_match, sealed) {
        (OnMatch::Block, _) => Some(kept(first, place, Why::Blocked)),
        (OnMatch::Supervise, _) => Some(kept(first, place, Why::Unsupervised)),
        (OnMatch::Redact, Some((hit, place))) => Some(kept(hit, place, Why::Sealed)),
        (OnMatch::Redact, None) if sweep.overflowed => Some(kept(first, place, Why::Sealed)),
        (OnMatch::Redact, None) => None,
    };
    let done = match kept {
        Some(_) => Consequence::Blocked,
        None => Consequence::Redacted,
    };
    sightings.extend(acting.iter().map(|(hit, place)| sighting(hit, place, done)));
    if let Some(kept) = kept {
        return Err(kept);
    }
    let hits = acting.iter().map(|(hit, _)| *hit);
    let body = redacted(plan.body, redactor, hits);
    let view = match plan.is_opaque {
        true => Some(plan.view.clone()),
        false => read_request_at(plan.endpoint, plan.path, plan.query, &body).ok(),
    };
    let unreadable = || Kept {
        kind: first.kind.clone(),
        place: (*place).clone(),
        provider: plan.provider.clone(),
        why: Why::Sealed,
    };
    let view = view.ok_or_else(unreadable)?;
    Ok(Some(Edited { view, body }))
}

/// Fields say little about their values, so that only what is known to be a
/// secret counts there.
fn acts(dlp: Dlp, hit: &Hit, place: &str) -> bool {
    let certain = hit.severity >= Severity::High || place != "head";
    certain && dlp.acts_on(hit.detector, hit.severity)
}

fn sighting(hit: &Hit, place: &Label, consequence: Consequence) -> Sighting {
    Sighting {
        detector: hit.detector.as_str().into(),
        kind: hit.kind.clone(),
        direction: Direction::Outbound,
        place: place.clone(),
        consequence,
        count: 1,
    }
}

/// The body with a placeholder for every hit; every other byte stays.
fn redacted<'h>(body: &Bytes, redactor: &Redactor, hits: impl Iterator<Item = &'h Hit>) -> Bytes {
    let mut out = BytesMut::with_capacity(body.len());
    let mut at = 0;
    for hit in hits {
        // Of two that overlap the second has the rest.
        let span = hit.span.start.max(at)..hit.span.end;
        let (Some(before), Some(value)) = (body.get(at..span.start), body.get(span)) else {
            continue;
        };
        if value.is_empty() {
            continue;
        }
        out.extend_from_slice(before);
        // Letters, digits, brackets, colons and dashes: as it is within a
        // JSON string.
        out.extend_from_slice(redactor.placeholder(&hit.kind, value).as_bytes());
        at = hit.span.end;
    }
    out.extend_from_slice(&body[at..]);
    out.freeze()
}
