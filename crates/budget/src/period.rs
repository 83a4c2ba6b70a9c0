use std::sync::Arc;

use tollgate_types::{Money, UnixMillis};

use crate::atomic::{AtomicU64, Ordering};
use crate::meter::Meter;
use crate::refused::Reached;
use crate::{Amount, BudgetSpec, Exhausted, PeriodKey, Refused, Slice, Span, Unit, Used};

/// One window of one budget: its use in both units.
///
/// A reservation keeps the period in which it was made, so that what is
/// settled after midnight counts for the day on which it was promised.
#[derive(Debug)]
pub(crate) struct Period {
    pub(crate) key: PeriodKey,
    pub(crate) end: Option<UnixMillis>,
    tokens: Meter,
    usd: Meter,
    /// 1 while a write is asked for. Set under the lock of those who ask.
    wanting: AtomicU64,
}

/// Where a reservation brought the totals to.
pub(crate) struct Taken {
    tokens: u64,
    nanos: u64,
}

impl Period {
    pub(crate) fn new(key: PeriodKey, end: Option<UnixMillis>, used: Option<&Used>) -> Arc<Self> {
        let meter = |unit: fn(&Amount) -> u64| {
            used.map_or_else(
                || Meter::new(0, 0),
                |used| Meter::new(unit(&used.settled), unit(&used.drawn)),
            )
        };
        Arc::new(Self {
            key,
            end,
            tokens: meter(|amount| amount.tokens),
            usd: meter(Amount::nanos),
            wanting: AtomicU64::new(0),
        })
    }

    pub(crate) fn since(span: Span, used: Option<&Used>) -> Arc<Self> {
        Self::new(PeriodKey::Since(span.start), Some(span.end), used)
    }

    pub(crate) fn is_over(&self, now: UnixMillis) -> bool {
        self.end.is_some_and(|end| end <= now)
    }

    pub(crate) fn meter(&self, unit: Unit) -> &Meter {
        match unit {
            Unit::Tokens => &self.tokens,
            Unit::Usd => &self.usd,
        }
    }

    /// Sets the amount aside in both units or in none. A budget that does not
    /// hold counts all the same, without a limit.
    pub(crate) fn take(
        &self,
        spec: &BudgetSpec,
        holds: bool,
        amount: &Amount,
        now: UnixMillis,
    ) -> Result<Taken, Refused> {
        if holds && spec.limit.usd.is_some() && amount.money.is_none() {
            return Err(Refused::Unpriced {
                budget: spec.name().into(),
            });
        }
        let limit = |unit| spec.limit.of(unit).filter(|_| holds);
        let tokens = self
            .tokens
            .take(amount.tokens, limit(Unit::Tokens))
            .map_err(|no| self.exhausted(spec, Unit::Tokens, no.left, amount.tokens, now))?;
        match self.usd.take(amount.nanos(), limit(Unit::Usd)) {
            Ok(nanos) => Ok(Taken { tokens, nanos }),
            Err(no) => {
                self.tokens.give_back(amount.tokens);
                Err(self.exhausted(spec, Unit::Usd, no.left, amount.nanos(), now))
            }
        }
    }

    /// Whether an amount would fit, to refuse without touching anything.
    pub(crate) fn would_fit(
        &self,
        spec: &BudgetSpec,
        amount: &Amount,
        now: UnixMillis,
    ) -> Result<(), Refused> {
        for (unit, needed) in [(Unit::Tokens, amount.tokens), (Unit::Usd, amount.nanos())] {
            let left = self.left(spec, unit);
            if left.is_some_and(|left| needed > left) {
                return Err(self.exhausted(spec, unit, left.unwrap_or(0), needed, now));
            }
        }
        Ok(())
    }

    pub(crate) fn give_back(&self, amount: &Amount) {
        self.tokens.give_back(amount.tokens);
        self.usd.give_back(amount.nanos());
    }

    /// Books what was used in the place of what was reserved; says so where
    /// that reached the limit.
    pub(crate) fn settle(
        &self,
        spec: &BudgetSpec,
        reserved: &Amount,
        actual: &Amount,
    ) -> Option<Reached> {
        let limit = |unit| spec.limit.of(unit);
        let tokens = self
            .tokens
            .settle(reserved.tokens, actual.tokens, limit(Unit::Tokens));
        let usd = self
            .usd
            .settle(reserved.nanos(), actual.nanos(), limit(Unit::Usd));
        (tokens || usd).then(|| self.reached(spec))
    }

    pub(crate) fn abandon(&self, reserved: &Amount) {
        self.tokens.abandon(reserved.tokens);
        self.usd.abandon(reserved.nanos());
    }

    pub(crate) fn reconcile(
        &self,
        spec: &BudgetSpec,
        actual: &Amount,
    ) -> (Amount, Option<Reached>) {
        let (tokens, over) = self
            .tokens
            .reconcile(actual.tokens, spec.limit.of(Unit::Tokens));
        let (nanos, dear) = self.usd.reconcile(actual.nanos(), spec.limit.of(Unit::Usd));
        let cleared = Amount::priced(tokens, Money::from_nanos(nanos));
        (cleared, (over || dear).then(|| self.reached(spec)))
    }

