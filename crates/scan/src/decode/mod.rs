//! Decode and look again: what a text holds in an encoding is text as well.
//!
//! Every layer is found by its form and not by what a header says of it, so a
//! wrong or missing label hides nothing. A layer costs what it yields: depth,
//! bytes in all and the ratio of a decompression are bounded, and what runs
//! into a bound is a finding.

mod base64;
mod escape;
mod hex;
mod inflate;
mod swar;
mod wide;

pub(crate) use base64::{all as base64_all, is_letter as is_base64};
pub(crate) use hex::is_part as is_hex_row;

/// How far decoding goes.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Encodings within encodings; what lies deeper is not looked at.
    pub depth: usize,
    /// Bytes that all layers of one text may yield.
    pub total: usize,
    /// How many times its own size a compressed part may yield.
    pub ratio: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            depth: 4,
            total: 8 << 20,
            ratio: 200,
        }
    }
}

/// What a layer is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Layer {
    pub(crate) text: Vec<u8>,
    /// Where the encoded run stands in the text it was found in.
    pub(crate) start: usize,
    pub(crate) end: usize,
    /// For escapes, which keep their place: pairs of (decoded, encoded)
    /// offsets, each holding from there on.
    pub(crate) places: Vec<(usize, usize)>,
}

impl Layer {
    /// Where a range of this layer stands in the text around it.
    pub(crate) fn place(&self, start: usize, end: usize) -> (usize, usize) {
        if self.places.is_empty() {
            return (self.start, self.end);
        }
        let map = |at: usize| {
            let next = self.places.partition_point(|(decoded, _)| *decoded <= at);
            let (decoded, encoded) = self.places[next.saturating_sub(1)];
            self.start + encoded + (at - decoded.min(at))
        };
        // A range ends where the escape that made its last letter ends.
        let close = self.places.partition_point(|(decoded, _)| *decoded < end);
        let end = match self.places.get(close) {
            Some((decoded, encoded)) if *decoded == end => self.start + encoded,
            _ => map(end),
        };
        let start = map(start);
        (start.min(self.end), end.max(start + 1).min(self.end))
    }
}

/// What can go wrong on the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// It yields more than its size allows.
    Bomb,
    /// All layers together yield too much.
    Exhausted,
}

/// The layers right below one text, in no order, and where it went wrong.
pub(crate) fn layers(
    text: &[u8],
    budget: &mut usize,
    limits: &Limits,
    trouble: &mut Vec<(Trouble, usize, usize)>,
) -> Vec<Layer> {
    let mut found = Vec::new();
    inflate::parts(text, budget, limits, &mut found, trouble);
    wide::parts(text, budget, &mut found);
    if escape::is_worth_a_look(text) {
        escape::parts(text, budget, &mut found);
    }
    base64::parts(text, budget, &mut found);
    hex::parts(text, budget, &mut found);
    // What a bomb used up is said by the bomb.
    if *budget == 0 && trouble.is_empty() {
        trouble.push((Trouble::Exhausted, 0, text.len()));
    }
    found
}

/// Places behind `from` where an encoding may stand, and up to where it may
/// still matter.
pub(crate) fn begun(text: &[u8], from: usize, mut tell: impl FnMut(usize, usize)) {
    // Longer than any escape: one may have been cut.
    escape::begun(text, from.saturating_sub(16), &mut tell);
    for next in [base64::next_run, hex::next_run] {
        let mut at = from;
        while let Some((start, end)) = next(text, at) {
            tell(start, end);
            at = end;
        }
    }
    // Compressed, or two bytes a letter.
    if text[from..]
        .iter()
        .any(|byte| matches!(byte, 0..9 | 14..28))
    {
        tell(0, text.len() + 1024);
    }
}

/// The layers that turn into readable text, compressed ones aside: for whoever
/// reads words.
pub(crate) fn texts(text: &[u8], budget: &mut usize) -> Vec<Layer> {
    let mut found = Vec::new();
    if escape::is_worth_a_look(text) {
        escape::parts(text, budget, &mut found);
    }
    base64::parts(text, budget, &mut found);
    hex::parts(text, budget, &mut found);
    found
}

/// Takes so many bytes from the budget; false (and nothing left) where it
/// holds fewer.
pub(crate) fn pay(budget: &mut usize, bytes: usize) -> bool {
    match budget.checked_sub(bytes) {
        Some(left) => {
            *budget = left;
            true
        }
        None => {
            *budget = 0;
            false
        }
    }
}

/// Whether bytes read like text: what decodes to noise was no encoding.
pub(crate) fn is_text(bytes: &[u8]) -> bool {
    let plain = bytes
        .iter()
        .filter(|byte| matches!(byte, 9 | 10 | 13 | 32..127))
        .count();
    if plain * 100 >= bytes.len() * 90 {
        return !bytes.is_empty();
    }
    let head = &bytes[..bytes.len().min(256)];
    // Said before the letters are counted, because noise holds one soon.
    if head.iter().any(|byte| matches!(byte, 0..9 | 14..28 | 127)) {
        return false;
    }
    match std::str::from_utf8(head) {
        Ok(text) => !text
            .chars()
            .any(|letter| letter.is_control() && !letter.is_whitespace()),
        Err(fault) => {
            fault.error_len().is_none()
                && fault.valid_up_to() * 2 > head.len()
                && is_text(&head[..fault.valid_up_to()])
        }
    }
}

#[cfg(test)]
mod tests;
