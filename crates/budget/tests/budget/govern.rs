use tollgate_budget::{Amount, BudgetSpec, Budgets, Limit, Refused, Scope, Shutdown};
use tollgate_types::{Money, RunId};

use crate::house::{
    NOON, agent, bottled, counts, of_agent, of_bottle, of_host, path, state, take, tokens,
};

#[test]
fn a_request_that_does_not_fit_is_refused_in_full_words() {
    let mut spec = of_bottle("dev", 5_000);
    spec.window = tollgate_budget::Window::Day;
    let budgets = Budgets::new(vec![spec], &[]).unwrap();
    let held = take(&budgets, &bottled("a"), "openai", 800).unwrap();
    let refused = take(&budgets, &bottled("a"), "openai", 4_500).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "budget \"dev\" has 4200 tokens left, this request may use up to 4500; resets at 00:00 UTC"
    );
    assert_eq!(refused.hint(), "lower max_tokens");
    let refused = take(&budgets, &bottled("a"), "openai", 11_000).unwrap_err();
    assert!(refused.hint().starts_with("the whole budget is smaller"));
    assert_eq!(counts(&budgets, "bottle:dev/*/day@UTC"), (0, 800, 0));
    drop(held.settle(tokens(5)));
    assert_eq!(counts(&budgets, "bottle:dev/*/day@UTC"), (5, 0, 0));
}

#[test]
fn the_most_specific_budget_governs_and_use_counts_above() {
    let specs = vec![of_agent("a", 1_000), of_bottle("base", 100), of_host(50)];
    let budgets = Budgets::new(specs, &[]).unwrap();
    // More than bottle and host have: neither holds for this agent.
    let held = take(&budgets, &bottled("a"), "openai", 900).unwrap();
    for key in ["agent:a/*/total", "bottle:base/*/total", "host/*/total"] {
        assert_eq!(counts(&budgets, key), (0, 900, 0), "{key}");
    }
    assert_eq!(
        held.settle(tokens(700)).len(),
        2,
        "bottle and host are past their limits"
    );
    // Nobody governs for `b` but the bottle above, which is full.
    let refused = take(&budgets, &bottled("b"), "openai", 1).unwrap_err();
    let Refused::Exhausted(exhausted) = refused else {
        panic!("{refused}");
    };
    assert_eq!(&*exhausted.budget, "base");
    assert_eq!(exhausted.reached, Some(Shutdown::Cutoff));
}

#[test]
fn a_ceiling_holds_beside_the_one_that_governs() {
    let mut host = of_host(500);
    host.ceiling = true;
    let budgets = Budgets::new(vec![of_agent("a", 1_000), host], &[]).unwrap();
    let refused = take(&budgets, &path("a"), "openai", 501).unwrap_err();
    assert!(refused.to_string().starts_with("budget \"host\" has 500"));
    assert_eq!(
        counts(&budgets, "agent:a/*/total"),
        (0, 0, 0),
        "all or nothing"
    );
    assert_eq!(
        budgets.room(&path("a"), None, "openai", NOON).tokens,
        Some(500)
    );
}

#[test]
fn a_provider_has_its_own_budget_and_governs_only_that() {
    let mut own = of_agent("a", 100);
    own.provider = Some("anthropic".into());
    let budgets = Budgets::new(vec![own, of_host(1_000)], &[]).unwrap();
    assert!(take(&budgets, &path("a"), "anthropic", 101).is_err());
    let held = take(&budgets, &path("a"), "openai", 1_000).unwrap();
    assert_eq!(counts(&budgets, "agent:a/anthropic/total"), (0, 0, 0));
    drop(held.settle(Amount::ZERO));
}

#[test]
fn budgets_of_one_scope_hold_together() {
    let mut own = of_agent("a", 100);
    own.provider = Some("anthropic".into());
    let budgets = Budgets::new(vec![own, of_agent("a", 150)], &[]).unwrap();
    let held = take(&budgets, &path("a"), "anthropic", 100).unwrap();
    assert!(take(&budgets, &path("a"), "openai", 51).is_err());
    let other = take(&budgets, &path("a"), "openai", 50).unwrap();
    drop((held.settle(Amount::ZERO), other.settle(Amount::ZERO)));
}

#[test]
fn a_run_has_a_budget_that_overrides_its_agents() {
    let run = RunId::new("r1");
    let budgets = Budgets::new(vec![of_agent("a", 10)], &[]).unwrap();
    let own = BudgetSpec::new(Scope::Run(run.clone()), Limit::tokens(100));
    budgets.begin_run(&run, vec![own], &[]).unwrap();
    let take = |run, count| budgets.reserve(&path("a"), run, &"openai".into(), tokens(count), NOON);
    let held = take(Some(&run), 100).unwrap();
    assert!(take(Some(&run), 1).is_err());
    assert!(
        take(None, 1).is_err(),
        "what the run sets aside counts for its agent"
    );
    drop(held.settle(Amount::ZERO));
    budgets.end_run(&path("a"), &run);
    assert!(take(Some(&run), 11).is_err());
}

