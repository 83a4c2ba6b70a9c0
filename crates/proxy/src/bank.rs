use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::sync::Notify;
use tollgate_budget::{Backed, Budgets, Reached, Reservation, SliceBatch};
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
    exhausted: Arc<Exhausted>,
}

/// Budgets that requests have used up and nobody has been told of yet.
#[derive(Debug, Default)]
pub(crate) struct Exhausted {
    /// With the provider whose request did it.
    waiting: Mutex<Vec<(Reached, Label)>>,
    added: Notify,
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
            exhausted: Arc::default(),
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

    /// Waits for budgets that are used up, and takes them: each with the
    /// provider whose request did it. One task does this.
    pub async fn exhausted(&self) -> Vec<(Reached, Label)> {
        loop {
            let waiting = self.exhausted.take();
            if !waiting.is_empty() {
                return waiting;
            }
            self.exhausted.added.notified().await;
        }
    }

    /// Where those who settle tell of them.
    pub(crate) fn teller(&self) -> Arc<Exhausted> {
        Arc::clone(&self.exhausted)
    }

    /// Waits until what is set aside would survive a crash; false where the
    /// ledger can't write it in time, and so nothing may be spent.
    pub(crate) async fn backed(&self, reservation: &Reservation) -> bool {
        reservation.is_backed() || self.written(reservation.backing()).await
    }

    /// As [`Bank::backed`], for what an answer under way was extended by.
    pub(crate) async fn written(&self, backed: Backed) -> bool {
        let written = async {
            loop {
                // Listen first: the grant may come between look and wait.
                let granted = self.granted.notified();
                if backed.is_written() {
                    return;
                }
                self.wanted.notify_one();
                granted.await;
            }
        };
        tokio::time::timeout(LONGEST_WAIT, written).await.is_ok()
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

impl Exhausted {
    /// Each crossing of a limit is told once, so that what waits is bounded by
    /// the budgets there are.
    pub(crate) fn tell(&self, reached: Reached, provider: &Label) {
        self.waiting
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push((reached, provider.clone()));
        self.added.notify_one();
    }

    fn take(&self) -> Vec<(Reached, Label)> {
        std::mem::take(&mut self.waiting.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
