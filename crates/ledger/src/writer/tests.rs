use std::path::Path;

use tollgate_types::{
    AgentName, Event, Outcome, Plane, Principal, RequestId, RequestRecord, Severity, UnixMillis,
    Usage, Versions,
};

use tokio::time::timeout;

use crate::{DatabaseFault, Ledger, LedgerConfig, Unavailable};

use super::*;

const DEADLINE: Duration = Duration::from_secs(20);

fn config(folder: &Path) -> LedgerConfig {
    LedgerConfig {
        queue: 64,
        batch_rows: 16,
        batch_after: Duration::from_millis(5),
        ..LedgerConfig::new(folder.join("private/ledger.db"))
    }
}

fn record() -> RequestRecord {
    RequestRecord {
        id: RequestId::fresh(),
        at: UnixMillis(1),
        principal: Some(Principal::agent(AgentName::new("main").unwrap())),
        dialect: "openai",
        endpoint: "/v1/chat/completions",
        stream: false,
        provider: None,
        model_asked: Some("x".repeat(200).into()),
        model_served: None,
        credential: None,
        usage: Usage::default(),
        attempts: smallvec::SmallVec::new(),
        status: 404,
        outcome: Outcome::Refused,
        reason: None,
        message: "m".repeat(300).into(),
        rule: None,
        budget: None,
        reserved_tokens: 0,
        cost_nanos: None,
        versions: Versions::default(),
        latency_micros: 1,
        first_byte_micros: None,
        overhead_micros: 1,
        findings: Vec::new(),
        trace: None,
    }
}

fn event() -> Event {
    Event {
        id: RequestId::fresh(),
        parent: None,
        at: UnixMillis(2),
        plane: Plane::Gateway,
        kind: "config.reloaded".into(),
        principal: Principal::gateway(),
        rule: None,
        versions: Versions::default(),
        facts: serde_json::json!({"v": 1, "note": "n".repeat(10_000)}),
        outcome: "ok".into(),
        severity: Severity::Security,
    }
}