#[test]
fn money_is_held_exactly_and_a_model_without_a_price_is_not_free() {
    let limit = Limit {
        tokens: None,
        usd: Some("0.30".parse().unwrap()),
    };
    let budgets = Budgets::new(vec![BudgetSpec::new(Scope::Host, limit)], &[]).unwrap();
    let cents = |text: &str| Amount::priced(1, text.parse::<Money>().unwrap());
    let take = |amount| budgets.reserve(&path("a"), None, &"openai".into(), amount, NOON);
    for _ in 0..3 {
        drop(take(cents("0.10")).unwrap().settle(cents("0.10")));
    }
    let refused = take(cents("0.000000001")).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "budget \"host\" has 0 USD left, this request may cost up to 0.000000001 USD"
    );
    let refused = take(tokens(1)).unwrap_err();
    assert!(matches!(refused, Refused::Unpriced { .. }), "{refused}");
    assert!(state(&budgets, "host/*/total").exhausted);
}

#[test]
fn the_limit_is_told_once_and_stands_until_it_is_raised() {
    let budgets = Budgets::new(vec![of_agent("a", 100)], &[]).unwrap();
    let first = take(&budgets, &path("a"), "openai", 60).unwrap();
    let second = take(&budgets, &path("a"), "openai", 40).unwrap();
    assert!(first.settle(tokens(60)).is_empty());
    assert!(budgets.standing(&path("a"), None, "openai", NOON).is_none());
    let reached = second.settle(tokens(40));
    assert_eq!(reached.len(), 1);
    assert_eq!(reached[0].scope, Scope::Agent(agent("a")));
    assert!(budgets.standing(&path("a"), None, "openai", NOON).is_some());
    assert!(budgets.standing(&path("b"), None, "openai", NOON).is_none());
    budgets.set(of_agent("a", 101), &[]).unwrap();
    assert!(budgets.standing(&path("a"), None, "openai", NOON).is_none());
    assert!(take(&budgets, &path("a"), "openai", 2).is_err());
    drop(take(&budgets, &path("a"), "openai", 1).unwrap());
}

#[test]
fn an_answer_that_grows_extends_or_is_refused() {
    let budgets = Budgets::new(vec![of_agent("a", 100), of_host(10)], &[]).unwrap();
    let mut held = take(&budgets, &path("a"), "openai", 60).unwrap();
    held.extend(tokens(30), NOON).unwrap();
    assert!(held.extend(tokens(11), NOON).is_err());
    assert_eq!(held.amount(), tokens(90));
    assert_eq!(counts(&budgets, "agent:a/*/total"), (0, 90, 0));
    drop(held.settle(tokens(95)));
    assert_eq!(counts(&budgets, "agent:a/*/total"), (95, 0, 0));
    assert_eq!(counts(&budgets, "host/*/total"), (95, 0, 0));
}

#[test]
fn what_is_dropped_counts_in_full_until_reconciled() {
    let budgets = Budgets::new(vec![of_agent("a", 100)], &[]).unwrap();
    drop(take(&budgets, &path("a"), "openai", 60).unwrap());
    assert_eq!(counts(&budgets, "agent:a/*/total"), (0, 0, 60));
    assert!(take(&budgets, &path("a"), "openai", 41).is_err());
    let total = tollgate_budget::PeriodKey::Total;
    let (cleared, reached) = budgets
        .reconcile("agent:a/*/total", &total, tokens(20), NOON)
        .unwrap();
    assert_eq!((cleared.tokens, reached), (60, None));
    assert_eq!(counts(&budgets, "agent:a/*/total"), (20, 0, 0));
}

#[test]
fn zero_blocks_and_nothing_at_all_does_not() {
    let budgets = Budgets::new(vec![of_agent("a", 0)], &[]).unwrap();
    assert!(take(&budgets, &path("a"), "openai", 1).is_err());
    assert!(budgets.standing(&path("a"), None, "openai", NOON).is_some());
    let held = take(&budgets, &path("b"), "openai", u64::MAX).unwrap();
    assert!(held.is_backed());
    assert!(held.settle(tokens(u64::MAX)).is_empty());
}

#[test]
fn counts_that_would_overflow_are_refused_and_never_wrap() {
    let budgets = Budgets::new(vec![of_agent("a", 10), of_host(10)], &[]).unwrap();
    let held = take(&budgets, &path("a"), "openai", 1).unwrap();
    drop(held.settle(tokens(u64::MAX)));
    assert_eq!(counts(&budgets, "host/*/total").0, u64::MAX);
    budgets
        .set(of_agent("a", 1_000_000_000_000_000), &[])
        .unwrap();
    assert!(take(&budgets, &path("a"), "openai", u64::MAX).is_err());
    assert!(take(&budgets, &path("b"), "openai", 1).is_err());
}
