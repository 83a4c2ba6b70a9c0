use std::sync::Arc;

use tollgate_budget::{Budgets, PeriodKey, Span, Window, Zone};
use tollgate_types::{Label, RunId, UnixMillis};

use crate::house::{HOUR, NOON, counts, of_agent, of_host, path, tokens};

const MIDNIGHT: UnixMillis = UnixMillis(NOON.0 + 12 * HOUR);

fn daily(tokens: u64) -> Budgets {
    let mut spec = of_agent("a", tokens);
    spec.window = Window::Day;
    Budgets::new(vec![spec], &[]).unwrap()
}

fn left(budgets: &Budgets, now: UnixMillis) -> Option<u64> {
    budgets.room(&path("a"), None, "openai", now).tokens
}

fn spend(budgets: &Budgets, count: u64, now: UnixMillis) -> bool {
    let provider = Label::from("openai");
    match budgets.reserve(&path("a"), None, &provider, tokens(count), now) {
        Ok(held) => {
            held.settle(tokens(count));
            true
        }
        Err(_) => false,
    }
}

#[test]
fn midnight_gives_the_whole_amount_and_yesterdays_request_stays_yesterdays() {
    let budgets = daily(100);
    let provider = Label::from("openai");
    let late = budgets
        .reserve(
            &path("a"),
            None,
            &provider,
            tokens(90),
            UnixMillis(MIDNIGHT.0 - 1),
        )
        .unwrap();
    assert_eq!(left(&budgets, UnixMillis(MIDNIGHT.0 - 1)), Some(10));
    assert_eq!(left(&budgets, MIDNIGHT), Some(100));
    assert!(late.settle(tokens(100)).len() == 1, "yesterday is used up");
    assert_eq!(left(&budgets, MIDNIGHT), Some(100));
    assert!(
        budgets
            .standing(&path("a"), None, "openai", MIDNIGHT)
            .is_none()
    );
}

#[test]
fn a_clock_that_goes_back_opens_nothing() {
    let budgets = daily(100);
    assert!(spend(&budgets, 100, NOON));
    assert!(spend(&budgets, 100, MIDNIGHT));
    for back in [1, HOUR, 24 * HOUR, 400 * 24 * HOUR, NOON.0] {
        assert!(!spend(&budgets, 1, UnixMillis(NOON.0 - back)), "{back}");
    }
    assert!(spend(&budgets, 100, UnixMillis(MIDNIGHT.0 + 24 * HOUR)));
}

#[test]
fn months_end_with_the_month() {
    let mut spec = of_agent("a", 100);
    spec.window = Window::Month;
    let budgets = Budgets::new(vec![spec], &[]).unwrap();
    assert!(spend(&budgets, 100, NOON));
    // 2026-11-30 23:59:59 and a second later.
    assert!(!spend(&budgets, 1, UnixMillis(1_796_083_199_000)));
    assert!(spend(&budgets, 1, UnixMillis(1_796_083_200_000)));
}

#[test]
fn every_run_has_the_whole_amount_and_what_is_outside_shares_one() {
    let mut spec = of_agent("a", 100);
    spec.window = Window::Run;
    let budgets = Budgets::new(vec![spec], &[]).unwrap();
    let (one, two) = (RunId::new("1"), RunId::new("2"));
    let provider = Label::from("openai");
    let spend = |run: Option<&RunId>| {
        let held = budgets.reserve(&path("a"), run, &provider, tokens(60), NOON);
        held.map(|held| held.settle(tokens(60))).is_ok()
    };
    assert_eq!([Some(&one), Some(&one)].map(spend), [true, false]);
    assert_eq!([Some(&two), Some(&two)].map(spend), [true, false]);
    assert_eq!([None, None].map(spend), [true, false]);
    let keys: Vec<PeriodKey> = budgets.show(NOON).into_iter().map(|it| it.period).collect();
    assert_eq!(keys.len(), 3);
    budgets.end_run(&path("a"), &one);
    assert_eq!(budgets.show(NOON).len(), 2);
}

/// A zone that answers nonsense.
#[derive(Debug)]
struct Nowhere(Span);

impl Zone for Nowhere {
    fn name(&self) -> &str {
        "Nowhere"
    }
    fn day(&self, _at: UnixMillis) -> Span {
        self.0
    }
    fn month(&self, _at: UnixMillis) -> Span {
        self.0
    }
}

#[test]
fn a_zone_that_lies_is_not_believed() {
    let spans = [(0, 0), (NOON.0 + 1, u64::MAX), (u64::MAX, 0)];
    for (start, end) in spans {
        let mut spec = of_host(100);
        spec.window = Window::Day;
        spec.zone = Arc::new(Nowhere(Span {
            start: UnixMillis(start),
            end: UnixMillis(end),
        }));
        let budgets = Budgets::new(vec![spec], &[]).unwrap();
        assert!(spend(&budgets, 100, NOON));
        assert!(!spend(&budgets, 1, UnixMillis(MIDNIGHT.0 - 1)));
        assert!(spend(&budgets, 100, MIDNIGHT));
        assert_eq!(counts(&budgets, "host/*/day@Nowhere").0, 100);
    }
}
