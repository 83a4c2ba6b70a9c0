use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use sqlx::sqlite::SqliteConnection;
use sqlx::{AssertSqlSafe, Connection, Executor, Row};
use tokio::time::Instant;
use tollgate_types::{
    Event, Label, Plane, Principal, RequestId, RequestRecord, Severity, UnixMillis, Versions,
};

use crate::audit::prune;
use crate::chain::{Head, Link, Node};
use crate::change::{self, Change};
use crate::requests::Inserts;
use crate::rollup::Rollups;
use crate::seals::{self, Seal, Seals};
use crate::statement::{self, Signed, Statement};
use crate::{Cursor, Notary, Pruned, SliceRow, WriteError, fault, journal, slices};

/// More than the thousand pages after which SQLite begins the log anew, and than
/// the pages that stay in its cache.
const ROOM: &str = "BEGIN IMMEDIATE;
    CREATE TABLE room (filler BLOB);
    INSERT INTO room VALUES (zeroblob(5500000));
    ROLLBACK;";

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

/// The one connection that writes, and the end of the chain that it holds.
pub(crate) struct Store {
    path: PathBuf,
    connection: SqliteConnection,
    inserts: Inserts,
    rollups: Rollups,
    /// The last record, and what the next one is linked to.
    head: Head,
    seals: Seals,
    durability: Durability,
    /// Whether a commit may not yet be on the disk.
    unsynced: bool,
}

impl Store {
    pub(crate) async fn new(
        path: PathBuf,
        mut connection: SqliteConnection,
        notary: Option<Arc<dyn Notary>>,
    ) -> Result<Self, sqlx::Error> {
        let node = node(&mut connection).await?;
        let newest = statement::newest(&mut connection).await?;
        let head = head(&mut connection, &node).await?;
        let mut store = Self {
            path,
            inserts: Inserts::new(&mut connection).await?,
            rollups: Rollups::new(),
            connection,
            head,
            seals: Seals::new(node, notary, newest.as_ref()),
            durability: Durability::Process,
            unsynced: false,
        };
        store.compare_with_kept(newest.as_ref()).await;
        // A kill may have left records that no checkpoint covers.
        if !store.seals.is_covered(store.head)
            && let Err(error) = store.seal().await
        {
            tracing::error!(%error, "no checkpoint could be written");
        }
        Ok(store)
    }

    /// The newest entry that is committed.
    pub(crate) fn newest(&self) -> Cursor {
        Cursor(self.head.seq.unsigned_abs())
    }

    /// Writes all or none of `records`.
    pub(crate) async fn write_requests(
        &mut self,
        records: &[RequestRecord],
        durability: Durability,
    ) -> Result<(), WriteError> {
        let mut head = self.head;
        let count = i64::try_from(records.len()).unwrap_or(i64::MAX);
        let due = self.seals.is_due(head.seq.saturating_add(count));
        // A checkpoint may only be kept outside when it is on the disk.
        let durability = if due { Durability::Disk } else { durability };
        let written = async {
            self.begin(durability).await?;
            let connection = &mut self.connection;
            let shapes = self.inserts.insert(connection, &mut head, records).await?;
            self.rollups.add(connection, records, &shapes).await?;
            let seal = match due {
                true => self.write_seal(head).await?,
                false => None,
            };
            self.commit().await?;
            Ok(seal)
        };
        let written = written.await;
        self.settle(written, head).await
    }

    /// Writes events, all or none, in one durable transaction; where one is a
    /// security event, covered by a checkpoint.
    pub(crate) async fn write_events(&mut self, events: &[Event]) -> Result<(), WriteError> {
        let mut head = self.head;
        let written = async {
            self.begin(Durability::Disk).await?;
            for event in events {
                journal::insert(&mut self.connection, &mut head, event, None).await?;
            }
            let seal = match events.iter().any(is_security) {
                true => self.write_seal(head).await?,
                false => None,
            };
            self.commit().await?;
            Ok(seal)
        };
        let written = written.await;
        self.settle(written, head).await
    }

