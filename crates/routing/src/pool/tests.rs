use proptest::prelude::*;

use super::*;
use crate::Standing;

const NOW: UnixMillis = UnixMillis(1_700_000_000_000);

fn pool(specs: &[(u32, u32)]) -> Arc<Pool> {
    Arc::new(Pool::new(specs_of(specs)))
}

fn specs_of(specs: &[(u32, u32)]) -> Vec<CredentialSpec> {
    let spec = |(index, &(weight, priority)): (usize, &(u32, u32))| CredentialSpec {
        profile: format!("openai:{}", index + 1).into(),
        weight,
        priority,
    };
    specs.iter().enumerate().map(spec).collect()
}

fn next(pool: &Arc<Pool>, now: UnixMillis) -> usize {
    pool.lease(now, &Tried::default()).unwrap().index()
}

fn lease_of(pool: &Arc<Pool>, index: usize, now: UnixMillis) -> Lease {
    let mut tried = Tried::default();
    (0..pool.members.len())
        .filter(|other| *other != index)
        .for_each(|other| tried.insert(other));
    pool.lease(now, &tried).unwrap()
}

fn fail(pool: &Arc<Pool>, index: usize, now: UnixMillis, class: FaultClass) {
    lease_of(pool, index, now).fail(now, class, None);
}

fn counts(pool: &Arc<Pool>, leases: usize, now: UnixMillis) -> Vec<usize> {
    let mut counts = vec![0; pool.members.len()];
    (0..leases).for_each(|_| counts[next(pool, now)] += 1);
    counts
}

#[test]
fn sixty_to_forty_is_exact_over_a_thousand() {
    assert_eq!(counts(&pool(&[(60, 1), (40, 1)]), 1000, NOW), [600, 400]);
}

#[test]
fn the_second_priority_serves_only_while_the_first_is_out() {
    let pool = pool(&[(60, 1), (40, 1), (100, 2)]);
    assert_eq!(counts(&pool, 50, NOW)[2], 0);
    fail(&pool, 0, NOW, FaultClass::RateLimit);
    fail(&pool, 1, NOW, FaultClass::Quota);
    assert_eq!(counts(&pool, 10, NOW), [0, 0, 10]);
    assert_eq!(counts(&pool, 10, NOW.plus(1000)), [10, 0, 0]);
}

#[test]
fn the_others_keep_their_shares_while_one_rests() {
    let pool = pool(&[(1, 1), (1, 1), (1, 1), (3, 1)]);
    fail(&pool, 0, NOW, FaultClass::RateLimit);
    // Handing a resting turn to its neighbour would give that one double.
    assert_eq!(counts(&pool, 1000, NOW), [0, 200, 200, 600]);
    let after = counts(&pool, 600, NOW.plus(1000));
    assert_eq!(after, [100, 100, 100, 300]);
}

#[test]
fn rests_double_and_a_success_ends_the_row() {
    let pool = pool(&[(1, 1)]);
    let mut now = NOW;
    for seconds in [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300] {
        fail(&pool, 0, now, FaultClass::RateLimit);
        let until = now.plus(seconds * 1000);
        assert_eq!(pool.profiles(now)[0].cooldown_until, Some(until));
        assert!(
            pool.lease(UnixMillis(until.0 - 1), &Tried::default())
                .is_err()
        );
        now = until;
    }
    lease_of(&pool, 0, now).succeed(now);
    fail(&pool, 0, now, FaultClass::RateLimit);
    assert_eq!(pool.profiles(now)[0].cooldown_until, Some(now.plus(1000)));
}

#[test]
fn one_limit_met_by_many_in_flight_is_one_strike() {
    let pool = pool(&[(1, 1)]);
    let leases: Vec<_> = (0..100).map(|_| lease_of(&pool, 0, NOW)).collect();
    let late = lease_of(&pool, 0, NOW);
    for lease in leases {
        lease.fail(NOW, FaultClass::RateLimit, None);
    }
    assert_eq!(pool.profiles(NOW)[0].cooldown_until, Some(NOW.plus(1000)));
    // An answer that began before the limit does not end the row either.
    late.succeed(NOW);
    fail(&pool, 0, NOW.plus(1000), FaultClass::RateLimit);
    assert_eq!(
        pool.profiles(NOW.plus(1000))[0].cooldown_until,
        Some(NOW.plus(3000))
    );
}

