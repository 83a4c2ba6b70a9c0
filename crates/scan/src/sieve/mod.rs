//! Many literals in one pass, for text that hardly ever holds one.
//!
//! An automaton of two thousand words is larger than the nearest cache and
//! walks from state to state, each waiting for the one before. Here every four
//! letters side by side are looked up in a bitmap, independent of each other;
//! of each literal the four that are rarest stand in it. What the bitmap lets
//! through is compared with the few literals that have these four.

mod rarity;

use std::ops::Range;

use rarity::RARITY;

/// Letters of a gram.
const GRAM: usize = 4;

/// Bits of a letter: small and capital letters are one.
const FOLD: u32 = 5;

/// A gram's number is smaller.
const GRAMS: usize = 1 << (FOLD as usize * GRAM);

/// Longest literal, in bytes: how far apart a gram and the end of its literal
/// may be.
pub(crate) const LONGEST: usize = 128;

/// Text that is looked at before what was found in it is handed on in order.
const BLOCK: usize = 32 << 10;

/// A literal that was seen, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) literal: u32,
    pub(crate) start: usize,
    pub(crate) end: usize,
}

/// Finds all literals of a set, in capitals or not, overlapping ones too.
pub(crate) struct Sieve {
    /// A bit for every gram that some literal is known by.
    bits: Box<[u32; GRAMS / 32]>,
    /// How many bits stand before each word of `bits`.
    ranks: Vec<u32>,
    /// By rank of the gram: where its entries begin.
    buckets: Vec<u32>,
    entries: Vec<Entry>,
    /// In small letters.
    literals: Vec<Box<[u8]>>,
}

#[derive(Clone, Copy)]
struct Entry {
    literal: u32,
    /// Where in the literal the gram stands.
    offset: u32,
}

impl std::fmt::Debug for Sieve {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Sieve({} literals)", self.literals.len())
    }
}

impl Sieve {
    /// A sieve for literals of one to [`LONGEST`] bytes; others are never seen.
    pub(crate) fn new<'a>(literals: impl Iterator<Item = &'a [u8]>) -> Self {
        let literals: Vec<Box<[u8]>> = literals
            .map(|text| text.to_ascii_lowercase().into())
            .collect();
        let mut grams: Vec<(u32, Entry)> = Vec::new();
        for (number, text) in literals.iter().enumerate() {
            let literal = u32::try_from(number).unwrap_or(u32::MAX);
            if text.is_empty() || text.len() > LONGEST {
                continue;
            }
            let (offset, known) = rarest(text);
            let entry = Entry { literal, offset };
            grams.extend(known.into_iter().map(|gram| (gram, entry)));
        }
        grams.sort_by_key(|(gram, entry)| (*gram, entry.literal));
        let mut bits: Box<[u32; GRAMS / 32]> = Box::new([0; GRAMS / 32]);
        let mut buckets = Vec::new();
        let mut last = None;
        for (at, (gram, _)) in grams.iter().enumerate() {
            if last != Some(*gram) {
                bits[*gram as usize / 32] |= 1 << (gram % 32);
                buckets.push(u32::try_from(at).unwrap_or(u32::MAX));
                last = Some(*gram);
            }
        }
        buckets.push(u32::try_from(grams.len()).unwrap_or(u32::MAX));
        let ranks = bits.iter().scan(0u32, |sum, word| {
            let before = *sum;
            *sum += word.count_ones();
            Some(before)
        });
        Self {
            ranks: ranks.collect(),
            bits,
            buckets,
            entries: grams.into_iter().map(|(_, entry)| entry).collect(),
            literals,
        }
    }

    /// Everything that ends behind `from` and that is kept, in order of the
    /// ends and then of the beginnings.
    pub(crate) fn each(
        &self,
        text: &[u8],
        from: usize,
        keep: impl Fn(&Seen) -> bool,
        mut tell: impl FnMut(Seen),
    ) {
        let mut seen: Vec<Seen> = Vec::new();
        let mut at = from.saturating_sub(LONGEST);
        while at < text.len() {
            let until = text.len().min(at + BLOCK);
            self.block(text, at, until, &keep, &mut seen);
            at = until;
            // Nearly in order already.
            seen.sort_by_key(|seen| (seen.end, seen.start));
            // Grams of the next block end behind this one, and so do literals.
            let whole = seen.partition_point(|seen| seen.end <= until);
            for seen in seen.drain(..whole) {
                if seen.end > from {
                    tell(seen);
                }
            }
        }
        for seen in seen {
            tell(seen);
        }
    }

    /// Everything whose gram begins in a part of the text and that is kept, in
    /// order of the ends and then of the beginnings.
    pub(crate) fn within(
        &self,
        text: &[u8],
        part: Range<usize>,
        keep: impl Fn(&Seen) -> bool,
        tell: impl FnMut(Seen),
    ) {
        let mut seen: Vec<Seen> = Vec::new();
        self.block(text, part.start, part.end, &keep, &mut seen);
        seen.sort_by_key(|seen| (seen.end, seen.start));
        seen.into_iter().for_each(tell);
    }

    /// Literals whose gram begins at `from..until`.
    fn block(
        &self,
        text: &[u8],
        from: usize,
        until: usize,
        keep: &impl Fn(&Seen) -> bool,
        seen: &mut Vec<Seen>,
    ) {
        let mut at = from;
        // Eight grams at once: eleven letters of five bits in one word.
        if let Some(mut here) = eight(text, at) {
            while at + 8 <= until
                && let Some(next) = eight(text, at + 8)
            {
                let row = here << (3 * FOLD) | next >> (5 * FOLD);
                let mut any = 0;
                for step in 0..8 {
                    let gram = (row >> ((7 - step) * FOLD)) as usize & (GRAMS - 1);
                    any |= self.bits[gram / 32] >> (gram % 32);
                }
                if any & 1 == 1 {
                    for step in 0..8 {
                        let gram = (row >> ((7 - step) * FOLD)) as usize & (GRAMS - 1);
                        if self.has(gram) {
                            self.compare(text, at + step as usize, gram, keep, seen);
                        }
                    }
                }
                here = next;
                at += 8;
            }
        }
        for at in at..until {
            let gram = gram(&text[at..]) as usize;
            if self.has(gram) {
                self.compare(text, at, gram, keep, seen);
            }
        }
    }

    #[inline]
    fn has(&self, gram: usize) -> bool {
        self.bits[gram / 32] >> (gram % 32) & 1 == 1
    }

    /// Tells the literals that are known by this gram and stand here.
    fn compare(
        &self,
        text: &[u8],
        at: usize,
        gram: usize,
        keep: &impl Fn(&Seen) -> bool,
        seen: &mut Vec<Seen>,
    ) {
        let below = self.bits[gram / 32] & ((1 << (gram % 32)) - 1);
        let rank = (self.ranks[gram / 32] + below.count_ones()) as usize;
        let bucket = self.buckets[rank] as usize..self.buckets[rank + 1] as usize;
        for entry in &self.entries[bucket] {
            let literal = &self.literals[entry.literal as usize];
            let Some(start) = at.checked_sub(entry.offset as usize) else {
                continue;
            };
            let end = start + literal.len();
            let one = Seen {
                literal: entry.literal,
                start,
                end,
            };
            if text
                .get(start..end)
                .is_some_and(|part| part.eq_ignore_ascii_case(literal))
                && keep(&one)
            {
                seen.push(one);
            }
        }
    }
}