    /// Writes an event, and the change that belongs to it, in one durable
    /// transaction, covered by a checkpoint.
    pub(crate) async fn write_change(
        &mut self,
        event: &Event,
        change: &Change,
    ) -> Result<Written, WriteError> {
        let (mut outcome, mut head) = (Written::Yes, self.head);
        let written = async {
            self.begin(Durability::Disk).await?;
            let connection = &mut self.connection;
            let digest = change::apply(connection, head.seq + 1, event, change).await?;
            if digest.is_none() {
                outcome = Written::ChangeRefused;
                self.roll_back().await;
                return Ok(None);
            }
            journal::insert(connection, &mut head, event, digest).await?;
            let seal = match is_security(event) {
                true => self.write_seal(head).await?,
                false => None,
            };
            self.commit().await?;
            Ok(seal)
        };
        let written = written.await;
        if outcome == Written::ChangeRefused {
            return Ok(outcome);
        }
        self.settle(written, head).await?;
        Ok(outcome)
    }

    /// Writes how far budgets may be used.
    pub(crate) async fn write_slices(&mut self, slices: &[SliceRow]) -> Result<(), WriteError> {
        let written = async {
            self.begin(Durability::Disk).await?;
            slices::write(&mut self.connection, slices).await?;
            self.commit().await
        };
        let written = written.await;
        self.settle_plain(written).await
    }

    /// Takes a window of budgets away that is over.
    pub(crate) async fn forget_slices(&mut self, period: &Label) -> Result<(), WriteError> {
        let written = async {
            self.begin(Durability::Process).await?;
            slices::forget(&mut self.connection, period).await?;
            self.commit().await
        };
        let written = written.await;
        self.settle_plain(written).await
    }

    /// Removes the oldest records from before that moment, as many as don't
    /// hold up the writer for long, and states what was removed.
    pub(crate) async fn prune(&mut self, before: UnixMillis) -> Result<Pruned, WriteError> {
        if !self.seals.can_sign() {
            return Err(WriteError::NoNotary);
        }
        let head = self.head;
        let mut pruned = Pruned::default();
        let written = async {
            self.begin(Durability::Disk).await?;
            let connection = &mut self.connection;
            let beginning = Link::beginning(&self.seals.node);
            let step = prune::step(connection, beginning, before).await?;
            let stated = |prune| self.seals.seal_pruned(step.through, prune, head);
            let seals = step.prune.and_then(stated);
            if let Some([first, second]) = &seals {
                first.signed.insert(connection, first.number).await?;
                second.signed.insert(connection, second.number).await?;
                prune::forget_statements(connection, first.number).await?;
            }
            pruned = step.pruned;
            self.commit().await?;
            Ok(seals.map(|[_, second]| second))
        };
        let written = written.await;
        self.settle(written, head).await?;
        Ok(pruned)
    }

    /// When a checkpoint is due; none where nothing is to be covered.
    pub(crate) fn seal_due(&self) -> Option<Instant> {
        self.seals.due()
    }

    pub(crate) fn put_off_seal(&mut self, pause: Duration) {
        self.seals.put_off(pause);
    }

    /// Covers everything written so far with a checkpoint.
    pub(crate) async fn seal(&mut self) -> Result<(), WriteError> {
        let head = self.head;
        let written = async {
            self.begin(Durability::Disk).await?;
            let seal = self.write_seal(head).await?;
            self.commit().await?;
            Ok(seal)
        };
        let written = written.await;
        self.settle(written, head).await
    }

    /// Makes the write-ahead log as long as it becomes before it begins anew. A
    /// sync of a file that grows waits for the file system's own journal, some
    /// milliseconds; one of bytes that are overwritten does not. Everything that
    /// is written here is rolled back, and what stays in the log has no commit.
    pub(crate) async fn make_room(&mut self) {
        let made = self.connection.execute(ROOM).await;
        if let Err(error) = made {
            tracing::debug!(%error, "no room was made in the write-ahead log");
            self.roll_back().await;
        }
    }

    /// Brings every commit so far to the disk.
    pub(crate) async fn sync(&mut self) -> Result<(), WriteError> {
        match self.unsynced {
            true => self.probe().await,
            false => Ok(()),
        }
    }

