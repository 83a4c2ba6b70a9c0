//! The audit of a ledger: is every record still what it was when it was
//! written?
//!
//! [`verify`] reads the file alone, beside a running gateway or without one.
//! It holds every record against its link, the links against the signed
//! checkpoints, these against the public key and the newest one against the
//! one kept outside; then agents, budgets and cutoffs against the events that
//! made them, and sums of usage against the records.

pub(crate) mod backfill;
mod export;
mod fault;
pub(crate) mod prune;
mod records;
mod state;
mod statements;
mod sums;
mod walk;

use std::path::Path;

use sqlx::sqlite::SqliteConnection;
use sqlx::{ConnectOptions, Connection, Executor};

use crate::chain::{Head, Link};
use crate::encoding::Kind;
use crate::store::{self, HEAD_LOST};
use crate::{AuditError, fault as words, open, schema};

pub use export::export;
pub use fault::{AuditFault, AuditFaultKind, AuditReport, PrunedReport};
pub use prune::Pruned;

use fault::Faults;
use records::{CHUNK, Record, Records, with_shape};
use statements::Stated;
use walk::Walk;

/// Which signatures count, and what is known from outside the database.
#[derive(Clone, Debug)]
pub struct Trust {
    /// Ed25519 public keys; with none, any key counts and a note says so.
    pub keys: Vec<[u8; 32]>,
    /// The newest checkpoint, outside the database.
    pub kept: Kept,
    /// Whether an Ed25519 signature fits: key, text, signature.
    pub check: fn(&[u8; 32], &[u8], &[u8; 64]) -> bool,
}

/// The newest checkpoint, as a [`crate::Notary`] keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kept {
    /// This one.
    Is(String),
    /// There is none where there should be one.
    Missing,
    /// It is somewhere else, and nobody has it here: a copy is looked at.
    Elsewhere,
}

/// Checks the whole ledger.
///
/// # Errors
/// [`AuditError`]: it could not be read to the end. What is wrong with the
/// records themselves is in the report.
pub async fn verify(path: &Path, trust: &Trust) -> Result<AuditReport, AuditError> {
    let mut connection = connect(path).await?;
    let report = checked(&mut connection, trust).await;
    connection.close().await.ok();
    report.map_err(|error| AuditError::Read(words::read(path, &error)))
}

/// A connection that only reads, to a ledger that has a chain.
pub(crate) async fn connect(path: &Path) -> Result<SqliteConnection, AuditError> {
    if !path.exists() {
        return Err(AuditError::Missing {
            path: path.to_owned(),
        });
    }
    let failed = |error| AuditError::Read(words::read(path, &error));
    let mut connection = match open::read_only(path).connect().await {
        Ok(connection) => connection,
        // A copy in a folder that can't be written: nobody writes it.
        Err(_) => open::read_only(path)
            .immutable(true)
            .connect()
            .await
            .map_err(failed)?,
    };
    if schema::found(&mut connection, path).await? < schema::WITH_CHAIN {
        return Err(AuditError::NoChain {
            path: path.to_owned(),
        });
    }
    Ok(connection)
}

async fn checked(
    connection: &mut SqliteConnection,
    trust: &Trust,
) -> Result<AuditReport, sqlx::Error> {
    // One snapshot, whatever is written meanwhile.
    connection.execute("BEGIN").await?;
    let node = store::node(connection).await?;
    let mut faults = Faults::default();
    let stated = statements::check(connection, &node, trust, &mut faults).await?;
    let start = stated.pruned.as_ref().map_or(
        Head {
            seq: 0,
            link: Link::beginning(&node),
        },
        |(head, _)| *head,
    );
    let mut report = walk(connection, start, &stated, &mut faults).await?;
    check_pruned(connection, &stated, &mut faults).await?;
    for difference in sums::differences(connection).await? {
        faults.other(
            AuditFaultKind::SumsChanged,
            format!(
                "sums of the hour that begins at {} are not those of its records: {}",
                difference.hour_at, difference.of
            ),
        );
    }
    connection.execute("COMMIT").await?;
    faults.list.sort_by_key(|fault| fault.first.unwrap_or(0));
    report.node = node;
    report.notes = notes(trust, &report);
    report.whole = faults.list.is_empty() && faults.more == 0;
    report.faults = faults.list;
    report.more_faults = faults.more;
    Ok(report)
}

