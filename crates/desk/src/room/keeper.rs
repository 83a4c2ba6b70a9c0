//! The one task that owns what waits.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tollgate_approvals::{
    Answer, Approval, ApprovalId, Digest, Effect, Event, Ladder, State, Step,
};
use tollgate_types::{AgentName, Tier, UnixMillis};

use super::{AnswerFault, AskFault, Crowd, Shared, Ticket};
use crate::{Question, Record, Seat};

/// Ended questions that are remembered, so that a second answer hears who gave
/// the first.
const REMEMBERED: usize = 1024;
const MINUTE: u64 = 60_000;
/// Longest sleep: a clock that was set does not make anybody wait for ever.
const LONGEST_SLEEP: u64 = 1_000;

pub(super) struct Ask {
    pub(super) subject: Digest,
    pub(super) tier: Tier,
    pub(super) question: Question,
}

type Answered = Result<Arc<Seat>, AnswerFault>;

pub(super) enum Order {
    Ask(Box<Ask>, oneshot::Sender<Result<Ticket, AskFault>>),
    Answer(ApprovalId, Box<Answer>, oneshot::Sender<Answered>),
    Collect(
        ApprovalId,
        Option<Box<tollgate_types::Event>>,
        oneshot::Sender<Answered>,
    ),
    Withdraw(ApprovalId, oneshot::Sender<()>),
    NobodyThere(ApprovalId, oneshot::Sender<()>),
    Delivered(Vec<ApprovalId>, oneshot::Sender<()>),
    Ladder(Ladder, oneshot::Sender<()>),
}

pub(super) struct Keeper {
    record: Arc<dyn Record>,
    ladder: Ladder,
    crowd: Crowd,
    shared: Arc<Shared>,
    now: fn() -> UnixMillis,
    chance: fn() -> Option<[u8; 16]>,
    /// Every seat, and the way to whoever asked.
    seats: HashMap<ApprovalId, watch::Sender<Arc<Seat>>>,
    /// Ended ones, oldest first.
    ended: VecDeque<ApprovalId>,
    /// When each agent asked, within the last minute.
    pace: HashMap<AgentName, VecDeque<UnixMillis>>,
}

impl Keeper {
    pub(super) fn new(
        record: Arc<dyn Record>,
        ladder: Ladder,
        crowd: Crowd,
        shared: Arc<Shared>,
        now: fn() -> UnixMillis,
        chance: fn() -> Option<[u8; 16]>,
    ) -> Self {
        Self {
            record,
            ladder,
            crowd,
            shared,
            now,
            chance,
            seats: HashMap::new(),
            ended: VecDeque::new(),
            pace: HashMap::new(),
        }
    }

    pub(super) async fn run(mut self, waiting: Vec<Seat>, mut orders: mpsc::Receiver<Order>) {
        for seat in waiting {
            self.place(seat);
        }
        loop {
            let sleep = tokio::time::sleep(self.until_next());
            tokio::select! {
                order = orders.recv() => match order {
                    Some(order) => self.obey(order).await,
                    None => return,
                },
                () = sleep => self.pass_time().await,
            }
        }
    }

    /// Nobody may be there to hear an answer any more, which changes nothing.
    async fn obey(&mut self, order: Order) {
        match order {
            Order::Ask(ask, reply) => {
                let asked = self.ask(*ask).await;
                if let Err(Ok(unheard)) = reply.send(asked) {
                    self.on(unheard.id, Event::Withdrawn).await.ok();
                }
            }
            Order::Answer(id, answer, reply) => {
                let answered = self.answer(id, *answer).await;
                reply.send(answered).ok();
            }
            Order::Collect(id, with, reply) => {
                let with = with.map(|event| *event);
                let collected = self.on_with(id, Event::Collected, with).await;
                reply
                    .send(collected.and_then(|it| self.seat(id).ok_or(refused(it, id))))
                    .ok();
            }
            Order::Withdraw(id, reply) => {
                self.on(id, Event::Withdrawn).await.ok();
                reply.send(()).ok();
            }
            Order::NobodyThere(id, reply) => {
                self.on(id, Event::NobodyThere).await.ok();
                reply.send(()).ok();
            }
            Order::Ladder(ladder, reply) => {
                self.ladder = ladder;
                reply.send(()).ok();
            }
            Order::Delivered(ids, reply) => {
                for id in ids {
                    self.on(id, Event::Delivered).await.ok();
                }
                reply.send(()).ok();
            }
        }
    }

