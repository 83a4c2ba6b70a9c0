use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};

use tollgate_types::{FaultClass, UnixMillis};

/// Failures in a row after which a target is left alone.
const TRIP: u32 = 5;

/// First and longest pause; each one that ends in a failure doubles it.
const PAUSE_MS: u64 = 1_000;
const LONGEST_PAUSE_MS: u64 = 60_000;

/// A trial that has told nothing for so long is given up: a stream may run for
/// minutes, but its first byte says whether the target is up.
const LONGEST_TRIAL_MS: u64 = 60_000;

/// Whether a provider's server can be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TargetStanding {
    /// It can.
    Ready,
    /// It said that it is still loading its model.
    Starting,
    /// It failed five times in a row: left alone for 1, 2, 4, … at most 60 s,
    /// then one request tries it.
    Down,
}

impl TargetStanding {
    /// The word in listings and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Starting => "starting",
            Self::Down => "down",
        }
    }
}

/// What an operator sees of a provider's server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TargetState {
    /// Whether it is asked.
    pub standing: TargetStanding,
    /// Failures in a row.
    pub failures: u32,
    /// When it is tried again; none where it is asked as usual.
    pub next_try: Option<UnixMillis>,
    /// Requests under way, by all its credentials.
    pub in_flight: u32,
}

/// A circuit breaker. A credential that is rejected or limited says that its
/// server is up; a server that fails says nothing about the credential. So the
/// two are kept apart.
///
/// It never refuses by itself: whoever has another candidate passes a target
/// by that is not ready, whoever has none tries it all the same.
#[derive(Debug, Default)]
pub(crate) struct Target {
    /// Failures in a row.
    failures: AtomicU32,
    /// Pauses in a row.
    pauses: AtomicU32,
    /// End of the pause in milliseconds, shifted left by one, and whether it
    /// is because the target is starting; 0 is no pause.
    pause: AtomicU64,
    /// When the trial after a pause began; 0 is none.
    trial: AtomicU64,
}

/// What a breaker says to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Gate {
    Open,
    /// This request is the trial.
    Trial,
    Closed(UnixMillis),
}

impl Target {
    pub(crate) fn gate(&self, now: UnixMillis) -> Gate {
        let pause = self.pause.load(Relaxed);
        let until = UnixMillis(pause >> 1);
        if pause == 0 {
            return Gate::Open;
        }
        if until > now {
            return Gate::Closed(until);
        }
        let trial = self.trial.load(Relaxed);
        let free = trial == 0 || now.since(UnixMillis(trial)) > LONGEST_TRIAL_MS;
        let taken = free
            && self
                .trial
                .compare_exchange(trial, now.0.max(1), Relaxed, Relaxed)
                .is_ok();
        match taken {
            true => Gate::Trial,
            false => Gate::Closed(until),
        }
    }

    /// Whether requests with another candidate pass it by.
    pub(crate) fn is_closed(&self, now: UnixMillis) -> bool {
        self.pause.load(Relaxed) >> 1 > now.0
    }

    /// The trial ended without a word.
    pub(crate) fn end_trial(&self) {
        self.trial.store(0, Relaxed);
    }

    /// The target answered, whatever it said.
    pub(crate) fn answered(&self) {
        // Reading is shared, writing is not: nearly always there is nothing.
        if self.failures.load(Relaxed) == 0 && self.pause.load(Relaxed) == 0 {
            return;
        }
        self.failures.store(0, Relaxed);
        self.pauses.store(0, Relaxed);
        self.pause.store(0, Relaxed);
        self.trial.store(0, Relaxed);
    }

    pub(crate) fn told(&self, now: UnixMillis, class: FaultClass) {
        match class {
            FaultClass::ServerError
            | FaultClass::Timeout
            | FaultClass::Connection
            | FaultClass::BadAnswer => self.failed(now),
            FaultClass::RateLimit
            | FaultClass::Quota
            | FaultClass::AuthError
            | FaultClass::ContextOverflow
            | FaultClass::BadRequest => self.answered(),
        }
    }

