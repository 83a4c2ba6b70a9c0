use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;
use tollgate_api::Order;
use tollgate_budget::{PeriodKey, Reached, Scope, ScopePath, Shutdown};
use tollgate_identity::{KeyDigest, RunKey};
use tollgate_proxy::Bank;
use tollgate_types::{AgentName, Label, RunId};

use super::house::now;

/// Most runs at once. Each has a connection, and a key in every snapshot.
pub(super) const MOST_RUNS: usize = 1000;

/// The runs that go on, and the order that stands for each.
///
/// Who is added while an order is given gets it: both take the same lock.
pub(super) struct Roster {
    bank: Arc<Bank>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    live: HashMap<RunId, Live>,
    /// What an operator ordered for all runs of an agent.
    stopped: HashMap<AgentName, Order>,
    /// Orders for single commands of an agent, which have no run.
    commands: HashMap<AgentName, watch::Sender<Order>>,
    /// The gateway ends and begins nothing any more.
    closed: bool,
}

/// Whose a run is, and where it stands.
pub(super) struct Standing {
    pub(super) agent: AgentName,
    /// The run's own bottle and those above it; none for the agent's.
    pub(super) bottles: Option<Vec<Label>>,
    pub(super) scopes: ScopePath,
}

struct Live {
    agent: AgentName,
    /// The run's own bottle and those above it.
    bottles: Option<Vec<Label>>,
    /// Where its use counts.
    scopes: ScopePath,
    key: KeyDigest,
    /// Providers at which a budget of this run's scopes was used up.
    exhausted: BTreeSet<Label>,
    /// Looks in a row at which nobody was there to take orders.
    missed: u32,
    orders: watch::Sender<Order>,
}

