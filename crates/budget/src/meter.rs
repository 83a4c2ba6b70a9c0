//! The core: one count against one limit, with atomics only.
//!
//! This file is also compiled by `loom/`, which runs every interleaving of it.

use crate::atomic::{AtomicU64, Ordering};

/// What was used and what is set aside, of one unit in one window.
///
/// `spoken` is the one number that decides: everything that is settled,
/// reserved or of unknown fate. A reservation raises it by compare-and-swap
/// and only up to the limit, so that no order of events passes the limit.
/// The other counts say how it is made up, and how far it is durable.
#[derive(Debug)]
pub(crate) struct Meter {
    spoken: AtomicU64,
    settled: AtomicU64,
    unreconciled: AtomicU64,
    /// The ledger has written that this much may be used: after a crash, this
    /// is what counts.
    drawn: AtomicU64,
}

/// There was no room: what was left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NoRoom {
    pub(crate) left: u64,
}

impl Meter {
    /// A meter that begins with what is known of the time before: `settled`
    /// was used, and `drawn` may have been.
    pub(crate) fn new(settled: u64, drawn: u64) -> Self {
        let spoken = settled.max(drawn);
        Self {
            spoken: AtomicU64::new(spoken),
            settled: AtomicU64::new(settled),
            unreconciled: AtomicU64::new(spoken - settled),
            drawn: AtomicU64::new(spoken),
        }
    }

    /// Sets `amount` aside if it fits under `limit`; gives the new total.
    /// Without a limit it fits as long as it can be counted.
    pub(crate) fn take(&self, amount: u64, limit: Option<u64>) -> Result<u64, NoRoom> {
        let limit = limit.unwrap_or(u64::MAX);
        let mut spoken = self.spoken.load(Ordering::Relaxed);
        loop {
            let total = spoken.checked_add(amount).filter(|total| *total <= limit);
            let Some(total) = total else {
                let left = limit.saturating_sub(spoken);
                return Err(NoRoom { left });
            };
            match self.spoken.compare_exchange_weak(
                spoken,
                total,
                Ordering::AcqRel,
                Ordering::Relaxed,
            ) {
                Ok(_) => return Ok(total),
                Err(found) => spoken = found,
            }
        }
    }

    /// Gives back what was set aside and not used.
    pub(crate) fn give_back(&self, amount: u64) {
        self.change(amount, 0);
    }

    /// What was set aside turned out to be `actual`. True for the one call
    /// whose amount brought settled use to the limit.
    pub(crate) fn settle(&self, reserved: u64, actual: u64, limit: Option<u64>) -> bool {
        self.change(reserved, actual);
        let before = add(&self.settled, actual);
        let after = before.saturating_add(actual);
        limit.is_some_and(|limit| before < limit && limit <= after)
    }

    /// What was set aside has an unknown fate: it stays counted.
    pub(crate) fn abandon(&self, reserved: u64) {
        add(&self.unreconciled, reserved);
    }

    /// Of what has an unknown fate, `actual` was used. Gives what was cleared.
    pub(crate) fn reconcile(&self, actual: u64, limit: Option<u64>) -> (u64, bool) {
        let cleared = self.unreconciled.swap(0, Ordering::AcqRel);
        (cleared, self.settle(cleared, actual, limit))
    }

    /// Whether the ledger has written that a reservation which brought the
    /// total here may be used.
    pub(crate) fn covers(&self, total: u64) -> bool {
        self.drawn() >= total
    }

    /// What the ledger is to write next: `step` more than is spoken for, up to
    /// `limit`; less than before where much was given back.
    ///
    /// Only the one who writes calls this, and not again before the write is
    /// over. A lower mark holds here before it is written: whoever takes at
    /// this moment either sees it and waits, or is seen and counted in.
    pub(crate) fn next_slice(&self, step: u64, limit: u64) -> u64 {
        let (spoken, drawn) = (self.spoken(), self.drawn());
        let ahead = spoken.saturating_add(step).min(end(spoken, limit));
        if !is_loose(drawn, spoken, step) {
            return ahead.max(drawn);
        }
        self.drawn.store(ahead, Ordering::Release);
        // Changing the total by nothing puts this in one order with all who
        // change it: who comes before is read here, who comes after reads the
        // lower mark. Reading alone would order nothing.
        ahead.max(self.spoken.fetch_add(0, Ordering::AcqRel))
    }

    /// Whether so much was given back that a lower mark is worth a write.
    pub(crate) fn is_loose(&self, step: u64) -> bool {
        is_loose(self.drawn(), self.spoken(), step)
    }

    /// Whether a total is so near to the mark that the next slice is due.
    pub(crate) fn is_low(&self, total: u64, step: u64, limit: u64) -> bool {
        let drawn = self.drawn();
        drawn < end(total, limit) && drawn.saturating_sub(total) < step / 2
    }

    /// The ledger has written that `total` may be used.
    pub(crate) fn back(&self, total: u64) {
        self.drawn.fetch_max(total, Ordering::AcqRel);
    }

    pub(crate) fn spoken(&self) -> u64 {
        self.spoken.load(Ordering::Acquire)
    }

    /// What is set aside by requests under way. A figure to look at: the
    /// three counts that it is made of are read one after the other.
    pub(crate) fn reserved(&self) -> u64 {
        let known = self.settled().saturating_add(self.unreconciled());
        self.spoken().saturating_sub(known)
    }

    pub(crate) fn settled(&self) -> u64 {
        self.settled.load(Ordering::Acquire)
    }

    pub(crate) fn unreconciled(&self) -> u64 {
        self.unreconciled.load(Ordering::Acquire)
    }

    pub(crate) fn drawn(&self) -> u64 {
        self.drawn.load(Ordering::Acquire)
    }

    /// Replaces a part of the total by another in one step: between two steps
    /// another request would find room that is not there.
    fn change(&self, out: u64, inn: u64) {
        let mut spoken = self.spoken.load(Ordering::Relaxed);
        loop {
            let total = spoken.saturating_sub(out).saturating_add(inn);
            match self.spoken.compare_exchange_weak(
                spoken,
                total,
                Ordering::AcqRel,
                Ordering::Relaxed,
            ) {
                Ok(_) => return,
                Err(found) => spoken = found,
            }
        }
    }
}

fn is_loose(drawn: u64, spoken: u64, step: u64) -> bool {
    drawn > spoken.saturating_add(step.saturating_mul(2))
}

/// Where slices end: at the limit, unless a budget that only counts is past it.
fn end(spoken: u64, limit: u64) -> u64 {
    match spoken > limit {
        true => u64::MAX,
        false => limit,
    }
}

/// Adds and stays at the end rather than begin at zero; gives what was before.
fn add(to: &AtomicU64, amount: u64) -> u64 {
    let mut before = to.load(Ordering::Relaxed);
    loop {
        let sum = before.saturating_add(amount);
        match to.compare_exchange_weak(before, sum, Ordering::AcqRel, Ordering::Relaxed) {
            Ok(_) => return before,
            Err(found) => before = found,
        }
    }
}
