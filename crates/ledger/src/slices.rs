//! How far each window of each budget may be used.
//!
//! Written before it is used: after a crash all of it counts, until the
//! request records of that time say less.

use serde::Serialize;
use sqlx::sqlite::{SqliteConnection, SqliteRow};
use tollgate_types::Label;

use crate::ReadError;
use crate::columns::Reading;

/// Of this window of this budget, so much may be used: the total since the
/// window began, in both units.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SliceRow {
    /// The budget's key.
    pub budget: Label,
    /// Which of its windows: `total`, `since:MILLISECONDS` or `run:ID`.
    pub period: Label,
    /// Tokens.
    pub tokens: u64,
    /// Billionths of a US dollar.
    pub nanos: u64,
}

/// Windows that begin at a time are over when a later one begins.
const SINCE: &str = "since:";

/// Writes each over the one before; the transaction is the caller's.
pub(crate) async fn write(
    connection: &mut SqliteConnection,
    slices: &[SliceRow],
) -> Result<(), sqlx::Error> {
    for slice in slices {
        sqlx::query(
            "INSERT INTO slice (budget, period, tokens, nanos) VALUES (?, ?, ?, ?) \
             ON CONFLICT DO UPDATE SET tokens = excluded.tokens, nanos = excluded.nanos",
        )
        .bind(slice.budget.clone())
        .bind(slice.period.clone())
        .bind(signed(slice.tokens))
        .bind(signed(slice.nanos))
        .execute(&mut *connection)
        .await?;
        let start = slice.period.strip_prefix(SINCE);
        if let Some(start) = start.and_then(|start| start.parse().ok()) {
            forget_before(connection, &slice.budget, start).await?;
        }
    }
    Ok(())
}

async fn forget_before(
    connection: &mut SqliteConnection,
    budget: &Label,
    start: i64,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "DELETE FROM slice WHERE budget = ? AND period >= 'since:' AND period < 'since;' \
         AND CAST(substr(period, 7) AS INTEGER) < ?",
    )
    .bind(budget.clone())
    .bind(start)
    .execute(connection)
    .await?;
    Ok(())
}

/// Takes away a window that is over, such as that of a run.
pub(crate) async fn forget(
    connection: &mut SqliteConnection,
    period: &Label,
) -> Result<(), sqlx::Error> {
    sqlx::query("DELETE FROM slice WHERE period = ?")
        .bind(period.clone())
        .execute(connection)
        .await?;
    Ok(())
}

fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

pub(crate) const SELECT: &str =
    "SELECT budget, period, tokens, nanos FROM slice ORDER BY budget, period";

pub(crate) fn read(row: &SqliteRow) -> Result<SliceRow, ReadError> {
    let row = Reading::new(row);
    Ok(SliceRow {
        budget: row.label("budget")?.unwrap_or_default(),
        period: row.label("period")?.unwrap_or_default(),
        tokens: row.count("tokens")?,
        nanos: row.count("nanos")?,
    })
}
