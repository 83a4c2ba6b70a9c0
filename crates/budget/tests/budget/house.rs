//! Short ways to say what a test is about.

use tollgate_budget::{
    Amount, BudgetSpec, BudgetState, Budgets, Extends, Limit, Refused, Reservation, Scope,
    ScopePath,
};
use tollgate_types::{AgentName, Label, UnixMillis};

/// 2026-11-20 12:00 UTC.
pub(crate) const NOON: UnixMillis = UnixMillis(1_795_176_000_000);
pub(crate) const HOUR: u64 = 3_600_000;

pub(crate) fn agent(name: &str) -> AgentName {
    AgentName::new(name).unwrap()
}

pub(crate) fn spec(scope: Scope, tokens: u64) -> BudgetSpec {
    BudgetSpec::new(scope, Limit::tokens(tokens))
}

pub(crate) fn of_agent(name: &str, tokens: u64) -> BudgetSpec {
    spec(Scope::Agent(agent(name)), tokens)
}

pub(crate) fn of_bottle(name: &str, tokens: u64) -> BudgetSpec {
    spec(Scope::Bottle(name.into()), tokens)
}

pub(crate) fn of_host(tokens: u64) -> BudgetSpec {
    spec(Scope::Host, tokens)
}

pub(crate) fn path(name: &str) -> ScopePath {
    ScopePath::agent(agent(name))
}

/// The agent in bottle `dev`, which extends `base`.
pub(crate) fn bottled(name: &str) -> ScopePath {
    let extends = Extends::new([("dev".into(), vec!["base".into()])]);
    ScopePath::bottled(agent(name), "dev", &extends).unwrap()
}

pub(crate) fn tokens(tokens: u64) -> Amount {
    Amount::unpriced(tokens)
}

pub(crate) fn take(
    budgets: &Budgets,
    who: &ScopePath,
    provider: &str,
    count: u64,
) -> Result<Reservation, Refused> {
    budgets.reserve(who, None, &Label::from(provider), tokens(count), NOON)
}

pub(crate) fn state(budgets: &Budgets, key: &str) -> BudgetState {
    let mut states = budgets.show(NOON).into_iter();
    states
        .find(|state| &*state.key == key)
        .unwrap_or_else(|| panic!("there is no {key}"))
}

/// `settled + reserved + unreconciled` in tokens.
pub(crate) fn counts(budgets: &Budgets, key: &str) -> (u64, u64, u64) {
    let state = state(budgets, key);
    (
        state.settled.tokens,
        state.reserved.tokens,
        state.unreconciled.tokens,
    )
}

/// Lets the ledger write whatever is asked for.
pub(crate) fn write(budgets: &Budgets) {
    let batch = budgets.want();
    budgets.granted(batch);
}
