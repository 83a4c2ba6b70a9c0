use tollgate_types::UnixMillis;

use crate::Standing;

/// No credential of a pool can be leased now, and why.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NoCredential {
    /// Resting after a rate limit.
    pub rate_limited: u32,
    /// Benched because their quota is used up.
    pub quota: u32,
    /// Rejected by the provider.
    pub invalid: u32,
    /// Ready, but this request has used them already.
    pub tried: u32,
    /// When the first of the resting ones is free again.
    pub next_free: Option<UnixMillis>,
    /// The target is down or starting and is not asked before this.
    pub passed_by: Option<UnixMillis>,
}

impl NoCredential {
    pub(crate) fn count(&mut self, standing: Standing, until: Option<UnixMillis>) {
        match standing {
            Standing::Ready => self.tried += 1,
            Standing::Cooling => self.rate_limited += 1,
            Standing::Quota => self.quota += 1,
            Standing::Invalid => self.invalid += 1,
        }
        let ends = [self.next_free, until];
        self.next_free = ends.into_iter().flatten().min();
    }

    /// The reasons in words, as the error of an exhausted pool ends:
    /// `3 rate limited (next free in 38 s), 1 rejected by the provider`.
    pub fn describe(&self, now: UnixMillis) -> String {
        let mut free = self.next_free.map(|at| at.since(now).div_ceil(1000));
        let mut free = |count: u32| match free.take_if(|_| count > 0) {
            Some(seconds) => format!(" (next free in {seconds} s)"),
            None => String::new(),
        };
        let parts = [
            (
                self.rate_limited,
                format!("rate limited{}", free(self.rate_limited)),
            ),
            (self.quota, format!("out of quota{}", free(self.quota))),
            (self.invalid, "rejected by the provider".to_owned()),
            (self.tried, "already tried".to_owned()),
        ];
        if let Some(until) = self.passed_by {
            let seconds = until.since(now).div_ceil(1000);
            return format!("its server is down (next try in {seconds} s)");
        }
        let said = parts.iter().filter(|(count, _)| *count > 0);
        let said: Vec<_> = said.map(|(count, why)| format!("{count} {why}")).collect();
        if said.is_empty() {
            return "none is configured".to_owned();
        }
        said.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reasons_read_as_a_sentence() {
        let now = UnixMillis(1_000_000);
        let some = NoCredential {
            rate_limited: 3,
            invalid: 1,
            next_free: Some(now.plus(37_001)),
            ..NoCredential::default()
        };
        assert_eq!(
            some.describe(now),
            "3 rate limited (next free in 38 s), 1 rejected by the provider"
        );
        let quota = NoCredential {
            quota: 2,
            tried: 1,
            next_free: Some(now.plus(300_000)),
            ..NoCredential::default()
        };
        assert_eq!(
            quota.describe(now),
            "2 out of quota (next free in 300 s), 1 already tried"
        );
        assert_eq!(NoCredential::default().describe(now), "none is configured");
    }
}