    fn failed(&self, now: UnixMillis) {
        let failures = self.failures.fetch_add(1, Relaxed).saturating_add(1);
        let pause = self.pause.load(Relaxed);
        // A hundred requests in flight that all meet the same failure make one
        // pause.
        if failures < TRIP || pause >> 1 > now.0 {
            return;
        }
        let pauses = self.pauses.load(Relaxed);
        let length = (PAUSE_MS << pauses.min(6)).min(LONGEST_PAUSE_MS);
        let packed = now.plus(length).0 << 1;
        if self
            .pause
            .compare_exchange(pause, packed, Relaxed, Relaxed)
            .is_ok()
        {
            self.pauses.store(pauses.saturating_add(1), Relaxed);
            self.trial.store(0, Relaxed);
        }
    }

    /// It said that it is starting.
    pub(crate) fn starting(&self, now: UnixMillis) {
        self.pause.store(now.plus(PAUSE_MS).0 << 1 | 1, Relaxed);
        self.trial.store(0, Relaxed);
    }

    pub(crate) fn state(&self, in_flight: u32) -> TargetState {
        let pause = self.pause.load(Relaxed);
        TargetState {
            standing: match (pause, pause & 1) {
                (0, _) => TargetStanding::Ready,
                (_, 1) => TargetStanding::Starting,
                _ => TargetStanding::Down,
            },
            failures: self.failures.load(Relaxed),
            next_try: (pause > 0).then_some(UnixMillis(pause >> 1)),
            in_flight,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMillis = UnixMillis(1_700_000_000_000);

    fn fail(target: &Target, now: UnixMillis, times: u32) {
        (0..times).for_each(|_| target.told(now, FaultClass::ServerError));
    }

    #[test]
    fn five_failures_in_a_row_close_it_and_one_trial_opens_it() {
        let target = Target::default();
        fail(&target, NOW, 4);
        target.told(NOW, FaultClass::RateLimit);
        fail(&target, NOW, 4);
        assert_eq!(target.gate(NOW), Gate::Open);
        fail(&target, NOW, 1);
        let until = NOW.plus(1_000);
        assert_eq!(target.gate(NOW), Gate::Closed(until));
        assert_eq!(target.state(0).standing, TargetStanding::Down);
        assert_eq!(target.gate(until), Gate::Trial);
        assert_eq!(target.gate(until), Gate::Closed(until));
        target.answered();
        assert_eq!(target.gate(until), Gate::Open);
        assert_eq!(target.state(0).failures, 0);
    }

    #[test]
    fn pauses_double_and_many_failures_at_once_are_one() {
        let target = Target::default();
        fail(&target, NOW, 200);
        let mut now = NOW;
        for seconds in [1, 2, 4, 8, 16, 32, 60, 60] {
            let until = now.plus(seconds * 1_000);
            assert_eq!(target.gate(now), Gate::Closed(until), "{seconds}");
            assert_eq!(target.gate(until), Gate::Trial);
            fail(&target, until, 1);
            now = until;
        }
    }

    #[test]
    fn a_trial_that_tells_nothing_is_given_up() {
        let target = Target::default();
        fail(&target, NOW, 5);
        let until = NOW.plus(1_000);
        assert_eq!(target.gate(until), Gate::Trial);
        assert_eq!(target.gate(until.plus(60_000)), Gate::Closed(until));
        assert_eq!(target.gate(until.plus(60_001)), Gate::Trial);
        target.end_trial();
        assert_eq!(target.gate(until.plus(60_002)), Gate::Trial);
    }

    #[test]
    fn a_target_that_is_starting_is_asked_again_in_a_second() {
        let target = Target::default();
        target.starting(NOW);
        assert_eq!(target.state(3).standing, TargetStanding::Starting);
        assert_eq!(target.gate(NOW), Gate::Closed(NOW.plus(1_000)));
        assert_eq!(target.gate(NOW.plus(1_000)), Gate::Trial);
    }
}
