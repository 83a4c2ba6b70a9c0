use std::sync::Arc;

use smallvec::SmallVec;
use tollgate_types::{Label, RunId, UnixMillis};

use crate::budgets::Core;
use crate::period::{Backing, Period};
use crate::refused::Reached;
use crate::{Amount, BudgetSpec, Refused, ScopePath};

/// What one attempt at one candidate may use, set aside at every scope.
///
/// It ends exactly once: [`settle`](Self::settle) takes it by value. Dropped
/// without, it counts in full and is shown as unreconciled, for nobody knows
/// what the provider bills.
#[derive(Debug)]
#[must_use = "a reservation that is dropped counts in full"]
pub struct Reservation {
    pub(crate) core: Arc<Core>,
    pub(crate) shares: Shares,
    /// What is set aside; its money is that of the parts that have a price.
    pub(crate) amount: Amount,
    pub(crate) unpriced: bool,
    /// The batch of slices that has to be written first; 0 for none.
    pub(crate) needs_batch: u64,
    pub(crate) made: UnixMillis,
    pub(crate) generation: u64,
    pub(crate) who: ScopePath,
    pub(crate) run: Option<RunId>,
    pub(crate) provider: Label,
    pub(crate) open: bool,
}

pub(crate) type Shares = SmallVec<[Share; 6]>;

/// A reservation's part in one budget.
#[derive(Debug)]
pub(crate) struct Share {
    pub(crate) spec: Arc<BudgetSpec>,
    pub(crate) period: Arc<Period>,
    /// False where the budget only counts.
    pub(crate) holds: bool,
}

impl Reservation {
    /// What is set aside.
    pub fn amount(&self) -> Amount {
        match self.unpriced {
            true => Amount::unpriced(self.amount.tokens),
            false => self.amount,
        }
    }

    /// The budget that governs, as people call it: the first that holds.
    pub fn budget(&self) -> Option<Label> {
        let governing = self.shares.iter().find(|share| share.holds)?;
        Some(governing.spec.name().into())
    }

    /// The batch of slices that makes it durable, to be waited for elsewhere.
    pub fn backing(&self) -> Backed {
        Backed {
            core: Arc::clone(&self.core),
            batch: self.needs_batch,
        }
    }

    /// Whether what is set aside would survive a crash, so that it may be
    /// used. Nearly always at once; else the ledger has to write what
    /// [`Budgets::want`](crate::Budgets::want) gives after this reservation.
    pub fn is_backed(&self) -> bool {
        self.core.has_granted(self.needs_batch)
    }

    /// Sets more aside: the answer is larger than was thought.
    ///
    /// # Errors
    /// [`Refused`]: there is no room, and what was set aside before stays so;
    /// the answer has to be cut.
    pub fn extend(&mut self, more: Amount, now: UnixMillis) -> Result<(), Refused> {
        // Looking first keeps a request without a chance from holding, for a
        // moment, what another one has room for.
        for share in self.shares.iter().filter(|share| share.holds) {
            share.period.would_fit(&share.spec, &more, now)?;
        }
        let mut needs = self.needs_batch;
        for (at, share) in self.shares.iter().enumerate() {
            match share.period.take(&share.spec, share.holds, &more, now) {
                Ok(taken) => {
                    let backing = share.period.backing(&share.spec, &taken);
                    let batch = self.core.ask(share, backing);
                    if backing == Backing::Missing {
                        needs = needs.max(batch);
                    }
                }
                Err(refused) => {
                    let before = self.shares.iter().take(at);
                    before.for_each(|share| share.period.give_back(&more));
                    return Err(refused);
                }
            }
        }
        self.unpriced |= more.money.is_none();
        let known = Amount {
            money: Some(more.money.unwrap_or_default()),
            ..more
        };
        self.amount = self.amount.plus(known);
        self.needs_batch = needs;
        Ok(())
    }

    /// Books what was used, more or less than was set aside, and gives the
    /// rest back. [`Amount::ZERO`] for what was certainly not billed. Where the
    /// price is not known after all, the money that was set aside counts.
    ///
    /// Returns the budgets that this has used up, each told once.
    pub fn settle(mut self, actual: Amount) -> Vec<Reached> {
        self.open = false;
        let actual = Amount {
            tokens: actual.tokens,
            money: actual.money.or(self.amount.money),
        };
        let settled = self
            .shares
            .iter()
            .filter_map(|share| share.period.settle(&share.spec, &self.amount, &actual));
        let mut reached: Vec<Reached> = settled.collect();
        reached.extend(self.core.book_late(&self, &actual));
        for share in &self.shares {
            self.core.ask(share, share.period.drift(&share.spec));
        }
        reached
    }

    /// Nothing was set aside.
    pub(crate) fn cancel(mut self) {
        self.open = false;
    }
}

/// Whether what one reservation sets aside is durable.
#[derive(Clone, Debug)]
pub struct Backed {
    core: Arc<Core>,
    batch: u64,
}

impl Backed {
    /// As [`Reservation::is_backed`], at the time this was made.
    pub fn is_written(&self) -> bool {
        self.core.has_granted(self.batch)
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        if self.open {
            for share in &self.shares {
                share.period.abandon(&self.amount);
            }
        }
    }
}
