use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{broadcast, mpsc, oneshot, watch};
use tollgate_approvals::{Answer, AnswerRefused, ApprovalId, Digest, Ladder};
use tollgate_types::{AgentName, Event, Tier, UnixMillis};

use crate::{Question, Record, Seat};

mod keeper;
mod wait;

use keeper::{Ask, Keeper, Order};
pub use wait::Wait;

/// Orders under way; each has a caller that waits.
const ORDERS: usize = 256;
/// Changes that a surface may lag behind before it is told to look anew.
const CHANGES: usize = 1024;

/// How many may wait.
#[derive(Clone, Copy, Debug)]
pub struct Crowd {
    /// Of one agent.
    pub per_agent: usize,
    /// Of all.
    pub all: usize,
    /// Questions of one agent in any minute.
    pub per_minute: usize,
}

impl Default for Crowd {
    fn default() -> Self {
        Self {
            per_agent: 16,
            all: 512,
            per_minute: 60,
        }
    }
}

/// Where questions wait for a person.
///
/// One task ([`Keeper`]) owns them and takes one order after the other, so that
/// of two answers one is the first. It writes before it tells: a yes that is
/// not on the disk was not said.
#[derive(Clone)]
pub struct Room {
    orders: mpsc::Sender<Order>,
    shared: Arc<Shared>,
}

/// What the keeper shows to everybody else.
pub(crate) struct Shared {
    pub(crate) seats: Mutex<HashMap<ApprovalId, Arc<Seat>>>,
    pub(crate) changes: broadcast::Sender<Arc<Seat>>,
}

/// A place in the room, for whoever asked.
#[derive(Debug)]
pub struct Ticket {
    /// The question's name.
    pub id: ApprovalId,
    /// Where it stands, and each time that changes.
    pub stands: watch::Receiver<Arc<Seat>>,
}

/// Why a question was not taken in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AskFault {
    /// The agent has as many open as it may.
    #[error("agent `{agent}` has {open} questions open, expected at most {most}")]
    Crowded {
        /// Who.
        agent: AgentName,
        /// How many.
        open: usize,
        /// The most.
        most: usize,
    },
    /// The agent asks too fast.
    #[error("agent `{agent}` asked {most} times within a minute")]
    TooFast {
        /// Who.
        agent: AgentName,
        /// The most.
        most: usize,
    },
    /// Nobody could read so many.
    #[error("{0} questions are open, expected fewer")]
    Full(usize),
    /// It is not on the disk, so nobody is asked.
    #[error("the question could not be written down: {0}")]
    Unwritten(String),
    /// The gateway ends.
    #[error("the gateway is stopping")]
    Closed,
}

/// Why an answer did not count.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AnswerFault {
    /// No such question. A guessed id, another gateway's and one that is long
    /// forgotten are told apart by nothing.
    #[error("no approval `{0}`")]
    Unknown(ApprovalId),
    /// It can't be answered like this.
    #[error(transparent)]
    Refused(#[from] AnswerRefused),
    /// Too late; the same was asked anew.
    #[error("`{id}` had ended; the same is asked again as `{again}`")]
    AskedAgain {
        /// The one that was answered.
        id: ApprovalId,
        /// The one that waits now.
        again: ApprovalId,
    },
    /// The answer, or its rule, is not on the disk, so it was not given.
    #[error("the answer could not be written down: {0}")]
    Unwritten(String),
    /// The gateway ends.
    #[error("the gateway is stopping")]
    Closed,
}

impl Room {
    /// Opens the room with what was waiting when the gateway went down. `now`
    /// is the clock, `chance` 16 bytes of the system's randomness.
    pub fn open(
        record: Arc<dyn Record>,
        ladder: Ladder,
        crowd: Crowd,
        waiting: Vec<Seat>,
        now: fn() -> UnixMillis,
        chance: fn() -> Option<[u8; 16]>,
    ) -> Self {
        let (orders, received) = mpsc::channel(ORDERS);
        let shared = Arc::new(Shared {
            seats: Mutex::default(),
            changes: broadcast::Sender::new(CHANGES),
        });
        let keeper = Keeper::new(record, ladder, crowd, Arc::clone(&shared), now, chance);
        tokio::spawn(keeper.run(waiting, received));
        Self { orders, shared }
    }

