//! One part of a request, looked at: what stands in it and where.

use std::ops::Range;
use std::sync::Arc;

use tollgate_llm::{Endpoint, Text, TextKind, Texts, Unescaped};
use tollgate_scan::{
    Context, Detector, Finding, Inbound, Outbound, Piece, Scanner, Severity, Verdict,
};

use super::dlp::Inward;
use super::scanning::Scanning;

/// Shortest value that is looked at, in bytes: no shorter one is a secret.
const SHORTEST: usize = 6;

/// What is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wanted {
    pub(crate) outbound: Outbound,
    pub(crate) inbound: Inward,
    pub(crate) profile: tollgate_scan::Profile,
}

impl Wanted {
    pub(crate) const fn is_nothing(&self) -> bool {
        !self.outbound.token_patterns && !self.outbound.known_secrets && !self.inbound.listens()
    }

    /// The same as a number, for names of parts.
    pub(crate) fn bits(&self) -> u64 {
        let flags = [
            self.outbound.token_patterns,
            self.outbound.known_secrets,
            self.inbound.naive,
            self.inbound.signals,
        ];
        let flags = flags
            .iter()
            .fold(0, |bits, flag| bits << 1 | u64::from(*flag));
        flags << 8 | self.profile as u64
    }
}

/// What one part came to.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// Secrets, in order.
    pub(crate) hits: Vec<Hit>,
    /// Instructions in what a tool brought, or the user passed on.
    pub(crate) orders: Vec<Order>,
    /// Parts of guarded secrets: what follows depends on what else the run has
    /// sent.
    pub(crate) pieces: Vec<(Piece, Hit)>,
}

/// A secret in a part.
#[derive(Clone, Debug)]
pub(crate) struct Hit {
    pub(crate) detector: Detector,
    pub(crate) kind: Arc<str>,
    pub(crate) severity: Severity,
    /// Where, in the part as it is written.
    pub(crate) span: Range<usize>,
    /// A placeholder may go in its place.
    pub(crate) editable: bool,
    /// The key of the dialect that it stands under.
    pub(crate) key: &'static str,
}

/// A text from outside that means to make a model do something.
#[derive(Clone, Debug)]
pub(crate) struct Order {
    pub(crate) verdict: Verdict,
    pub(crate) detector: Detector,
    /// The gravest kind of what was found.
    pub(crate) kind: Arc<str>,
    pub(crate) key: &'static str,
    /// SHA-256 of the text, for an operator who lets it pass.
    pub(crate) digest: [u8; 32],
}

/// Reads parts; keeps its memory from one to the next.
#[derive(Default)]
pub(crate) struct Looker {
    texts: Texts,
    plain: Unescaped,
}

impl Looker {
    /// Looks at one part of a JSON body.
    pub(crate) fn part(
        &mut self,
        scanning: &Scanning,
        endpoint: Endpoint,
        part: &[u8],
        wanted: Wanted,
    ) -> Seen {
        let mut seen = Seen::default();
        for text in self.texts.read(endpoint, part) {
            if text.span.len() < SHORTEST {
                continue;
            }
            let before = text.from..text.span.start;
            let lane = match text.escaped {
                true => {
                    self.plain
                        .read(&part[before.clone()], &part[text.span.clone()]);
                    self.plain.text()
                }
                // With the closing quote, where the key's opening one is there.
                false => &part[text.from..text.span.end + usize::from(!before.is_empty())],
            };
            let found = secrets(scanning, text.kind, lane, wanted.outbound);
            let hit = |finding: &Finding| {
                let span = place(&text, &self.plain, finding)?;
                Some(Hit {
                    detector: finding.detector,
                    kind: finding.kind.clone(),
                    severity: finding.severity,
                    span: whole_letters(part, span),
                    editable: text.kind == TextKind::Free,
                    key: text.key,
                })
            };
            for piece in pieces(scanning, text.kind, lane, wanted.outbound, &found) {
                let finding = parted(&piece);
                seen.pieces.extend(hit(&finding).map(|hit| (piece, hit)));
            }
            seen.hits.extend(found.iter().filter_map(hit));
            let value = lane.get(before.len()..).unwrap_or_default();
            if let Some(context) = context(&text).filter(|_| wanted.inbound.listens()) {
                let order = scanning.orders(value, &wanted, context, text.key);
                seen.orders.extend(order);
            }
        }
        seen.hits.sort_by_key(|hit| hit.span.start);
        seen
    }

    /// Looks at bytes of which nothing is known, and which can't be edited.
    pub(crate) fn opaque(scanning: &Scanning, bytes: &[u8], wanted: Wanted) -> Seen {
        let found = secrets(scanning, TextKind::Free, bytes, wanted.outbound);
        let hit = |finding: &Finding| Hit {
            detector: finding.detector,
            kind: finding.kind.clone(),
            severity: finding.severity,
            span: finding.start..finding.end,
            editable: false,
            key: "",
        };
        let pieces = pieces(scanning, TextKind::Free, bytes, wanted.outbound, &found);
        let parted = |piece: Piece| {
            let hit = hit(&parted(&piece));
            (piece, hit)
        };
        Seen {
            hits: found.iter().map(hit).collect(),
            orders: Vec::new(),
            pieces: pieces.into_iter().map(parted).collect(),
        }
    }
}

