use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::sync::Notify;
use tollgate_budget::{Budgets, Reservation, SliceBatch};
use tollgate_types::{AgentName, Label};

/// Longest wait for the ledger to write a slice.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// Who may spend how much, and who may spend nothing. Shared by all requests;
/// outlives every configuration.
pub struct Bank {
    budgets: Budgets,
    /// Agents that an operator has cut off, and the words that say so.
    cut: ArcSwap<HashMap<AgentName, Label>>,
    /// Counts changes of `cut`, so that a running stream looks only then.
    epoch: AtomicU64,
    wanted: Notify,
    granted: Notify,
}

impl Bank {
    /// A bank over these budgets; nobody is cut off.
    pub fn new(budgets: Budgets) -> Self {
        Self {
            budgets,
            cut: ArcSwap::default(),
            epoch: AtomicU64::new(0),
            wanted: Notify::new(),
            granted: Notify::new(),
        }
    }

    /// The budgets themselves, to show and to change.
    pub fn budgets(&self) -> &Budgets {
        &self.budgets
    }

    /// Waits until a request wants a slice written; one task does this.
    pub async fn wanted(&self) {
        self.wanted.notified().await;
    }

    /// A batch of slices is durable.
    pub fn granted(&self, batch: SliceBatch) {
        self.budgets.granted(batch);
        self.granted.notify_waiters();
    }

    /// Waits until what is set aside would survive a crash; false where the
    /// ledger can't write it in time, and so nothing may be spent.
    pub(crate) async fn backed(&self, reservation: &Reservation) -> bool {
        let backed = async {
            loop {
                // Listen first: the grant may come between look and wait.
                let granted = self.granted.notified();
                if reservation.is_backed() {
                    return;
                }
                self.wanted.notify_one();
                granted.await;
            }
        };
        reservation.is_backed() || tokio::time::timeout(LONGEST_WAIT, backed).await.is_ok()
    }

    /// These agents, and no others, are cut off from now on; their streams end
    /// within a second.
    pub fn cut_off(&self, agents: HashMap<AgentName, Label>) {
        self.cut.store(Arc::new(agents));
        self.epoch.fetch_add(1, Ordering::Release);
    }

    /// Why an agent is cut off, where it is.
    pub fn cutoff(&self, agent: &AgentName) -> Option<Label> {
        self.cut.load().get(agent).cloned()
    }

    /// Changes whenever somebody is cut off or let in again.
    pub(crate) fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::Acquire)
    }
}
