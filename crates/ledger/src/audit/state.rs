//! What events made elsewhere: agents, budgets, cutoffs. Each row is of one
//! event, and that event's link covers the row's digest.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};
use sqlx::sqlite::{SqliteConnection, SqliteRow};
use sqlx::{AssertSqlSafe, Row};

use super::records::canonical;
use crate::agents::removal;
use crate::encoding::Kind;
use crate::{agents, budgets, cutoffs};

/// What one event made, as it stands now.
pub(crate) struct Made {
    pub(crate) digest: [u8; 32],
    /// Such as `agent ci-bot`.
    pub(crate) what: String,
}

const TABLES: [(&str, Kind, &[&str], &str); 3] = [
    ("agent", Kind::AgentAdded, &agents::COLUMNS, "name"),
    ("budget", Kind::Budget, &budgets::COLUMNS, "key"),
    ("cutoff", Kind::Cutoff, &cutoffs::COLUMNS, "agent"),
];

/// Everything that stands, by the event that made it; and what can't have
/// been made by any.
pub(crate) async fn made(
    connection: &mut SqliteConnection,
) -> Result<(BTreeMap<i64, Made>, Vec<String>), sqlx::Error> {
    let (mut made, mut forged) = (BTreeMap::new(), Vec::new());
    for (table, kind, columns, name) in TABLES {
        for row in &rows(connection, table, i64::MAX).await? {
            let what = format!("{table} `{}`", text(row, name)?);
            let digest = canonical(row, kind, columns)?.digest();
            if made
                .insert(row.try_get("seq")?, Made { digest, what })
                .is_some()
            {
                forged.push(format!("{table} `{}`", text(row, name)?));
            }
        }
    }
    for row in &rows(connection, "agent", i64::MAX).await? {
        let what = format!("the removal of agent `{}`", text(row, "name")?);
        let at: Option<i64> = row.try_get("removed")?;
        match (at, row.try_get::<Option<i64>, _>("removed_seq")?) {
            (None, None) => {}
            (at, Some(seq)) => {
                let name = text(row, "name")?;
                let digest = removal(row.try_get("seq")?, &name, at.unwrap_or(-1));
                made.insert(seq, Made { digest, what });
            }
            (Some(_), None) => forged.push(what),
        }
    }
    Ok((made, forged))
}

/// The digest of what stays of what pruned events made.
pub(crate) async fn digest(
    connection: &mut SqliteConnection,
    through: i64,
) -> Result<[u8; 32], sqlx::Error> {
    let mut sha = Sha256::new();
    for (table, kind, columns, _) in TABLES {
        for row in &rows(connection, table, through).await? {
            // An agent that is removed later goes with a later statement.
            sha.update(canonical(row, kind, columns)?.bytes());
        }
    }
    Ok(sha.finalize().into())
}

async fn rows(
    connection: &mut SqliteConnection,
    table: &str,
    through: i64,
) -> Result<Vec<SqliteRow>, sqlx::Error> {
    let sql = format!("SELECT * FROM {table} WHERE seq <= ? ORDER BY seq");
    let query = sqlx::query(AssertSqlSafe(sql)).bind(through);
    query.fetch_all(connection).await
}

fn text(row: &SqliteRow, column: &str) -> Result<String, sqlx::Error> {
    let bytes: &[u8] = row.try_get_unchecked(column)?;
    Ok(String::from_utf8_lossy(bytes).into_owned())
}
