use std::collections::HashMap;
use std::sync::Arc;

use super::book::Book;

/// Runs that are remembered; the one that was quiet longest makes room.
const MOST_RUNS: usize = 1024;

/// Secrets that are followed in one run.
const MOST_SECRETS: usize = 32;

/// Share of a secret that must have gone by, in percent.
const ENOUGH: usize = 60;

/// What has gone by of guarded secrets in the requests of each run, as bits:
/// which of their bytes, never the bytes.
///
/// A piece must have six bytes to be seen; a secret that leaves in shorter
/// ones, each in a request of its own, is out of scope.
#[derive(Debug, Default)]
pub struct Fragments {
    runs: HashMap<Box<str>, Run>,
}

#[derive(Debug, Default)]
struct Run {
    last: u64,
    seen: HashMap<u32, Cover>,
}

#[derive(Debug, Clone, Default)]
struct Cover {
    bits: [u64; 8],
    said: bool,
}

/// A secret that has left in pieces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pieces {
    /// The kind it is guarded under.
    pub kind: Arc<str>,
    /// How much of it has gone by, in percent.
    pub percent: usize,
}

impl Fragments {
    /// Notes what of the guarded secrets stands in this text of a run, and
    /// returns those that have now left in pieces; each is said once.
    /// `now` is any clock that grows.
    pub fn note(&mut self, run: &str, now: u64, book: &Book, text: &[u8]) -> Vec<Pieces> {
        let mut hits: Vec<(u32, usize, usize)> = Vec::new();
        book.pieces(text, |secret, offset, length| {
            hits.push((secret, offset, length))
        });
        if hits.is_empty() {
            return Vec::new();
        }
        self.make_room(run);
        let entry = self.runs.entry(run.into()).or_default();
        entry.last = now;
        for (secret, offset, length) in hits {
            if entry.seen.len() >= MOST_SECRETS && !entry.seen.contains_key(&secret) {
                continue;
            }
            entry.seen.entry(secret).or_default().mark(offset, length);
        }
        let mut left = Vec::new();
        for (secret, cover) in &mut entry.seen {
            let Some((kind, length)) = book.about(*secret) else {
                continue;
            };
            let percent = cover.count() * 100 / length.clamp(1, 512);
            if percent >= ENOUGH && !cover.said {
                cover.said = true;
                left.push(Pieces { kind, percent });
            }
        }
        left
    }

    /// Forgets a run that has ended.
    pub fn forget(&mut self, run: &str) {
        self.runs.remove(run);
    }

    fn make_room(&mut self, run: &str) {
        if self.runs.len() < MOST_RUNS || self.runs.contains_key(run) {
            return;
        }
        let oldest = self
            .runs
            .iter()
            .min_by_key(|(_, run)| run.last)
            .map(|(name, _)| name.clone());
        if let Some(oldest) = oldest {
            self.runs.remove(&oldest);
        }
    }
}

impl Cover {
    fn mark(&mut self, offset: usize, length: usize) {
        for at in offset..(offset + length).min(512) {
            self.bits[at / 64] |= 1 << (at % 64);
        }
    }

    fn count(&self) -> usize {
        self.bits
            .iter()
            .map(|word| word.count_ones() as usize)
            .sum()
    }
}
