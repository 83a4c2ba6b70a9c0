use std::cell::Cell;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use tollgate_approvals::{Card, Choice, Rule, State};
use tollgate_types::{OperatorName, Plane, Principal, RequestId, Severity, Versions};

use super::*;
use crate::BoxFuture;

thread_local! {
    /// Every test has a thread, and its room runs on it.
    static CLOCK: Cell<u64> = const { Cell::new(1_000) };
    static NEXT: Cell<u8> = const { Cell::new(0) };
}

const LADDER: Ladder = Ladder {
    medium: 60,
    high: 30,
    critical: 10,
    collect: 1_000,
};

#[derive(Default)]
struct Paper {
    full: AtomicBool,
    asked: AtomicUsize,
    changed: Mutex<Vec<&'static str>>,
    rules: Mutex<Vec<String>>,
    done: AtomicUsize,
}

impl Paper {
    fn write(&self) -> Result<(), String> {
        match self.full.load(Relaxed) {
            true => Err("no space left".to_owned()),
            false => Ok(()),
        }
    }
}

impl Record for Paper {
    fn asked<'f>(&'f self, _: &'f Seat) -> BoxFuture<'f, Result<(), String>> {
        self.asked.fetch_add(1, Relaxed);
        Box::pin(async { self.write() })
    }
    fn changed<'f>(
        &'f self,
        seat: &'f Seat,
        with: Option<Event>,
    ) -> BoxFuture<'f, Result<(), String>> {
        Box::pin(async move {
            self.write()?;
            self.done.fetch_add(with.is_some().into(), Relaxed);
            let status = seat.approval.state.as_str();
            self.changed.lock().unwrap().push(status);
            Ok(())
        })
    }
    fn remember<'f>(
        &'f self,
        _: &'f AgentName,
        rules: &'f [Rule],
    ) -> BoxFuture<'f, Result<(), String>> {
        let patterns = rules.iter().map(|rule| rule.pattern.clone());
        self.rules.lock().unwrap().extend(patterns);
        Box::pin(async { Ok(()) })
    }
    fn forget<'f>(&'f self, _: &'f AgentName, rules: &'f [Rule]) -> BoxFuture<'f, ()> {
        let gone = |it: &String| rules.iter().any(|rule| rule.pattern == *it);
        self.rules.lock().unwrap().retain(|it| !gone(it));
        Box::pin(async {})
    }
}

fn open(paper: &Arc<Paper>, waiting: Vec<Seat>) -> Room {
    let crowd = Crowd {
        per_agent: 3,
        all: 5,
        per_minute: 8,
    };
    let record = Arc::clone(paper) as Arc<dyn Record>;
    let chance = || {
        let next = NEXT.get() + 1;
        NEXT.set(next);
        Some([next; 16])
    };
    let now = || UnixMillis(CLOCK.get());
    Room::open(record, LADDER, crowd, waiting, now, chance)
}

fn question(agent: &str) -> Question {
    let agent = AgentName::new(agent).unwrap();
    Question {
        principal: Principal::agent(agent.clone()),
        agent,
        request: None,
        summary: "npm test".into(),
        why: "it runs a task".into(),
        card: Card::default(),
        rules: vec![Rule {
            pattern: "npm test".into(),
            ..Rule::default()
        }],
        versions: Versions::default(),
        pid: 7,
    }
}

fn done() -> Event {
    Event {
        id: RequestId::fresh(),
        parent: None,
        at: UnixMillis(1),
        plane: Plane::Command,
        kind: "exec.allowed".into(),
        principal: Principal::gateway(),
        rule: None,
        versions: Versions::default(),
        facts: serde_json::Value::Null,
        outcome: "ok".into(),
        severity: Severity::Security,
    }
}

fn subject(text: &str) -> Digest {
    Digest::of(text.as_bytes())
}

fn say(decision: Choice) -> Answer {
    Answer {
        by: OperatorName::new("olga").unwrap(),
        may_answer: Tier::Critical,
        decision,
        confirmed: true,
        from_asker: false,
        reason: None,
    }
}

