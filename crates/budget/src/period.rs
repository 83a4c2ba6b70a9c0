use std::sync::Arc;

use smallvec::SmallVec;
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
    /// 1 while the next slice is asked for, so that it is asked for once.
    wanting: AtomicU64,
}

/// What a reservation was told about being durable.
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

    /// Whether what was taken may be used already, and whether the next slice
    /// should be asked for.
    pub(crate) fn backing(&self, spec: &BudgetSpec, taken: &Taken) -> Backing {
        let mut backing = Backing::Ample;
        for (unit, total) in [(Unit::Tokens, taken.tokens), (Unit::Usd, taken.nanos)] {
            let Some(limit) = spec.limit.of(unit) else {
                continue;
            };
            let drawn = self.meter(unit).drawn();
            if total > drawn {
                return Backing::Missing;
            }
            if drawn < end(total, limit) && drawn - total < step(unit, limit) / 2 {
                backing = Backing::Low;
            }
        }
        backing
    }

    /// True for the first who asks for the next slice.
    pub(crate) fn start_wanting(&self) -> bool {
        self.wanting.swap(1, Ordering::AcqRel) == 0
    }

    pub(crate) fn stop_wanting(&self) {
        self.wanting.store(0, Ordering::Release);
    }

    /// What the ledger is to write next: all that is spoken for and a step
    /// more, but not past the limit.
    pub(crate) fn slice(self: &Arc<Self>, spec: &BudgetSpec) -> Slice {
        let upto = |unit: Unit| {
            let meter = self.meter(unit);
            let spoken = meter.spoken();
            let Some(limit) = spec.limit.of(unit) else {
                return meter.drawn();
            };
            let ahead = spoken.saturating_add(step(unit, limit));
            ahead.min(end(spoken, limit)).max(meter.drawn())
        };
        Slice {
            budget: spec.key(),
            period: self.key.clone(),
            drawn: Amount::priced(upto(Unit::Tokens), Money::from_nanos(upto(Unit::Usd))),
            of: Arc::clone(self),
        }
    }

    /// All that is spoken for and nothing more, for a clean end.
    pub(crate) fn last_slice(self: &Arc<Self>, spec: &BudgetSpec) -> Slice {
        let spoken = |unit: Unit| self.meter(unit).spoken();
        Slice {
            budget: spec.key(),
            period: self.key.clone(),
            drawn: Amount::priced(spoken(Unit::Tokens), Money::from_nanos(spoken(Unit::Usd))),
            of: Arc::clone(self),
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
    /// There is a slice, and enough of it left.
    Ample,
    /// There is a slice that will soon be used up.
    Low,
    /// The ledger has to write first.
    Missing,
}

/// Where slices end: at the limit, unless a budget that only counts is past it.
fn end(spoken: u64, limit: u64) -> u64 {
    match spoken > limit {
        true => u64::MAX,
        false => limit,
    }
}

/// How much is made durable ahead: a 64th of the limit, so that a crash costs
/// at most that much beside what was outstanding. Below some requests' worth a
/// slice saves nothing, and small budgets get none.
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

/// Slices that must be durable before a request is sent.
pub(crate) type Slices = SmallVec<[Slice; 4]>;
