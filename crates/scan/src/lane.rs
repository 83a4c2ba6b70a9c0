use crate::finding::Finding;
use crate::known::Book;
use crate::redact;
use crate::scanner::{Outbound, Scanner};

/// Text before a value that can say what it is, in bytes.
const CONTEXT: usize = 1024;

/// Most text that is held back for what may still come, in bytes.
const HOLD: usize = 16 << 10;

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
        }
    }

    /// Takes the next piece, and lets through what can't change any more.
    pub fn feed(&mut self, scanner: &Scanner, book: Option<&Book>, piece: &[u8]) -> Passed {
        self.buffer.extend_from_slice(piece);
        let book = book.filter(|book| self.which.known_secrets && !book.is_empty());
        let quiet = self.quiet(book.is_some());
        if quiet <= self.settled {
            return Passed::default();
        }
        let (found, open) = self.look(scanner, book, quiet);
        let forced = self.buffer.len().saturating_sub(HOLD);
        let mut until = open.min(quiet).max(forced.min(quiet));
        // Guarded secrets may hold blanks: one that has begun is waited for.
        let mut begun = Vec::new();
        if let Some(book) = book {
            until = until
                .min(book.scan(&self.buffer, &mut begun))
                .max(forced.min(quiet));
        }
        for finding in found.iter().chain(&begun) {
            if finding.start < until && finding.end > until && until > forced {
                until = finding.start.max(forced);
            }
        }
        self.pass(found, until)
    }

    /// Ends the lane, and lets the rest through.
    pub fn finish(mut self, scanner: &Scanner, book: Option<&Book>) -> Passed {
        let end = self.buffer.len();
        let book = book.filter(|_| self.which.known_secrets);
        let (found, _) = self.look(scanner, book, end);
        self.pass(found, end)
    }

    /// How many bytes are held back.
    pub fn held(&self) -> usize {
        self.buffer.len() - self.settled
    }

    /// Findings up to `end` that reach behind what is settled, and from where
    /// on they may still change; places are those of the buffer.
    fn look(&self, scanner: &Scanner, book: Option<&Book>, end: usize) -> (Vec<Finding>, usize) {
        let (report, open) = scanner.partial(&self.buffer[..end], book, self.which);
        let fresh = report
            .findings
            .into_iter()
            .filter(|finding| finding.end > self.settled);
        let clipped = fresh.map(|finding| Finding {
            start: finding.start.max(self.settled),
            ..finding
        });
        (clipped.collect(), open)
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

    /// The end of what no later text can change by itself: behind the last
    /// blank, and before a row of hex pairs or of base64 lines.
    fn quiet(&self, guarded: bool) -> usize {
        let text = &self.buffer;
        let word = self.word_before(text.len());
        let mut quiet = word;
        if guarded {
            // A guarded secret is seen from its eighth byte on.
            let reach = text.len().saturating_sub(8).max(self.settled);
            quiet = word.min(self.word_before(reach));
        }
        let row = self.pairs().min(self.lines(word));
        quiet.min(self.word_before(row))
    }

    /// The beginning of the word that `at` stands in, or `at` between words.
    fn word_before(&self, at: usize) -> usize {
        let blank = self.buffer[self.settled..at]
            .iter()
            .rposition(u8::is_ascii_whitespace);
        blank.map_or(self.settled, |blank| self.settled + blank + 1)
    }

    /// Where a row of hex pairs at the end begins: blanks stand inside it.
    fn pairs(&self) -> usize {
        let is_part = |byte: &u8| {
            byte.is_ascii_hexdigit() || matches!(byte, b':' | b' ' | b'-' | b'\\' | b'x' | b',')
        };
        let length = self.buffer[self.settled..]
            .iter()
            .rev()
            .take(HOLD)
            .take_while(|byte| is_part(byte))
            .count();
        self.buffer.len() - length
    }

    /// Where a row of full base64 lines at the end begins.
    fn lines(&self, end: usize) -> usize {
        let is_letter =
            |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_');
        let mut start = end;
        while start > self.settled {
            let before = self.buffer[self.settled..start].trim_ascii_end().len();
            let line = self.buffer[self.settled..self.settled + before]
                .iter()
                .rev()
                .take_while(|byte| is_letter(byte))
                .count();
            if line < 60 {
                break;
            }
            start = self.settled + before - line;
        }
        start
    }
}

#[cfg(test)]
mod tests;
