//! Budgets that were set at run time: every setting and removal is a row, the
//! last one of a key holds.

use serde::Serialize;
use sqlx::sqlite::{SqliteConnection, SqliteRow};
use tollgate_types::{Label, UnixMillis};

use crate::ReadError;
use crate::columns::{Reading, Values};
use crate::encoding::Kind;

/// A budget that was set at run time and holds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StoredBudget {
    /// Names it: scope, provider and window.
    pub key: Label,
    /// What was set, as it was given.
    pub spec: serde_json::Value,
    /// When it was set.
    pub at: UnixMillis,
}

pub(crate) const COLUMNS: [&str; 4] = ["seq", "key", "spec", "at"];

/// A row without a specification removes the budget.
pub(crate) async fn write(
    connection: &mut SqliteConnection,
    seq: i64,
    at: UnixMillis,
    key: &Label,
    spec: Option<String>,
) -> Result<[u8; 32], sqlx::Error> {
    let mut values = Values::of(Kind::Budget);
    values.add(seq);
    values.add_label(Some(key));
    values.add(spec);
    values.add_count(at.0);
    let digest = values.row().digest();
    sqlx::query_with(
        "INSERT INTO budget (seq, key, spec, at) VALUES (?, ?, ?, ?)",
        values.finish()?,
    )
    .execute(connection)
    .await?;
    Ok(digest)
}

pub(crate) async fn remove(
    connection: &mut SqliteConnection,
    seq: i64,
    at: UnixMillis,
    key: &Label,
) -> Result<Option<[u8; 32]>, sqlx::Error> {
    let sql = "SELECT spec IS NOT NULL FROM budget WHERE key = ? ORDER BY seq DESC LIMIT 1";
    let holds: Option<bool> = sqlx::query_scalar(sql)
        .bind(key.clone())
        .fetch_optional(&mut *connection)
        .await?;
    match holds {
        Some(true) => write(connection, seq, at, key, None).await.map(Some),
        _ => Ok(None),
    }
}

pub(crate) const SELECT: &str = "SELECT seq, key, spec, at FROM budget AS this \
     WHERE spec IS NOT NULL AND seq = (SELECT max(seq) FROM budget WHERE key = this.key) \
     ORDER BY key";

pub(crate) fn read(row: &SqliteRow) -> Result<StoredBudget, ReadError> {
    let row = Reading::new(row);
    Ok(StoredBudget {
        key: row.label("key")?.unwrap_or_default(),
        spec: row.json("spec", row.get("spec")?)?,
        at: UnixMillis(row.count("at")?),
    })
}
