//! What is durable at any moment covers what was really used by then.

use std::collections::HashMap;

use proptest::prelude::*;
use tollgate_budget::{Amount, Budgets, PeriodKey, Reservation, SliceBatch, Used};

use crate::house::{counts, of_agent, of_host, path, take, tokens, write};

#[derive(Clone, Debug)]
enum Step {
    Take(u64),
    /// One of those under way ends with so many per cent of what it set aside.
    Settle(usize, u64),
    /// The ledger begins a write, or ends it, well or not.
    Begin,
    End(bool),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (1..30_000u64).prop_map(Step::Take),
        3 => (any::<usize>(), 0..=100u64).prop_map(|(which, part)| Step::Settle(which, part)),
        2 => Just(Step::Begin),
        2 => prop::bool::weighted(0.8).prop_map(Step::End),
    ];
    prop::collection::vec(step, 1..120)
}

/// A ledger and a gateway that may crash after any step.
struct World {
    budgets: Budgets,
    rows: HashMap<String, u64>,
    writing: Option<SliceBatch>,
    under_way: Vec<Reservation>,
    settled: u64,
}

impl World {
    fn new(limit: u64) -> Self {
        let specs = vec![of_agent("a", limit), of_host(limit / 3 + 1)];
        Self {
            budgets: Budgets::new(specs, &[]).unwrap(),
            rows: HashMap::new(),
            writing: None,
            under_way: Vec::new(),
            settled: 0,
        }
    }

    fn step(&mut self, step: &Step) {
        match *step {
            Step::Take(count) => {
                self.under_way
                    .extend(take(&self.budgets, &path("a"), "openai", count).ok());
            }
            Step::Settle(which, part) if !self.under_way.is_empty() => {
                let held = self.under_way.swap_remove(which % self.under_way.len());
                // What is not backed was not sent, so it used nothing.
                let actual = match held.is_backed() {
                    true => held.amount().tokens * part / 100,
                    false => 0,
                };
                self.settled += actual;
                held.settle(Amount::unpriced(actual));
            }
            Step::Begin if self.writing.is_none() => self.writing = Some(self.budgets.want()),
            Step::End(well) => {
                let Some(batch) = self.writing.take() else {
                    return;
                };
                if well {
                    for slice in &batch.slices {
                        self.rows
                            .insert(slice.budget.to_string(), slice.drawn.tokens);
                    }
                    self.budgets.granted(batch);
                }
            }
            Step::Settle(..) | Step::Begin => {}
        }
    }

    /// What providers may have billed: all that is settled, and everything
    /// that was sent.
    fn used(&self) -> u64 {
        let sent = self.under_way.iter().filter(|held| held.is_backed());
        self.settled + sent.map(|held| held.amount().tokens).sum::<u64>()
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_crash_at_any_step_counts_all_that_was_used(
        limit in prop_oneof![Just(2_000u64), Just(100_000), Just(1_000_000), Just(50_000_000)],
        steps in steps(),
    ) {
        let mut world = World::new(limit);
        for step in &steps {
            world.step(step);
            let used = world.used();
            for key in ["agent:a/*/total", "host/*/total"] {
                let row = world.rows.get(key).copied().unwrap_or(0);
                prop_assert!(used <= row, "{key}: {used} used, {row} written, after {step:?}");
            }
        }
        // Everything ends and is written: what a crash costs now is little.
        let (open, settled) = (std::mem::take(&mut world.under_way), world.settled);
        open.into_iter().for_each(|held| drop(held.settle(Amount::ZERO)));
        [Step::End(true), Step::Begin, Step::End(true)].iter().for_each(|step| world.step(step));
        let row = world.rows.get("agent:a/*/total").copied().unwrap_or(0);
        prop_assert!(row <= settled + limit / 32, "{row} written, {settled} used");
    }
}

#[test]
fn a_large_budget_waits_once_and_then_hardly_ever() {
    let budgets = Budgets::new(vec![of_agent("a", 64_000_000)], &[]).unwrap();
    let first = take(&budgets, &path("a"), "openai", 1_000).unwrap();
    assert!(!first.is_backed());
    write(&budgets);
    assert!(first.is_backed());
    let mut writes = 0;
    for _ in 0..10_000 {
        let held = take(&budgets, &path("a"), "openai", 1_000).unwrap();
        assert!(held.is_backed());
        held.settle(tokens(1_000));
        if budgets.is_wanting() {
            write(&budgets);
            writes += 1;
        }
    }
    assert!((1..40).contains(&writes), "{writes}");
    first.settle(Amount::ZERO);
}

#[test]
fn a_write_that_fails_is_asked_for_again() {
    let budgets = Budgets::new(vec![of_agent("a", 2_000)], &[]).unwrap();
    let held = take(&budgets, &path("a"), "openai", 500).unwrap();
    drop(budgets.want());
    assert!(!held.is_backed());
    let batch = budgets.want();
    assert_eq!(batch.slices.len(), 1);
    assert_eq!(batch.slices[0].drawn.tokens, 500);
    budgets.granted(batch);
    assert!(held.is_backed());
    held.settle(Amount::ZERO);
    // Small budgets give back at once, or a crash would cost them all of it.
    let batch = budgets.want();
    assert_eq!(batch.slices[0].drawn.tokens, 0);
    budgets.granted(batch);
}

#[test]
fn a_clean_end_leaves_nothing_to_reconcile() {
    let budgets = Budgets::new(vec![of_agent("a", 50_000_000)], &[]).unwrap();
    let held = take(&budgets, &path("a"), "openai", 700).unwrap();
    write(&budgets);
    held.settle(tokens(650));
    let last = budgets.closing(crate::house::NOON);
    assert_eq!(last[0].drawn.tokens, 650);
    let known = Used {
        budget: last[0].budget.clone(),
        period: PeriodKey::Total,
        settled: tokens(650),
        drawn: last[0].drawn,
    };
    let again = Budgets::new(vec![of_agent("a", 50_000_000)], &[known]).unwrap();
    assert_eq!(counts(&again, "agent:a/*/total"), (650, 0, 0));
}