/// Eight letters from here on in five bits each, the first one highest.
#[inline]
fn eight(text: &[u8], at: usize) -> Option<u64> {
    let letters = u64::from_be_bytes(*text.get(at..)?.first_chunk::<8>()?);
    let fives = letters & 0x1f1f_1f1f_1f1f_1f1f;
    let tens = (fives >> 3 & 0x03e0_03e0_03e0_03e0) | (fives & 0x001f_001f_001f_001f);
    let twenties = (tens >> 6 & 0x000f_fc00_000f_fc00) | (tens & 0x0000_03ff_0000_03ff);
    Some(twenties >> 12 & 0xff_fff0_0000 | twenties & 0xf_ffff)
}

/// The gram that begins here; what the text does not have counts as 0.
fn gram(text: &[u8]) -> u32 {
    (0..GRAM).fold(0, |gram, at| {
        let letter = text.get(at).copied().unwrap_or(0);
        gram << FOLD | u32::from(letter & 31)
    })
}

/// The grams that a literal is known by and where they stand in it: the rarest
/// one, or all that a short literal may be part of.
fn rarest(text: &[u8]) -> (u32, Vec<u32>) {
    if let Some(missing) = GRAM.checked_sub(text.len()).filter(|missing| *missing > 0) {
        let all = 0..1u32 << (FOLD as usize * missing);
        return (0, all.map(|rest| gram(text) | rest).collect());
    }
    let rarity = |part: &[u8]| -> u32 {
        let pairs = part.windows(2);
        pairs
            .map(|pair| {
                let digit = RARITY[usize::from(pair[0] & 31)][usize::from(pair[1] & 31)];
                (digit as char).to_digit(16).unwrap_or(0)
            })
            .sum()
    };
    let best = text
        .windows(GRAM)
        .enumerate()
        .max_by_key(|(at, part)| (rarity(part), std::cmp::Reverse(*at)));
    let (offset, part) = best.unwrap_or((0, text));
    (u32::try_from(offset).unwrap_or(0), vec![gram(part)])
}

#[cfg(test)]
mod tests;
