use std::sync::Arc;

use tollgate_types::Label;

use crate::budgets::Core;
use crate::period::Period;
use crate::{Amount, BudgetSpec, PeriodKey};

/// What the ledger writes down: of this window of this budget, up to `drawn`
/// may be used. After a crash all of it counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slice {
    /// The budget's key.
    pub budget: Label,
    /// Which of its windows.
    pub period: PeriodKey,
    /// The total since the window began, not the step. The row is set to it,
    /// up or down.
    pub drawn: Amount,
}

/// The slices of one write, all in one transaction. Dropped instead of
/// granted, they stand in the next batch again.
#[derive(Debug)]
#[must_use = "write them, then tell `Budgets::granted`"]
pub struct SliceBatch {
    /// What to write; may be nothing.
    pub slices: Vec<Slice>,
    pub(crate) number: u64,
    /// What to ask for again: all of it where the write fails.
    pub(crate) windows: Vec<Wanted>,
    pub(crate) core: Arc<Core>,
}

/// A window whose mark in the ledger should move.
pub(crate) type Wanted = (Arc<BudgetSpec>, Arc<Period>);

impl Drop for SliceBatch {
    fn drop(&mut self) {
        self.core.ask_again(std::mem::take(&mut self.windows));
    }
}

/// What the ledger knows when the gateway starts, or a budget is new.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Used {
    /// The budget's key.
    pub budget: Label,
    /// Which of its windows.
    pub period: PeriodKey,
    /// What request records say was used.
    pub settled: Amount,
    /// The last slice written. What is above `settled` may have been used by
    /// requests whose records a crash took; it counts until reconciled.
    pub drawn: Amount,
}