    async fn ask(&mut self, ask: Ask) -> Result<Ticket, AskFault> {
        if let Some(ticket) = self.take_over(&ask) {
            return Ok(ticket);
        }
        self.admit(&ask.question.agent)?;
        let seat = self.new_seat(ask.subject, ask.tier, ask.question)?;
        self.record
            .asked(&seat)
            .await
            .map_err(AskFault::Unwritten)?;
        let id = seat.approval.id;
        let stands = self.place(seat);
        Ok(Ticket { id, stands })
    }

    /// The same question of the same agent, that nobody waits for any more. Who
    /// waits now is another process or request than before.
    fn take_over(&mut self, ask: &Ask) -> Option<Ticket> {
        let (id, left) = self.seats.iter().find(|(_, sender)| {
            let seat = sender.borrow();
            let open = seat.approval.state.is_pending() || seat.is_ready();
            sender.receiver_count() == 0
                && open
                && seat.approval.subject == ask.subject
                && seat.question.agent == ask.question.agent
        })?;
        let (id, mut seat) = (*id, Seat::clone(&left.borrow()));
        let stands = left.subscribe();
        seat.question.pid = ask.question.pid;
        seat.question.request = ask.question.request;
        // What was read back from the ledger has masks where secrets were.
        seat.question.card = ask.question.card.clone();
        self.put(seat);
        Some(Ticket { id, stands })
    }

    fn admit(&mut self, agent: &AgentName) -> Result<(), AskFault> {
        let open = self.seats.values().map(watch::Sender::borrow);
        let open: Vec<_> = open
            .filter(|seat| seat.approval.state.is_pending())
            .collect();
        if open.len() >= self.crowd.all {
            return Err(AskFault::Full(open.len()));
        }
        let own = open.iter().filter(|seat| seat.question.agent == *agent);
        let (own, most) = (own.count(), self.crowd.per_agent);
        if own >= most {
            let agent = agent.clone();
            let open = own;
            return Err(AskFault::Crowded { agent, open, most });
        }
        drop(open);
        let (now, most) = ((self.now)(), self.crowd.per_minute);
        let asked = self.pace.entry(agent.clone()).or_default();
        asked.retain(|at| now.since(*at) < MINUTE);
        if asked.len() >= most {
            let agent = agent.clone();
            return Err(AskFault::TooFast { agent, most });
        }
        asked.push_back(now);
        Ok(())
    }

    fn new_seat(&self, subject: Digest, tier: Tier, question: Question) -> Result<Seat, AskFault> {
        let chance = (self.chance)();
        let chance = chance
            .ok_or_else(|| AskFault::Unwritten("the system gave no randomness".to_owned()))?;
        let id = ApprovalId::from_random(chance);
        let always = !question.rules.is_empty();
        let approval = Approval::ask(id, subject, tier, always, (self.now)(), &self.ladder);
        Ok(Seat { approval, question })
    }

    async fn answer(&mut self, id: ApprovalId, answer: Answer) -> Answered {
        let step = self.on(id, Event::Answered(answer)).await?;
        if step.effects.contains(&Effect::AskAgain) {
            let again = self.ask_again(id).await?;
            return Err(AnswerFault::AskedAgain { id, again });
        }
        self.seat(id).ok_or_else(|| refused(step, id))
    }

    async fn ask_again(&mut self, id: ApprovalId) -> Result<ApprovalId, AnswerFault> {
        let seat = self.seat(id).ok_or(AnswerFault::Unknown(id))?;
        let (subject, tier) = (seat.approval.subject, seat.approval.tier);
        let mut question = seat.question.clone();
        question.pid = 0;
        let unwritten = |fault: AskFault| AnswerFault::Unwritten(fault.to_string());
        let again = self.new_seat(subject, tier, question).map_err(unwritten)?;
        self.record
            .asked(&again)
            .await
            .map_err(AnswerFault::Unwritten)?;
        let id = again.approval.id;
        self.place(again);
        Ok(id)
    }

    /// Takes an event: what it leads to is written down before it is true.
    async fn on(&mut self, id: ApprovalId, event: Event) -> Result<Step, AnswerFault> {
        self.on_with(id, event, None).await
    }

