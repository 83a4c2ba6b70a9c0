use std::time::Duration;

use tollgate_types::FaultClass;

/// Longest wait before the same credential is asked again.
const QUICK_MS: u64 = 250;

/// Waits before the last candidate is asked again: 1, 2, 4, 8 s.
const BACK_OFFS: u8 = 4;

/// A provider that asks for a longer rest than the longest back-off is not
/// waited for: the caller gets the answer and its `retry-after` at once.
const LONGEST_WAIT_MS: u64 = 8_000;

/// What is done after a failed attempt, before the first byte has reached the
/// client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Wait this long and ask with the same credential.
    SameCredential {
        /// Milliseconds, at most 250.
        after_ms: u64,
    },
    /// Lease another credential of the same candidate.
    NextCredential,
    /// Go on to the next candidate of the plan.
    NextCandidate,
    /// The last candidate: forget who was tried, wait, lease again.
    BackOff {
        /// Milliseconds.
        after_ms: u64,
    },
    /// Tell the caller.
    GiveUp,
}

/// What is known after a failed attempt.
#[derive(Clone, Debug)]
pub struct Situation {
    /// What went wrong.
    pub fault: FaultClass,
    /// How often this credential was asked again already.
    pub repeats_on_credential: u8,
    /// Whether the candidate's pool has one free that was not tried.
    pub credentials_left: bool,
    /// Whether the plan has another candidate (after a context overflow: one
    /// whose window is not known to be as small).
    pub candidates_left: bool,
    /// Back-offs taken for this request.
    pub back_offs: u8,
    /// What the provider asked for.
    pub retry_after: Option<Duration>,
    /// What is left of the request's time.
    pub time_left: Duration,
}

/// The table of retries. `jitter` is a random number from 0 to 1 and spreads
/// the waits of callers that failed together.
///
/// | fault | credentials left | candidates left | nothing left |
/// |---|---|---|---|
/// | rate limit | next credential | next candidate | back off |
/// | quota, auth error | next credential | next candidate | give up |
/// | timeout | next credential | next candidate | give up |
/// | server error, connection, bad answer | same once, then next credential | same once, then next candidate | back off |
/// | context overflow | next candidate, else give up | next candidate | give up |
/// | bad request | give up | give up | give up |
///
/// A timeout is not waited out on the last candidate: the provider may be
/// working on it, and charge for it, each time.
pub fn next_step(situation: &Situation, jitter: f64) -> Step {
    let (fault, jitter) = (situation.fault, jitter.clamp(0.0, 1.0));
    if !fault.is_retryable() || situation.time_left.is_zero() {
        return Step::GiveUp;
    }
    if fault == FaultClass::ContextOverflow {
        // Another credential has the same window.
        return next_candidate(situation);
    }
    if fault.may_repeat_credential() {
        return after_provider_fault(situation, jitter);
    }
    if situation.credentials_left {
        return Step::NextCredential;
    }
    match fault {
        FaultClass::RateLimit if !situation.candidates_left => back_off(situation, jitter),
        _ => next_candidate(situation),
    }
}

fn next_candidate(situation: &Situation) -> Step {
    if situation.candidates_left {
        Step::NextCandidate
    } else {
        Step::GiveUp
    }
}

/// The provider failed, not the credential.
fn after_provider_fault(situation: &Situation, jitter: f64) -> Step {
    // Once the back-off has begun, each round is one attempt: asking every
    // credential in every round would be a storm on a provider that is down.
    if situation.back_offs > 0 && !situation.candidates_left {
        return back_off(situation, jitter);
    }
    if !situation.credentials_left && !situation.candidates_left {
        return back_off(situation, jitter);
    }
    let after_ms = spread(50, QUICK_MS - 50, jitter);
    let waits = situation
        .retry_after
        .is_some_and(|rest| rest > Duration::from_millis(after_ms));
    if situation.repeats_on_credential == 0 && !waits && fits(after_ms, situation) {
        return Step::SameCredential { after_ms };
    }
    if situation.credentials_left {
        return Step::NextCredential;
    }
    Step::NextCandidate
}

/// 1, 2, 4, 8 s and up to a quarter more, or as long as the provider asked.
/// The jitter only ever adds, so that a credential's rest of the same length
/// is over when it is leased again.
fn back_off(situation: &Situation, jitter: f64) -> Step {
    if situation.back_offs >= BACK_OFFS {
        return Step::GiveUp;
    }
    let asked = situation.retry_after.map_or(0, |rest| {
        u64::try_from(rest.as_millis()).unwrap_or(u64::MAX)
    });
    let base = asked.max(1000 << situation.back_offs);
    let after_ms = spread(
        base.min(LONGEST_WAIT_MS),
        base.min(LONGEST_WAIT_MS) / 4,
        jitter,
    );
    if asked > LONGEST_WAIT_MS || !fits(after_ms, situation) {
        return Step::GiveUp;
    }
    Step::BackOff { after_ms }
}

fn spread(least: u64, more: u64, jitter: f64) -> u64 {
    least + (more as f64 * jitter) as u64
}

fn fits(after_ms: u64, situation: &Situation) -> bool {
    Duration::from_millis(after_ms) < situation.time_left
}

#[cfg(test)]
mod tests;
