use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A collector that is gone for a day is worth a line a minute, not one for
/// every export.
const BETWEEN: Duration = Duration::from_secs(60);

/// What went wrong since it was last said.
#[derive(Debug, Default)]
pub(crate) struct Trouble {
    pub(crate) lost: AtomicU64,
    told: Mutex<Told>,
}

#[derive(Debug, Default)]
struct Told {
    at: Option<Instant>,
    failed: u64,
    last: Option<String>,
}

impl Trouble {
    /// Spans that nobody will see.
    pub(crate) fn lost(&self, spans: u64) {
        self.lost.fetch_add(spans, Ordering::Relaxed);
    }

    /// An export that did not get through; `why` without secrets.
    pub(crate) fn failed(&self, why: &str) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.failed += 1;
        told.last = Some(why.to_owned());
        drop(told);
        self.say();
    }

    /// Says what there is to say, unless something was said within the last
    /// minute.
    pub(crate) fn say(&self) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.at.is_none_or(|at| at.elapsed() >= BETWEEN) {
            self.warn(&mut told);
        }
    }

    /// Says all of it: nothing comes after.
    pub(crate) fn say_all(&self) {
        self.warn(&mut self.told.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn warn(&self, told: &mut Told) {
        let lost = self.lost.swap(0, Ordering::Relaxed);
        if lost == 0 && told.failed == 0 {
            return;
        }
        let why = told.last.take().unwrap_or_else(|| "queue full".to_owned());
        tracing::warn!(
            exports_failed = told.failed,
            spans_lost = lost,
            "telemetry does not reach the collector: {why}"
        );
        *told = Told {
            at: Some(Instant::now()),
            ..Told::default()
        };
    }
}