#[test]
fn what_each_fault_does_to_a_credential() {
    let table = [
        (
            FaultClass::RateLimit,
            Some(7),
            Standing::Cooling,
            Some(7_000),
        ),
        (
            FaultClass::RateLimit,
            Some(86_400),
            Standing::Cooling,
            Some(300_000),
        ),
        (FaultClass::RateLimit, None, Standing::Cooling, Some(1_000)),
        (FaultClass::Quota, None, Standing::Quota, Some(300_000)),
        (FaultClass::AuthError, None, Standing::Invalid, None),
        (FaultClass::ServerError, Some(9), Standing::Ready, None),
        (FaultClass::Timeout, None, Standing::Ready, None),
        (FaultClass::Connection, None, Standing::Ready, None),
        (FaultClass::BadAnswer, None, Standing::Ready, None),
        (FaultClass::ContextOverflow, None, Standing::Ready, None),
        (FaultClass::BadRequest, None, Standing::Ready, None),
    ];
    for (class, retry_after, standing, rest) in table {
        let pool = pool(&[(1, 1)]);
        lease_of(&pool, 0, NOW).fail(NOW, class, retry_after.map(Duration::from_secs));
        let profile = &pool.profiles(NOW)[0];
        assert_eq!(profile.standing, standing, "{class:?}");
        assert_eq!(
            profile.cooldown_until,
            rest.map(|rest| NOW.plus(rest)),
            "{class:?}"
        );
        let counted = !matches!(class, FaultClass::ContextOverflow | FaultClass::BadRequest);
        assert_eq!(
            (profile.failures, profile.last_fault),
            (u64::from(counted), counted.then_some(class))
        );
        assert_eq!((profile.requests, profile.last_used), (1, Some(NOW)));
    }
}

#[test]
fn a_shorter_rest_never_replaces_a_longer_one() {
    let pool = pool(&[(1, 1)]);
    let late = lease_of(&pool, 0, NOW);
    let later = lease_of(&pool, 0, NOW);
    fail(&pool, 0, NOW, FaultClass::Quota);
    late.fail(NOW, FaultClass::RateLimit, Some(Duration::from_secs(1)));
    assert_eq!(pool.profiles(NOW)[0].standing, Standing::Quota);
    later.fail(NOW, FaultClass::AuthError, None);
    assert_eq!(pool.profiles(NOW)[0].standing, Standing::Invalid);
    assert!(pool.lease(UnixMillis(u64::MAX), &Tried::default()).is_err());
}

#[test]
fn an_exhausted_pool_says_why() {
    let pool = pool(&[(1, 1), (1, 1), (1, 2), (1, 3), (0, 1)]);
    fail(&pool, 0, NOW, FaultClass::RateLimit);
    fail(&pool, 1, NOW, FaultClass::Quota);
    fail(&pool, 2, NOW, FaultClass::AuthError);
    let mut tried = Tried::default();
    assert!(pool.has_free(NOW, &tried));
    tried.insert(3);
    assert!(!pool.has_free(NOW, &tried));
    let expected = NoCredential {
        rate_limited: 1,
        quota: 1,
        invalid: 1,
        tried: 1,
        next_free: Some(NOW.plus(1000)),
        passed_by: None,
    };
    assert_eq!(pool.lease(NOW, &tried).unwrap_err(), expected);
}

#[test]
fn a_dropped_lease_is_returned() {
    let pool = pool(&[(1, 1), (1, 1)]);
    let (a, b, c) = (next_lease(&pool), next_lease(&pool), next_lease(&pool));
    assert_eq!(pool.in_flight(), 3);
    drop(a);
    b.succeed(NOW);
    c.fail(NOW, FaultClass::ServerError, None);
    assert_eq!(pool.in_flight(), 0);
}

fn next_lease(pool: &Arc<Pool>) -> Lease {
    pool.lease(NOW, &Tried::default()).unwrap()
}

#[test]
fn a_reload_keeps_rests_and_forgives_the_rejected() {
    let old = pool(&[(1, 1), (1, 1), (1, 1)]);
    fail(&old, 0, NOW, FaultClass::Quota);
    fail(&old, 1, NOW, FaultClass::AuthError);
    let running = lease_of(&old, 2, NOW);
    let new = Arc::new(Pool::new(specs_of(&[(1, 1), (1, 1), (1, 1), (1, 1)])).with_state_of(&old));
    let standings: Vec<_> = new
        .profiles(NOW)
        .iter()
        .map(|profile| profile.standing)
        .collect();
    assert_eq!(
        standings,
        [
            Standing::Quota,
            Standing::Ready,
            Standing::Ready,
            Standing::Ready
        ]
    );
    // A lease of the old pool is seen, and reports to the new one.
    assert_eq!(new.in_flight(), 1);
    running.fail(NOW, FaultClass::RateLimit, None);
    assert_eq!(
        (new.in_flight(), new.profiles(NOW)[2].standing),
        (0, Standing::Cooling)
    );
    assert_eq!(new.profiles(NOW)[0].requests, 1);
}

