use std::sync::Arc;

use tollgate_types::{Label, Money, UnixMillis};

use crate::book::Entry;
use crate::period::Period;
use crate::{Amount, BudgetSpec, PeriodKey, Unit};

/// One window of one budget as it stands.
#[derive(Clone, Debug)]
pub struct BudgetState {
    /// The budget's key.
    pub key: Label,
    /// The budget as it is configured.
    pub spec: Arc<BudgetSpec>,
    /// Which of its windows.
    pub period: PeriodKey,
    /// What was used.
    pub settled: Amount,
    /// What requests under way have set aside.
    pub reserved: Amount,
    /// What may have been used: reservations that nobody settled, and slices
    /// that were open at a crash. It counts until reconciled.
    pub unreconciled: Amount,
    /// Tokens left; none without a limit.
    pub tokens_left: Option<u64>,
    /// Money left; none without a limit.
    pub usd_left: Option<Money>,
    /// When the window ends.
    pub resets_at: Option<UnixMillis>,
    /// Settled use has reached a limit.
    pub exhausted: bool,
}

impl BudgetState {
    pub(crate) fn of(entry: &Entry, period: &Period) -> Self {
        let spec = Arc::clone(&entry.spec);
        let both = |count: &dyn Fn(Unit) -> u64| {
            Amount::priced(count(Unit::Tokens), Money::from_nanos(count(Unit::Usd)))
        };
        Self {
            key: entry.cell.key.clone(),
            period: period.key.clone(),
            settled: both(&|unit| period.meter(unit).settled()),
            reserved: both(&|unit| period.meter(unit).reserved()),
            unreconciled: both(&|unit| period.meter(unit).unreconciled()),
            tokens_left: period.left(&spec, Unit::Tokens),
            usd_left: period.left(&spec, Unit::Usd).map(Money::from_nanos),
            resets_at: period.end,
            exhausted: period.is_reached(&spec),
            spec,
        }
    }
}
