use std::path::{Path, PathBuf};

use sqlx::sqlite::SqliteConnection;
use tollgate_types::{Event, UnixMillis};

use crate::audit::{connect, first_from};
use crate::{AuditError, ReadError, StoredRequest, fault, journal};

/// Records that are read at once.
const CHUNK: i64 = 1024;

/// Reads a ledger from a moment to its end, whether a gateway writes it or not.
#[derive(Debug)]
pub struct History {
    connection: SqliteConnection,
    path: PathBuf,
    first: i64,
    next: i64,
    last: i64,
}

/// One record of the past.
#[derive(Clone, Debug)]
pub enum Past {
    /// A request of the model plane.
    Request(Box<StoredRequest>),
    /// An event of any other.
    Event(Box<Event>),
}

impl History {
    /// Opens the file, at the first record from `since` on or some records
    /// before it: they are written when they end, not when they begin.
    ///
    /// # Errors
    /// [`AuditError`].
    pub async fn open(path: &Path, since: Option<UnixMillis>) -> Result<Self, AuditError> {
        let mut connection = connect(path).await?;
        let bounds = bounds(&mut connection, since).await;
        let (first, last) = bounds.map_err(|error| AuditError::Read(fault::read(path, &error)))?;
        Ok(Self {
            connection,
            path: path.to_owned(),
            first,
            next: first,
            last,
        })
    }

    /// The next records in the order of their writing; none at the end.
    ///
    /// # Errors
    /// [`AuditError`].
    pub async fn next(&mut self) -> Result<Option<Vec<Past>>, AuditError> {
        let read = self.chunk().await;
        read.map_err(|error| match error {
            Fault::Database(error) => AuditError::Read(fault::read(&self.path, &error)),
            Fault::Record(error) => AuditError::Read(error),
        })
    }

    /// How much has been read, in hundredths.
    pub fn percent(&self) -> u64 {
        let all = (self.last - self.first).max(1);
        ((self.next - self.first).clamp(0, all) * 100 / all).unsigned_abs()
    }

    async fn chunk(&mut self) -> Result<Option<Vec<Past>>, Fault> {
        let Some(found) = first_from(&mut self.connection, self.next).await? else {
            return Ok(None);
        };
        let (from, to) = (found, found.saturating_add(CHUNK));
        let rows = |sql| sqlx::query(sql).bind(from).bind(to);
        let requests = rows("SELECT * FROM request_full WHERE seq >= ? AND seq < ?")
            .fetch_all(&mut self.connection)
            .await?;
        let events = rows("SELECT * FROM event WHERE seq >= ? AND seq < ?")
            .fetch_all(&mut self.connection)
            .await?;
        let mut past = Vec::with_capacity(requests.len() + events.len());
        for row in &requests {
            let request = StoredRequest::read(row)?;
            past.push((request.cursor, Past::Request(Box::new(request))));
        }
        for row in &events {
            let entry = journal::read(row)?;
            past.push((entry.cursor, Past::Event(Box::new(entry.event))));
        }
        past.sort_by_key(|(cursor, _)| *cursor);
        self.next = to;
        Ok(Some(past.into_iter().map(|(_, record)| record).collect()))
    }
}

enum Fault {
    Database(sqlx::Error),
    Record(ReadError),
}

impl From<sqlx::Error> for Fault {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error)
    }
}

impl From<ReadError> for Fault {
    fn from(error: ReadError) -> Self {
        Self::Record(error)
    }
}

/// The first place to read and the last one there is.
async fn bounds(
    connection: &mut SqliteConnection,
    since: Option<UnixMillis>,
) -> Result<(i64, i64), sqlx::Error> {
    let since = since.map_or(0, |since| i64::try_from(since.0).unwrap_or(i64::MAX));
    // Each walk goes back from the end and stops at the first older record.
    sqlx::query_as(
        "SELECT 1 + min(
             coalesce((SELECT seq FROM request WHERE at < ?1 ORDER BY seq DESC LIMIT 1), 0),
             coalesce((SELECT seq FROM event WHERE at < ?1 ORDER BY seq DESC LIMIT 1), 0)),
         max(coalesce((SELECT max(seq) FROM request), 0),
             coalesce((SELECT max(seq) FROM event), 0))",
    )
    .bind(since)
    .fetch_one(connection)
    .await
}
