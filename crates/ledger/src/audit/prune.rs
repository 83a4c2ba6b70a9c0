//! Retention: the oldest records go, and a signed statement of them stays.

use serde::Serialize;
use sqlx::AssertSqlSafe;
use sqlx::sqlite::SqliteConnection;
use tollgate_types::UnixMillis;

use super::records::{CHUNK, Records};
use super::{state, sums};
use crate::chain::{Head, Link, Node};
use crate::rollup::adding_computed;
use crate::statement::{Prune, Signed, Statement};

/// Records of one step: a few hundred milliseconds of the writer's time.
const STEP: i64 = 8 * CHUNK;

/// What one step of pruning removed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Pruned {
    /// Request records removed by this step.
    pub requests: u64,
    /// Events removed by this step.
    pub events: u64,
    /// The last record removed; 0 where nothing was.
    pub through: u64,
    /// Whether there may be more to remove.
    pub more: bool,
    /// The first record that was not as its link says; nothing from there on
    /// is removed, so that pruning covers no tracks.
    pub damaged: Option<u64>,
}

/// What is to be stated about a step.
pub(crate) struct Step {
    pub(crate) through: Head,
    pub(crate) prune: Option<Prune>,
    pub(crate) pruned: Pruned,
}

/// Removes one step's worth of records; the transaction is the caller's.
pub(crate) async fn step(
    connection: &mut SqliteConnection,
    beginning: Link,
    before: UnixMillis,
) -> Result<Step, sqlx::Error> {
    let last = last_statement(connection).await?;
    let start = last.as_ref().map_or(
        Head {
            seq: 0,
            link: beginning,
        },
        |(head, _)| *head,
    );
    let (through, pruned) = reach(connection, start, before).await?;
    let none = Step {
        through,
        prune: None,
        pruned: pruned.clone(),
    };
    if through.seq == start.seq {
        return Ok(none);
    }
    remove(connection, start.seq, through.seq).await?;
    let earlier = last.map_or((0, 0), |(_, prune)| (prune.requests, prune.events));
    let prune = Prune {
        before,
        requests: earlier.0 + pruned.requests,
        events: earlier.1 + pruned.events,
        rollups: Link(sums::pruned(connection).await?),
        state: Link(state::digest(connection, through.seq).await?),
    };
    Ok(Step {
        prune: Some(prune),
        ..none
    })
}

/// The newest statement of what was pruned.
async fn last_statement(
    connection: &mut SqliteConnection,
) -> Result<Option<(Head, Prune)>, sqlx::Error> {
    // There is one at most: each replaces those before it.
    let sql = "SELECT text, key, signature FROM statement \
               WHERE text LIKE 'tollgate audit prune%' ORDER BY number LIMIT 1";
    let row = sqlx::query(sql).fetch_optional(connection).await?;
    let signed = row.as_ref().map(Signed::read).transpose()?.flatten();
    let statement = signed.and_then(|signed| Statement::parse(&signed.text));
    Ok(statement.and_then(|statement| {
        let head = Head {
            seq: statement.records.cast_signed(),
            link: statement.link,
        };
        Some((head, statement.prune?))
    }))
}

/// What the first record that is left is linked to.
pub(crate) async fn start(
    connection: &mut SqliteConnection,
    node: &Node,
) -> Result<Head, sqlx::Error> {
    let last = last_statement(connection).await?;
    Ok(last.map_or(
        Head {
            seq: 0,
            link: Link::beginning(node),
        },
        |(head, _)| head,
    ))
}

/// The last record that may go: every one up to it is from before that moment
/// and as its link says.
async fn reach(
    connection: &mut SqliteConnection,
    start: Head,
    before: UnixMillis,
) -> Result<(Head, Pruned), sqlx::Error> {
    let before = i64::try_from(before.0).unwrap_or(i64::MAX);
    let (mut head, mut pruned) = (start, Pruned::default());
    let mut reader = Records::default();
    while head.seq - start.seq < STEP {
        let records = reader
            .read(connection, head.seq + 1, head.seq + 1 + CHUNK)
            .await?;
        if records.is_empty() {
            return Ok((head, pruned));
        }
        for record in &records {
            if record.at >= before {
                return Ok((head, pruned));
            }
            let mut next = head;
            let link = next.advance(record.row.bytes());
            if record.seq != next.seq || record.link != Some(link) {
                pruned.damaged = Some(next.seq.unsigned_abs());
                return Ok((head, pruned));
            }
            head = next;
            pruned.through = head.seq.unsigned_abs();
            match record.event {
                Some(_) => pruned.events += 1,
                None => pruned.requests += 1,
            }
        }
    }
    pruned.more = true;
    Ok((head, pruned))
}

async fn remove(
    connection: &mut SqliteConnection,
    after: i64,
    through: i64,
) -> Result<(), sqlx::Error> {
    let gone = format!("seq > {after} AND seq <= {through}");
    let texts = [
        adding_computed("rollup_pruned", &gone),
        // The triggers let go of what stands here.
        "DELETE FROM pruned".to_owned(),
        format!("INSERT INTO pruned (through) VALUES ({through})"),
        format!("DELETE FROM request WHERE {gone}"),
        format!("DELETE FROM event WHERE {gone}"),
        // What another row has replaced since needs no proof any more.
        superseded("budget", "key", through),
        superseded("cutoff", "agent", through),
        format!("DELETE FROM agent WHERE removed_seq <= {through}"),
    ];
    for text in texts {
        let query = sqlx::query(AssertSqlSafe(text)).persistent(false);
        query.execute(&mut *connection).await?;
    }
    Ok(())
}

fn superseded(table: &str, key: &str, through: i64) -> String {
    format!(
        "DELETE FROM {table} WHERE seq <= {through} AND seq <
            (SELECT max(seq) FROM {table} AS other WHERE other.{key} = {table}.{key}
             AND other.seq <= {through})"
    )
}

/// Statements before the newest one of what was pruned say nothing more than
/// it does.
pub(crate) async fn forget_statements(
    connection: &mut SqliteConnection,
    before: u64,
) -> Result<(), sqlx::Error> {
    sqlx::query("DELETE FROM statement WHERE number < ?")
        .bind(before.cast_signed())
        .execute(connection)
        .await?;
    Ok(())
}
