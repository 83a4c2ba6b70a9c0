//! What records cost, and how long a large ledger takes. Not run by itself:
//! `RUSTFLAGS='--cfg tollgate_measure' cargo test --release -p tollgate-ledger --test ledger measure -- --nocapture`

use std::path::Path;
use std::time::Instant;

use tollgate_ledger::{Ledger, LedgerConfig, UsageBy};
use tollgate_types::{AgentName, Attempt, Principal, RequestId, RequestRecord, UnixMillis};

use crate::notary::{self, audit};
use crate::records;

/// The usual request: answered at once by one of a few models for one of ten
/// agents, a thousand an hour.
fn usual(number: u64) -> RequestRecord {
    let mut record = records::some(1).remove(0);
    let agent = format!("agent-{}", number % 10);
    record.id = RequestId::fresh();
    record.at = UnixMillis(1_700_000_000_000 + number * 3_600);
    record.principal = Some(Principal::agent(AgentName::new(&agent).unwrap()));
    record.provider = Some("openai".into());
    record.model_asked = Some("gpt-4o".into());
    record.model_served = Some(["gpt-4o", "gpt-4o-mini", "o3"][number as usize % 3].into());
    record.credential = Some("openai:1".into());
    record.status = 200;
    record.outcome = tollgate_types::Outcome::Ok;
    record.reason = None;
    record.message = "".into();
    record.rule = None;
    record.budget = Some("host/openai".into());
    record.reserved_tokens = 4000;
    record.cost_nanos = Some(1234);
    record.attempts = smallvec::smallvec![Attempt {
        provider: "openai".into(),
        model: record.model_served.clone().unwrap(),
        credential: "openai:1".into(),
        status: Some(200),
        fault: None,
        note: "".into(),
        micros: 700,
    }];
    record
}

/// CPU time of the whole process, in microseconds.
fn cpu() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat
        .rsplit_once(')')
        .unwrap()
        .1
        .split_whitespace()
        .collect();
    let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
    ticks * 10_000
}

async fn fill(ledger: &Ledger, templates: &[RequestRecord], rows: u64) {
    let mut sent = 0;
    while sent < rows {
        match ledger.slot() {
            Ok(slot) => {
                let mut record = templates[sent as usize % templates.len()].clone();
                record.id = RequestId::fresh();
                record.at = UnixMillis(1_700_000_000_000 + sent * 3_600);
                slot.write(record);
                sent += 1;
            }
            // Waits without turning: what is measured is the writing.
            Err(_) => ledger.flush().await.unwrap(),
        }
    }
    ledger.flush().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn records_a_second() {
    let templates: Vec<RequestRecord> = (0..300).map(usual).collect();
    for round in 0..3 {
        let folder = tempfile::tempdir().unwrap();
        let ledger = notary::open(folder.path()).await;
        fill(&ledger, &templates, 10_000).await;
        let rows = 500_000;
        let (began, before) = (Instant::now(), cpu());
        fill(&ledger, &templates, rows).await;
        let (took, used) = (began.elapsed(), cpu() - before);
        println!(
            "round {round}: {:.2} µs of CPU a record, {:.0} records/s, {} bytes a record",
            used as f64 / rows as f64,
            rows as f64 / took.as_secs_f64(),
            size(folder.path()) / (rows + 10_000),
        );
    }
}

fn size(folder: &Path) -> u64 {
    std::fs::metadata(notary::path(folder)).unwrap().len()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_million_records() {
    let rows: u64 = std::env::var("ROWS").map_or(10_000_000, |rows| rows.parse().unwrap());
    let templates: Vec<RequestRecord> = (0..300).map(usual).collect();
    let folder = tempfile::tempdir().unwrap();
    let ledger = notary::open(folder.path()).await;
    let began = Instant::now();
    fill(&ledger, &templates, rows).await;
    println!(
        "{rows} records in {:?}, {} bytes",
        began.elapsed(),
        size(folder.path())
    );
    ledger.close().await.unwrap();
    let began = Instant::now();
    let ledger = notary::open(folder.path()).await;
    println!("open: {:?}", began.elapsed());
    let hour = UnixMillis(1_700_000_000_000 + (rows - 30_000) * 3_600);
    for by in [UsageBy::Agent, UsageBy::Provider, UsageBy::Model] {
        for since in [None, Some(hour)] {
            let began = Instant::now();
            let found = ledger.usage(by, since).await.unwrap();
            println!(
                "usage by {by:?} since {since:?}: {:?}, {} rows",
                began.elapsed(),
                found.len()
            );
        }
    }
    let began = Instant::now();
    ledger.spent(None).await.unwrap();
    println!("spent: {:?}", began.elapsed());
    let began = Instant::now();
    let pruned = ledger
        .prune(UnixMillis(1_700_000_000_000 + 100_000 * 3_600))
        .await
        .unwrap();
    println!(
        "prune of {} records: {:?}",
        pruned.requests,
        began.elapsed()
    );
    ledger.close().await.unwrap();
    let began = Instant::now();
    let report = audit(folder.path()).await;
    println!("verify: {:?}, whole: {}", began.elapsed(), report.whole);
    let plain = LedgerConfig::new(notary::path(folder.path()));
    drop(Ledger::open(plain, |_| ()).await.unwrap());
}
