use std::path::PathBuf;

use sqlx::sqlite::SqliteConnection;
use sqlx::{AssertSqlSafe, Connection, Executor};
use tollgate_types::{Event, RequestRecord};

use crate::agents::{self, Change};
use crate::requests::Inserts;
use crate::{WriteError, fault, journal};

/// How sure a commit must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Durability {
    /// Outlives the process, not a power failure.
    Process,
    /// On the disk when it returns.
    Disk,
}

/// What became of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Written {
    Yes,
    /// The change that came with it can't be made; nothing was written.
    ChangeRefused,
}

/// The one connection that writes, and the sequence that it holds.
pub(crate) struct Store {
    path: PathBuf,
    connection: SqliteConnection,
    inserts: Inserts,
    /// The last sequence number given out.
    last: i64,
    durability: Durability,
    /// Whether a commit may not yet be on the disk.
    unsynced: bool,
}

impl Store {
    pub(crate) async fn new(
        path: PathBuf,
        mut connection: SqliteConnection,
    ) -> Result<Self, sqlx::Error> {
        let last = last(&mut connection).await?;
        Ok(Self {
            path,
            inserts: Inserts::new(&mut connection).await?,
            connection,
            last,
            durability: Durability::Process,
            unsynced: false,
        })
    }

    /// Writes all or none of `records`.
    pub(crate) async fn write_requests(
        &mut self,
        records: &[RequestRecord],
        durability: Durability,
    ) -> Result<(), WriteError> {
        let count = i64::try_from(records.len()).unwrap_or(i64::MAX);
        let written = async {
            self.begin(durability).await?;
            let inserts = &mut self.inserts;
            inserts
                .insert(&mut self.connection, self.last + 1, records)
                .await?;
            self.commit().await
        };
        let written = written.await;
        self.settle(written, count).await
    }

    /// Writes an event, and the change that belongs to it, in one durable
    /// transaction.
    pub(crate) async fn write_event(
        &mut self,
        event: &Event,
        change: Option<&Change>,
    ) -> Result<Written, WriteError> {
        let (mut outcome, seq) = (Written::Yes, self.last + 1);
        let written = async {
            self.begin(Durability::Disk).await?;
            if let Some(change) = change
                && !agents::apply(&mut self.connection, seq, event.at, change).await?
            {
                outcome = Written::ChangeRefused;
                self.roll_back().await;
                return Ok(());
            }
            journal::insert(&mut self.connection, seq, event).await?;
            self.commit().await
        };
        let written = written.await;
        if outcome == Written::ChangeRefused {
            return Ok(outcome);
        }
        self.settle(written, 1).await?;
        Ok(outcome)
    }

    /// Brings every commit so far to the disk.
    pub(crate) async fn sync(&mut self) -> Result<(), WriteError> {
        if !self.unsynced {
            return Ok(());
        }
        // The smallest commit there is: the version's page, written anew. Its
        // sync covers all that stands before it in the write-ahead log.
        let synced = async {
            self.set(Durability::Disk).await?;
            let version: i64 = sqlx::query_scalar("PRAGMA user_version")
                .fetch_one(&mut self.connection)
                .await?;
            let sql = format!("PRAGMA user_version = {version}");
            self.connection.execute(AssertSqlSafe(sql)).await
        };
        synced
            .await
            .map_err(|error| fault::write(&self.path, &error))?;
        self.unsynced = false;
        Ok(())
    }

    pub(crate) async fn close(self) -> Result<(), WriteError> {
        let path = self.path;
        let closed = self.connection.close().await;
        closed.map_err(|error| fault::write(&path, &error))
    }

    // Plain statements instead of the library's transactions: after a full
    // disk SQLite has already rolled back, the library's own rollback then
    // fails and its count of open transactions is wrong from there on.
    async fn begin(&mut self, durability: Durability) -> Result<(), sqlx::Error> {
        self.set(durability).await?;
        self.connection.execute("BEGIN IMMEDIATE").await?;
        Ok(())
    }

    async fn commit(&mut self) -> Result<(), sqlx::Error> {
        self.connection.execute("COMMIT").await?;
        Ok(())
    }

    async fn roll_back(&mut self) {
        // Fails where SQLite rolled back by itself.
        if let Err(error) = self.connection.execute("ROLLBACK").await {
            tracing::debug!(%error, "nothing to roll back");
        }
    }

    async fn set(&mut self, durability: Durability) -> Result<(), sqlx::Error> {
        if self.durability == durability {
            return Ok(());
        }
        let pragma = match durability {
            Durability::Process => "PRAGMA synchronous = NORMAL",
            Durability::Disk => "PRAGMA synchronous = FULL",
        };
        self.connection.execute(pragma).await?;
        self.durability = durability;
        Ok(())
    }

    async fn settle(
        &mut self,
        written: Result<(), sqlx::Error>,
        count: i64,
    ) -> Result<(), WriteError> {
        let expected = self.last.saturating_add(count);
        if let Err(error) = written {
            self.roll_back().await;
            // A commit may fail after it took effect; writing the batch again
            // would count it twice.
            match last(&mut self.connection).await {
                Ok(found) if found == expected && count > 0 => {}
                _ => {
                    self.inserts.rolled_back(&mut self.connection).await;
                    return Err(fault::write(&self.path, &error));
                }
            }
        }
        self.last = expected;
        self.unsynced = self.durability == Durability::Process;
        Ok(())
    }

    #[cfg(test)]
    pub(crate) async fn pragma(&mut self, sql: &'static str) {
        self.connection.execute(sql).await.unwrap();
    }
}

async fn last(connection: &mut SqliteConnection) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT max(coalesce((SELECT max(seq) FROM request), 0),
                    coalesce((SELECT max(seq) FROM event), 0))",
    )
    .fetch_one(connection)
    .await
}
