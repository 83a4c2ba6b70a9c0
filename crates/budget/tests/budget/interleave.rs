//! Threads that reserve, extend, settle, drop and change limits at once.

use std::sync::Barrier;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use proptest::prelude::*;
use tollgate_budget::{Amount, Budgets};
use tollgate_types::Label;

use crate::house::{NOON, bottled, counts, of_agent, of_bottle, of_host, path, take, tokens};

const LIMIT: u64 = 10_000;

/// One request of a thread: which agent, how much, what becomes of it.
type Request = (usize, u64, u8);

fn requests() -> impl Strategy<Value = Vec<Vec<Request>>> {
    let request = (0..3usize, 1..900u64, any::<u8>());
    prop::collection::vec(prop::collection::vec(request, 1..60), 2..6)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn no_interleaving_passes_the_ceiling_or_leaks(threads in requests()) {
        let mut host = of_host(LIMIT);
        host.ceiling = true;
        let specs = vec![of_agent("a", LIMIT / 2), of_bottle("base", LIMIT / 3), host];
        let budgets = Budgets::new(specs, &[]).unwrap();
        // What is certainly in use: raised after a reservation, lowered before it ends.
        let (in_use, settled, dropped) = (AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0));
        let start = Barrier::new(threads.len());
        thread::scope(|scope| {
            for requests in &threads {
                let (budgets, in_use, settled, dropped, start) = (&budgets, &in_use, &settled, &dropped, &start);
                scope.spawn(move || {
                    start.wait();
                    for &(agent, count, fate) in requests {
                        let who = bottled(["a", "b", "c"][agent]);
                        let Ok(mut held) = take(budgets, &who, "openai", count) else { continue };
                        let now = in_use.fetch_add(count, Ordering::SeqCst) + count;
                        assert!(now <= LIMIT, "{now}");
                        let more = u64::from(fate) / 2;
                        if fate % 3 == 0 && held.extend(tokens(more), NOON).is_ok() {
                            let now = in_use.fetch_add(more, Ordering::SeqCst) + more;
                            assert!(now <= LIMIT, "{now}");
                        }
                        let reserved = held.amount().tokens;
                        if fate % 16 == 15 {
                            dropped.fetch_add(reserved, Ordering::SeqCst);
                            drop(held);
                            continue;
                        }
                        let actual = reserved * u64::from(fate) / 2_550;
                        in_use.fetch_sub(reserved - actual, Ordering::SeqCst);
                        settled.fetch_add(actual, Ordering::SeqCst);
                        held.settle(tokens(actual));
                    }
                });
            }
        });
        let sums = (settled.into_inner(), 0, dropped.into_inner());
        prop_assert_eq!(counts(&budgets, "host/*/total"), sums);
        prop_assert_eq!(counts(&budgets, "bottle:base/*/total"), sums);
    }
}

#[test]
fn the_limit_is_told_to_exactly_one_of_many() {
    for _ in 0..50 {
        let budgets = Budgets::new(vec![of_agent("a", 800)], &[]).unwrap();
        let start = Barrier::new(8);
        let told: usize = thread::scope(|scope| {
            let run = || {
                start.wait();
                let held = (0..10).map(|_| take(&budgets, &path("a"), "openai", 10).unwrap());
                held.map(|held| held.settle(tokens(10)).len())
                    .sum::<usize>()
            };
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(run)).collect();
            threads
                .into_iter()
                .map(|thread| thread.join().unwrap())
                .sum()
        });
        assert_eq!(told, 1);
    }
}

#[test]
fn changes_and_reservations_at_once_lose_nothing() {
    let budgets = Budgets::new(vec![of_agent("a", 1_000_000), of_host(1_000_000)], &[]).unwrap();
    let provider = Label::from("openai");
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                for _ in 0..2_000 {
                    let who = path("a");
                    let held = budgets
                        .reserve(&who, None, &provider, tokens(7), NOON)
                        .unwrap();
                    held.settle(tokens(3));
                }
            });
        }
        scope.spawn(|| {
            for round in 0..300 {
                budgets.set(of_agent("a", 1_000_000 + round), &[]).unwrap();
                budgets.set(of_agent("b", round), &[]).unwrap();
                let batch = budgets.want();
                budgets.granted(batch);
            }
        });
    });
    for key in ["agent:a/*/total", "host/*/total"] {
        assert_eq!(counts(&budgets, key), (18_000, 0, 0));
    }
}

#[test]
fn many_at_once_use_nearly_all_of_a_budget_and_never_more() {
    let budgets = Budgets::new(vec![of_agent("a", 10_000)], &[]).unwrap();
    let start = Barrier::new(64);
    let spent: u64 = thread::scope(|scope| {
        let run = || {
            start.wait();
            match take(&budgets, &path("a"), "openai", 1_000) {
                Ok(held) => {
                    held.settle(Amount::unpriced(900));
                    900
                }
                Err(_) => 0,
            }
        };
        let threads: Vec<_> = (0..64).map(|_| scope.spawn(run)).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .sum::<u64>()
    });
    assert!((7_500..=10_000).contains(&spent), "{spent}");
    assert_eq!(counts(&budgets, "agent:a/*/total"), (spent, 0, 0));
}