/// Secrets in one text. Nobody wrote ids, seals and pictures, so they have no
/// form and hold no encodings; a guarded value in them is one all the same.
pub(super) fn secrets(
    scanning: &Scanning,
    kind: TextKind,
    lane: &[u8],
    which: Outbound,
) -> Vec<Finding> {
    match kind {
        TextKind::Free | TextKind::Signed if which.token_patterns || which.known_secrets => {
            let book = Some(&*scanning.book);
            scanning.scanner.outbound(lane, book, which).findings
        }
        TextKind::Sealed | TextKind::Media if which.known_secrets => {
            Scanner::guarded(lane, &scanning.book).findings
        }
        _ => Vec::new(),
    }
}

/// Where an instruction in a text would come from; none where the model wrote
/// the text, or whoever runs the agent did, or nobody.
fn context(text: &Text) -> Option<Context> {
    match text.kind {
        TextKind::Sealed => None,
        _ if text.foreign => Some(Context::Api),
        TextKind::Free if text.asked => Some(Context::UserMessage),
        _ => None,
    }
}

/// Parts of guarded secrets that stand outside whole ones.
fn pieces(
    scanning: &Scanning,
    kind: TextKind,
    lane: &[u8],
    which: Outbound,
    whole: &[Finding],
) -> Vec<Piece> {
    if !which.known_secrets || kind == TextKind::Media {
        return Vec::new();
    }
    let mut pieces = scanning.book.pieces(lane);
    pieces.retain(|piece| {
        let covers = |it: &Finding| it.start <= piece.start && it.end >= piece.end;
        !whole.iter().any(covers)
    });
    pieces
}

/// What is found where enough pieces of a secret have gone by.
fn parted(piece: &Piece) -> Finding {
    Finding {
        detector: Detector::KnownSecrets,
        kind: format!("{}-part", piece.kind).into(),
        severity: Severity::Critical,
        start: piece.start,
        end: piece.end,
    }
}

/// Where a finding stands in the part: within the value, or within its key.
fn place(text: &Text, plain: &Unescaped, finding: &Finding) -> Option<Range<usize>> {
    let before = text.span.start - text.from;
    let written = match text.escaped && finding.end > before {
        true => {
            let found = plain.place(before, finding.start.max(before)..finding.end);
            text.span.start + found.start..text.span.start + found.end
        }
        false => text.from + finding.start..text.from + finding.end,
    };
    let start = match written.end > text.span.start {
        true => written.start.max(text.span.start),
        // The quote that opens the key is not part of it.
        false => written.start.max(text.from + 1),
    };
    let end = written.end.min(text.span.end);
    (start < end).then_some(start..end)
}

/// A place that cuts no letter in two.
pub(super) fn whole_letters(text: &[u8], span: Range<usize>) -> Range<usize> {
    let is_inner = |at: usize| text.get(at).is_some_and(|byte| byte & 0xC0 == 0x80);
    let (mut start, mut end) = (span.start, span.end);
    while start > 0 && is_inner(start) {
        start -= 1;
    }
    while is_inner(end) {
        end += 1;
    }
    start..end
}

impl Scanning {
    /// What a text from outside means to make a model do; none where nothing,
    /// or where an operator has let this very text pass.
    pub(crate) fn orders(
        &self,
        text: &[u8],
        wanted: &Wanted,
        context: Context,
        key: &'static str,
    ) -> Option<Order> {
        let order = self.judged(text, None, wanted.how(context));
        wanted.heeded(order, context, key)
    }

    /// The same without those who are asked beside, where too many are.
    pub(crate) fn orders_alone(
        &self,
        text: &[u8],
        wanted: &Wanted,
        context: Context,
    ) -> Option<Order> {
        let order = self.judged_alone(text, wanted.how(context));
        wanted.heeded(order, context, "")
    }
}

impl Wanted {
    fn how(&self, context: Context) -> Inbound {
        Inbound {
            context,
            profile: self.profile,
            naive: self.inbound.naive,
            signals: self.inbound.signals,
        }
    }

    fn heeded(&self, order: Option<Order>, context: Context, key: &'static str) -> Option<Order> {
        // A user who says that earlier instructions no longer hold means it;
        // what counts there is what nobody says by himself.
        let least = match context == Context::UserMessage || self.profile.passes_review() {
            true => Verdict::Unsafe,
            false => Verdict::Review,
        };
        order
            .filter(|order| order.verdict >= least)
            .map(|order| Order { key, ..order })
    }
}

/// Stands for a part that could not be looked at.
const UNREAD: &str = "not-scanned";

impl Seen {
    /// Whether nothing was found.
    pub(crate) fn is_nothing(&self) -> bool {
        self.hits.is_empty() && self.orders.is_empty() && self.pieces.is_empty()
    }

    /// Whether it was looked at.
    pub(crate) fn is_whole(&self) -> bool {
        self.hits.iter().all(|hit| &*hit.kind != UNREAD)
    }

    /// A part that could not be looked at: it is treated as the worst.
    pub(crate) fn unread() -> Self {
        Self {
            hits: vec![Hit {
                detector: Detector::Decoding,
                kind: UNREAD.into(),
                severity: Severity::High,
                span: 0..0,
                editable: false,
                key: "",
            }],
            ..Self::default()
        }
    }
}
