//! Many literals in one pass, for text that hardly ever holds one.
//!
//! An automaton of two thousand words is larger than the nearest cache and
//! walks from state to state, each waiting for the one before. Here four
//! letters side by side, at every other place, are looked up in a bitmap,
//! independent of each other. Of each literal the rarest four stand in it that
//! begin at an even place of the literal, and the rarest at an odd one: one of
//! the two stands at an even place of the text. What the bitmap lets through is
//! compared with the few literals that have these four.

mod rarity;

use std::ops::Range;

use rarity::RARITY;

/// Letters of a gram.
const GRAM: usize = 4;

/// Places from one look to the next.
const STRIDE: usize = 2;

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
    /// By slot of the gram: where its entries begin. Small enough to stay in
    /// the nearest cache.
    slots: Vec<u32>,
    entries: Vec<Entry>,
    literals: Vec<Literal>,
}

struct Literal {
    text: Box<[u8]>,
    /// Only in these letters; the others are in small ones and known in any.
    is_exact: bool,
}

#[derive(Clone, Copy)]
struct Entry {
    gram: u32,
    literal: u32,
    /// Where in the literal the gram begins: one before it at the least.
    offset: i8,
    /// How far from the gram's first letter another letter of the literal
    /// stands, beside the gram, and its last five bits: most of what has the
    /// gram ends there.
    beside: i8,
    letter: u8,
}

impl Entry {
    fn new(gram: u32, literal: u32, offset: i32, text: &[u8]) -> Self {
        let offset = i8::try_from(offset).unwrap_or(0);
        let after = usize::try_from(i32::from(offset) + GRAM as i32).unwrap_or(0);
        let beside = match (offset, text.get(after)) {
            (1.., _) => -1,
            (_, Some(_)) => GRAM as i8,
            (_, None) => -offset,
        };
        let letter = usize::try_from(offset + beside).ok();
        let letter = letter.and_then(|at| text.get(at)).map_or(0, |it| it & 31);
        Self {
            gram,
            literal,
            offset,
            beside,
            letter,
        }
    }
}

impl std::fmt::Debug for Sieve {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Sieve({} literals)", self.literals.len())
    }
}

