use std::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use tollgate_types::{FaultClass, Label, UnixMillis};

use crate::CredentialSpec;

/// Longest rest of a credential, whatever the provider asks for.
const LONGEST_REST_MS: u64 = 300_000;

/// Whether a credential can be leased, and if not, why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Standing {
    /// It can.
    Ready,
    /// Rate limited: rests for 1, 2, 4, … seconds, or as long as the provider
    /// said, at most 300 s.
    Cooling,
    /// Its quota is used up: benched for 300 s.
    Quota,
    /// The provider rejected it: not used again until a reload.
    Invalid,
}

impl Standing {
    /// The word in listings and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Cooling => "cooling",
            Self::Quota => "quota",
            Self::Invalid => "invalid",
        }
    }
}

/// What an operator sees of one credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProfileState {
    /// Its stable id, such as `openai:1`.
    pub profile: Label,
    /// Leases taken.
    pub requests: u64,
    /// Attempts that failed on the provider's or the credential's side.
    pub failures: u64,
    /// Leases not returned yet.
    pub in_flight: u32,
    /// Last lease or success.
    pub last_used: Option<UnixMillis>,
    /// End of its rest; none where it has none, or none that ends.
    pub cooldown_until: Option<UnixMillis>,
    /// Whether it can be leased.
    pub standing: Standing,
    /// What went wrong last.
    pub last_fault: Option<FaultClass>,
    /// When that was.
    pub last_fault_at: Option<UnixMillis>,
    /// Its share within its priority.
    pub weight: u32,
    /// 1 is used first.
    pub priority: u32,
}

/// One credential's counters and rest. Everything is atomic, nothing is
/// ordered against anything else: a lease that reads a rest a moment late
/// costs one more refusal by the provider, a lock would cost every request.
#[derive(Debug, Default)]
pub(crate) struct Account {
    /// End of the rest in milliseconds, shifted left by two, and its
    /// [`Standing`] in the two low bits; 0 is ready, `u64::MAX` is invalid.
    /// In one word, so that the two always belong together, and so that the
    /// later end wins by `fetch_max`.
    rest: AtomicU64,
    /// Rate limits in a row.
    strikes: AtomicU32,
    in_flight: AtomicU32,
    requests: AtomicU64,
    failures: AtomicU64,
    last_used: AtomicU64,
    /// Place in [`FaultClass::ALL`], from 1.
    last_fault: AtomicU8,
    last_fault_at: AtomicU64,
}

const QUOTA: u64 = 1;
const COOLING: u64 = 0;
const INVALID: u64 = u64::MAX;

impl Account {
    /// Counts a lease and gives the strikes seen at its start.
    pub(crate) fn begin(&self, now: UnixMillis) -> u32 {
        self.requests.fetch_add(1, Relaxed);
        self.in_flight.fetch_add(1, Relaxed);
        self.last_used.fetch_max(now.0, Relaxed);
        self.strikes.load(Relaxed)
    }

    pub(crate) fn end(&self) {
        self.in_flight.fetch_sub(1, Relaxed);
    }

    /// A success ends the row of strikes, unless a strike came after the
    /// lease began: a long answer that started before a rate limit says
    /// nothing about what holds after it.
    pub(crate) fn succeed(&self, now: UnixMillis, strikes: u32) {
        self.last_used.fetch_max(now.0, Relaxed);
        self.strikes
            .compare_exchange(strikes, 0, Relaxed, Relaxed)
            .ok();
    }

    /// Books a fault; `strikes` as [`Account::begin`] gave them.
    pub(crate) fn fail(
        &self,
        now: UnixMillis,
        strikes: u32,
        class: FaultClass,
        retry_after: Option<Duration>,
    ) {
        let rest = match class {
            // The conversation or the request is at fault, not the credential.
            FaultClass::BadRequest | FaultClass::ContextOverflow => return,
            FaultClass::RateLimit => {
                let strike = self.strike(strikes);
                pack(
                    now,
                    retry_after.map_or_else(|| pause(strike), millis),
                    COOLING,
                )
            }
            FaultClass::Quota => pack(now, LONGEST_REST_MS, QUOTA),
            FaultClass::AuthError => INVALID,
            // Tells nothing about the credential: a pool of one must not
            // close for a second because its provider hiccuped once.
            FaultClass::ServerError
            | FaultClass::Timeout
            | FaultClass::Connection
            | FaultClass::BadAnswer => 0,
        };
        self.rest.fetch_max(rest, Relaxed);
        self.count(now, class);
    }

