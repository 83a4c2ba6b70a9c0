//! How much an agent may ask for in a minute: requests and tokens.
//!
//! A minute here is any sixty seconds, not those that a clock's hand marks: a
//! counter that begins anew at :00 lets twice its limit through around it. The
//! last minute is kept in slots of five seconds; what was taken is given back
//! when its whole slot is more than a minute old, so a limit may hold up to
//! five seconds longer than it must and is never passed.
//!
//! Everything is atomic and nobody waits: what is taken goes through one
//! compare-and-swap of the sum, slots only say when it leaves the sum again.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use tollgate_types::UnixMillis;

/// Length of a slot.
const SLOT_MS: u64 = 5_000;

/// Slots that together cover a minute whole, wherever in a slot it begins.
const SLOTS: u64 = 13;

/// Bits of a slot that count; the others say which five seconds it stands for.
const COUNT_BITS: u32 = 35;
const COUNT: u64 = (1 << COUNT_BITS) - 1;

/// The limits of one agent, and what it has used of them in the last minute.
#[derive(Debug, Default)]
pub struct AgentRate {
    requests: Option<Window>,
    tokens: Option<Window>,
}

/// How far one limit is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateState {
    /// What may be used in any minute.
    pub limit: u64,
    /// What may still be used now.
    pub remaining: u64,
    /// Until nothing counts any more.
    pub reset: Duration,
}

/// A request that comes too fast.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{limit} {unit} a minute are allowed, {used} are used and this request takes {asked}")]
pub struct TooFast {
    /// `requests` or `tokens`.
    pub unit: &'static str,
    /// What may be used in any minute.
    pub limit: u64,
    /// What is used of it.
    pub used: u64,
    /// What the request takes at most.
    pub asked: u64,
    /// When it would be let through; none where it never would.
    pub after: Option<Duration>,
}

/// What a request has taken, to be settled when it is known what it used.
#[derive(Debug)]
#[must_use]
pub struct Taken {
    rate: Arc<AgentRate>,
    tokens: u64,
    slot: u64,
}

impl AgentRate {
    /// Limits for any minute; none counts nothing.
    pub fn new(requests: Option<u64>, tokens: Option<u64>) -> Self {
        Self {
            requests: requests.map(Window::new),
            tokens: tokens.map(Window::new),
        }
    }

    /// The same limits, with what the last minute has used under others.
    #[must_use]
    pub fn with_state_of(self, old: &Self) -> Self {
        let pairs = [(&self.requests, &old.requests), (&self.tokens, &old.tokens)];
        for (new, old) in pairs {
            if let (Some(new), Some(old)) = (new, old) {
                new.copy(old);
            }
        }
        self
    }

    /// Takes one request of at most so many tokens. One whose answer alone
    /// makes it larger than the limit is let through where nothing else was:
    /// `input` is what it takes in any case.
    ///
    /// # Errors
    /// [`TooFast`]; nothing was taken.
    pub fn take(
        self: &Arc<Self>,
        now: UnixMillis,
        input: u64,
        tokens: u64,
    ) -> Result<Taken, TooFast> {
        if let Some(requests) = &self.requests {
            requests.take(now, 1, "requests")?;
        }
        let mut taken = 0;
        if let Some(window) = &self.tokens {
            taken = tokens.min(window.limit).max(input);
            if let Err(no) = window.take(now, taken, "tokens") {
                if let Some(requests) = &self.requests {
                    requests.give_back(now.0 / SLOT_MS, 1);
                }
                return Err(no);
            }
        }
        Ok(Taken {
            rate: Arc::clone(self),
            tokens: taken,
            slot: now.0 / SLOT_MS,
        })
    }

    /// How far requests are used, where they are limited.
    pub fn requests(&self, now: UnixMillis) -> Option<RateState> {
        self.requests.as_ref().map(|window| window.state(now))
    }

    /// How far tokens are used, where they are limited.
    pub fn tokens(&self, now: UnixMillis) -> Option<RateState> {
        self.tokens.as_ref().map(|window| window.state(now))
    }
}

impl Taken {
    /// Puts what was used in the place of what was taken. More counts from now
    /// on, less is free at once.
    pub fn settle(self, now: UnixMillis, used: u64) {
        let Some(window) = &self.rate.tokens else {
            return;
        };
        if used >= self.tokens {
            window.add(now.0 / SLOT_MS, used - self.tokens);
        } else {
            window.give_back(self.slot, self.tokens - used);
        }
    }
}

/// A sum over the last minute.
#[derive(Debug)]
struct Window {
    limit: u64,
    /// What all slots hold together, and what is about to go into one.
    used: AtomicU64,
    /// The slot up to which old ones have been emptied.
    swept: AtomicU64,
    slots: [AtomicU64; SLOTS as usize],
}

impl Window {
    fn new(limit: u64) -> Self {
        Self {
            limit: limit.min(COUNT / 2),
            used: AtomicU64::new(0),
            swept: AtomicU64::new(0),
            slots: Default::default(),
        }
    }

