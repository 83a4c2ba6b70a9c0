//! Records as they stand in the file, in their canonical form.

use std::collections::HashMap;

use sqlx::sqlite::{SqliteConnection, SqliteRow};
use sqlx::{AssertSqlSafe, Row, TypeInfo, ValueRef};
use tollgate_types::RequestId;

use crate::chain::{Link, hex};
use crate::encoding::{Encoding, Kind, StoredText};
use crate::{journal, requests, shapes};

/// Records that are read at once.
pub(crate) const CHUNK: i64 = 4096;

/// Shapes kept in memory.
const MOST_SHAPES: usize = 65_536;

/// One record of the chain.
pub(crate) struct Record {
    pub(crate) seq: i64,
    pub(crate) kind: Kind,
    /// The request's or event's id as it is shown.
    pub(crate) id: String,
    /// When, in Unix milliseconds.
    pub(crate) at: i64,
    /// What stands in the row, in canonical form.
    pub(crate) row: Encoding,
    pub(crate) link: Option<Link>,
    pub(crate) shape: Option<Shape>,
    /// Of an event: its kind, and the digest of the row that it added.
    pub(crate) event: Option<(String, Option<[u8; 32]>)>,
}

/// What a request record refers to.
pub(crate) struct Shape {
    pub(crate) number: i64,
    /// The digest that stands beside what was read, where it is another.
    pub(crate) stored: Option<[u8; 32]>,
    pub(crate) missing: bool,
}

/// Reads records in their order.
#[derive(Default)]
pub(crate) struct Records {
    /// Digest of what stands in a shape's row, and the one beside it.
    shapes: HashMap<i64, ([u8; 32], Option<[u8; 32]>)>,
}

impl Records {
    /// Every record from `from` up to, not including, `to`.
    pub(crate) async fn read(
        &mut self,
        connection: &mut SqliteConnection,
        from: i64,
        to: i64,
    ) -> Result<Vec<Record>, sqlx::Error> {
        let requests = rows(connection, "request", from, to).await?;
        let events = rows(connection, "event", from, to).await?;
        self.learn_shapes(connection, &requests, from, to).await?;
        let mut records = Vec::with_capacity(requests.len() + events.len());
        for row in &requests {
            records.push(self.request(row)?);
        }
        for row in &events {
            records.push(event(row)?);
        }
        records.sort_by_key(|record| record.seq);
        Ok(records)
    }

    async fn learn_shapes(
        &mut self,
        connection: &mut SqliteConnection,
        requests: &[SqliteRow],
        from: i64,
        to: i64,
    ) -> Result<(), sqlx::Error> {
        let known = |row: &SqliteRow| {
            let shape: Result<i64, _> = row.try_get("shape");
            shape.is_ok_and(|shape| self.shapes.contains_key(&shape))
        };
        if requests.iter().all(known) {
            return Ok(());
        }
        if self.shapes.len() >= MOST_SHAPES {
            self.shapes.clear();
        }
        let sql = format!(
            "SELECT shape, digest, {} FROM shape WHERE shape IN
                (SELECT shape FROM request WHERE seq >= ? AND seq < ?)",
            shapes::COLUMNS.join(", ")
        );
        let rows = sqlx::query(AssertSqlSafe(sql))
            .bind(from)
            .bind(to)
            .fetch_all(connection)
            .await?;
        for row in &rows {
            let digest = canonical(row, Kind::Shape, &shapes::COLUMNS)?.digest();
            let stored: Option<&[u8]> = row.try_get("digest")?;
            let stored = stored.and_then(|stored| stored.try_into().ok());
            self.shapes.insert(row.try_get("shape")?, (digest, stored));
        }
        Ok(())
    }