    /// Books a fault that is no reason to rest.
    pub(crate) fn count(&self, now: UnixMillis, class: FaultClass) {
        if matches!(class, FaultClass::BadRequest | FaultClass::ContextOverflow) {
            return;
        }
        self.failures.fetch_add(1, Relaxed);
        let place = FaultClass::ALL.iter().position(|known| *known == class);
        let place = place.and_then(|place| u8::try_from(place + 1).ok());
        self.last_fault.store(place.unwrap_or(0), Relaxed);
        self.last_fault_at.store(now.0, Relaxed);
    }

    /// One strike more, and the new number. A hundred requests in flight that
    /// all meet the same limit are one strike: only the first finds the count
    /// as it was when its lease began.
    fn strike(&self, seen: u32) -> u32 {
        let next = seen.saturating_add(1);
        match self.strikes.compare_exchange(seen, next, Relaxed, Relaxed) {
            Ok(_) => next,
            Err(current) => current.max(1),
        }
    }

    pub(crate) fn is_free(&self, now: UnixMillis) -> bool {
        let rest = self.rest.load(Relaxed);
        rest != INVALID && rest >> 2 <= now.0
    }

    /// From when on it is free, in milliseconds: the end of its rest.
    pub(crate) fn free_at(&self) -> u64 {
        match self.rest.load(Relaxed) {
            INVALID => u64::MAX,
            rest => rest >> 2,
        }
    }

    /// Why it can't be leased, and until when.
    pub(crate) fn standing(&self, now: UnixMillis) -> (Standing, Option<UnixMillis>) {
        let rest = self.rest.load(Relaxed);
        let until = UnixMillis(rest >> 2);
        match rest & 3 {
            _ if rest == INVALID => (Standing::Invalid, None),
            _ if until <= now => (Standing::Ready, None),
            QUOTA => (Standing::Quota, Some(until)),
            _ => (Standing::Cooling, Some(until)),
        }
    }

    /// A reload gives a rejected credential another chance.
    pub(crate) fn forgive(&self) {
        self.rest
            .compare_exchange(INVALID, 0, Relaxed, Relaxed)
            .ok();
    }

    pub(crate) fn in_flight(&self) -> u32 {
        self.in_flight.load(Relaxed)
    }

    pub(crate) fn report(&self, spec: &CredentialSpec, now: UnixMillis) -> ProfileState {
        let (standing, cooldown_until) = self.standing(now);
        let last_fault = usize::from(self.last_fault.load(Relaxed));
        ProfileState {
            profile: Label::clone(&spec.profile),
            requests: self.requests.load(Relaxed),
            failures: self.failures.load(Relaxed),
            in_flight: self.in_flight(),
            last_used: Some(UnixMillis(self.last_used.load(Relaxed))).filter(|at| at.0 > 0),
            cooldown_until,
            standing,
            last_fault: last_fault
                .checked_sub(1)
                .and_then(|at| FaultClass::ALL.get(at).copied()),
            last_fault_at: Some(UnixMillis(self.last_fault_at.load(Relaxed))).filter(|at| at.0 > 0),
            weight: spec.weight,
            priority: spec.priority,
        }
    }
}

fn pack(now: UnixMillis, rest_ms: u64, why: u64) -> u64 {
    // Real times need 41 bits; a made-up one must not become `INVALID`.
    let until = now.plus(rest_ms.min(LONGEST_REST_MS)).0.min(u64::MAX >> 3);
    until << 2 | why
}

/// 1, 2, 4, … seconds for the first, second, third strike.
fn pause(strike: u32) -> u64 {
    1000 << strike.saturating_sub(1).min(9)
}

fn millis(rest: Duration) -> u64 {
    u64::try_from(rest.as_millis()).unwrap_or(u64::MAX)
}
