use std::collections::{HashMap, HashSet};

use super::book::{Book, Piece};

/// Runs that are remembered; the one that was quiet longest makes room.
const MOST_RUNS: usize = 1024;

/// Secrets that are followed in one run.
const MOST_SECRETS: usize = 32;

/// Share of what is followed of a secret that must have gone by, in percent.
const ENOUGH: u32 = 60;

/// Seconds after which a run that was quiet is forgotten.
const KEPT: u64 = 24 * 3600;

/// What has gone by of guarded secrets in the requests of each run, as bits:
/// which of their bytes, never the bytes.
///
/// A piece must have eight bytes to be seen for certain; a secret that leaves
/// in shorter ones is out of scope, and so are parts of one that anybody could
/// write: the name of a host in an address, the words of a passphrase.
#[derive(Debug, Default)]
pub struct Fragments {
    runs: HashMap<Box<str>, Run>,
}

#[derive(Debug, Default)]
struct Run {
    last: u64,
    seen: HashMap<u32, Cover>,
}

/// Bits of a secret's first bytes.
pub(super) type Cover = [u64; Book::FOLLOWED / 64];

impl Fragments {
    /// Notes what has gone by in one request of a run, and returns the secrets
    /// of which enough has gone by now, in this request and those before: what
    /// of them stands in this one should not leave. `now` is in seconds.
    pub fn note<'p>(
        &mut self,
        run: &str,
        now: u64,
        book: &Book,
        pieces: impl IntoIterator<Item = &'p Piece>,
    ) -> HashSet<u32> {
        self.runs.retain(|_, run| run.last + KEPT > now);
        let mut touched = HashSet::new();
        for piece in pieces {
            self.make_room(run);
            let entry = self.runs.entry(run.into()).or_default();
            entry.last = now;
            if entry.seen.len() < MOST_SECRETS || entry.seen.contains_key(&piece.secret) {
                mark(entry.seen.entry(piece.secret).or_default(), piece);
                touched.insert(piece.secret);
            }
        }
        let seen = self.runs.get(run).map(|run| &run.seen);
        touched.retain(|secret| {
            let cover = seen.and_then(|seen| seen.get(secret));
            cover.is_some_and(|cover| book.share(*secret, cover) >= ENOUGH)
        });
        touched
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

fn mark(cover: &mut Cover, piece: &Piece) {
    for at in piece.offset..(piece.offset + piece.end - piece.start).min(Book::FOLLOWED) {
        cover[at / 64] |= 1 << (at % 64);
    }
}
