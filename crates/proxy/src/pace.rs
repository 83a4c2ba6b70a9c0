use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use tollgate_types::AgentName;

/// Questions that an agent may ask at once, and how many more a second.
const BURST: f64 = 200.0;
const A_SECOND: f64 = 50.0;

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
}

impl Pace {
    /// Takes one question out of the agent's bucket; where it is empty, says
    /// how long to wait.
    pub(crate) fn take(&self, agent: &AgentName, now: Instant) -> Result<(), Duration> {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let bucket = buckets.entry(agent.clone()).or_insert(Bucket {
            left: BURST,
            at: now,
        });
        let since = now.saturating_duration_since(bucket.at).as_secs_f64();
        bucket.left = (bucket.left + since * A_SECOND).min(BURST);
        bucket.at = now;
        if bucket.left < 1.0 {
            return Err(Duration::from_secs_f64((1.0 - bucket.left) / A_SECOND));
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
            .filter(|_| pace.take(&wild, start).is_ok())
            .count();
        assert_eq!(taken, BURST as usize);
        assert!(pace.take(&wild, start).unwrap_err() <= Duration::from_millis(20));
        assert!(pace.take(&calm, start).is_ok());
        let later = start + Duration::from_secs(1);
        let taken = (0..1000)
            .filter(|_| pace.take(&wild, later).is_ok())
            .count();
        assert_eq!(taken, A_SECOND as usize);
    }
}
