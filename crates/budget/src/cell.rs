use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;
use tollgate_types::{Label, RunId, UnixMillis};

use crate::period::Period;
use crate::{BudgetSpec, PeriodKey, SharedZone, Span, Used, Window};

/// The use of one budget over its windows. Lives on under the same key while
/// limits change.
#[derive(Debug)]
pub(crate) struct Cell {
    pub(crate) key: Label,
    periods: Periods,
}

#[derive(Debug)]
enum Periods {
    One(Arc<Period>),
    Rolling {
        current: ArcSwap<Period>,
        window: Window,
        zone: SharedZone,
    },
    Runs(Mutex<HashMap<Option<RunId>, Arc<Period>>>),
}

impl Cell {
    /// A cell that begins with what is known of its windows.
    pub(crate) fn new(spec: &BudgetSpec, used: &[Used]) -> Arc<Self> {
        let key = spec.key();
        let mut known = used.iter().filter(|used| used.budget == key);
        let periods = match spec.window {
            Window::Total => {
                let found = known.find(|used| used.period == PeriodKey::Total);
                Periods::One(Period::new(PeriodKey::Total, None, found))
            }
            window @ (Window::Day | Window::Month) => Periods::Rolling {
                current: ArcSwap::new(latest(known, window, &spec.zone)),
                window,
                zone: Arc::clone(&spec.zone),
            },
            Window::Run => Periods::Runs(Mutex::new(known.filter_map(of_run).collect())),
        };
        Arc::new(Self { key, periods })
    }

    /// The window that a request of this run, made now, belongs to.
    pub(crate) fn period(&self, run: Option<&RunId>, now: UnixMillis) -> Arc<Period> {
        match &self.periods {
            Periods::One(period) => Arc::clone(period),
            Periods::Rolling {
                current,
                window,
                zone,
            } => rolled(current, *window, zone, now),
            Periods::Runs(runs) => {
                let mut runs = locked(runs);
                match runs.get(&run.cloned()) {
                    Some(period) => Arc::clone(period),
                    None => {
                        let period = Period::new(PeriodKey::Run(run.cloned()), None, None);
                        runs.insert(run.cloned(), Arc::clone(&period));
                        period
                    }
                }
            }
        }
    }

    /// The window of a request that was made then, if the budget still has it.
    pub(crate) fn period_of(&self, run: Option<&RunId>, made: UnixMillis) -> Option<Arc<Period>> {
        let period = self.period(run, made);
        match period.key {
            PeriodKey::Since(start) if start > made => None,
            _ => Some(period),
        }
    }

    /// Every window that is open.
    pub(crate) fn open(&self, now: UnixMillis) -> Vec<Arc<Period>> {
        match &self.periods {
            Periods::Runs(runs) => locked(runs).values().cloned().collect(),
            Periods::One(_) | Periods::Rolling { .. } => vec![self.period(None, now)],
        }
    }

    /// The window of a run begins with what is known; one that is open stays.
    pub(crate) fn recall_run(&self, run: &RunId, used: &Used) {
        if let Periods::Runs(runs) = &self.periods {
            let key = PeriodKey::Run(Some(run.clone()));
            locked(runs)
                .entry(Some(run.clone()))
                .or_insert_with(|| Period::new(key, None, Some(used)));
        }
    }

    /// Forgets the window of a run that is over.
    pub(crate) fn end_run(&self, run: &RunId) {
        if let Periods::Runs(runs) = &self.periods {
            locked(runs).remove(&Some(run.clone()));
        }
    }
}

/// The current window, the next one where that is over. A window is only ever
/// replaced by a later one: a clock that goes back opens nothing again.
fn rolled(
    current: &ArcSwap<Period>,
    window: Window,
    zone: &SharedZone,
    now: UnixMillis,
) -> Arc<Period> {
    loop {
        let period = current.load_full();
        if !period.is_over(now) {
            return period;
        }
        let Some(mut span) = window.span(&**zone, now) else {
            return period;
        };
        // A zone whose windows overlap must not give the same hours twice.
        span.start = span.start.max(period.end.unwrap_or_default());
        let next = Period::since(span, None);
        let found = current.compare_and_swap(&period, Arc::clone(&next));
        if Arc::ptr_eq(&found, &period) {
            return next;
        }
    }
}

/// The latest window that is known, even one that begins in the future: then
/// the clock went back while nothing ran, and the window holds until it ends.
fn latest<'u>(
    known: impl Iterator<Item = &'u Used>,
    window: Window,
    zone: &SharedZone,
) -> Arc<Period> {
    let start = |used: &&Used| match used.period {
        PeriodKey::Since(start) => Some(start),
        _ => None,
    };
    let used = known
        .filter(|used| start(used).is_some())
        .max_by_key(|used| start(used));
    let span = used.as_ref().and_then(start).and_then(|start| {
        Some(Span {
            start,
            ..window.span(&**zone, start)?
        })
    });
    // Over at any time, so that the first request opens the right one.
    let before = Span {
        start: UnixMillis(0),
        end: UnixMillis(0),
    };
    Period::since(span.unwrap_or(before), used)
}

fn of_run(used: &Used) -> Option<(Option<RunId>, Arc<Period>)> {
    match &used.period {
        PeriodKey::Run(run) => {
            let period = Period::new(used.period.clone(), None, Some(used));
            Some((run.clone(), period))
        }
        _ => None,
    }
}

fn locked<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}
