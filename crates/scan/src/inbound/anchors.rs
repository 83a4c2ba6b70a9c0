//! What a text can come to at most, told in one pass.
//!
//! Every signal needs a word that ordinary text does not have, its anchor.
//! Only these are looked for everywhere; the common words that go with them
//! only around an anchor. Most text has none, or none that could add up to
//! what the profile asks for, and costs this pass alone.

use std::collections::BTreeMap;
use std::ops::Range;

use super::ConceptFault;
use super::concepts::{File, Hit, is_latin};
use super::{naive, normal};
use crate::sieve::{self, Sieve};

/// Mentions that are kept; where there are more, all of the text is looked at.
const MOST: usize = 1024;

/// Concepts as bits, by their place in the file. The highest ones are no
/// concepts.
pub(super) type Set = u64;

/// A phrase of the naive detector that asks to leave what was told.
const JAILBREAK: Set = 1 << 63;

/// A sign that the text is turned by thirteen letters.
const ROT13: Set = 1 << 62;

/// The most concepts that a file may have.
pub(super) const MOST_CONCEPTS: usize = 62;

#[derive(Debug)]
pub(super) struct Anchors {
    sieve: Sieve,
    /// By literal.
    words: Vec<Word>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Word {
    /// Named wherever the word stands.
    anywhere: Set,
    /// Named where the word begins one in the text.
    at_beginning: Set,
}

/// The anchors of one text.
#[derive(Debug, Default)]
pub(super) struct Anchored {
    /// Which concepts are named.
    pub(super) present: Set,
    places: Vec<Hit>,
}

impl Anchors {
    pub(super) fn new(file: &File) -> Result<Self, ConceptFault> {
        if file.concepts.len() > MOST_CONCEPTS {
            let found = file.concepts.len();
            return Err(ConceptFault(format!(
                "{found} concepts, expected at most {MOST_CONCEPTS}"
            )));
        }
        let mut known: BTreeMap<String, Word> = BTreeMap::new();
        for (number, (name, words)) in file.concepts.iter().enumerate() {
            if file.common.contains(name) {
                continue;
            }
            for word in words {
                let word = normal::phrase(word);
                let latin = is_latin(&word);
                let known = known.entry(word).or_default();
                match latin {
                    true => known.at_beginning |= 1 << number,
                    false => known.anywhere |= 1 << number,
                }
            }
        }
        for phrase in naive::JAILBREAK {
            known.entry((*phrase).to_owned()).or_default().anywhere |= JAILBREAK;
        }
        for word in ["rot13", "vtaber"] {
            known.entry(word.to_owned()).or_default().anywhere |= ROT13;
        }
        Ok(Self {
            sieve: Sieve::new(known.keys().map(String::as_bytes)),
            words: known.into_values().collect(),
        })
    }

    /// The anchors of a text that was normalised.
    pub(super) fn of(&self, text: &[u8]) -> Anchored {
        let mut anchored = Anchored::default();
        let named = |seen: &sieve::Seen| {
            let word = self.words[seen.literal as usize];
            let before = seen.start.checked_sub(1).map(|at| text[at]);
            match before.is_some_and(|byte| byte.is_ascii_alphanumeric()) {
                true => word.anywhere,
                false => word.anywhere | word.at_beginning,
            }
        };
        self.sieve.each(
            text,
            0,
            |seen| named(seen) != 0,
            |seen| {
                anchored.present |= named(&seen);
                if anchored.places.len() <= MOST {
                    anchored.places.push(Hit {
                        start: seen.start,
                        end: seen.end,
                    });
                }
            },
        );
        anchored
    }
}

impl Anchored {
    /// Whether the naive detector could find a pair. It reads the text as it
    /// is written, of which the normalised text has every phrase as well.
    pub(super) fn may_be_naive(&self) -> bool {
        self.present & JAILBREAK != 0
    }

    pub(super) fn may_be_turned(&self) -> bool {
        self.present & ROT13 != 0
    }

    /// The parts of a text of this length that stand within so many bytes of
    /// an anchor, in order and apart.
    pub(super) fn around(&self, within: usize, length: usize) -> Vec<Range<usize>> {
        if self.places.len() > MOST {
            return std::iter::once(0..length).collect();
        }
        let mut parts: Vec<Range<usize>> = Vec::new();
        for place in &self.places {
            let part = place.start.saturating_sub(within)..(place.end + within).min(length);
            match parts.last_mut() {
                Some(last) if part.start <= last.end => last.end = last.end.max(part.end),
                _ => parts.push(part),
            }
        }
        parts
    }
}