#[test]
fn shares_are_exact_under_contention() {
    let pool = pool(&[(5, 1), (3, 1), (2, 1)]);
    std::thread::scope(|threads| {
        for _ in 0..4 {
            threads.spawn(|| (0..5000).for_each(|_| drop(next_lease(&pool))));
        }
    });
    let requests: Vec<_> = pool
        .profiles(NOW)
        .iter()
        .map(|profile| profile.requests)
        .collect();
    assert_eq!(requests, [10_000, 6_000, 4_000]);
    assert_eq!(pool.in_flight(), 0);
}

#[test]
fn ten_thousand_credentials_are_each_found() {
    let specs: Vec<_> = (0..10_000).map(|_| (100, 1)).collect();
    let pool = pool(&specs);
    assert!(counts(&pool, 10_000, NOW).iter().all(|count| *count == 1));
    for index in 0..9_999 {
        pool.members[index]
            .account
            .fail(NOW, 0, FaultClass::AuthError, None);
    }
    assert_eq!(next(&pool, NOW), 9_999);
}

#[test]
fn a_target_that_is_down_is_passed_by_and_tried_by_one() {
    let pool = pool(&[(1, 1), (1, 1)]);
    let none = Tried::default();
    (0..5).for_each(|_| fail(&pool, 0, NOW, FaultClass::Connection));
    let passed = pool.lease_if_ready(NOW, &none).unwrap_err();
    assert_eq!(passed.describe(NOW), "its server is down (next try in 1 s)");
    // Whoever has no other candidate asks all the same.
    drop(pool.lease(NOW, &none).unwrap());
    let later = NOW.plus(1_000);
    let trial = pool.lease_if_ready(later, &none).unwrap();
    assert!(pool.lease_if_ready(later, &none).is_err());
    drop(trial);
    let trial = pool.lease_if_ready(later, &none).unwrap();
    trial.answered();
    assert!(pool.lease_if_ready(later, &none).is_ok());
    assert_eq!((pool.target().failures, pool.target().in_flight), (0, 1));
    trial.succeed(later);
    let again = Pool::new(specs_of(&[(1, 1)])).with_state_of(&pool);
    assert_eq!(again.target(), pool.target());
}

#[test]
fn one_callers_credential_bars_nobody_else() {
    let pool = Arc::new(Pool::of_callers("openai:client".into()));
    for class in FaultClass::ALL {
        next_lease(&pool).fail(NOW, class, Some(Duration::from_secs(60)));
    }
    let profile = &pool.profiles(NOW)[0];
    assert_eq!((profile.standing, profile.failures), (Standing::Ready, 7));
    assert!(pool.is_of_callers() && pool.lease(NOW, &Tried::default()).is_ok());
}

#[test]
fn a_tagged_credential_is_leased_while_it_is_healthy() {
    let pool = pool(&[(1, 1), (1, 1), (1, 2)]);
    let none = Tried::default();
    let tag = lease_of(&pool, 2, NOW).tag();
    for _ in 0..5 {
        assert_eq!(pool.lease_tagged(tag, NOW, &none).unwrap().index(), 2);
    }
    let mut tried = Tried::default();
    tried.insert(2);
    assert!(pool.lease_tagged(tag, NOW, &tried).is_none());
    assert!(pool.has_tagged(tag) && !pool.has_tagged(tag ^ 1));
    fail(&pool, 2, NOW, FaultClass::RateLimit);
    assert!(pool.lease_tagged(tag, NOW, &none).is_none());
    let later = NOW.plus(1_000);
    let after_reload = Arc::new(Pool::new(specs_of(&[(1, 1), (1, 1), (1, 1), (1, 1)])));
    assert_eq!(
        after_reload
            .lease_tagged(tag, later, &none)
            .unwrap()
            .index(),
        2
    );
}

/// What may happen to a pool, in any order.
#[derive(Clone, Debug)]
enum Happening {
    Lease,
    Fail(usize, FaultClass, Option<u64>),
    Wait(u64),
}

fn happening() -> impl Strategy<Value = Happening> {
    let class = prop::sample::select(FaultClass::ALL.to_vec());
    prop_oneof![
        3 => Just(Happening::Lease),
        2 => (0usize..6, class, prop::option::of(0u64..400)).prop_map(|(at, class, rest)| Happening::Fail(at, class, rest)),
        1 => (0u64..20_000).prop_map(Happening::Wait),
    ]
}

