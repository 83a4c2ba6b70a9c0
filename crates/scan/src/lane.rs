use crate::finding::Finding;
use crate::known::Book;
use crate::redact;
use crate::scanner::{Outbound, Scanner};

mod edges;
mod live;

use edges::Edges;
use live::Live;

/// Text before a value that can say what it is, in bytes.
const CONTEXT: usize = 1024;

/// Most text that is held back for what may still come, in bytes. Then half of
/// it is let through, so that an endless word costs a look for every 16 KiB.
const HOLD: usize = 32 << 10;

/// A look at so many bytes waits for one that is new: near an escape or a word
/// such as `key`, some forty bytes come at once.
const PATIENCE: usize = 16;

/// One stream of text, looked at while it passes: the text of a message over
/// all its deltas, a header, a body.
///
/// However the text is cut, what is found and what is let through is the same,
/// for values that need no more than 1 KiB before them and are no longer than
/// 16 KiB. Held back is only what could still become part of a finding: the
/// last word, and a block or a quote that has not ended.
#[derive(Debug)]
pub struct Lane {
    which: Outbound,
    /// Context that was let through already, then what was not.
    buffer: Vec<u8>,
    /// Where the buffer begins in the whole text.
    base: usize,
    /// Up to here (in the buffer) the text was let through.
    settled: usize,
    edges: Edges,
    live: Live,
    /// What was looked at is looked at again when the buffer has so many bytes,
    /// and not with every piece.
    patience: usize,
}

/// What one look at the buffer yields.
struct Look {
    found: Vec<Finding>,
    /// From here on findings may still change.
    open: usize,
    /// Bytes that were looked at.
    cost: usize,
}

/// What a lane lets through.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Passed {
    /// The text, with secrets masked byte for byte.
    pub text: Vec<u8>,
    /// What was found in it; places count from the beginning of the lane.
    pub findings: Vec<Finding>,
}

impl Lane {
    /// A lane at its beginning.
    pub fn new(which: Outbound) -> Self {
        Self {
            which,
            buffer: Vec::new(),
            base: 0,
            settled: 0,
            edges: Edges::default(),
            live: Live::default(),
            patience: 0,
        }
    }

    /// Takes the next piece, and lets through what can't change any more.
    pub fn feed(&mut self, scanner: &Scanner, book: Option<&Book>, piece: &[u8]) -> Passed {
        self.buffer.extend_from_slice(piece);
        piece.iter().for_each(|byte| self.edges.push(*byte));
        let book = book.filter(|book| self.which.known_secrets && !book.is_empty());
        let quiet = self.edges.quiet(book.is_some()).saturating_sub(self.base);
        let is_full = self.held() > HOLD;
        if !is_full && (quiet <= self.settled || self.buffer.len() < self.patience) {
            return Passed::default();
        }
        let end = if is_full { self.buffer.len() } else { quiet };
        self.live
            .advance(scanner, self.which, book, &self.buffer, self.base, end);
        let Look { found, open, cost } = self.look(scanner, book, end);
        let forced = match is_full {
            true => self.buffer.len() - HOLD / 2,
            false => self.settled,
        };
        let mut until = open.min(quiet).max(forced);
        for finding in &found {
            if finding.start < until && finding.end > until {
                until = finding.start.max(forced);
            }
        }
        // Guarded secrets may hold blanks: one that has begun is waited for.
        let uncut = self.live.uncut(self.base + until).saturating_sub(self.base);
        let passed = self.pass(found, uncut.max(forced));
        self.patience = self.buffer.len() + cost / PATIENCE;
        passed
    }

    /// Ends the lane, and lets the rest through.
    pub fn finish(mut self, scanner: &Scanner, book: Option<&Book>) -> Passed {
        let end = self.buffer.len();
        let book = book.filter(|_| self.which.known_secrets);
        self.live
            .advance(scanner, self.which, book, &self.buffer, self.base, end);
        let look = self.look(scanner, book, end);
        self.pass(look.found, end)
    }

    /// How many bytes are held back.
    pub fn held(&self) -> usize {
        self.buffer.len() - self.settled
    }

    /// Findings up to `end` that reach behind what is settled, and from where
    /// on they may still change; places are those of the buffer.
    fn look(&self, scanner: &Scanner, book: Option<&Book>, end: usize) -> Look {
        let Some(first) = self.live.first() else {
            return Look {
                found: Vec::new(),
                open: end,
                cost: 0,
            };
        };
        // Words that stand before it may say what it is, and no word is cut.
        let first = first.saturating_sub(self.base + 64).min(self.settled);
        let blank = self.buffer[..first]
            .iter()
            .rposition(u8::is_ascii_whitespace);
        let from = blank.map_or(0, |at| at + 1);
        let (report, open) = scanner.partial(&self.buffer[from..end], book, self.which);
        let places = report.findings.into_iter().map(|finding| Finding {
            start: (from + finding.start).max(self.settled),
            end: from + finding.end,
            ..finding
        });
        let fresh = places.filter(|finding| finding.end > self.settled);
        Look {
            found: fresh.collect(),
            open: from + open,
            cost: end - from,
        }
    }

    fn pass(&mut self, found: Vec<Finding>, until: usize) -> Passed {
        if until <= self.settled {
            return Passed::default();
        }
        let mine: Vec<Finding> = found
            .into_iter()
            .filter(|finding| finding.start < until)
            .collect();
        let shift = |finding: &Finding, by: usize| Finding {
            start: finding.start - by,
            end: finding.end.min(until) - by,
            ..finding.clone()
        };
        let local: Vec<Finding> = mine
            .iter()
            .map(|finding| shift(finding, self.settled))
            .collect();
        let text = redact::mask(&self.buffer[self.settled..until], &local);
        let base = self.base;
        let findings = mine.iter().map(|finding| Finding {
            start: finding.start + base,
            end: finding.end.min(until) + base,
            ..finding.clone()
        });
        let passed = Passed {
            text,
            findings: findings.collect(),
        };
        self.settled = until;
        self.live.settle(self.base + self.settled);
        self.forget();
        passed
    }

    /// Drops context that no value can need any more, at a line or word end so
    /// that what is left begins as it did.
    fn forget(&mut self) {
        if self.settled < 2 * CONTEXT {
            return;
        }
        let cut = self.settled - CONTEXT;
        let cut = self.buffer[..cut]
            .iter()
            .rposition(u8::is_ascii_whitespace)
            .map_or(cut, |at| at + 1);
        self.buffer.drain(..cut);
        self.base += cut;
        self.settled -= cut;
    }
}

#[cfg(test)]
mod tests;
