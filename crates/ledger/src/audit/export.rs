//! The whole chain as lines of JSON.

use std::path::Path;

use serde::Serialize;
use serde_json::json;
use sqlx::sqlite::{SqliteConnection, SqliteRow};
use sqlx::{Connection, Executor, Row};

use super::{connect, first_from};
use crate::chain::hex;
use crate::columns::Reading;
use crate::statement::{Signed, Statement};
use crate::{AuditError, Cursor, Entry, Link, ReadError, StoredRequest, fault, journal, store};

const CHUNK: i64 = 1024;

/// Gives every record after `after` as one line of JSON with its link, in
/// order, and every checkpoint after the last record that it covers; first of
/// all the node. Returns how many records there were.
///
/// # Errors
/// [`AuditError`]; what `line` says is one of them.
pub async fn export(
    path: &Path,
    after: Cursor,
    mut line: impl FnMut(String) -> std::io::Result<()> + Send,
) -> Result<u64, AuditError> {
    let mut connection = connect(path).await?;
    let mut put = |value: &serde_json::Value| {
        line(value.to_string()).map_err(|error| AuditError::Output(error.to_string()))
    };
    let exported = records(&mut connection, path, after, &mut put).await;
    connection.close().await.ok();
    exported
}

/// One record with everything that is known of it.
#[derive(Serialize)]
struct Line<T> {
    record: u64,
    link: Option<Link>,
    #[serde(flatten)]
    what: T,
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum What {
    Request(Box<StoredRequest>),
    Event(Box<Entry>),
}

async fn records(
    connection: &mut SqliteConnection,
    path: &Path,
    after: Cursor,
    put: &mut (impl FnMut(&serde_json::Value) -> Result<(), AuditError> + Send),
) -> Result<u64, AuditError> {
    let failed = |error: sqlx::Error| AuditError::Read(fault::read(path, &error));
    connection.execute("BEGIN").await.map_err(failed)?;
    let node = store::node(connection).await.map_err(failed)?;
    put(&json!({ "node": node, "format": 1 }))?;
    let after = i64::try_from(after.0).unwrap_or(i64::MAX);
    let (mut from, mut count) = (after.saturating_add(1), 0);
    let mut statements = statements(connection, after).await.map_err(failed)?;
    while let Some(found) = first_from(connection, from).await.map_err(failed)? {
        from = found.saturating_add(CHUNK);
        for line in lines(connection, path, found, from).await? {
            let (seq, value) = line;
            while let Some((_, text)) = statements.pop_if(|(covers, _)| *covers < seq) {
                put(&text)?;
            }
            put(&value)?;
            count += 1;
        }
    }
    while let Some((_, text)) = statements.pop() {
        put(&text)?;
    }
    Ok(count)
}

async fn lines(
    connection: &mut SqliteConnection,
    path: &Path,
    from: i64,
    to: i64,
) -> Result<Vec<(i64, serde_json::Value)>, AuditError> {
    let mut lines = Vec::new();
    for sql in [
        "SELECT * FROM request_full WHERE seq >= ? AND seq < ?",
        "SELECT * FROM event WHERE seq >= ? AND seq < ?",
    ] {
        let query = sqlx::query(sql).bind(from).bind(to);
        let rows = query.fetch_all(&mut *connection).await;
        for row in rows.map_err(|error| fault::read(path, &error))? {
            let line = line(&row)?;
            let value = serde_json::to_value(&line);
            let value = value.map_err(|error| AuditError::Output(error.to_string()))?;
            lines.push((line.record.cast_signed(), value));
        }
    }
    lines.sort_by_key(|(seq, _)| *seq);
    Ok(lines)
}

fn line(row: &SqliteRow) -> Result<Line<What>, ReadError> {
    let reading = Reading::new(row);
    let what = match row.try_get_raw("plane").is_ok() {
        true => What::Event(Box::new(journal::read(row)?)),
        false => What::Request(Box::new(StoredRequest::read(row)?)),
    };
    Ok(Line {
        record: reading.seq,
        link: reading.link()?,
        what,
    })
}

/// The last one first, so that they are taken from the end.
async fn statements(
    connection: &mut SqliteConnection,
    after: i64,
) -> Result<Vec<(i64, serde_json::Value)>, sqlx::Error> {
    let sql = "SELECT text, key, signature FROM statement ORDER BY number DESC";
    let rows = sqlx::query(sql).fetch_all(connection).await?;
    let mut statements = Vec::new();
    for row in &rows {
        let Some(signed) = Signed::read(row)? else {
            continue;
        };
        let covers = Statement::parse(&signed.text).map_or(0, |it| it.records.cast_signed());
        if covers < after {
            continue;
        }
        let value = json!({
            "checkpoint": signed.text,
            "key": hex(&signed.key),
            "signature": hex(&signed.signature),
        });
        statements.push((covers, value));
    }
    Ok(statements)
}