proptest! {
    #[test]
    fn whoever_rests_is_never_leased_and_the_best_priority_always_is(
        specs in prop::collection::vec((1u32..20, 1u32..4), 1..6),
        happenings in prop::collection::vec(happening(), 1..80),
    ) {
        let pool = pool(&specs);
        let mut now = NOW;
        for happening in happenings {
            match happening {
                Happening::Wait(millis) => now = now.plus(millis),
                Happening::Fail(at, class, rest) if at < specs.len() => {
                    pool.members[at].account.begin(now);
                    pool.members[at].account.fail(now, 0, class, rest.map(Duration::from_secs));
                }
                Happening::Fail(..) => {}
                Happening::Lease => {
                    let ready = |index: &usize| pool.profiles(now)[*index].standing == Standing::Ready;
                    let best = (0..specs.len()).filter(ready).map(|index| specs[index].1).min();
                    let leased = pool.lease(now, &Tried::default()).ok().map(|lease| lease.index());
                    prop_assert_eq!(leased.map(|index| specs[index].1), best);
                    prop_assert!(leased.is_none_or(|index| ready(&index)));
                }
            }
        }
    }

    #[test]
    fn weights_hold_among_those_who_stay(weights in prop::collection::vec(1u32..30, 2..6), rests in any::<prop::sample::Index>()) {
        let specs: Vec<_> = weights.iter().map(|weight| (*weight, 1)).collect();
        let pool = pool(&specs);
        let out = rests.index(weights.len());
        fail(&pool, out, NOW, FaultClass::Quota);
        let total: u32 = weights.iter().sum::<u32>() - weights[out];
        let counts = counts(&pool, 1000, NOW);
        for (index, weight) in weights.iter().enumerate().filter(|(index, _)| *index != out) {
            let due = 1000.0 * f64::from(*weight) / f64::from(total);
            prop_assert!((counts[index] as f64 - due).abs() <= 20.0, "{} of {due}", counts[index]);
        }
        prop_assert_eq!(counts[out], 0);
    }
}

proptest! {
    /// Whatever fails, in whatever order: a credential that rests or is
    /// invalid is never leased while another is free, whichever way it is
    /// leased, and none is handed out twice to one request.
    #[test]
    fn no_way_of_leasing_gives_out_who_rests(
        specs in prop::collection::vec((1u32..4, 1u32..3), 1..150),
        happenings in prop::collection::vec((any::<prop::sample::Index>(), prop::sample::select(FaultClass::ALL.to_vec()), 0u8..4, 0u64..900), 1..120),
    ) {
        let pool = pool(&specs);
        let mut now = NOW;
        let mut tried = Tried::default();
        for (which, class, way, wait) in happenings {
            now = now.plus(wait);
            let standing: Vec<_> = pool.profiles(now).iter().map(|it| it.standing).collect();
            let free = |index: usize| standing[index] == Standing::Ready && !tried.contains(index);
            let any_free = (0..specs.len()).any(free);
            prop_assert_eq!(pool.has_free(now, &tried), any_free);
            let leased = match way {
                0 => pool.lease_tagged(tag(&pool.members[which.index(specs.len())].spec.profile), now, &tried),
                1 => pool.lease_if_ready(now, &tried).ok(),
                _ => {
                    let leased = pool.lease(now, &tried).ok();
                    prop_assert_eq!(leased.is_some(), any_free);
                    leased
                }
            };
            let Some(leased) = leased else {
                tried.clear();
                continue;
            };
            prop_assert!(free(leased.index()), "{:?}", standing[leased.index()]);
            tried.insert(leased.index());
            match class {
                // Half of what comes back is good.
                FaultClass::BadRequest | FaultClass::ContextOverflow | FaultClass::BadAnswer => leased.succeed(now),
                class => leased.fail(now, class, None),
            }
        }
    }

    /// Failures of the server, which rest nobody, leave the shares as they are.
    #[test]
    fn weights_hold_under_failures(weights in prop::collection::vec(1u32..30, 2..6), failing in 1usize..7) {
        let specs: Vec<_> = weights.iter().map(|weight| (*weight, 1)).collect();
        let pool = pool(&specs);
        let mut counts = vec![0u32; weights.len()];
        for round in 0..2_000 {
            let lease = pool.lease(NOW, &Tried::default()).unwrap();
            counts[lease.index()] += 1;
            if round % failing == 0 {
                lease.fail(NOW, FaultClass::ServerError, None);
            } else {
                lease.succeed(NOW);
            }
        }
        let total: u32 = weights.iter().sum();
        for (count, weight) in counts.iter().zip(&weights) {
            let due = 2_000.0 * f64::from(*weight) / f64::from(total);
            prop_assert!((f64::from(*count) - due).abs() <= 40.0, "{count} of {due}");
        }
    }
}