async fn walk(
    connection: &mut SqliteConnection,
    start: Head,
    stated: &Stated,
    faults: &mut Faults,
) -> Result<AuditReport, sqlx::Error> {
    let (mut made, forged) = state::made(connection).await?;
    let mut walk = Walk::new(start, stated, faults);
    let (mut reader, mut from) = (Records::default(), i64::MIN);
    while let Some(found) = first_from(connection, from).await? {
        let to = found.saturating_add(CHUNK);
        for record in reader.read(connection, found, to).await? {
            let as_written = as_written(connection, &record).await?;
            walk.record(&record, as_written.as_deref());
            event(&record, &mut made, walk.faults);
        }
        from = to;
    }
    walk.end();
    let report = AuditReport {
        whole: true,
        node: crate::Node([0; 16]),
        records: walk.requests + walk.events,
        requests: walk.requests,
        events: walk.events,
        first: walk.first.unsigned_abs(),
        last: (walk.next() - 1).unsigned_abs(),
        link: walk.last.unwrap_or(start.link),
        checkpoints: stated.count,
        covered: stated.covered.unsigned_abs(),
        pruned: stated.pruned.as_ref().map(|(head, prune)| PrunedReport {
            through: head.seq.unsigned_abs(),
            before: prune.before,
            requests: prune.requests,
            events: prune.events,
        }),
        keys: stated.keys.clone(),
        faults: Vec::new(),
        more_faults: 0,
        notes: Vec::new(),
    };
    for (seq, made) in made.iter().filter(|(seq, _)| **seq > start.seq) {
        let message = format!("{} stands without a record that made it ({seq})", made.what);
        faults.other(AuditFaultKind::StateChanged, message);
    }
    for what in forged {
        let message = format!("{what} stands without a record that made it");
        faults.other(AuditFaultKind::StateChanged, message);
    }
    Ok(report)
}

/// Places may be anything once somebody has been at them: gaps are skipped.
pub(crate) async fn first_from(
    connection: &mut SqliteConnection,
    from: i64,
) -> Result<Option<i64>, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT min(seq) FROM (SELECT min(seq) AS seq FROM request WHERE seq >= ?1
                               UNION ALL SELECT min(seq) FROM event WHERE seq >= ?1)",
    )
    .bind(from)
    .fetch_one(connection)
    .await
}

async fn as_written(
    connection: &mut SqliteConnection,
    record: &Record,
) -> Result<Option<Vec<u8>>, sqlx::Error> {
    let stored = record.shape.as_ref().and_then(|shape| shape.stored);
    let Some(digest) = stored else {
        return Ok(None);
    };
    let row = with_shape(connection, record.seq, &digest).await?;
    Ok(row.map(|row| row.bytes().to_vec()))
}

/// What an event made must stand as it made it.
fn event(
    record: &Record,
    made: &mut std::collections::BTreeMap<i64, state::Made>,
    faults: &mut Faults,
) {
    let Some((kind, change)) = record.event.as_ref().filter(|_| record.kind == Kind::Event) else {
        return;
    };
    let seq = record.seq;
    if kind == HEAD_LOST {
        let message = format!(
            "before record {seq} the gateway found the ledger without its newest checkpoint: it had been cut off, changed or replaced by an older one"
        );
        faults.at(AuditFaultKind::CutBefore, seq, &record.id, message);
    }
    let Some(change) = change else { return };
    let wrong = match made.remove(&seq) {
        Some(made) if made.digest == *change => return,
        Some(made) => format!("{} is not as record {seq} ({kind}) made it", made.what),
        None => format!("what record {seq} ({kind}) made is missing"),
    };
    faults.at(AuditFaultKind::StateChanged, seq, &record.id, wrong);
}

/// What stays of pruned records must be what was stated.
async fn check_pruned(
    connection: &mut SqliteConnection,
    stated: &Stated,
    faults: &mut Faults,
) -> Result<(), sqlx::Error> {
    let found = sums::pruned(connection).await?;
    let Some((head, prune)) = &stated.pruned else {
        // Without a statement nothing was pruned.
        let none: i64 = sqlx::query_scalar("SELECT count(*) FROM rollup_pruned")
            .fetch_one(connection)
            .await?;
        if none > 0 {
            let message = "sums of pruned records stand without a statement".to_owned();
            faults.other(AuditFaultKind::SumsChanged, message);
        }
        return Ok(());
    };
    if found != prune.rollups.0 {
        let message = "sums of pruned records are not those that were signed".to_owned();
        faults.other(AuditFaultKind::SumsChanged, message);
    }
    if state::digest(connection, head.seq).await? != prune.state.0 {
        let message = format!(
            "agents, budgets or cutoffs made by pruned records (up to {}) are not those that were signed",
            head.seq
        );
        faults.other(AuditFaultKind::StateChanged, message);
    }
    Ok(())
}

fn notes(trust: &Trust, report: &AuditReport) -> Vec<String> {
    let mut notes = Vec::new();
    if report.checkpoints == 0 {
        notes.push("there is no checkpoint yet: a whole chain can be a forged one".to_owned());
    } else if trust.keys.is_empty() {
        notes.push("no public key was given: signatures fit the keys that the ledger names".into());
    }
    if trust.kept == Kept::Elsewhere {
        notes.push(
            "no newest checkpoint was given: what was cut off at the end can't be seen".into(),
        );
    }
    if report.last > report.covered {
        let count = report.last - report.covered;
        notes.push(format!(
            "the last {count} records are linked and not yet covered by a checkpoint"
        ));
    }
    notes
}

#[cfg(test)]
mod tests;