    /// Puts a question. Where the same one waits already and nobody is there
    /// for it any more (the gateway was started anew, or a late yes has asked
    /// it again), its place is taken over, with its answer if it has one.
    ///
    /// # Errors
    /// [`AskFault`]: nobody is asked.
    pub async fn ask(
        &self,
        subject: Digest,
        tier: Tier,
        question: Question,
    ) -> Result<Ticket, AskFault> {
        let ask = Ask {
            subject,
            tier,
            question,
        };
        let asked = self.order(|reply| Order::Ask(Box::new(ask), reply));
        asked.await.unwrap_or(Err(AskFault::Closed))
    }

    /// Waits for the answer to a question that was put.
    pub fn wait(&self, ticket: Ticket) -> Wait {
        Wait::new(self.clone(), ticket)
    }

    /// Takes an operator's answer.
    ///
    /// # Errors
    /// [`AnswerFault`]: nothing has changed by it.
    pub async fn answer(&self, id: ApprovalId, answer: Answer) -> Result<Arc<Seat>, AnswerFault> {
        let answered = self.order(|reply| Order::Answer(id, Box::new(answer), reply));
        answered.await.unwrap_or(Err(AnswerFault::Closed))
    }

    /// The other open questions that ask the very same as this one.
    pub fn like(&self, id: ApprovalId) -> Vec<ApprovalId> {
        let seats = self.seats();
        let Some(this) = seats.get(&id) else {
            return Vec::new();
        };
        let others = seats.values().filter(|other| {
            let open = other.approval.state.is_pending();
            other.approval.id != id && open && other.is_like(this)
        });
        others.map(|other| other.approval.id).collect()
    }

    /// Takes the permission that a yes gave. Once. What is done by it is
    /// written down with it, where that is known by now: one sync of the disk
    /// is as quick as half of one.
    ///
    /// # Errors
    /// [`AnswerFault`]: nothing is permitted, and nothing of it is written.
    pub async fn collect(
        &self,
        id: ApprovalId,
        with: Option<Event>,
    ) -> Result<Arc<Seat>, AnswerFault> {
        let with = with.map(Box::new);
        let collected = self.order(|reply| Order::Collect(id, with, reply));
        collected.await.unwrap_or(Err(AnswerFault::Closed))
    }

    /// Whoever asked does not want it any more.
    pub async fn withdraw(&self, id: ApprovalId) {
        self.order(|reply| Order::Withdraw(id, reply)).await;
    }

    /// There is nobody who could be asked.
    pub async fn nobody_there(&self, id: ApprovalId) {
        self.order(|reply| Order::NobodyThere(id, reply)).await;
    }

    /// Somebody who may answer has these before them.
    pub async fn delivered(&self, ids: Vec<ApprovalId>) {
        self.order(|reply| Order::Delivered(ids, reply)).await;
    }

    /// Other times, for what is asked or rises from now on.
    pub async fn replace(&self, ladder: Ladder) {
        self.order(|reply| Order::Ladder(ladder, reply)).await;
    }

    /// One question, open or lately ended.
    pub fn get(&self, id: ApprovalId) -> Option<Arc<Seat>> {
        self.seats().get(&id).cloned()
    }

    /// All that are open, and those that ended lately, oldest first.
    pub fn list(&self) -> Vec<Arc<Seat>> {
        let mut all: Vec<_> = self.seats().values().cloned().collect();
        all.sort_by_key(|seat| (seat.approval.asked_at, seat.approval.id));
        all
    }

    /// Every change from now on. Who lags behind looks at [`Room::list`].
    pub fn changes(&self) -> broadcast::Receiver<Arc<Seat>> {
        self.shared.changes.subscribe()
    }

    /// How many follow the changes: whether there is anybody to ask.
    pub fn followers(&self) -> usize {
        self.shared.changes.receiver_count()
    }

    fn seats(&self) -> std::sync::MutexGuard<'_, HashMap<ApprovalId, Arc<Seat>>> {
        let seats = self.shared.seats.lock();
        seats.unwrap_or_else(PoisonError::into_inner)
    }

    async fn order<T>(&self, order: impl FnOnce(oneshot::Sender<T>) -> Order) -> Option<T> {
        let (reply, answer) = oneshot::channel();
        self.orders.send(order(reply)).await.ok()?;
        answer.await.ok()
    }
}

#[cfg(test)]
mod tests;
