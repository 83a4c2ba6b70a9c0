use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use tollgate_ledger::{Cursor, Ledger, LedgerConfig};

use crate::{event, records};

const PLACE: &str = "TOLLGATE_LEDGER_TEST_CHILD";

/// A real process, killed in the middle of writing: what it had been told was
/// written is there, whole and in order.
#[tokio::test]
async fn a_killed_process_loses_at_most_its_last_batch() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("private/ledger.db");
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "crash::child_writes_until_it_is_killed",
            "--ignored",
            "--nocapture",
        ])
        .env(PLACE, &path)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let (mut written, mut events) = (0, 0);
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        // The first one follows the test runner's own words on its line.
        let Some((_, counts)) = line.split_once("@ ") else {
            continue;
        };
        let (rows, security) = counts.split_once(' ').unwrap();
        (written, events) = (rows.parse().unwrap(), security.parse().unwrap());
        if written >= 5_000 && events >= 5 {
            child.kill().unwrap(); // SIGKILL
            break;
        }
    }
    child.wait().unwrap();
    assert!(
        written >= 5_000 && events >= 5,
        "the child ended early: {written} {events}"
    );

    let ledger = Ledger::open(LedgerConfig::new(path), |_| ()).await.unwrap();
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
    assert!(found >= written, "{found} of {written}");
    assert!(
        entries.len() - found >= events,
        "{} of {events} events",
        entries.len() - found
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "the other half of the test above"]
async fn child_writes_until_it_is_killed() {
    let Some(path) = std::env::var_os(PLACE) else {
        return;
    };
    let config = LedgerConfig {
        batch_rows: 64,
        batch_after: Duration::from_millis(10),
        ..LedgerConfig::new(PathBuf::from(path))
    };
    let ledger = Ledger::open(config, |_| ()).await.unwrap();
    let records = records::some(50);
    let (started, mut events) = (Instant::now(), 0);
    // Ends by itself should its parent die.
    while started.elapsed() < Duration::from_secs(60) {
        for record in &records {
            match ledger.slot() {
                Ok(slot) => slot.write(record.clone()),
                Err(_) => tokio::task::yield_now().await,
            }
        }
        let written = ledger.stats().written;
        if written > 1000 * (events + 1) {
            ledger.write_event(event("agent.added", 1)).await.unwrap();
            events += 1;
        }
        println!("@ {written} {events}");
        std::io::stdout().flush().unwrap();
    }
}