async fn ask(room: &Room, agent: &str, text: &str) -> Result<Ticket, AskFault> {
    room.ask(subject(text), Tier::Medium, question(agent)).await
}

#[tokio::test]
async fn a_yes_reaches_whoever_waits_and_is_taken_once() {
    let paper: Arc<Paper> = Arc::default();
    let room = open(&paper, Vec::new());
    let mut ticket = ask(&room, "main", "a").await.unwrap();
    let mut changes = room.changes();
    let seat = room.answer(ticket.id, say(Choice::AllowOnce)).await;
    assert_eq!(seat.unwrap().approval.state.as_str(), "allowed_once");
    ticket.stands.changed().await.unwrap();
    assert_eq!(changes.recv().await.unwrap().approval.id, ticket.id);
    assert!(room.collect(ticket.id, Some(done())).await.is_ok());
    let again = room.collect(ticket.id, Some(done())).await;
    assert!(matches!(again, Err(AnswerFault::Refused(_))), "{again:?}");
    let late = room.answer(ticket.id, say(Choice::Deny)).await;
    assert!(late.unwrap_err().to_string().contains("by `olga`"));
    assert_eq!(*paper.changed.lock().unwrap(), ["allowed_once"; 2]);
    assert_eq!(paper.done.load(Relaxed), 1, "what is done by it, once");
}

#[tokio::test]
async fn a_guessed_id_is_no_approval() {
    let room = open(&Arc::default(), Vec::new());
    ask(&room, "main", "a").await.unwrap();
    let guessed = ApprovalId::from_random([0xee; 16]);
    for decision in [Choice::AllowOnce, Choice::Deny] {
        let answered = room.answer(guessed, say(decision)).await;
        assert_eq!(answered.unwrap_err(), AnswerFault::Unknown(guessed));
    }
    assert!(room.collect(guessed, None).await.is_err());
}

#[tokio::test]
async fn a_yes_that_can_t_be_written_was_not_said_and_nothing_is_lost() {
    let paper: Arc<Paper> = Arc::default();
    let room = open(&paper, Vec::new());
    let ticket = ask(&room, "main", "a").await.unwrap();
    paper.full.store(true, Relaxed);
    for decision in [Choice::AllowOnce, Choice::AllowAlways] {
        let said = room.answer(ticket.id, say(decision)).await;
        assert!(matches!(said, Err(AnswerFault::Unwritten(_))), "{said:?}");
        assert!(room.get(ticket.id).unwrap().approval.state.is_pending());
    }
    assert!(paper.rules.lock().unwrap().is_empty(), "taken back");
    assert!(matches!(
        ask(&room, "main", "b").await,
        Err(AskFault::Unwritten(_))
    ));
    paper.full.store(false, Relaxed);
    room.answer(ticket.id, say(Choice::AllowAlways))
        .await
        .unwrap();
    assert_eq!(*paper.rules.lock().unwrap(), ["npm test"]);
}

#[tokio::test]
async fn floods_are_limited_for_each_agent_and_for_all() {
    let room = open(&Arc::default(), Vec::new());
    let mut open = Vec::new();
    for text in ["a", "b", "c"] {
        open.push(ask(&room, "main", text).await.unwrap());
    }
    let crowded = ask(&room, "main", "d").await.unwrap_err();
    assert!(matches!(crowded, AskFault::Crowded { open: 3, .. }));
    for text in ["a", "b"] {
        open.push(ask(&room, "other", text).await.unwrap());
    }
    assert_eq!(
        ask(&room, "third", "a").await.unwrap_err(),
        AskFault::Full(5)
    );
    for ticket in open {
        room.withdraw(ticket.id).await;
    }
    for text in ["d", "e", "f", "g", "h"] {
        let ticket = ask(&room, "main", text).await.unwrap();
        room.withdraw(ticket.id).await;
    }
    let fast = ask(&room, "main", "i").await.unwrap_err();
    assert!(matches!(fast, AskFault::TooFast { .. }), "{fast}");
    CLOCK.set(CLOCK.get() + 60_000);
    ask(&room, "main", "i").await.unwrap();
}