    /// The smallest commit there is: the version's page, written anew. Its
    /// sync covers all that stands before it in the write-ahead log; and it
    /// tells whether anything can be written.
    pub(crate) async fn probe(&mut self) -> Result<(), WriteError> {
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

    pub(crate) async fn close(mut self) -> Result<(), WriteError> {
        let sealed = match self.seals.is_covered(self.head) {
            true => Ok(()),
            false => self.seal().await,
        };
        self.seals.close().await;
        let path = self.path;
        let closed = self.connection.close().await;
        closed.map_err(|error| fault::write(&path, &error))?;
        sealed
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

    async fn write_seal(&mut self, head: Head) -> Result<Option<Seal>, sqlx::Error> {
        let seal = self.seals.seal(head);
        if let Some(seal) = &seal {
            let connection = &mut self.connection;
            seal.signed.insert(connection, seal.number).await?;
        }
        Ok(seal)
    }

    async fn settle(
        &mut self,
        written: Result<Option<Seal>, sqlx::Error>,
        expected: Head,
    ) -> Result<(), WriteError> {
        let seal = match written {
            Ok(seal) => seal,
            Err(error) => {
                self.roll_back().await;
                // A commit may fail after it took effect; writing the batch
                // again would count it twice.
                let found = head(&mut self.connection, &self.seals.node).await;
                if expected.seq == self.head.seq || found.ok() != Some(expected) {
                    self.inserts.rolled_back(&mut self.connection).await;
                    return Err(fault::write(&self.path, &error));
                }
                None
            }
        };
        self.head = expected;
        self.unsynced = self.durability == Durability::Process;
        match &seal {
            Some(seal) => self.seals.sealed(seal),
            None => self.seals.written(expected),
        }
        Ok(())
    }

    async fn settle_plain(&mut self, written: Result<(), sqlx::Error>) -> Result<(), WriteError> {
        if let Err(error) = written {
            self.roll_back().await;
            return Err(fault::write(&self.path, &error));
        }
        self.unsynced = self.durability == Durability::Process;
        Ok(())
    }

    /// Where the statement kept beside the key is newer than all in the
    /// database, records are gone. That is said loudly and written into the
    /// chain before the next statement takes the place of the one kept.
    async fn compare_with_kept(&mut self, newest: Option<&Signed>) {
        let lost = match self.seals.lost(newest) {
            Ok(None) => return,
            Ok(Some(lost)) => lost,
            Err(found) => {
                tracing::error!(found, "the checkpoint kept beside its key can't be read");
                return;
            }
        };
        let records = Statement::parse(&lost.text).map(|it| it.records);
        tracing::error!(
            ?records,
            found = self.head.seq,
            "the ledger does not hold its newest checkpoint: it was cut off, changed or replaced by an older one"
        );
        let facts = serde_json::json!({
            "v": 1,
            "records_found": self.head.seq,
            "records_covered": records,
            "checkpoint": lost.to_head(),
        });
        if let Err(error) = self.write_events(&[event(HEAD_LOST, facts)]).await {
            tracing::error!(%error, "that the newest checkpoint is lost could not be written");
        }
    }

    #[cfg(test)]
    pub(crate) async fn pragma(&mut self, sql: &'static str) {
        self.connection.execute(sql).await.unwrap();
    }
}

fn is_security(event: &Event) -> bool {
    event.severity == Severity::Security
}

/// The event of a ledger that was found without its newest checkpoint.
pub(crate) const HEAD_LOST: &str = "audit.head_lost";

fn event(kind: &'static str, facts: serde_json::Value) -> Event {
    Event {
        id: RequestId::fresh(),
        parent: None,
        at: seals::now(),
        plane: Plane::Gateway,
        kind: kind.into(),
        principal: Principal::gateway(),
        rule: None,
        versions: Versions::default(),
        facts,
        outcome: "failed".into(),
        severity: Severity::Security,
    }
}

pub(crate) async fn node(connection: &mut SqliteConnection) -> Result<Node, sqlx::Error> {
    let id: Option<Vec<u8>> = sqlx::query_scalar("SELECT id FROM node")
        .fetch_optional(connection)
        .await?;
    // A node that was tampered with is found by the audit, not here.
    let id = id.and_then(|id| id.try_into().ok());
    Ok(Node(id.unwrap_or_default()))
}

/// The last record, or what stands for it where there is none.
async fn head(connection: &mut SqliteConnection, node: &Node) -> Result<Head, sqlx::Error> {
    let last = sqlx::query(
        "SELECT seq, link FROM
            (SELECT * FROM (SELECT seq, link FROM request ORDER BY seq DESC LIMIT 1)
             UNION ALL
             SELECT * FROM (SELECT seq, link FROM event ORDER BY seq DESC LIMIT 1))
         ORDER BY seq DESC LIMIT 1",
    )
    .fetch_optional(&mut *connection)
    .await?;
    if let Some(row) = last {
        let link = Link::from_column(row.try_get("link")?);
        return Ok(Head {
            seq: row.try_get("seq")?,
            link: link.unwrap_or(Link([0; 32])),
        });
    }
    prune::start(connection, node).await
}