    /// The same; `with` is written down with it.
    async fn on_with(
        &mut self,
        id: ApprovalId,
        event: Event,
        with: Option<tollgate_types::Event>,
    ) -> Result<Step, AnswerFault> {
        let before = self.seat(id).ok_or(AnswerFault::Unknown(id))?;
        let mut after = Seat::clone(&before);
        let step = after.approval.on(event, (self.now)(), &self.ladder);
        if after.approval == before.approval {
            return match step.refused {
                Some(refused) => Err(refused.into()),
                None => Ok(step),
            };
        }
        let written = self.write(&before, &after, &step, with).await;
        // A no needs no ink: what has ended without a yes has ended.
        let permits = after.is_ready() || step.effects.contains(&Effect::Permit);
        match written {
            Err(error) if permits => return Err(AnswerFault::Unwritten(error)),
            Err(error) => tracing::error!(%error, approval = %id, "not in the ledger"),
            Ok(()) => {}
        }
        self.put(after);
        match step.refused {
            Some(refused) => Err(refused.into()),
            None => Ok(step),
        }
    }

    async fn write(
        &self,
        before: &Seat,
        after: &Seat,
        step: &Step,
        with: Option<tollgate_types::Event>,
    ) -> Result<(), String> {
        let Question { agent, rules, .. } = &after.question;
        let remembers = step.effects.contains(&Effect::Remember);
        if remembers {
            self.record.remember(agent, rules).await?;
        }
        // That it has risen is said by the time, that it was seen by nothing.
        let same = |seat: &Seat| matches!(seat.approval.state, State::Pending { .. });
        if same(before) && same(after) {
            return Ok(());
        }
        let written = self.record.changed(after, with).await;
        if remembers && written.is_err() {
            self.record.forget(agent, rules).await;
        }
        written
    }

    async fn pass_time(&mut self) {
        let now = (self.now)();
        let due = self.seats.iter().filter(|(_, sender)| {
            let until = sender.borrow().approval.until();
            until.is_some_and(|until| now >= until)
        });
        let due: Vec<ApprovalId> = due.map(|(id, _)| *id).collect();
        for id in due {
            self.on(id, Event::TimePassed).await.ok();
        }
    }

    fn until_next(&self) -> Duration {
        let now = (self.now)();
        let all = self.seats.values();
        let next = all
            .filter_map(|sender| sender.borrow().approval.until())
            .min();
        let wait = next.map_or(LONGEST_SLEEP, |next| next.since(now));
        Duration::from_millis(wait.min(LONGEST_SLEEP))
    }

    fn seat(&self, id: ApprovalId) -> Option<Arc<Seat>> {
        self.seats
            .get(&id)
            .map(|sender| Arc::clone(&sender.borrow()))
    }

    fn place(&mut self, seat: Seat) -> watch::Receiver<Arc<Seat>> {
        let id = seat.approval.id;
        let seat = Arc::new(seat);
        let (sender, stands) = watch::channel(Arc::clone(&seat));
        self.seats.insert(id, sender);
        self.show(seat, true);
        stands
    }

    fn put(&mut self, seat: Seat) {
        let id = seat.approval.id;
        let ends = !seat.approval.state.is_pending();
        let seat = Arc::new(seat);
        let Some(sender) = self.seats.get(&id) else {
            return;
        };
        let before = Arc::clone(&sender.borrow());
        // That somebody has it before them is news to nobody.
        let is_news = before.approval.state != seat.approval.state;
        sender.send_if_modified(|stands| {
            *stands = Arc::clone(&seat);
            is_news
        });
        if ends && before.approval.state.is_pending() {
            self.ended.push_back(id);
        }
        self.show(seat, is_news);
        self.forget_oldest();
    }

    fn forget_oldest(&mut self) {
        while self.ended.len() > REMEMBERED
            && let Some(id) = self.ended.pop_front()
        {
            self.seats.remove(&id);
            let mut seats = self
                .shared
                .seats
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            seats.remove(&id);
        }
    }

    fn show(&self, seat: Arc<Seat>, is_news: bool) {
        let mut seats = self
            .shared
            .seats
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        seats.insert(seat.approval.id, Arc::clone(&seat));
        drop(seats);
        if is_news {
            // Nobody may be following.
            self.shared.changes.send(seat).ok();
        }
    }
}

fn refused(step: Step, id: ApprovalId) -> AnswerFault {
    step.refused
        .map_or(AnswerFault::Unknown(id), AnswerFault::Refused)
}
