//! Any sequence of events against a plain model: sums that are worked out anew
//! from the list of all reservations.

use proptest::prelude::*;
use tollgate_budget::{Budgets, Reservation};
use tollgate_types::Label;

use crate::house::{NOON, bottled, counts, of_agent, of_bottle, of_host, tokens};

#[derive(Clone, Debug)]
enum Step {
    Take {
        agent: usize,
        provider: usize,
        count: u64,
    },
    Extend(usize, u64),
    Settle(usize, u64),
    Drop(usize),
    Limit(usize, u64),
}

const AGENTS: [&str; 3] = ["a", "b", "c"];
const PROVIDERS: [&str; 2] = ["openai", "anthropic"];

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let at = any::<usize>;
    let step = prop_oneof![
        5 => (0..3usize, 0..2usize, 1..400u64)
            .prop_map(|(agent, provider, count)| Step::Take { agent, provider, count }),
        2 => (at(), 1..200u64).prop_map(|(which, more)| Step::Extend(which, more)),
        4 => (at(), 0..=100u64).prop_map(|(which, part)| Step::Settle(which, part)),
        1 => at().prop_map(Step::Drop),
        1 => (0..4usize, 0..1_500u64).prop_map(|(which, limit)| Step::Limit(which, limit)),
    ];
    prop::collection::vec(step, 1..150)
}

struct Held {
    agent: usize,
    provider: usize,
    reservation: Reservation,
}

/// What a budget should say, and the most that its limit ever was.
struct Account {
    key: &'static str,
    counts: fn(agent: usize, provider: usize) -> bool,
    expected: (u64, u64, u64),
    limit: u64,
    /// Whether every request that it counts is also held by it.
    always_holds: bool,
}

fn accounts() -> [Account; 4] {
    let account = |key, counts, limit, always_holds| Account {
        key,
        counts,
        expected: (0, 0, 0),
        limit,
        always_holds,
    };
    [
        account("agent:a/*/total", |agent, _| agent == 0, 1_000, true),
        account(
            "agent:b/openai/total",
            |agent, provider| agent == 1 && provider == 0,
            700,
            true,
        ),
        account("bottle:base/*/total", |_, _| true, 500, false),
        account("host/*/total", |_, _| true, 2_000, true),
    ]
}

fn specs(limits: [u64; 4]) -> Vec<tollgate_budget::BudgetSpec> {
    let mut of_b = of_agent("b", limits[1]);
    of_b.provider = Some(PROVIDERS[0].into());
    let mut host = of_host(limits[3]);
    host.ceiling = true;
    vec![
        of_agent("a", limits[0]),
        of_b,
        of_bottle("base", limits[2]),
        host,
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn every_sequence_adds_up(steps in steps()) {
        let mut accounts = accounts();
        let mut limits = accounts.each_ref().map(|account| account.limit);
        let budgets = Budgets::new(specs(limits), &[]).unwrap();
        let mut held: Vec<Held> = Vec::new();
        for step in steps {
            match step {
                Step::Take { agent: who, provider, count } => {
                    let label = Label::from(PROVIDERS[provider]);
                    let taken = budgets.reserve(&bottled(AGENTS[who]), None, &label, tokens(count), NOON);
                    if let Ok(reservation) = taken {
                        book(&mut accounts, who, provider, |sums| sums.1 += count);
                        held.push(Held { agent: who, provider, reservation });
                    }
                }
                Step::Extend(which, more) => {
                    let Some(one) = pick(&mut held, which) else { continue };
                    if held[one].reservation.extend(tokens(more), NOON).is_ok() {
                        let Held { agent, provider, .. } = held[one];
                        book(&mut accounts, agent, provider, |sums| sums.1 += more);
                    }
                }
                Step::Settle(which, part) => {
                    let Some(one) = pick(&mut held, which) else { continue };
                    let Held { agent, provider, reservation } = held.swap_remove(one);
                    let reserved = reservation.amount().tokens;
                    let actual = reserved * part / 100;
                    reservation.settle(tokens(actual));
                    book(&mut accounts, agent, provider, |sums| {
                        sums.0 += actual;
                        sums.1 -= reserved;
                    });
                }
                Step::Drop(which) => {
                    let Some(one) = pick(&mut held, which) else { continue };
                    let Held { agent, provider, reservation } = held.swap_remove(one);
                    let reserved = reservation.amount().tokens;
                    drop(reservation);
                    book(&mut accounts, agent, provider, |sums| {
                        sums.1 -= reserved;
                        sums.2 += reserved;
                    });
                }
                Step::Limit(which, limit) => {
                    limits[which] = limit;
                    accounts[which].limit = accounts[which].limit.max(limit);
                    budgets.replace(specs(limits), &[]).unwrap();
                }
            }
            for account in &accounts {
                let found = counts(&budgets, account.key);
                prop_assert_eq!(found, account.expected, "{}", account.key);
                let sum = found.0 + found.1 + found.2;
                prop_assert!(!account.always_holds || sum <= account.limit, "{}: {}", account.key, sum);
            }
        }
        for one in held {
            one.reservation.settle(tokens(0));
        }
        for account in &accounts {
            let (settled, _, unreconciled) = account.expected;
            prop_assert_eq!(counts(&budgets, account.key), (settled, 0, unreconciled));
        }
    }
}

fn pick(held: &mut [Held], which: usize) -> Option<usize> {
    (!held.is_empty()).then(|| which % held.len())
}

fn book(
    accounts: &mut [Account],
    agent: usize,
    provider: usize,
    how: impl Fn(&mut (u64, u64, u64)),
) {
    let counting = accounts.iter_mut();
    let counting = counting.filter(|account| (account.counts)(agent, provider));
    counting.for_each(|account| how(&mut account.expected));
}