/// Waits until the counters are as wanted.
async fn until(ledger: &Ledger, wanted: impl Fn(&WriterStats) -> bool) -> WriterStats {
    let waited = async {
        loop {
            let stats = ledger.stats();
            if wanted(&stats) {
                return stats;
            }
            tokio::task::yield_now().await;
        }
    };
    match timeout(DEADLINE, waited).await {
        Ok(stats) => stats,
        Err(_) => panic!("stuck at {:?}", ledger.stats()),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_keeps_every_record_and_refuses_new_requests() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = Ledger::open(config(folder.path()), |_| ()).await.unwrap();
    ledger.pragma("PRAGMA max_page_count = 1").await; // what is there already
    let mut sent = Vec::new();
    while let Ok(slot) = ledger.slot() {
        let record = record();
        sent.push(record.id);
        slot.write(record);
        assert!(sent.len() < 10_000, "the disk never filled up");
        // Lets the writer fail before the next one.
        until(&ledger, |stats| {
            stats.queued == 0 || stats.last_error.is_some()
        })
        .await;
    }
    // Not only when the queue is full: at the first write that fails.
    let full = ledger.slot().unwrap_err();
    assert_eq!(full, Unavailable::Failing(DatabaseFault::DiskFull));
    assert_eq!(
        full.to_string(),
        "the ledger can't be written: the disk is full"
    );
    let stats = ledger.stats();
    assert_eq!(stats.lost, 0);
    assert_eq!(stats.written + stats.queued, sent.len() as u64);
    assert!(stats.last_error.unwrap().ends_with(": the disk is full"));
    let error = ledger.write_event(event()).await.unwrap_err();
    assert!(error.to_string().ends_with(": the disk is full"), "{error}");
    assert!(error.hint().unwrap().starts_with("make room on the disk"));
    assert!(ledger.flush().await.is_err());

    ledger.pragma("PRAGMA max_page_count = 1000000").await;
    let all = sent.len() as u64;
    until(&ledger, |stats| {
        stats.written == all && stats.last_error.is_none()
    })
    .await;
    assert!(ledger.slot().is_ok());
    ledger.write_event(event()).await.unwrap();
    for id in &sent {
        assert!(ledger.request(*id).await.unwrap().is_some(), "{id} is lost");
    }
    let entries = ledger
        .events(crate::Cursor::default(), 10_000)
        .await
        .unwrap();
    let places: Vec<u64> = entries.iter().map(|entry| entry.cursor.0).collect();
    assert!(
        places.iter().copied().eq(1..=sent.len() as u64 + 1),
        "{places:?}"
    );
    ledger.close().await.unwrap();
}

/// A failure with nothing queued is looked after as well: nobody's request
/// has to fail for the gateway to find out that there is room again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn room_is_found_without_a_request() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = Ledger::open(config(folder.path()), |_| ()).await.unwrap();
    ledger.pragma("PRAGMA query_only = ON").await;
    assert!(ledger.write_event(event()).await.is_err());
    let refused = ledger.slot().unwrap_err();
    assert_eq!(refused, Unavailable::Failing(DatabaseFault::ReadOnly));
    ledger.pragma("PRAGMA query_only = OFF").await;
    until(&ledger, |stats| stats.last_error.is_none()).await;
    assert!(ledger.slot().is_ok());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_written_at_the_end_is_counted() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = Ledger::open(config(folder.path()), |_| ()).await.unwrap();
    ledger.pragma("PRAGMA query_only = ON").await;
    for _ in 0..3 {
        ledger.slot().unwrap().write(record());
    }
    let other = ledger.clone();
    let error = ledger.close().await.unwrap_err().to_string();
    assert!(
        error.contains("closed with 3 records unwritten: it is read-only"),
        "{error}"
    );
    assert_eq!(other.stats().lost, 3);
    assert_eq!(other.slot().unwrap_err(), Unavailable::Closed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_batch_does_not_wait_for_its_time() {
    let folder = tempfile::tempdir().unwrap();
    let config = LedgerConfig {
        batch_after: Duration::from_secs(3600),
        ..config(folder.path())
    };
    let ledger = Ledger::open(config, |_| ()).await.unwrap();
    for _ in 0..40 {
        ledger.slot().unwrap().write(record());
    }
    // Two batches of 16 at least; the rest waits for its hour.
    until(&ledger, |stats| stats.written >= 32).await;
    ledger.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_single_record_does_not_wait_for_a_full_batch() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = Ledger::open(config(folder.path()), |_| ()).await.unwrap();
    ledger.slot().unwrap().write(record());
    until(&ledger, |stats| stats.written == 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn closing_waits_for_a_request_in_flight() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = Ledger::open(config(folder.path()), |_| ()).await.unwrap();
    let slot = ledger.slot().unwrap();
    let (other, last) = (ledger.clone(), record());
    let id = last.id;
    let closing = tokio::spawn(ledger.close());
    let refused = async {
        while other.slot().is_ok() {
            tokio::task::yield_now().await;
        }
    };
    timeout(DEADLINE, refused).await.unwrap();
    slot.write(last);
    closing.await.unwrap().unwrap();
    assert_eq!(other.stats().lost, 0);
    drop(other);
    let again = Ledger::open(config(folder.path()), |_| ()).await.unwrap();
    assert!(again.request(id).await.unwrap().is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn closing_does_not_wait_for_ever() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = Ledger::open(config(folder.path()), |_| ()).await.unwrap();
    let (slot, other) = (ledger.slot().unwrap(), ledger.clone());
    ledger.slot().unwrap().write(record());
    timeout(DEADLINE, ledger.close()).await.unwrap().unwrap();
    assert_eq!(other.stats().written, 1);
    slot.write(record());
    assert_eq!(other.stats().lost, 1);
}

#[test]
fn pauses_double_up_to_five_seconds() {
    let mut batch = Batch::new(1, Duration::ZERO);
    let pauses: Vec<u64> = (1..=8)
        .map(|failures| {
            batch.failures = failures;
            batch.pause().as_millis() as u64
        })
        .collect();
    assert_eq!(pauses, [100, 200, 400, 800, 1600, 3200, 5000, 5000]);
}
