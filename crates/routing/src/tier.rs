use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};

use tollgate_types::UnixMillis;

use crate::schedule::schedule;
use crate::{CredentialSpec, Tried};

/// Turns that are passed over together.
const BLOCK: usize = 128;

/// Credentials of one priority, in the cycle of their turns.
///
/// For every 128 turns it is noted until when all of them rest: a rest is never
/// made shorter, so a pool of thousands of which nearly all rest is searched
/// with one look at each block.
#[derive(Debug)]
pub(crate) struct Tier {
    cycle: Box<[u32]>,
    /// When the first of a block's turns is free, where all of them rest.
    blocks: Box<[AtomicU64]>,
    position: AtomicUsize,
}

/// The tiers of a pool, best priority first.
pub(crate) fn tiers(specs: &[CredentialSpec]) -> Box<[Tier]> {
    let mut by_priority = std::collections::BTreeMap::<u32, Vec<(u32, u32)>>::new();
    for (index, spec) in (0u32..).zip(specs) {
        by_priority
            .entry(spec.priority)
            .or_default()
            .push((index, spec.weight));
    }
    let tier = |weights: Vec<_>| {
        let cycle = schedule(&weights);
        let blocks = cycle.chunks(BLOCK).map(|_| AtomicU64::new(0));
        Tier {
            blocks: blocks.collect(),
            cycle,
            position: AtomicUsize::new(0),
        }
    };
    by_priority.into_values().map(tier).collect()
}

impl Tier {
    /// The next turn of somebody free; the position moves behind it. Turns of
    /// those who rest are passed over, never handed to their neighbour, which
    /// would get more than its share.
    pub(crate) fn take(
        &self,
        now: UnixMillis,
        free_at: impl Fn(usize) -> u64,
        tried: &Tried,
    ) -> Option<usize> {
        let mut start = self.position.load(Relaxed);
        loop {
            let at = self.next(start, now, &free_at, tried)?;
            let behind = (at + 1) % self.cycle.len();
            // Fails only where another caller has just moved on.
            match self
                .position
                .compare_exchange_weak(start, behind, Relaxed, Relaxed)
            {
                Ok(_) => return Some(self.cycle[at] as usize),
                Err(moved) => start = moved,
            }
        }
    }

    /// Whether somebody is free.
    pub(crate) fn has_free(
        &self,
        now: UnixMillis,
        free_at: impl Fn(usize) -> u64,
        tried: &Tried,
    ) -> bool {
        self.next(self.position.load(Relaxed), now, &free_at, tried)
            .is_some()
    }

    /// The first turn from `start` on whose credential is free.
    fn next(
        &self,
        start: usize,
        now: UnixMillis,
        free_at: &impl Fn(usize) -> u64,
        tried: &Tried,
    ) -> Option<usize> {
        let length = self.cycle.len();
        let (mut at, mut left) = (start, length);
        while left > 0 {
            let block = at / BLOCK;
            let end = ((block + 1) * BLOCK).min(length).min(at + left);
            if self.blocks[block].load(Relaxed) <= now.0 {
                let mut first = u64::MAX;
                for turn in at..end {
                    let index = self.cycle[turn] as usize;
                    let free = free_at(index);
                    if free <= now.0 && free < u64::MAX && !tried.contains(index) {
                        return Some(turn);
                    }
                    first = first.min(free);
                }
                let whole = at % BLOCK == 0 && (end % BLOCK == 0 || end == length);
                if whole && first > now.0 {
                    self.blocks[block].store(first, Relaxed);
                }
            }
            left -= end - at;
            at = end % length;
        }
        None
    }
}