    fn take(&self, now: UnixMillis, asked: u64, unit: &'static str) -> Result<(), TooFast> {
        let current = now.0 / SLOT_MS;
        self.sweep(current);
        let mut used = self.used.load(Relaxed);
        loop {
            if used.saturating_add(asked) > self.limit {
                return Err(TooFast {
                    unit,
                    limit: self.limit,
                    used,
                    asked,
                    after: self.free(now, asked),
                });
            }
            match self
                .used
                .compare_exchange_weak(used, used + asked, Relaxed, Relaxed)
            {
                Ok(_) => break,
                Err(seen) => used = seen,
            }
        }
        self.file(current, asked);
        Ok(())
    }

    /// Counts what is over already, limit or not.
    fn add(&self, current: u64, more: u64) {
        let more = more.min(COUNT / 2);
        self.used.fetch_add(more, Relaxed);
        self.file(current, more);
    }

    /// Notes when what stands in the sum leaves it.
    fn file(&self, current: u64, more: u64) {
        let slot = &self.slots[(current % SLOTS) as usize];
        let mut seen = slot.load(Relaxed);
        loop {
            let (stamp, count) = (seen >> COUNT_BITS, seen & COUNT);
            // A thread that slept for a minute finds a younger slot here.
            let (stamp, count, old) = match stamp < current {
                true => (current, 0, count),
                false => (stamp, count, 0),
            };
            let packed = stamp << COUNT_BITS | (count + more).min(COUNT);
            match slot.compare_exchange_weak(seen, packed, Relaxed, Relaxed) {
                Ok(_) => {
                    self.used.fetch_sub(old, Relaxed);
                    return;
                }
                Err(now) => seen = now,
            }
        }
    }

    fn give_back(&self, from: u64, less: u64) {
        let slot = &self.slots[(from % SLOTS) as usize];
        let mut seen = slot.load(Relaxed);
        while seen >> COUNT_BITS == from {
            let less = less.min(seen & COUNT);
            match slot.compare_exchange_weak(seen, seen - less, Relaxed, Relaxed) {
                Ok(_) => {
                    self.used.fetch_sub(less, Relaxed);
                    return;
                }
                Err(now) => seen = now,
            }
        }
        // Over a minute ago: it has left the sum.
    }

    /// Takes what is more than a minute old out of the sum.
    fn sweep(&self, current: u64) {
        if self.swept.load(Relaxed) >= current {
            return;
        }
        for slot in &self.slots {
            let mut seen = slot.load(Relaxed);
            while seen & COUNT > 0 && (seen >> COUNT_BITS) + SLOTS <= current {
                let emptied = seen & !COUNT;
                match slot.compare_exchange_weak(seen, emptied, Relaxed, Relaxed) {
                    Ok(_) => {
                        self.used.fetch_sub(seen & COUNT, Relaxed);
                        break;
                    }
                    Err(now) => seen = now,
                }
            }
        }
        self.swept.fetch_max(current, Relaxed);
    }

    /// When there is room for `asked`.
    fn free(&self, now: UnixMillis, asked: u64) -> Option<Duration> {
        let mut over = self
            .used
            .load(Relaxed)
            .saturating_add(asked)
            .saturating_sub(self.limit);
        for (stamp, count) in self.filled() {
            over = over.saturating_sub(count);
            if over == 0 {
                return Some(until_empty(stamp, now));
            }
        }
        None
    }

    fn state(&self, now: UnixMillis) -> RateState {
        self.sweep(now.0 / SLOT_MS);
        let last = self.filled().last().copied();
        RateState {
            limit: self.limit,
            remaining: self.limit.saturating_sub(self.used.load(Relaxed)),
            reset: last.map_or(Duration::ZERO, |(stamp, _)| until_empty(stamp, now)),
        }
    }

    /// Slots with something in them, oldest first.
    fn filled(&self) -> smallvec::SmallVec<[(u64, u64); SLOTS as usize]> {
        let slots = self.slots.iter().map(|slot| slot.load(Relaxed));
        let mut filled: smallvec::SmallVec<_> = slots
            .filter(|slot| slot & COUNT > 0)
            .map(|slot| (slot >> COUNT_BITS, slot & COUNT))
            .collect();
        filled.sort_unstable();
        filled
    }

    fn copy(&self, old: &Self) {
        let pairs = self.slots.iter().zip(&old.slots);
        for (slot, old) in pairs {
            let seen = old.load(Relaxed);
            slot.store(seen, Relaxed);
            self.used.fetch_add(seen & COUNT, Relaxed);
        }
    }
}

fn until_empty(stamp: u64, now: UnixMillis) -> Duration {
    Duration::from_millis(((stamp + SLOTS) * SLOT_MS).saturating_sub(now.0))
}

#[cfg(test)]
mod tests;