    fn request(&self, row: &SqliteRow) -> Result<Record, sqlx::Error> {
        let number: i64 = row.try_get("shape")?;
        let found = self.shapes.get(&number);
        let digest = found.map_or([0; 32], |(digest, _)| *digest);
        Ok(Record {
            row: request_row(row, &digest)?,
            shape: Some(Shape {
                number,
                stored: found.and_then(|(digest, stored)| stored.filter(|stored| stored != digest)),
                missing: found.is_none(),
            }),
            ..plain(row, Kind::Request)?
        })
    }
}

/// A request's row with another digest of its shape.
pub(crate) async fn with_shape(
    connection: &mut SqliteConnection,
    seq: i64,
    digest: &[u8; 32],
) -> Result<Option<Encoding>, sqlx::Error> {
    let rows = rows(connection, "request", seq, seq + 1).await?;
    rows.first().map(|row| request_row(row, digest)).transpose()
}

fn request_row(row: &SqliteRow, shape: &[u8; 32]) -> Result<Encoding, sqlx::Error> {
    let mut encoding = Encoding::of(Kind::Request);
    for column in requests::COLUMNS {
        match column {
            "shape" => encoding.add(shape),
            column => add(&mut encoding, row, column)?,
        }
    }
    Ok(encoding)
}

fn event(row: &SqliteRow) -> Result<Record, sqlx::Error> {
    let change: Option<&[u8]> = row.try_get("change")?;
    let kind: &[u8] = row.try_get_unchecked("kind")?;
    Ok(Record {
        row: canonical(row, Kind::Event, &journal::COLUMNS)?,
        event: Some((
            String::from_utf8_lossy(kind).into_owned(),
            change.and_then(|change| change.try_into().ok()),
        )),
        ..plain(row, Kind::Event)?
    })
}

fn plain(row: &SqliteRow, kind: Kind) -> Result<Record, sqlx::Error> {
    let id: &[u8] = row.try_get_unchecked("id")?;
    let known = <[u8; 16]>::try_from(id).map(|id| RequestId::from_bytes(id).to_string());
    Ok(Record {
        seq: row.try_get("seq")?,
        kind,
        id: known.unwrap_or_else(|_| hex(id)),
        at: row.try_get("at")?,
        row: Encoding::default(),
        link: Link::from_column(row.try_get("link")?),
        shape: None,
        event: None,
    })
}

async fn rows(
    connection: &mut SqliteConnection,
    table: &str,
    from: i64,
    to: i64,
) -> Result<Vec<SqliteRow>, sqlx::Error> {
    // Files of an older version lack the newest columns.
    let sql = format!("SELECT * FROM {table} WHERE seq >= ? AND seq < ? ORDER BY seq");
    // Not kept prepared: a step of the schema that comes after would change what
    // the star stands for.
    sqlx::query(AssertSqlSafe(sql))
        .persistent(false)
        .bind(from)
        .bind(to)
        .fetch_all(connection)
        .await
}

/// A row of any table in canonical form.
pub(crate) fn canonical(
    row: &SqliteRow,
    kind: Kind,
    columns: &[&str],
) -> Result<Encoding, sqlx::Error> {
    let mut encoding = Encoding::of(kind);
    for column in columns {
        add(&mut encoding, row, column)?;
    }
    Ok(encoding)
}

/// A value as what it is, whatever its column was declared as. A column that the
/// file does not have yet is one without a value.
fn add(encoding: &mut Encoding, row: &SqliteRow, column: &str) -> Result<(), sqlx::Error> {
    let value = match row.try_get_raw(column) {
        Ok(value) if !value.is_null() => value,
        Ok(_) | Err(sqlx::Error::ColumnNotFound(_)) => {
            encoding.add(&None::<i64>);
            return Ok(());
        }
        Err(error) => return Err(error),
    };
    match value.type_info().name() {
        "TEXT" => encoding.add(&StoredText(row.try_get_unchecked(column)?)),
        "BLOB" => encoding.add(&row.try_get_unchecked::<Vec<u8>, _>(column)?),
        _ => encoding.add(&row.try_get_unchecked::<i64, _>(column)?),
    }
    Ok(())
}