#[tokio::test]
async fn what_waited_before_a_restart_waits_after_it() {
    let paper = Arc::default();
    let first = open(&paper, Vec::new());
    let ticket = ask(&first, "main", "a").await.unwrap();
    let mut waiting: Vec<Seat> = first.list().iter().map(|it| Seat::clone(it)).collect();
    waiting[0].question.pid = 0;
    let room = open(&paper, waiting);
    // The same question, asked again, is the one that waits.
    let again = ask(&room, "main", "a").await.unwrap();
    assert_eq!(again.id, ticket.id);
    // And who asks now is who must not answer.
    assert_eq!(room.get(again.id).unwrap().question.pid, 7);
    // Somebody waits for it now: a second one is a question of its own.
    let second = ask(&room, "main", "a").await.unwrap();
    assert_ne!(second.id, ticket.id);
    assert_eq!(room.like(ticket.id), [second.id]);
    // Another agent's is never taken over.
    let other = ask(&room, "other", "a").await.unwrap();
    assert!(other.id != ticket.id && other.id != second.id);
    room.answer(ticket.id, say(Choice::AllowOnce))
        .await
        .unwrap();
    room.collect(ticket.id, None).await.unwrap();
    assert!(room.collect(second.id, None).await.is_err());
}

#[tokio::test]
async fn a_late_yes_asks_again_under_a_new_id() {
    let room = open(&Arc::default(), Vec::new());
    let ticket = ask(&room, "main", "a").await.unwrap();
    room.delivered(vec![ticket.id]).await;
    CLOCK.set(CLOCK.get() + 100);
    let said = room.answer(ticket.id, say(Choice::AllowOnce)).await;
    let Err(AnswerFault::AskedAgain { again, .. }) = said else {
        panic!("{said:?}");
    };
    let stands = |id| room.get(id).unwrap().approval.state.clone();
    assert!(matches!(stands(ticket.id), State::TimedOut { .. }));
    assert!(stands(again).is_pending() && again != ticket.id);
    assert!(room.collect(ticket.id, None).await.is_err());
    room.answer(again, say(Choice::AllowOnce)).await.unwrap();
    // Whoever asks the same again gets the answer.
    let retried = ask(&room, "main", "a").await.unwrap();
    assert_eq!(retried.id, again);
    room.collect(retried.id, None).await.unwrap();
    assert!(room.collect(retried.id, None).await.is_err());
}

#[tokio::test]
async fn time_alone_raises_and_then_denies() {
    let room = open(&Arc::default(), Vec::new());
    let mut ticket = ask(&room, "main", "a").await.unwrap();
    CLOCK.set(CLOCK.get() + 60);
    let next = async |ticket: &mut Ticket| {
        let changed = tokio::time::timeout(Duration::from_secs(10), ticket.stands.changed());
        changed.await.unwrap().unwrap();
        Arc::clone(&ticket.stands.borrow_and_update())
    };
    assert_eq!(next(&mut ticket).await.approval.level(), Tier::High);
    CLOCK.set(CLOCK.get() + 30);
    assert_eq!(next(&mut ticket).await.approval.level(), Tier::Critical);
    CLOCK.set(CLOCK.get() + 10);
    let seat = next(&mut ticket).await;
    assert_eq!(seat.approval.state.as_str(), "undeliverable");
}

#[tokio::test]
async fn other_times_hold_for_what_is_asked_from_then_on() {
    let room = open(&Arc::default(), Vec::new());
    let before = ask(&room, "main", "a").await.unwrap();
    let other = Ladder {
        medium: 500,
        ..LADDER
    };
    room.replace(other).await;
    let after = ask(&room, "main", "b").await.unwrap();
    let ends = |ticket: &Ticket| ticket.stands.borrow().expires_at().0;
    assert_eq!(ends(&after) - ends(&before), 440);
}