impl Roster {
    pub(super) fn new(bank: Arc<Bank>) -> Arc<Self> {
        Arc::new(Self {
            bank,
            state: Mutex::default(),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The keys that open, for the next snapshot.
    pub(super) fn keys(&self) -> Vec<RunKey> {
        let state = self.state();
        let keys = state.live.iter().map(|(run, live)| RunKey {
            agent: live.agent.clone(),
            key: live.key,
            run: run.clone(),
            bottles: live.bottles.clone(),
        });
        keys.collect()
    }

    pub(super) fn is_full(&self) -> bool {
        let state = self.state();
        state.closed || state.live.len() >= MOST_RUNS
    }

    /// False where no more may begin.
    pub(super) fn add(&self, run: RunId, stands: Standing, key: KeyDigest) -> bool {
        let mut state = self.state();
        if state.closed || state.live.len() >= MOST_RUNS {
            return false;
        }
        let Standing {
            agent,
            bottles,
            scopes,
        } = stands;
        let live = Live {
            agent,
            bottles,
            scopes,
            key,
            exhausted: BTreeSet::new(),
            missed: 0,
            orders: watch::Sender::new(Order::Thaw),
        };
        state.live.insert(run, live);
        self.review(&mut state);
        true
    }

    /// Whose run that was, and where its use counted; its orders end.
    pub(super) fn remove(&self, run: &RunId) -> Option<(AgentName, ScopePath)> {
        let live = self.state().live.remove(run)?;
        Some((live.agent, live.scopes))
    }

    pub(super) fn orders(&self, run: &RunId) -> Option<watch::Receiver<Order>> {
        let state = self.state();
        Some(state.live.get(run)?.orders.subscribe())
    }

    /// The order that stands for commands of an agent, and those after it.
    pub(super) fn command_orders(&self, agent: &AgentName) -> Option<watch::Receiver<Order>> {
        let mut state = self.state();
        if state.closed {
            return None;
        }
        let standing = state.stopped.get(agent).copied().unwrap_or(Order::Thaw);
        let commands = &mut state.commands;
        // Agents come and go; those that run nothing need no place.
        commands.retain(|_, orders| orders.receiver_count() > 0);
        let orders = commands.entry(agent.clone());
        let orders = orders.or_insert_with(|| watch::Sender::new(standing));
        Some(orders.subscribe())
    }

    /// No run begins any more and all connections for orders end, so that a
    /// drain does not wait for them. Keys stay until the gateway is gone.
    pub(super) fn close(&self) {
        let mut state = self.state();
        state.closed = true;
        for live in state.live.values_mut() {
            let standing = *live.orders.borrow();
            live.orders = watch::Sender::new(standing);
        }
        state.commands.clear();
    }

    /// These agents, and no others, are frozen or killed by an operator.
    pub(super) fn stop(&self, agents: HashMap<AgentName, Order>) {
        let mut state = self.state();
        state.stopped = agents;
        self.review(&mut state);
    }

    /// A budget is used up: all runs in its scope are held against it from now
    /// on. Returns how many of them stand frozen or killed.
    pub(super) fn used_up(&self, reached: &Reached, provider: &Label) -> u64 {
        let mut state = self.state();
        let mut count = 0;
        for (run, live) in &mut state.live {
            if is_within(run, live, reached) {
                live.exhausted.insert(provider.clone());
            }
        }
        self.review(&mut state);
        for (run, live) in &state.live {
            let stands = *live.orders.borrow() != Order::Thaw;
            count += u64::from(stands && is_within(run, live, reached));
        }
        count
    }

    /// Runs and commands of an agent that stand frozen or killed.
    pub(super) fn stopped(&self, agent: &AgentName) -> u64 {
        let state = self.state();
        let theirs = state.live.values().filter(|live| live.agent == *agent);
        let runs = theirs
            .filter(|live| *live.orders.borrow() != Order::Thaw)
            .count();
        let commands = state.commands.get(agent);
        let commands = commands.filter(|orders| *orders.borrow() != Order::Thaw);
        let commands = commands.map_or(0, watch::Sender::receiver_count);
        (runs + commands) as u64
    }

    /// Looks at budgets again: a raised limit or the next window lets go on.
    pub(super) fn look_again(&self) {
        self.review(&mut self.state());
    }

    /// Runs that had nobody to take orders at so many looks in a row.
    pub(super) fn lost(&self, looks: u32) -> Vec<RunId> {
        let mut state = self.state();
        let lost = state.live.iter_mut().filter_map(|(run, live)| {
            live.missed = match live.orders.receiver_count() {
                0 => live.missed + 1,
                _ => 0,
            };
            (live.missed >= looks).then(|| run.clone())
        });
        lost.collect()
    }

    fn review(&self, state: &mut State) {
        for (run, live) in &state.live {
            let operators = state.stopped.get(&live.agent);
            let operators = operators.copied().unwrap_or(Order::Thaw);
            let order = harder(operators, self.ordered_by_budgets(run, live));
            // What was killed does not come back.
            live.orders.send_if_modified(|standing| {
                let changes = *standing != order && *standing != Order::Kill;
                if changes {
                    *standing = order;
                }
                changes
            });
        }
        for (agent, orders) in &state.commands {
            let order = state.stopped.get(agent).copied().unwrap_or(Order::Thaw);
            orders.send_if_modified(|standing| std::mem::replace(standing, order) != order);
        }
    }

    fn ordered_by_budgets(&self, run: &RunId, live: &Live) -> Order {
        if live.exhausted.is_empty() {
            return Order::Thaw;
        }
        let now = now();
        let budgets = self.bank.budgets();
        let reached = live
            .exhausted
            .iter()
            .filter_map(|provider| budgets.standing(&live.scopes, Some(run), provider, now));
        reached
            .map(|reached| order(reached.shutdown))
            .fold(Order::Thaw, harder)
    }
}

/// What a shutdown means for processes.
pub(super) fn order(shutdown: Shutdown) -> Order {
    match shutdown {
        Shutdown::Cutoff => Order::Thaw,
        Shutdown::Freeze => Order::Freeze,
        Shutdown::Kill => Order::Kill,
    }
}

fn harder(one: Order, two: Order) -> Order {
    match (one, two) {
        (Order::Kill, _) | (_, Order::Kill) => Order::Kill,
        (Order::Thaw, Order::Thaw) => Order::Thaw,
        _ => Order::Freeze,
    }
}

fn is_within(run: &RunId, live: &Live, reached: &Reached) -> bool {
    if let PeriodKey::Run(of) = &reached.period {
        return of.as_ref() == Some(run);
    }
    match &reached.scope {
        Scope::Host => true,
        Scope::Agent(agent) => live.agent == *agent,
        Scope::Run(own) => own == run,
        bottle @ Scope::Bottle(_) => live.scopes.scopes().contains(bottle),
    }
}

#[cfg(test)]
mod tests {
    use tollgate_budget::Budgets;

    use super::*;

    fn roster() -> Arc<Roster> {
        let budgets = Budgets::new(Vec::new(), &[]).unwrap();
        Roster::new(Arc::new(Bank::new(budgets)))
    }

    fn begin(roster: &Roster, run: &str) -> RunId {
        let agent = AgentName::new("ada").unwrap();
        let stands = Standing {
            scopes: ScopePath::agent(agent.clone()),
            agent,
            bottles: None,
        };
        let run = RunId::new(run);
        assert!(roster.add(run.clone(), stands, KeyDigest::of(run.as_str())));
        run
    }

    #[test]
    fn who_has_nobody_to_take_orders_is_lost_after_so_many_looks_in_a_row() {
        let roster = roster();
        let (held, left) = (begin(&roster, "run_1"), begin(&roster, "run_2"));
        let orders = roster.orders(&held).unwrap();
        let brief = roster.orders(&left).unwrap();
        assert_eq!(roster.lost(2), []);
        drop(brief);
        assert_eq!(roster.lost(2), []);
        // Back in time: the count begins anew.
        let brief = roster.orders(&left).unwrap();
        assert_eq!(roster.lost(2), []);
        drop(brief);
        assert_eq!(roster.lost(2), []);
        assert_eq!(roster.lost(2), std::slice::from_ref(&left));
        roster.remove(&left);
        assert_eq!(roster.keys().len(), 1, "its key is gone with it");
        drop(orders);
        assert_eq!(roster.lost(2), []);
        assert_eq!(roster.lost(2), [held]);
    }
}
