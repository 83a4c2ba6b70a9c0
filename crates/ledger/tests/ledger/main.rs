//! The ledger over real files: what goes in comes out, what breaks says so.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "an integration test owns its files and processes"
)]

mod audit;
mod budgets;
mod crash;
mod files;
#[cfg(tollgate_measure)]
mod measure;
mod notary;
mod records;

use std::path::Path;
use std::time::{Duration, Instant};

use tollgate_ledger::{
    AddAgentError, Cursor, Ledger, LedgerConfig, NewAgent, OpenError, RemoveAgentError, UsageBy,
};
use tollgate_types::{
    AgentName, Event, OperatorName, Plane, Principal, RequestId, Severity, UnixMillis, Versions,
};

const PATIENCE: Duration = Duration::from_secs(10);

async fn open(folder: &Path) -> Ledger {
    opened(LedgerConfig::new(folder.join("private/ledger.db"))).await
}

/// Opens a ledger that nobody else has open.
async fn opened(config: LedgerConfig) -> Ledger {
    tried(config, false).await.unwrap()
}

/// Another test may be starting a process at this moment, which holds every
/// descriptor of this one, locks included, until it runs its own program. So
/// that a ledger is in use counts only where it is expected to be.
async fn tried(config: LedgerConfig, in_use: bool) -> Result<Ledger, OpenError> {
    let began = Instant::now();
    loop {
        match Ledger::open(config.clone(), |_| ()).await {
            Err(OpenError::InUse { .. }) if !in_use && began.elapsed() < PATIENCE => {
                tokio::task::yield_now().await;
            }
            tried => return tried,
        }
    }
}

fn event(kind: &str, at: u64) -> Event {
    Event {
        id: RequestId::fresh(),
        parent: Some(RequestId::fresh()),
        at: UnixMillis(at),
        plane: Plane::Gateway,
        kind: kind.into(),
        principal: Principal::operator(OperatorName::new("olga").unwrap()),
        rule: Some("models.star:12".into()),
        versions: Versions {
            config: 3,
            policy: "0123456789ab".into(),
        },
        facts: serde_json::json!({"v": 1, "agent": "ci-bot"}),
        outcome: "ok".into(),
        severity: Severity::Security,
    }
}

fn agent(name: &str, digest: u8) -> NewAgent {
    NewAgent {
        name: AgentName::new(name).unwrap(),
        digest: [digest; 32],
        hint: format!("tg-{digest}-…"),
        allowed_models: vec!["openai/*".into()],
        blocked_models: vec!["*-preview".into()],
    }
}

#[tokio::test]
async fn an_event_comes_back_as_it_was_and_survives_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let written = event("config.reloaded", 5);
    let ledger = open(folder.path()).await;
    ledger.write_event(written.clone()).await.unwrap();
    ledger.close().await.unwrap();
    let ledger = open(folder.path()).await;
    let entries = ledger.events(Cursor::default(), 10).await.unwrap();
    assert_eq!(entries.len(), 1);
    let json = |event: &Event| serde_json::to_value(event).unwrap();
    assert_eq!(json(&entries[0].event), json(&written));
}

#[tokio::test]
async fn one_cursor_reads_requests_and_events_without_gaps() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(folder.path()).await;
    for round in 0..10 {
        for record in records::some(3) {
            ledger.slot().unwrap().write(record);
        }
        ledger.flush().await.unwrap();
        ledger
            .write_event(event("agent.added", round))
            .await
            .unwrap();
    }
    let mut cursor = Cursor::default();
    let mut kinds = Vec::new();
    loop {
        let entries = ledger.events(cursor, 7).await.unwrap();
        let Some(last) = entries.last() else { break };
        for (entry, place) in entries.iter().zip(cursor.0 + 1..) {
            assert_eq!(entry.cursor, Cursor(place));
            kinds.push(entry.event.kind.to_string());
        }
        cursor = last.cursor;
    }
    let round = [
        "request.finished",
        "request.finished",
        "request.finished",
        "agent.added",
    ];
    assert_eq!(kinds, round.repeat(10));
}

#[tokio::test]
async fn agents_come_and_go_with_their_events() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(folder.path()).await;
    let name = AgentName::new("ci-bot").unwrap();
    ledger
        .add_agent(agent("ci-bot", 1), event("agent.added", 10))
        .await
        .unwrap();
    let twice = ledger
        .add_agent(agent("ci-bot", 2), event("agent.added", 11))
        .await;
    assert!(matches!(twice, Err(AddAgentError::Exists(taken)) if taken == name));
    ledger
        .add_agent(agent("a", 3), event("agent.added", 12))
        .await
        .unwrap();
    let listed = ledger.agents().await.unwrap();
    let names: Vec<&str> = listed.iter().map(|agent| agent.name.as_str()).collect();
    assert_eq!(names, ["a", "ci-bot"]);
    assert_eq!(listed[1].digest, [1; 32]);
    assert_eq!(listed[1].hint, "tg-1-…");
    assert_eq!(listed[1].allowed_models, ["openai/*"]);
    assert_eq!(listed[1].blocked_models, ["*-preview"]);
    assert_eq!(listed[1].created, UnixMillis(10));

    ledger
        .remove_agent(&name, event("agent.removed", 13))
        .await
        .unwrap();
    let gone = ledger.remove_agent(&name, event("agent.removed", 14)).await;
    assert!(matches!(gone, Err(RemoveAgentError::Unknown(unknown)) if unknown == name));
    ledger
        .add_agent(agent("ci-bot", 4), event("agent.added", 15))
        .await
        .unwrap();
    assert_eq!(ledger.agents().await.unwrap()[1].digest, [4; 32]);
    // Refused changes left no event behind.
    let kinds: Vec<_> = ledger.events(Cursor::default(), 100).await.unwrap();
    let kinds: Vec<&str> = kinds.iter().map(|entry| &*entry.event.kind).collect();
    assert_eq!(
        kinds,
        ["agent.added", "agent.added", "agent.removed", "agent.added"]
    );
}

/// More shapes than the writer keeps in memory, and a restart in the middle:
/// rows still read back with their own names.
#[tokio::test]
async fn names_that_callers_make_up_stay_apart() {
    let folder = tempfile::tempdir().unwrap();
    let mut record = records::some(1).remove(0);
    for half in [0..1500, 1000..2500] {
        let ledger = open(folder.path()).await;
        for number in half {
            record.id = RequestId::fresh();
            record.model_served = Some(format!("made-up-{number}").into());
            ledger.slot().unwrap().write(record.clone());
        }
        ledger.close().await.unwrap();
    }
    let rows = open(folder.path())
        .await
        .usage(UsageBy::Model, None)
        .await
        .unwrap();
    let made_up = rows.iter().filter(|row| row.key.starts_with("made-up-"));
    let counts: Vec<u64> = made_up.map(|row| row.requests).collect();
    assert_eq!((counts.len(), counts.iter().sum::<u64>()), (2500, 3000));
}
