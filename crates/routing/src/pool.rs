use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use tollgate_types::{FaultClass, Label, UnixMillis};

use crate::credential::Account;
use crate::schedule::schedule;
use crate::{NoCredential, ProfileState, Tried};

/// One credential of a pool, without its secret.
#[derive(Clone, Debug)]
pub struct CredentialSpec {
    /// Stable id such as `openai:1`, never the key.
    pub profile: Label,
    /// Share within its priority, relative to the others; 0 is never leased.
    pub weight: u32,
    /// 1 is used first; a higher number only while none below it is free.
    pub priority: u32,
}

/// The credentials of one provider.
///
/// Credentials of one priority take turns in a fixed cycle that holds their
/// weights (see `schedule.rs`); those that rest are passed over, so that the
/// shares of the others stay in proportion. One atomic position per priority
/// is all that callers share.
#[derive(Debug)]
pub struct Pool {
    members: Box<[Member]>,
    tiers: Box<[Tier]>,
}

#[derive(Debug)]
struct Member {
    profile: Label,
    weight: u32,
    /// Shared with the pool of the configuration before and after, so that a
    /// lease that outlives a reload still reports to the right account.
    account: Arc<Account>,
}

#[derive(Debug)]
struct Tier {
    cycle: Box<[u32]>,
    position: AtomicUsize,
}

impl Pool {
    /// A pool whose credentials are all ready.
    pub fn new(specs: Vec<CredentialSpec>) -> Self {
        let tiers = tiers(&specs);
        let members = specs.into_iter().map(|spec| Member {
            profile: spec.profile,
            weight: spec.weight,
            account: Arc::default(),
        });
        Self {
            members: members.collect(),
            tiers,
        }
    }

    /// Takes over counters, rests and leases in flight from the pool of the
    /// last configuration, by profile. Credentials that the provider had
    /// rejected get another chance: mending one is a reason to reload.
    #[must_use]
    pub fn with_state_of(mut self, old: &Self) -> Self {
        let known: std::collections::HashMap<_, _> = old
            .members
            .iter()
            .map(|member| (&member.profile, &member.account))
            .collect();
        for member in &mut self.members {
            if let Some(account) = known.get(&member.profile) {
                account.forgive();
                member.account = Arc::clone(account);
            }
        }
        self
    }

    /// Leases the next credential by weight from the best priority that has
    /// one free and not in `tried`. A few atomic operations; passing over
    /// resting credentials costs one read each.
    ///
    /// # Errors
    /// [`NoCredential`] counts why each one can't be used.
    pub fn lease(self: &Arc<Self>, now: UnixMillis, tried: &Tried) -> Result<Lease, NoCredential> {
        let taken = self
            .tiers
            .iter()
            .find_map(|tier| tier.take(|index| self.is_free(index, now, tried)));
        let index = taken.ok_or_else(|| self.shortage(now))?;
        let strikes = self.members[index].account.begin(now);
        Ok(Lease {
            pool: Arc::clone(self),
            index,
            strikes,
        })
    }

    /// Whether [`Pool::lease`] would give one, without taking it.
    pub fn has_free(&self, now: UnixMillis, tried: &Tried) -> bool {
        (0..self.members.len())
            .any(|index| self.members[index].weight > 0 && self.is_free(index, now, tried))
    }

    /// How every credential stands, in the order of the configuration.
    pub fn profiles(&self, now: UnixMillis) -> Vec<ProfileState> {
        let report = |member: &Member| member.account.report(&member.profile, now);
        self.members.iter().map(report).collect()
    }

    /// Leases taken and not returned, those of earlier configurations
    /// included.
    pub fn in_flight(&self) -> u32 {
        self.members
            .iter()
            .map(|member| member.account.in_flight())
            .sum()
    }

    fn is_free(&self, index: usize, now: UnixMillis, tried: &Tried) -> bool {
        self.members[index].account.is_free(now) && !tried.contains(index)
    }

    fn shortage(&self, now: UnixMillis) -> NoCredential {
        let mut shortage = NoCredential::default();
        for member in self.members.iter().filter(|member| member.weight > 0) {
            let (standing, until) = member.account.standing(now);
            shortage.count(standing, until);
        }
        shortage
    }
}

fn tiers(specs: &[CredentialSpec]) -> Box<[Tier]> {
    let mut by_priority = std::collections::BTreeMap::<u32, Vec<(u32, u32)>>::new();
    for (index, spec) in (0u32..).zip(specs) {
        by_priority
            .entry(spec.priority)
            .or_default()
            .push((index, spec.weight));
    }
    let tier = |weights: Vec<_>| Tier {
        cycle: schedule(&weights),
        position: AtomicUsize::new(0),
    };
    by_priority.into_values().map(tier).collect()
}

impl Tier {
    /// The next turn of somebody free; the position moves behind it. Turns of
    /// those who rest are passed over, never handed to their neighbour, which
    /// would get more than its share.
    fn take(&self, free: impl Fn(usize) -> bool) -> Option<usize> {
        let length = self.cycle.len();
        let mut start = self.position.load(Relaxed);
        loop {
            let turns = (start..length).chain(0..start);
            let at = turns
                .into_iter()
                .find(|at| free(self.cycle[*at] as usize))?;
            // Fails only where another caller has just moved on.
            match self
                .position
                .compare_exchange_weak(start, (at + 1) % length, Relaxed, Relaxed)
            {
                Ok(_) => return Some(self.cycle[at] as usize),
                Err(moved) => start = moved,
            }
        }
    }
}

/// The right to use one credential for one attempt. Dropping it returns the
/// credential without a word on how it went.
#[derive(Debug)]
#[must_use]
pub struct Lease {
    pool: Arc<Pool>,
    index: usize,
    strikes: u32,
}

impl Lease {
    /// The credential's place in the list that the pool was made of.
    pub fn index(&self) -> usize {
        self.index
    }

    /// Its stable id.
    pub fn profile(&self) -> &Label {
        &self.pool.members[self.index].profile
    }

    /// The provider answered: the credential's next rest is a short one again.
    pub fn succeed(self, now: UnixMillis) {
        self.account().succeed(now, self.strikes);
    }

    /// The attempt failed: the credential rests, is benched or is marked
    /// invalid, as the fault wants. `retry_after` counts for
    /// [`FaultClass::RateLimit`] and is cut to 300 s.
    pub fn fail(self, now: UnixMillis, class: FaultClass, retry_after: Option<Duration>) {
        self.account().fail(now, self.strikes, class, retry_after);
    }

    fn account(&self) -> &Account {
        &self.pool.members[self.index].account
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.account().end();
    }
}

#[cfg(test)]
mod tests;
