use tollgate_types::{Tier, UnixMillis};

/// How long a question waits at each tier before it rises to the next, in
/// milliseconds. Above the last one it is denied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ladder {
    /// MEDIUM, and what is asked about below it; then HIGH.
    pub medium: u64,
    /// HIGH; then CRITICAL.
    pub high: u64,
    /// CRITICAL; then no.
    pub critical: u64,
    /// How long a yes waits for a requester who is not there any more.
    pub collect: u64,
}

impl Default for Ladder {
    fn default() -> Self {
        Self {
            medium: 60_000,
            high: 30_000,
            critical: 10_000,
            collect: 300_000,
        }
    }
}

impl Ladder {
    /// When a question at this level rises, or ends.
    pub(crate) fn until(&self, level: Tier, from: UnixMillis) -> UnixMillis {
        from.plus(match level {
            Tier::Safe | Tier::Low | Tier::Medium => self.medium,
            Tier::High => self.high,
            Tier::Critical => self.critical,
        })
    }
}

/// What comes above a level; none where the answer is no.
pub(crate) fn above(level: Tier) -> Option<Tier> {
    match level {
        Tier::Safe | Tier::Low | Tier::Medium => Some(Tier::High),
        Tier::High => Some(Tier::Critical),
        Tier::Critical => None,
    }
}
