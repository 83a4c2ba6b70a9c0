//! Secrets in an answer, masked while it passes.
//!
//! A secret may come letter by letter over many events, so an event waits until
//! all that stands in it is settled by its [`Lane`]. Events keep their order, and
//! their length: as many `*` as there were bytes.

use std::collections::VecDeque;
use std::ops::Range;

use bytes::{Bytes, BytesMut};
use smallvec::SmallVec;
use tollgate_llm::{Endpoint, Text, TextKind, Texts, Unescaped};
use tollgate_scan::{Finding, Lane, Outbound, Passed, Severity};
use tollgate_types::{Consequence, Direction, Label, Sighting};

use super::answer::value;
use super::look::{secrets, whole_letters};
use super::scanning::Scanning;

/// Kinds that are told of one answer.
const MOST_SIGHTINGS: usize = 32;

/// A piece of text that stands in an event: where in its lane, and where in the
/// event.
struct Piece {
    lane: usize,
    at: Range<usize>,
    span: Range<usize>,
    escaped: bool,
    /// A seal further on says that nobody edited it.
    sealed: bool,
}

/// An event that waits.
struct Unit {
    event: Bytes,
    pieces: SmallVec<[Piece; 2]>,
    /// Places of secrets that are known already.
    known: Vec<Range<usize>>,
}

/// One text of the answer.
struct Open {
    name: (u64, &'static str),
    /// None once it has ended.
    lane: Option<Lane>,
    fed: usize,
    passed: usize,
    /// Places of secrets in it.
    found: Vec<Range<usize>>,
}

pub(super) struct Veil {
    endpoint: Endpoint,
    which: Outbound,
    texts: Texts,
    plain: Unescaped,
    lanes: Vec<Open>,
    waiting: VecDeque<Unit>,
    pub(super) sightings: Vec<Sighting>,
}

impl Veil {
    pub(super) fn new(endpoint: Endpoint, which: Outbound) -> Self {
        Self {
            endpoint,
            which,
            texts: Texts::default(),
            plain: Unescaped::default(),
            lanes: Vec::new(),
            waiting: VecDeque::new(),
            sightings: Vec::new(),
        }
    }

    /// Takes events, and leaves those that may go on.
    pub(super) fn pass(
        &mut self,
        scanning: &Scanning,
        events: &mut SmallVec<[Bytes; 2]>,
    ) -> Result<(), Label> {
        for bytes in std::mem::take(events) {
            for event in apart(bytes) {
                self.take(scanning, event)?;
            }
        }
        self.settled(events)
    }

    /// Nothing comes any more.
    pub(super) fn release(
        &mut self,
        scanning: &Scanning,
        events: &mut SmallVec<[Bytes; 2]>,
    ) -> Result<(), Label> {
        self.finish(scanning, |_| true);
        self.settled(events)
    }

    /// An answer in one piece.
    pub(super) fn whole(&mut self, scanning: &Scanning, body: Bytes) -> Result<Bytes, Label> {
        let mut known = Vec::new();
        let mut texts = std::mem::take(&mut self.texts);
        for text in texts.read(self.endpoint, &body) {
            self.at_once(scanning, &text, &body, &mut known)?;
        }
        self.texts = texts;
        Ok(masked(&body, &mut known))
    }

    fn take(&mut self, scanning: &Scanning, event: Bytes) -> Result<(), Label> {
        let mut unit = Unit {
            pieces: SmallVec::new(),
            known: Vec::new(),
            event: event.clone(),
        };
        let mut texts = std::mem::take(&mut self.texts);
        for text in texts.read(self.endpoint, &event) {
            let written = matches!(text.kind, TextKind::Free | TextKind::Signed);
            match text.delta && written && !text.key.is_empty() {
                true => unit.pieces.push(self.feed(scanning, &text, &event)),
                false => self.at_once(scanning, &text, &event, &mut unit.known)?,
            }
        }
        self.texts = texts;
        // An event without text ends the texts before it; pings and comments
        // come at any time.
        let is_idle = !event.contains(&b'{') || memchr_ping(&event);
        if unit.pieces.is_empty() && !is_idle {
            self.finish(scanning, |_| true);
        }
        self.waiting.push_back(unit);
        Ok(())
    }

    /// Hands a piece to its lane.
    fn feed(&mut self, scanning: &Scanning, text: &Text, event: &Bytes) -> Piece {
        let name = (text.lane, text.key);
        let blocks = matches!(self.endpoint, Endpoint::Messages | Endpoint::Responses);
        self.finish(scanning, |open| {
            open.name != name && (blocks || open.name.0 == name.0 || open.name.1 != name.1)
        });
        let known = self
            .lanes
            .iter()
            .position(|open| open.name == name && open.lane.is_some());
        let at = known.unwrap_or_else(|| {
            self.lanes.push(Open {
                name,
                lane: Some(Lane::new(self.which)),
                fed: 0,
                passed: 0,
                found: Vec::new(),
            });
            self.lanes.len() - 1
        });
        let piece = value(text, event, &mut self.plain);
        let open = &mut self.lanes[at];
        let from = open.fed;
        open.fed += piece.len();
        let until = open.fed;
        let passed = match &mut open.lane {
            Some(lane) => lane.feed(scanning.scanner(), Some(&scanning.book), piece),
            None => Passed::default(),
        };
        self.passed(at, passed);
        Piece {
            lane: at,
            at: from..until,
            span: text.span.clone(),
            escaped: text.escaped,
            sealed: text.kind == TextKind::Signed || text.key == "thinking",
        }
    }