    /// What is neither used nor set aside; none without a limit.
    pub(crate) fn left(&self, spec: &BudgetSpec, unit: Unit) -> Option<u64> {
        let limit = spec.limit.of(unit)?;
        Some(limit.saturating_sub(self.meter(unit).spoken()))
    }

    /// Whether settled use has reached a limit.
    pub(crate) fn is_reached(&self, spec: &BudgetSpec) -> bool {
        [Unit::Tokens, Unit::Usd].into_iter().any(|unit| {
            let limit = spec.limit.of(unit);
            limit.is_some_and(|limit| self.meter(unit).settled() >= limit)
        })
    }

    pub(crate) fn reached(&self, spec: &BudgetSpec) -> Reached {
        Reached {
            key: spec.key(),
            budget: spec.name().into(),
            scope: spec.scope.clone(),
            period: self.key.clone(),
            provider: spec.provider.clone(),
            shutdown: spec.shutdown,
            resets_at: self.end,
        }
    }

    fn exhausted(
        &self,
        spec: &BudgetSpec,
        unit: Unit,
        left: u64,
        needed: u64,
        now: UnixMillis,
    ) -> Refused {
        let reached = self.is_reached(spec).then_some(spec.shutdown);
        Refused::Exhausted(Box::new(Exhausted {
            budget: spec.name().into(),
            scope: spec.scope.clone(),
            unit,
            left,
            needed,
            limit: spec.limit.of(unit).unwrap_or(u64::MAX),
            resets_at: self.end,
            reached,
            at: now,
        }))
    }

    /// How far what was taken is durable, and whether the ledger should write.
    pub(crate) fn backing(&self, spec: &BudgetSpec, taken: &Taken) -> Backing {
        let mut backing = Backing::Ample;
        for (unit, total) in [(Unit::Tokens, taken.tokens), (Unit::Usd, taken.nanos)] {
            let Some(limit) = spec.limit.of(unit) else {
                continue;
            };
            let meter = self.meter(unit);
            if !meter.covers(total) {
                return Backing::Missing;
            }
            if meter.is_low(total, step(unit, limit), limit) {
                backing = Backing::Due;
            }
        }
        backing
    }

    /// Whether so much was given back, or used beyond what was set aside, that
    /// the ledger should write another mark.
    pub(crate) fn drift(&self, spec: &BudgetSpec) -> Backing {
        let off = |unit| {
            let (meter, limit) = (self.meter(unit), spec.limit.of(unit));
            limit.is_some_and(|limit| {
                meter.is_loose(step(unit, limit)) || !meter.covers(meter.spoken())
            })
        };
        match off(Unit::Tokens) || off(Unit::Usd) {
            true => Backing::Due,
            false => Backing::Ample,
        }
    }

    pub(crate) fn is_wanting(&self) -> bool {
        self.wanting.load(Ordering::Acquire) != 0
    }

    pub(crate) fn set_wanting(&self, wanting: bool) {
        self.wanting.store(u64::from(wanting), Ordering::Release);
    }

    /// What the ledger is to write next.
    pub(crate) fn slice(&self, spec: &BudgetSpec) -> Slice {
        self.slice_of(spec, |unit| {
            let meter = self.meter(unit);
            match spec.limit.of(unit) {
                Some(limit) => meter.next_slice(step(unit, limit), limit),
                None => meter.drawn(),
            }
        })
    }

    /// All that is spoken for and nothing more, for a clean end.
    pub(crate) fn last_slice(&self, spec: &BudgetSpec) -> Slice {
        self.slice_of(spec, |unit| self.meter(unit).next_slice(0, 0))
    }

    fn slice_of(&self, spec: &BudgetSpec, count: impl Fn(Unit) -> u64) -> Slice {
        Slice {
            budget: spec.key(),
            period: self.key.clone(),
            drawn: Amount::priced(count(Unit::Tokens), Money::from_nanos(count(Unit::Usd))),
        }
    }

    pub(crate) fn back(&self, drawn: &Amount) {
        self.tokens.back(drawn.tokens);
        self.usd.back(drawn.nanos());
    }
}

/// How far what was taken is durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Backing {
    /// It is, with enough to go on.
    Ample,
    /// It is, but another write is due soon.
    Due,
    /// The ledger has to write first.
    Missing,
}

/// How much is made durable ahead: a 64th of the limit. Below some requests'
/// worth a slice saves nothing, and small budgets get none.
fn step(unit: Unit, limit: u64) -> u64 {
    let (least, most) = match unit {
        Unit::Tokens => (4_096, 4_000_000),
        Unit::Usd => (20_000_000, 20_000_000_000),
    };
    match limit / 64 {
        step if step < least => 0,
        step => step.min(most),
    }
}
