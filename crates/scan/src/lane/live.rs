use crate::decode;
use crate::known::Book;
use crate::outbound::patterns;
use crate::scanner::{Outbound, Scanner};

/// A stretch that may be part of a finding, in places of the stream.
#[derive(Debug, Clone, Copy)]
struct Stretch {
    start: usize,
    /// Text behind this can't change what is found.
    until: usize,
}

/// What of a stream may hold a finding: most text holds nothing that announces
/// one, and needs no second look.
#[derive(Debug, Default)]
pub(super) struct Live {
    stretches: Vec<Stretch>,
    /// Guarded secrets that have begun; `until` is where they end.
    guarded: Vec<Stretch>,
    /// Up to here all stretches are known.
    checked: usize,
    guarded_checked: usize,
}

impl Live {
    /// Looks at what is new in a buffer that begins at `base`: up to `quiet`
    /// for what announces something, to its end for guarded secrets.
    pub(super) fn advance(
        &mut self,
        scanner: &Scanner,
        which: Outbound,
        book: Option<&Book>,
        buffer: &[u8],
        base: usize,
        quiet: usize,
    ) {
        let text = &buffer[..quiet];
        let from = (self.checked.max(base) - base).min(quiet);
        let stretches = &mut self.stretches;
        let mut add = |start: usize, until: usize| {
            stretches.push(Stretch {
                start: base + start,
                until: base + until,
            });
        };
        if which.token_patterns {
            patterns::begun(text, from, scanner.catalog(), &mut add);
        }
        decode::begun(text, from, &mut add);
        self.checked = base + quiet;
        if let Some(book) = book {
            self.guard(book, buffer, base);
        }
    }

    fn guard(&mut self, book: &Book, buffer: &[u8], base: usize) {
        let end = base + buffer.len();
        // What has ended since is looked at once more, and kept if it is one.
        self.guarded.retain(|known| {
            known.until > end
                || known.start >= base
                    && book.holds(&buffer[known.start - base..known.until - base])
        });
        let guarded = &mut self.guarded;
        let from = self.guarded_checked.max(base) - base;
        book.begun(buffer, from, &mut |start, until| {
            guarded.push(Stretch {
                start: base + start,
                until: base + until,
            });
        });
        // A window that does not fit yet is looked at when it does.
        self.guarded_checked = end.saturating_sub(5).max(self.guarded_checked);
    }

    /// Drops what can't matter behind `settled`.
    pub(super) fn settle(&mut self, settled: usize) {
        self.stretches.retain(|known| known.until > settled);
        self.guarded.retain(|known| known.until > settled);
    }

    /// From where on there is something to look at.
    pub(super) fn first(&self) -> Option<usize> {
        let all = self.stretches.iter().chain(&self.guarded);
        all.map(|known| known.start).min()
    }

    /// The place before `until` that does not cut a guarded secret in two.
    pub(super) fn uncut(&self, until: usize) -> usize {
        let cut = self
            .guarded
            .iter()
            .filter(|known| known.start < until && known.until > until);
        cut.map(|known| known.start).min().unwrap_or(until)
    }
}
