//! Links for records that were written before there was a chain.

use sqlx::sqlite::SqliteConnection;
use sqlx::{AssertSqlSafe, Row};
use tollgate_types::RequestId;

use super::records::{CHUNK, Record, Records, canonical};
use crate::agents::{self, removal};
use crate::chain::{Head, Link, Node};
use crate::encoding::Kind;
use crate::rollup::adding_computed;
use crate::shapes;

/// Fills in what version 2 of the schema adds: node, digests, links and sums.
/// The transaction is the caller's.
pub(crate) async fn links(connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    let node = Node(*RequestId::fresh().as_bytes());
    sqlx::query("INSERT INTO node (id) VALUES (?)")
        .bind(node.0.to_vec())
        .execute(&mut *connection)
        .await?;
    with_bottle(connection).await?;
    digest_shapes(connection).await?;
    digest_agents(connection).await?;
    let records = link_records(connection, node).await?;
    if records > 0 {
        tracing::info!(records, "older records are linked into the audit chain");
    }
    Ok(())
}

/// Sums of the rows, where there are none yet.
pub(crate) async fn sums(connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    with_bottle(connection).await?;
    let any: bool = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM rollup)")
        .fetch_one(&mut *connection)
        .await?;
    if !any {
        let sums = adding_computed("rollup", "true");
        sqlx::query(AssertSqlSafe(sums)).execute(connection).await?;
    }
    Ok(())
}

/// Shapes have a bottle. It is NULL in older rows, which changes nothing about
/// their digests.
async fn with_bottle(connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    let found = "SELECT EXISTS (SELECT 1 FROM pragma_table_info('shape') WHERE name = 'bottle')";
    let has: bool = sqlx::query_scalar(found)
        .fetch_one(&mut *connection)
        .await?;
    if !has {
        let sql = "ALTER TABLE shape ADD COLUMN bottle TEXT";
        sqlx::query(sql).execute(connection).await?;
    }
    Ok(())
}

async fn digest_shapes(connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    let columns = shapes::COLUMNS.join(", ");
    let sql =
        format!("SELECT shape, {columns} FROM shape WHERE shape > ? ORDER BY 1 LIMIT {CHUNK}");
    let mut after = 0_i64;
    loop {
        let query = sqlx::query(AssertSqlSafe(sql.clone())).bind(after);
        let rows = query.fetch_all(&mut *connection).await?;
        let Some(last) = rows.last() else {
            return Ok(());
        };
        after = last.try_get("shape")?;
        for row in &rows {
            let digest = canonical(row, Kind::Shape, &shapes::COLUMNS)?.digest();
            sqlx::query("UPDATE shape SET digest = ? WHERE shape = ?")
                .bind(digest.to_vec())
                .bind(row.try_get::<i64, _>("shape")?)
                .execute(&mut *connection)
                .await?;
        }
    }
}

/// The events that added and removed agents name what they did.
async fn digest_agents(connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    let rows = sqlx::query("SELECT * FROM agent")
        .fetch_all(&mut *connection)
        .await?;
    for row in &rows {
        let seq: i64 = row.try_get("seq")?;
        let added = canonical(row, Kind::AgentAdded, &agents::COLUMNS)?.digest();
        change(connection, seq, added).await?;
        if let (Some(at), Some(removed)) = (row.try_get("removed")?, row.try_get("removed_seq")?) {
            let digest = removal(seq, row.try_get("name")?, at);
            change(connection, removed, digest).await?;
        }
    }
    Ok(())
}

async fn change(
    connection: &mut SqliteConnection,
    seq: i64,
    digest: [u8; 32],
) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE event SET change = ? WHERE seq = ?")
        .bind(digest.to_vec())
        .bind(seq)
        .execute(connection)
        .await?;
    Ok(())
}

async fn link_records(connection: &mut SqliteConnection, node: Node) -> Result<i64, sqlx::Error> {
    let mut head = Head {
        seq: 0,
        link: Link::beginning(&node),
    };
    let (mut reader, mut from) = (Records::default(), 1);
    loop {
        let records = reader.read(connection, from, from + CHUNK).await?;
        if records.is_empty() {
            return Ok(head.seq);
        }
        for of_kind in [Kind::Request, Kind::Event] {
            update(connection, of_kind, &records, head).await?;
        }
        for record in &records {
            head.advance(record.row.bytes());
        }
        from += CHUNK;
    }
}

/// Many rows a statement: one each would take minutes for millions.
async fn update(
    connection: &mut SqliteConnection,
    kind: Kind,
    records: &[Record],
    mut head: Head,
) -> Result<(), sqlx::Error> {
    let mut links: Vec<(i64, Link)> = Vec::new();
    for record in records {
        let link = head.advance(record.row.bytes());
        if record.kind == kind {
            links.push((record.seq, link));
        }
    }
    let table = match kind {
        Kind::Event => "event",
        _ => "request",
    };
    for some in links.chunks(128) {
        let marks = vec!["(?, ?)"; some.len()].join(",");
        let sql = format!(
            "UPDATE {table} SET link = new.column2 FROM (VALUES {marks}) AS new
             WHERE seq = new.column1"
        );
        let mut query = sqlx::query(AssertSqlSafe(sql));
        for (seq, link) in some {
            query = query.bind(*seq).bind(link.0.to_vec());
        }
        query.execute(&mut *connection).await?;
    }
    Ok(())
}
