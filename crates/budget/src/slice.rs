use std::sync::Arc;

use tollgate_types::Label;

use crate::period::Period;
use crate::{Amount, PeriodKey};

/// What the ledger makes durable: of this window of this budget, up to
/// `drawn` may be used. Rows only ever grow, and are written before use; after
/// a crash all of it counts.
#[derive(Clone, Debug)]
pub struct Slice {
    /// The budget's key.
    pub budget: Label,
    /// Which of its windows.
    pub period: PeriodKey,
    /// The total since the window began, not the step.
    pub drawn: Amount,
    pub(crate) of: Arc<Period>,
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
