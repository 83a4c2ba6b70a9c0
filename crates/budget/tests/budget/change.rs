use tollgate_budget::{BudgetSpec, Budgets, Limit, PeriodKey, Scope, Used};

use crate::house::{NOON, counts, of_agent, of_host, path, spec, state, take, tokens};

fn used(key: &str, settled: u64, drawn: u64) -> Used {
    Used {
        budget: key.into(),
        period: PeriodKey::Total,
        settled: tokens(settled),
        drawn: tokens(drawn),
    }
}

#[test]
fn a_change_holds_from_the_next_reservation_and_keeps_the_use() {
    let budgets = Budgets::new(vec![of_agent("a", 100)], &[]).unwrap();
    let held = take(&budgets, &path("a"), "openai", 80).unwrap();
    budgets.set(of_agent("a", 50), &[]).unwrap();
    assert!(take(&budgets, &path("a"), "openai", 1).is_err());
    assert_eq!(state(&budgets, "agent:a/*/total").tokens_left, Some(0));
    drop(held.settle(tokens(30)));
    assert!(take(&budgets, &path("a"), "openai", 21).is_err());
    drop(take(&budgets, &path("a"), "openai", 20).unwrap());
}

#[test]
fn a_request_under_way_counts_at_a_budget_that_is_made_meanwhile() {
    let budgets = Budgets::new(vec![of_host(1_000)], &[]).unwrap();
    let held = take(&budgets, &path("a"), "openai", 80).unwrap();
    let own = of_agent("a", 100);
    assert_eq!(budgets.unknown_among(std::slice::from_ref(&own)).len(), 1);
    budgets.set(own, &[used("agent:a/*/total", 40, 0)]).unwrap();
    assert!(held.settle(tokens(60)).len() == 1, "40 before and 60 now");
    assert_eq!(counts(&budgets, "agent:a/*/total"), (100, 0, 0));
    assert_eq!(counts(&budgets, "host/*/total"), (60, 0, 0));
}

#[test]
fn a_reload_keeps_what_stays_and_forgets_what_goes() {
    let budgets = Budgets::new(vec![of_agent("a", 100), of_host(100)], &[]).unwrap();
    drop(
        take(&budgets, &path("a"), "openai", 60)
            .unwrap()
            .settle(tokens(60)),
    );
    budgets.replace(vec![of_host(200)], &[]).unwrap();
    assert_eq!(budgets.show(NOON).len(), 1);
    assert_eq!(counts(&budgets, "host/*/total"), (60, 0, 0));
    assert!(budgets.remove("host/*/total"));
    assert!(!budgets.remove("host/*/total"));
    drop(take(&budgets, &path("a"), "openai", 1_000_000).unwrap());
}

#[test]
fn use_before_the_start_counts() {
    let known = [
        used("agent:a/*/total", 70, 90),
        used("agent:gone/*/total", 1, 1),
    ];
    let budgets = Budgets::new(vec![of_agent("a", 100)], &known).unwrap();
    assert_eq!(counts(&budgets, "agent:a/*/total"), (70, 0, 20));
    assert!(take(&budgets, &path("a"), "openai", 11).is_err());
}

#[test]
fn sets_that_cannot_hold_are_refused_as_a_whole() {
    let bad = vec![
        of_host(1),
        of_host(2),
        BudgetSpec::new(Scope::Host, Limit::default()),
        spec(Scope::Bottle("b".into()), u64::MAX),
    ];
    let faults = Budgets::new(bad.clone(), &[]).unwrap_err();
    let told: Vec<String> = faults.iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "budget `host/*/total` stands twice, expected it once",
            "budget `host/*/total` limits nothing, expected `tokens`, `usd` or both",
            "budget `host/*/total` stands twice, expected it once",
            "budget `bottle:b/*/total`: limit is 18446744073709551615 tokens, expected at most 1000000000000000",
        ]
    );
    let budgets = Budgets::new(vec![of_host(5)], &[]).unwrap();
    assert!(budgets.replace(bad, &[]).is_err());
    assert_eq!(budgets.show(NOON).len(), 1);
}
