use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use tollgate_types::AgentName;

/// How often somebody may ask.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Allowed {
    /// Questions at once.
    pub(crate) burst: f64,
    /// How many more a second.
    pub(crate) a_second: f64,
    /// Seconds of rest once they are used up.
    pub(crate) rest: f64,
}

/// What rules are asked.
pub(crate) const RULES: Allowed = Allowed {
    burst: 200.0,
    a_second: 50.0,
    rest: 0.0,
};

/// A bucket of questions for each agent: a hook that runs wild must not keep
/// the rules from everybody else. Agents come from the configuration, so their
/// number is bounded.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    buckets: Mutex<HashMap<AgentName, Bucket>>,
}

#[derive(Clone, Copy, Debug)]
struct Bucket {
    left: f64,
    at: Instant,
    /// Nothing is taken before.
    until: Instant,
}

impl Pace {
    /// Takes one question out of the agent's bucket; where it is empty, says
    /// how long to wait.
    pub(crate) fn take(
        &self,
        agent: &AgentName,
        allowed: Allowed,
        now: Instant,
    ) -> Result<(), Duration> {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let bucket = buckets.entry(agent.clone()).or_insert(Bucket {
            left: allowed.burst,
            at: now,
            until: now,
        });
        if bucket.until > now {
            return Err(bucket.until - now);
        }
        let since = now.saturating_duration_since(bucket.at).as_secs_f64();
        bucket.left = (bucket.left + since * allowed.a_second).min(allowed.burst);
        bucket.at = now;
        if bucket.left < 1.0 {
            let next = (1.0 - bucket.left) / allowed.a_second;
            let wait = Duration::from_secs_f64(next.max(allowed.rest));
            if allowed.rest > 0.0 {
                bucket.until = now + wait;
            }
            return Err(wait);
        }
        bucket.left -= 1.0;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_then_the_pace_and_others_are_not_touched() {
        let (pace, start) = (Pace::default(), Instant::now());
        let [wild, calm] = ["wild", "calm"].map(|name| AgentName::new(name).unwrap());
        let taken = (0..1000)
            .filter(|_| pace.take(&wild, RULES, start).is_ok())
            .count();
        assert_eq!(taken, RULES.burst as usize);
        assert!(pace.take(&wild, RULES, start).unwrap_err() <= Duration::from_millis(20));
        assert!(pace.take(&calm, RULES, start).is_ok());
        let later = start + Duration::from_secs(1);
        let taken = (0..1000)
            .filter(|_| pace.take(&wild, RULES, later).is_ok())
            .count();
        assert_eq!(taken, RULES.a_second as usize);
    }

    #[test]
    fn who_has_used_it_up_rests() {
        let (pace, start) = (Pace::default(), Instant::now());
        let agent = AgentName::new("a").unwrap();
        let allowed = Allowed {
            burst: 2.0,
            a_second: 1.0,
            rest: 10.0,
        };
        let mut take = |after| {
            let now = start + Duration::from_secs(after);
            pace.take(&agent, allowed, now).is_ok()
        };
        let taken = [0, 0, 0, 5, 9, 10].map(&mut take);
        assert_eq!(taken, [true, true, false, false, false, true]);
    }
}
