use std::sync::Arc;
use std::time::Duration;

use tollgate_types::{FaultClass, Label, UnixMillis};

use crate::affinity::tag;
use crate::credential::Account;
use crate::target::{Gate, Target};
use crate::tier::{Tier, tiers};
use crate::{NoCredential, ProfileState, TargetState, Tried};

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
    /// Tag and index of every member, sorted.
    tags: Box<[(u32, u32)]>,
    /// Every caller brings a credential of its own.
    of_callers: bool,
    target: Arc<Target>,
}

#[derive(Debug)]
struct Member {
    spec: CredentialSpec,
    /// Shared with the pool of the configuration before and after, so that a
    /// lease that outlives a reload still reports to the right account.
    account: Arc<Account>,
}

impl Pool {
    /// A pool whose credentials are all ready.
    pub fn new(specs: Vec<CredentialSpec>) -> Self {
        let tiers = tiers(&specs);
        let tags = (0..).zip(&specs).map(|(at, it)| (tag(&it.profile), at));
        let mut tags: Box<[(u32, u32)]> = tags.collect();
        tags.sort_unstable();
        let members = specs.into_iter().map(|spec| Member {
            spec,
            account: Arc::default(),
        });
        Self {
            members: members.collect(),
            tiers,
            tags,
            of_callers: false,
            target: Arc::default(),
        }
    }

    /// A pool for callers that bring their own credential. What happens to one
    /// of them is counted, and never rests or bars those of others.
    pub fn of_callers(profile: Label) -> Self {
        let spec = CredentialSpec {
            profile,
            weight: 1,
            priority: 1,
        };
        Self {
            of_callers: true,
            ..Self::new(vec![spec])
        }
    }

    /// Takes over counters, rests and leases in flight from the pool of the
    /// last configuration, by profile. Credentials that the provider had
    /// rejected get another chance: mending one is a reason to reload.
    #[must_use]
    pub fn with_state_of(mut self, old: &Self) -> Self {
        self.target = Arc::clone(&old.target);
        let known: std::collections::HashMap<_, _> = old
            .members
            .iter()
            .map(|member| (&member.spec.profile, &member.account))
            .collect();
        for member in &mut self.members {
            if let Some(account) = known.get(&member.spec.profile) {
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
        let taken = self.tiers.iter().find_map(|tier| {
            let free_at = |index: usize| self.members[index].account.free_at();
            tier.take(now, free_at, tried)
        });
        let index = taken.ok_or_else(|| self.shortage(now))?;
        Ok(self.leased(index, now))
    }

    /// The same for a request that has another candidate: a target that is down
    /// or starting is passed by, but for one request that tries it now and
    /// then.
    ///
    /// # Errors
    /// [`NoCredential`], which also tells until when the target is passed by.
    pub fn lease_if_ready(
        self: &Arc<Self>,
        now: UnixMillis,
        tried: &Tried,
    ) -> Result<Lease, NoCredential> {
        let gate = self.target.gate(now);
        if let Gate::Closed(until) = gate {
            return Err(NoCredential {
                passed_by: Some(until),
                ..NoCredential::default()
            });
        }
        let is_trial = gate == Gate::Trial;
        match self.lease(now, tried) {
            Ok(mut lease) => {
                lease.is_trial = is_trial;
                Ok(lease)
            }
            Err(none) => {
                if is_trial {
                    self.target.end_trial();
                }
                Err(none)
            }
        }
    }

    /// Leases one certain credential, by [`Lease::tag`], out of turn; none
    /// where it is not here, not free or tried.
    pub fn lease_tagged(
        self: &Arc<Self>,
        tag: u32,
        now: UnixMillis,
        tried: &Tried,
    ) -> Option<Lease> {
        let index = self.tagged(tag)?;
        let free = self.members[index].spec.weight > 0 && self.is_free(index, now, tried);
        (free && !self.target.is_closed(now)).then(|| self.leased(index, now))
    }

    /// Whether a credential with this tag is here.
    pub fn has_tagged(&self, tag: u32) -> bool {
        self.tagged(tag).is_some()
    }

    fn tagged(&self, tag: u32) -> Option<usize> {
        let at = self.tags.binary_search_by_key(&tag, |(tag, _)| *tag).ok()?;
        Some(self.tags[at].1 as usize)
    }

    fn leased(self: &Arc<Self>, index: usize, now: UnixMillis) -> Lease {
        let strikes = self.members[index].account.begin(now);
        Lease {
            pool: Arc::clone(self),
            index,
            strikes,
            is_trial: false,
        }
    }

    /// How many credentials there are, whatever their standing.
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// Whether callers bring their own credential.
    pub fn is_of_callers(&self) -> bool {
        self.of_callers
    }

    /// How the server behind the credentials stands.
    pub fn target(&self) -> TargetState {
        self.target.state(self.in_flight())
    }

    /// Whether requests with another candidate pass the target by.
    pub fn is_passed_by(&self, now: UnixMillis) -> bool {
        self.target.is_closed(now)
    }

    /// Whether [`Pool::lease`] would give one, without taking it.
    pub fn has_free(&self, now: UnixMillis, tried: &Tried) -> bool {
        let free_at = |index: usize| self.members[index].account.free_at();
        let mut tiers = self.tiers.iter();
        tiers.any(|tier| tier.has_free(now, free_at, tried))
    }

    /// How every credential stands, in the order of the configuration.
    pub fn profiles(&self, now: UnixMillis) -> Vec<ProfileState> {
        let report = |member: &Member| member.account.report(&member.spec, now);
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
        for member in self.members.iter().filter(|member| member.spec.weight > 0) {
            let (standing, until) = member.account.standing(now);
            shortage.count(standing, until);
        }
        shortage
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
    /// It tries a target that was down.
    is_trial: bool,
}

impl Lease {
    /// The credential's place in the list that the pool was made of.
    pub fn index(&self) -> usize {
        self.index
    }

    /// Its stable id.
    pub fn profile(&self) -> &Label {
        &self.pool.members[self.index].spec.profile
    }

    /// Its profile as a number, the same in every configuration.
    pub fn tag(&self) -> u32 {
        tag(self.profile())
    }

    /// The target's first byte is here and it is a good one; how the answer
    /// ends is told later.
    pub fn answered(&self) {
        self.pool.target.answered();
    }

    /// The target says that it is loading its model.
    pub fn starting(&self, now: UnixMillis) {
        self.pool.target.starting(now);
    }

    /// The provider answered: the credential's next rest is a short one again.
    pub fn succeed(self, now: UnixMillis) {
        self.pool.target.answered();
        self.account().succeed(now, self.strikes);
    }

    /// The attempt failed: the credential rests, is benched or is marked
    /// invalid, as the fault wants. `retry_after` counts for
    /// [`FaultClass::RateLimit`] and is cut to 300 s.
    pub fn fail(self, now: UnixMillis, class: FaultClass, retry_after: Option<Duration>) {
        self.pool.target.told(now, class);
        match self.pool.of_callers {
            true => self.account().count(now, class),
            false => self.account().fail(now, self.strikes, class, retry_after),
        }
    }

    fn account(&self) -> &Account {
        &self.pool.members[self.index].account
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.account().end();
        if self.is_trial {
            self.pool.target.end_trial();
        }
    }
}

#[cfg(test)]
mod tests;
