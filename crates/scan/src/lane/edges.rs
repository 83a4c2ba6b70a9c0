use crate::decode::{is_base64, is_hex_row};

/// Shortest line of base64 that others may follow, in letters.
const FULL_LINE: usize = 60;

/// Shortest row of hex pairs that is decoded, in bytes.
const ROW: usize = 24;

/// Where in a stream the text begins that later text may still change by
/// itself: told byte by byte, so that no tail is looked at twice.
///
/// All places count from the beginning of the stream.
#[derive(Debug, Default)]
pub(super) struct Edges {
    at: usize,
    /// Behind the last blank.
    word: usize,
    /// Behind the last blank that has eight bytes after it.
    late: usize,
    /// Which of the last eight bytes were blanks, the latest lowest.
    blanks: u8,
    /// The row of hex pairs at the end begins here, in this word.
    row: usize,
    row_word: usize,
    /// The letters of base64 at the end begin here.
    run: usize,
    /// The word in which the row of full base64 lines at the end begins.
    block: Option<usize>,
    /// A quoted word that may be compared with a name, or a line that goes on
    /// behind a `=`.
    joined: Option<usize>,
    /// The last word, as far as an operator is long.
    tail: [u8; 3],
    /// Rows, blocks and comparisons that have ended: no part of one passes
    /// before all of it does.
    whole: Vec<(usize, usize)>,
}

impl Edges {
    pub(super) fn push(&mut self, byte: u8) {
        let is_blank = byte.is_ascii_whitespace();
        if self.blanks & 0x80 != 0 {
            self.late = self.at - 7;
        }
        if is_blank {
            if self.blanks & 1 == 0 && self.at > self.word {
                self.end_word(byte);
            }
            self.word = self.at + 1;
        } else {
            self.tail = [self.tail[1], self.tail[2], byte];
        }
        self.blanks = self.blanks << 1 | u8::from(is_blank);
        if !is_hex_row(byte) {
            if self.at - self.row >= ROW {
                self.whole.push((self.row_word, self.at));
            }
            self.row = self.at + 1;
            self.row_word = self.word;
        }
        self.at += 1;
        if !is_base64(byte) {
            self.run = self.at;
        }
    }

    fn end_word(&mut self, blank: u8) {
        let is_full = self.at - self.run >= FULL_LINE;
        let follows = self.run == self.word;
        let block = self.block;
        self.block = is_full.then(|| block.filter(|_| follows).unwrap_or(self.word));
        if let Some(start) = block.filter(|_| self.block != block) {
            self.whole.push((start, self.at));
        }
        let is_operator = self.at - self.word <= 3 && matches!(self.tail, [.., b'=' | b'!', b'=']);
        let goes_on = match self.tail[2] {
            b'"' | b'\'' => true,
            b'=' if blank != b' ' => true,
            _ => is_operator && self.joined.is_some(),
        };
        if let Some(start) = self.joined.filter(|_| !goes_on) {
            self.whole.push((start, self.at));
        }
        self.joined = goes_on.then(|| self.joined.unwrap_or(self.word));
        self.tail = [0; 3];
    }

    /// Up to here later text changes nothing by itself. Where secrets are
    /// guarded, they are seen from their eighth byte on.
    pub(super) fn quiet(&mut self, guarded: bool) -> usize {
        let late = if guarded { self.late } else { self.word };
        let begun = [self.block, self.joined];
        let begun = begun.into_iter().flatten().min().unwrap_or(usize::MAX);
        let mut quiet = self.word.min(late).min(self.row_word).min(begun);
        // The later ones first: they may reach back into the ones before.
        for (start, end) in self.whole.iter().rev() {
            if quiet < *end {
                quiet = quiet.min(*start);
            }
        }
        self.whole.retain(|(_, end)| *end > quiet);
        quiet
    }
}