    fn passed(&mut self, at: usize, passed: Passed) {
        self.lanes[at].passed += passed.text.len();
        for finding in passed.findings {
            if self.tell(&finding) {
                self.lanes[at].found.push(finding.start..finding.end);
            }
        }
    }

    /// Ends lanes, so that what they hold back is settled.
    fn finish(&mut self, scanning: &Scanning, ends: impl Fn(&Open) -> bool) {
        for at in 0..self.lanes.len() {
            if ends(&self.lanes[at])
                && let Some(lane) = self.lanes[at].lane.take()
            {
                let passed = lane.finish(scanning.scanner(), Some(&scanning.book));
                self.passed(at, passed);
            }
        }
    }

    /// A text that stands in one event as a whole.
    fn at_once(
        &mut self,
        scanning: &Scanning,
        text: &Text,
        event: &[u8],
        known: &mut Vec<Range<usize>>,
    ) -> Result<(), Label> {
        let lane = value(text, event, &mut self.plain);
        for finding in secrets(scanning, text.kind, lane, self.which) {
            if !self.tell(&finding) {
                continue;
            }
            if text.kind != TextKind::Free {
                return Err(finding.kind);
            }
            let place = match text.escaped {
                true => self.plain.place(0, finding.start..finding.end),
                false => finding.start..finding.end,
            };
            let place = text.span.start + place.start..text.span.start + place.end;
            known.push(whole_letters(event, place));
        }
        Ok(())
    }

    /// Whether a finding is masked; it is told once of each kind.
    fn tell(&mut self, finding: &Finding) -> bool {
        if finding.severity < Severity::Medium {
            return false;
        }
        let is_full = self.sightings.len() >= MOST_SIGHTINGS;
        let known = self.sightings.iter_mut().find(|it| it.kind == finding.kind);
        match known {
            Some(known) => known.count += 1,
            None if is_full => {}
            None => self.sightings.push(Sighting {
                detector: finding.detector.as_str().into(),
                kind: finding.kind.clone(),
                direction: Direction::Inbound,
                place: "answer".into(),
                consequence: Consequence::Masked,
                count: 1,
            }),
        }
        true
    }

    /// Lets go on what is settled, in order.
    fn settled(&mut self, events: &mut SmallVec<[Bytes; 2]>) -> Result<(), Label> {
        while let Some(unit) = self.waiting.front() {
            let waits = |piece: &Piece| self.lanes[piece.lane].passed < piece.at.end;
            if unit.pieces.iter().any(waits) {
                break;
            }
            let Some(unit) = self.waiting.pop_front() else {
                break;
            };
            events.push(self.veiled(unit)?);
        }
        Ok(())
    }

    fn veiled(&mut self, unit: Unit) -> Result<Bytes, Label> {
        let Unit {
            event,
            pieces,
            mut known,
        } = unit;
        for piece in pieces {
            for found in &self.lanes[piece.lane].found {
                let (start, end) = (found.start.max(piece.at.start), found.end.min(piece.at.end));
                if start >= end {
                    continue;
                }
                if piece.sealed {
                    return Err(self
                        .sightings
                        .first()
                        .map_or("secret".into(), |it| it.kind.clone()));
                }
                let within = start - piece.at.start..end - piece.at.start;
                let place = match piece.escaped {
                    true => {
                        self.plain.read(b"", &event[piece.span.clone()]);
                        self.plain.place(0, within)
                    }
                    false => within,
                };
                let place = piece.span.start + place.start..piece.span.start + place.end;
                known.push(whole_letters(&event, place));
            }
        }
        Ok(masked(&event, &mut known))
    }
}

/// The event with as many `*` as there were bytes of text; escapes count as what
/// they stand for is long at most.
fn masked(event: &Bytes, places: &mut [Range<usize>]) -> Bytes {
    if places.is_empty() {
        return event.clone();
    }
    places.sort_by_key(|place| place.start);
    let mut out = BytesMut::with_capacity(event.len());
    let mut at = 0;
    for place in places.iter() {
        let start = place.start.max(at);
        if place.end <= start {
            continue;
        }
        out.extend_from_slice(&event[at..start]);
        out.resize(out.len() + place.end - start, b'*');
        at = place.end;
    }
    out.extend_from_slice(&event[at..]);
    out.freeze()
}

/// Events of a stream, each with the blank line behind it.
fn apart(mut bytes: Bytes) -> impl Iterator<Item = Bytes> {
    std::iter::from_fn(move || {
        let end = bytes
            .windows(2)
            .position(|pair| pair == b"\n\n")
            .map_or(bytes.len(), |at| at + 2);
        (end > 0).then(|| bytes.split_to(end))
    })
}

/// Whether an event only says that the stream is alive.
fn memchr_ping(event: &[u8]) -> bool {
    const PING: &[u8] = b"\"ping\"";
    event.len() < 128 && event.windows(PING.len()).any(|part| part == PING)
}
