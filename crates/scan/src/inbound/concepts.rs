use std::collections::BTreeMap;
use std::ops::Range;

use super::ConceptFault;
use crate::sieve::{self, Sieve};

/// The file of concepts and signals.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct File {
    /// Concepts whose words stand in any text.
    pub(crate) common: Vec<String>,
    pub(crate) concepts: BTreeMap<String, Vec<String>>,
    pub(crate) signals: Vec<Written>,
}

/// A signal as it is written.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Written {
    pub(crate) kind: String,
    pub(crate) weight: u32,
    pub(crate) concepts: Vec<String>,
    #[serde(default)]
    pub(crate) within: usize,
    pub(crate) most: Option<u32>,
}

/// Where one concept was named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Hit {
    pub(crate) start: usize,
    pub(crate) end: usize,
}

/// Hits by concept, each list in order.
pub(crate) type Hits = Vec<Vec<Hit>>;

/// Mentions of one concept that are kept; more add nothing.
const MOST_HITS: usize = 4096;

/// All words of all concepts in one sieve.
#[derive(Debug)]
pub(crate) struct Concepts {
    sieve: Sieve,
    /// By literal: the concepts, and whether the word is in ASCII letters.
    words: Vec<(Vec<u8>, bool)>,
    count: usize,
}

pub(crate) fn read(text: &str) -> Result<File, ConceptFault> {
    toml::from_str(text).map_err(|fault| ConceptFault(fault.to_string()))
}

/// Whether a word begins with a letter that another could stand before.
pub(crate) fn is_latin(word: &str) -> bool {
    word.bytes()
        .next()
        .is_some_and(|byte| byte.is_ascii_alphanumeric())
}

impl Concepts {
    pub(crate) fn new(file: &File) -> Result<Self, ConceptFault> {
        let mut known: BTreeMap<String, Vec<u8>> = BTreeMap::new();
        for (number, words) in file.concepts.values().enumerate() {
            let number =
                u8::try_from(number).map_err(|_| ConceptFault("too many concepts".to_owned()))?;
            for word in words {
                let word = super::normal::phrase(word);
                let entry = known.entry(word).or_default();
                if !entry.contains(&number) {
                    entry.push(number);
                }
            }
        }
        if let Some(word) = known.keys().find(|word| word.len() > sieve::LONGEST) {
            return Err(ConceptFault(format!(
                "`{word}` has {} bytes, expected at most {}",
                word.len(),
                sieve::LONGEST
            )));
        }
        Ok(Self {
            sieve: Sieve::new(known.keys().map(String::as_bytes)),
            words: known
                .iter()
                .map(|(word, concepts)| (concepts.clone(), is_latin(word)))
                .collect(),
            count: file.concepts.len(),
        })
    }

    /// Every mention in these parts of a text that was normalised.
    pub(crate) fn hits(&self, text: &[u8], parts: &[Range<usize>]) -> Hits {
        let mut hits: Hits = vec![Vec::new(); self.count];
        let keep = |seen: &sieve::Seen| self.begins(text, seen);
        let mut tell = |seen: sieve::Seen| {
            let (concepts, _) = &self.words[seen.literal as usize];
            for concept in concepts {
                let list = &mut hits[usize::from(*concept)];
                if list.len() < MOST_HITS {
                    list.push(Hit {
                        start: seen.start,
                        end: seen.end,
                    });
                }
            }
        };
        for part in parts {
            self.sieve.within(text, part.clone(), keep, &mut tell);
        }
        hits
    }

    /// How often one concept is mentioned.
    pub(crate) fn mentions(&self, text: &[u8], concept: usize) -> usize {
        let is_it = |seen: &sieve::Seen| {
            let (concepts, _) = &self.words[seen.literal as usize];
            concepts.iter().any(|it| usize::from(*it) == concept) && self.begins(text, seen)
        };
        let mut count = 0;
        self.sieve.each(text, 0, is_it, |_| count += 1);
        count.min(MOST_HITS)
    }

    /// Whether a word stands where it counts: in Latin letters, at the
    /// beginning of one.
    fn begins(&self, text: &[u8], seen: &sieve::Seen) -> bool {
        let before = seen.start.checked_sub(1).map(|at| text[at]);
        let (_, latin) = self.words[seen.literal as usize];
        !latin || !before.is_some_and(|byte| byte.is_ascii_alphanumeric())
    }
}