impl Sieve {
    /// A sieve for literals of one to [`LONGEST`] bytes, in capitals or not;
    /// others are never seen.
    pub(crate) fn new<'a>(literals: impl Iterator<Item = &'a [u8]>) -> Self {
        Self::spelled(literals.map(|text| (text, false)))
    }

    /// The same, of which some are only seen in the letters they are given in.
    pub(crate) fn spelled<'a>(literals: impl Iterator<Item = (&'a [u8], bool)>) -> Self {
        let literals: Vec<Literal> = literals
            .map(|(text, is_exact)| Literal {
                text: match is_exact {
                    true => text.into(),
                    false => text.to_ascii_lowercase().into(),
                },
                is_exact,
            })
            .collect();
        let mut bits: Box<[u32; GRAMS / 32]> = Box::new([0; GRAMS / 32]);
        let mut entries = Vec::new();
        for (number, literal) in literals.iter().enumerate() {
            let text = &literal.text;
            let number = u32::try_from(number).unwrap_or(u32::MAX);
            if text.is_empty() || text.len() > LONGEST {
                continue;
            }
            for odd in [0, 1] {
                let (offset, grams) = rarest(text, odd);
                for gram in grams {
                    bits[gram as usize / 32] |= 1 << (gram % 32);
                    entries.push(Entry::new(gram, number, offset, text));
                }
            }
        }
        let count = entries.len().next_power_of_two().max(64);
        entries.sort_by_key(|entry| (slot(entry.gram, count), entry.literal));
        let before = |slot_: usize| entries.partition_point(|it| slot(it.gram, count) < slot_);
        let slots = (0..=count).map(|slot| u32::try_from(before(slot)).unwrap_or(u32::MAX));
        Self {
            slots: slots.collect(),
            bits,
            entries,
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
        // Eleven letters of five bits in one word: four grams at once.
        if let Some(mut here) = eight(text, at) {
            while at + 8 <= until
                && let Some(next) = eight(text, at + 8)
            {
                let row = here << (3 * FOLD) | next >> (5 * FOLD);
                let mut grams = [0; 4];
                let mut any = false;
                for (step, gram) in grams.iter_mut().enumerate() {
                    let shift = (7 - step as u32 * STRIDE as u32) * FOLD;
                    *gram = (row >> shift) as usize & (GRAMS - 1);
                    any |= self.has(*gram);
                }
                if any {
                    for (step, gram) in grams.into_iter().enumerate() {
                        if self.has(gram) {
                            self.compare(text, at + step * STRIDE, gram, keep, seen);
                        }
                    }
                }
                here = next;
                at += 8;
            }
        }
        for at in (at..until).step_by(STRIDE) {
            let gram = gram(&text[at..]) as usize;
            if self.has(gram) {
                self.compare(text, at, gram, keep, seen);
            }
        }
    }

    #[inline(always)]
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
        let slot = slot(gram as u32, self.slots.len() - 1);
        let entries = self.slots[slot] as usize..self.slots[slot + 1] as usize;
        for entry in &self.entries[entries] {
            if entry.gram as usize != gram {
                continue;
            }
            let beside = at.checked_add_signed(isize::from(entry.beside));
            let beside = beside.and_then(|at| text.get(at));
            if beside.is_none_or(|it| it & 31 != entry.letter) {
                continue;
            }
            let literal = &self.literals[entry.literal as usize];
            let Some(start) = at.checked_add_signed(isize::from(-entry.offset)) else {
                continue;
            };
            let end = start + literal.text.len();
            let one = Seen {
                literal: entry.literal,
                start,
                end,
            };
            if text
                .get(start..end)
                .is_some_and(|part| literal.stands_in(part))
                && keep(&one)
            {
                seen.push(one);
            }
        }
    }
}

/// Where the entries of a gram stand, among so many slots, a power of two.
#[inline]
fn slot(gram: u32, count: usize) -> usize {
    gram.wrapping_mul(0x9E37_79B1) as usize >> 8 & (count - 1)
}

impl Literal {
    fn stands_in(&self, part: &[u8]) -> bool {
        match self.is_exact {
            true => *self.text == *part,
            false => self.text.eq_ignore_ascii_case(part),
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

/// The grams that a literal is known by where it begins at an even place or
/// at an odd one, and where in it they begin: the rarest one, or all that a
/// short literal may be part of.
fn rarest(text: &[u8], odd: i32) -> (i32, Vec<u32>) {
    // One letter before it and one behind it may be any.
    let last = text.len() as i32 - GRAM as i32;
    let whole = (odd..=last).step_by(STRIDE);
    let best = whole.max_by_key(|at| {
        let part = &text[*at as usize..*at as usize + GRAM];
        (rarity(part), std::cmp::Reverse(*at))
    });
    if let Some(best) = best {
        return (best, vec![gram(&text[best as usize..])]);
    }
    let offset = -odd;
    let letters = |any: u32| {
        (offset..offset + GRAM as i32).fold((0, any), |(gram, any), at| {
            let letter = usize::try_from(at).ok().and_then(|at| text.get(at));
            match letter {
                Some(letter) => (gram << FOLD | u32::from(letter & 31), any),
                None => (gram << FOLD | any & 31, any >> FOLD),
            }
        })
    };
    let missing = GRAM - (text.len() - usize::from(text.len() == GRAM && odd == 1)).min(GRAM);
    let all = 0..1u32 << (FOLD as usize * missing);
    (offset, all.map(|any| letters(any).0).collect())
}

fn rarity(part: &[u8]) -> u32 {
    let pairs = part.windows(2);
    pairs
        .map(|pair| {
            let digit = RARITY[usize::from(pair[0] & 31)][usize::from(pair[1] & 31)];
            (digit as char).to_digit(16).unwrap_or(0)
        })
        .sum()
}

#[cfg(test)]
mod tests;
