use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tollgate_ledger::{Cursor, LedgerConfig, SliceRow, UsageBy};

use crate::notary::{self, audit};
use crate::{event, records};

const PLACE: &str = "TOLLGATE_LEDGER_TEST_CHILD";

/// What a child said it had been told was written.
#[derive(Clone, Copy, Default)]
struct Told {
    records: usize,
    events: usize,
    slice: u64,
}

/// Starts a real process and kills it once it has written so much.
fn kill_at(folder: &Path, records: usize, events: usize) -> Told {
    let mut child = start(folder);
    let mut told = Told::default();
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        // The first one follows the test runner's own words on its line.
        let Some((_, counts)) = line.split_once("@ ") else {
            continue;
        };
        let counts: Vec<u64> = counts.split(' ').map(|it| it.parse().unwrap()).collect();
        told = Told {
            records: counts[0] as usize,
            events: counts[1] as usize,
            slice: counts[2],
        };
        if told.records >= records && told.events >= events {
            child.kill().unwrap(); // SIGKILL
            break;
        }
    }
    child.wait().unwrap();
    assert!(
        told.records >= records && told.events >= events,
        "the child ended early"
    );
    told
}

fn start(folder: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "crash::child_writes_until_it_is_killed",
            "--nocapture",
        ])
        .env(PLACE, folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// A real process, killed in the middle of writing: what it had been told was
/// written is there, whole and in order.
#[tokio::test]
async fn a_killed_process_loses_at_most_its_last_batch() {
    let folder = tempfile::tempdir().unwrap();
    let told = kill_at(folder.path(), 5_000, 5);
    let ledger = notary::open(folder.path()).await;
    let entries = ledger.events(Cursor::default(), u32::MAX).await.unwrap();
    assert!(
        entries
            .iter()
            .zip(1..)
            .all(|(entry, place)| entry.cursor == Cursor(place))
    );
    let found = entries
        .iter()
        .filter(|entry| &*entry.event.kind == "request.finished")
        .count();
    assert!(found >= told.records, "{found} of {}", told.records);
    let events = entries.len() - found;
    assert!(events >= told.events, "{events} of {} events", told.events);
}

/// Five ledgers, killed ten times each at points that differ: after each kill
/// the chain verifies, sums are the sums of the records, and what was drawn is
/// there.
#[tokio::test]
async fn fifty_kills_leave_whole_chains() {
    for ledger in 0..5 {
        let folder = tempfile::tempdir().unwrap();
        let mut before = (0, 0);
        for round in 0..10 {
            // From the very first record up to some batches and checkpoints.
            let target = (ledger * 10 + round) * 37 % 201;
            before = one_kill(folder.path(), target, before).await;
        }
        let report = audit(folder.path()).await;
        assert!(report.whole && report.covered == report.last, "{report:#?}");
    }
}

/// Gives the requests and events that are there now.
async fn one_kill(folder: &Path, target: usize, before: (usize, usize)) -> (usize, usize) {
    let told = kill_at(folder, target, 0);
    let report = audit(folder).await;
    assert!(report.whole, "{target}: {report:#?}");
    let now = (report.requests as usize, report.events as usize);
    let new = (now.0 - before.0, now.1 - before.1);
    assert!(new.0 >= told.records, "{target}: {new:?}");
    assert!(new.1 >= told.events, "{target}: {new:?}");

    let ledger = notary::open(folder).await;
    let usage = ledger.usage(UsageBy::Provider, None).await.unwrap();
    let counted: u64 = usage.iter().map(|row| row.requests).sum();
    assert_eq!(counted, report.requests, "{target}");
    let drawn = ledger.slices().await.unwrap();
    let drawn = drawn.first().map_or(0, |slice| slice.tokens);
    assert!(drawn >= told.slice, "{target}: {drawn} of {}", told.slice);
    ledger.close().await.unwrap();
    now
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn child_writes_until_it_is_killed() {
    // The other half of the tests above: does nothing where none started it.
    let Some(place) = std::env::var_os(PLACE) else {
        return;
    };
    let config = LedgerConfig {
        batch_rows: 64,
        batch_after: Duration::from_millis(5),
        ..notary::config(&PathBuf::from(place))
    };
    let ledger = crate::opened(config).await;
    let records = records::some(20);
    let (started, mut events, mut slice) = (Instant::now(), 0, 0);
    // Ends by itself should its parent die.
    while started.elapsed() < Duration::from_secs(60) {
        for record in &records {
            match ledger.slot() {
                Ok(slot) => slot.write(record.clone()),
                Err(_) => tokio::task::yield_now().await,
            }
        }
        let written = ledger.stats().written;
        if written > 100 * (events + 1) {
            ledger.write_event(event("agent.added", 1)).await.unwrap();
            events += 1;
            slice += 1000;
            let row = SliceRow {
                budget: "host/*/total".into(),
                period: "total".into(),
                tokens: slice,
                nanos: 0,
            };
            ledger.write_slices(vec![row]).await.unwrap();
        }
        println!("@ {written} {events} {slice}");
        std::io::stdout().flush().unwrap();
        tokio::task::yield_now().await;
    }
}
