use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot};
use tollgate_types::{AgentName, Event, RequestId, RequestRecord, UnixMillis};

use crate::agents::Change;
use crate::reader::Reader;
use crate::slot::Shared;
use crate::store::{Durability, Store, Written};
use crate::writer::{Batch, Command, Reply, Writer};
use crate::{
    AddAgentError, Cursor, Entry, NewAgent, OpenError, ReadError, RemoveAgentError, Slot,
    StoredAgent, StoredRequest, Unavailable, UsageBy, UsageRow, WriteError, WriterStats, fault,
    files, open,
};

/// Where the ledger is and how it batches.
#[derive(Clone, Debug)]
pub struct LedgerConfig {
    /// The file; its folder is made where it is missing.
    pub path: PathBuf,
    /// Requests in flight and records that wait, together.
    pub queue: usize,
    /// A batch is written when it has so many records …
    pub batch_rows: usize,
    /// … or when its first record is so old.
    pub batch_after: Duration,
}

impl LedgerConfig {
    /// 16,384 places; batches of 512 records or one second.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            queue: 16_384,
            batch_rows: 512,
            batch_after: Duration::from_secs(1),
        }
    }
}

/// Commands in flight; each has a caller that waits.
const COMMANDS: usize = 64;

/// The ledger. Cloning counts references; the writer ends with
/// [`Ledger::close`], or when every clone and slot is gone.
#[derive(Clone, Debug)]
pub struct Ledger {
    records: mpsc::Sender<RequestRecord>,
    commands: mpsc::Sender<Command>,
    shared: Arc<Shared>,
    held: Arc<Held>,
}

/// What lives as long as any clone.
#[derive(Debug)]
struct Held {
    path: PathBuf,
    reader: Reader,
    /// Keeps a second gateway out until it is dropped.
    _lock: File,
}

impl Ledger {
    /// Opens the ledger, makes it where it is missing, and starts its writer
    /// on the current runtime. `observe` is called by the writer once per
    /// record, before the record is written.
    ///
    /// # Errors
    /// [`OpenError`]; its `hint` says what mends it.
    pub async fn open(
        config: LedgerConfig,
        observe: impl FnMut(&RequestRecord) + Send + 'static,
    ) -> Result<Self, OpenError> {
        let path = config.path;
        let lock = files::prepare(&path)?;
        let connection = open::writer(&path).await?;
        let store = Store::new(path.clone(), connection).await;
        let store = store.map_err(|error| fault::open(&path, &error))?;
        let (records, received) = mpsc::channel(config.queue.max(1));
        let (commands, obeyed) = mpsc::channel(COMMANDS);
        let shared = Arc::new(Shared::new(config.batch_rows.max(1)));
        let writer = Writer {
            store,
            records: received,
            commands: obeyed,
            shared: shared.clone(),
            observe: Box::new(observe),
            batch: Batch::new(config.batch_rows, config.batch_after),
            path: path.clone(),
        };
        tokio::spawn(writer.run());
        let held = Arc::new(Held {
            reader: Reader::new(path.clone(), open::readers(&path)),
            path,
            _lock: lock,
        });
        Ok(Self {
            records,
            commands,
            shared,
            held,
        })
    }

    /// Takes a place for the record of a request that is about to be served.
    /// Never waits.
    ///
    /// # Errors
    /// [`Unavailable`]: the request must be refused with 503.
    pub fn slot(&self) -> Result<Slot, Unavailable> {
        match self.records.clone().try_reserve_owned() {
            Ok(permit) => Ok(Slot {
                permit,
                shared: self.shared.clone(),
            }),
            Err(TrySendError::Full(_)) => Err(Unavailable::Full {
                queue: self.records.max_capacity(),
            }),
            Err(TrySendError::Closed(_)) => Err(Unavailable::Closed),
        }
    }

    /// Writes an event; it is on the disk when this returns.
    ///
    /// # Errors
    /// [`WriteError`]: it was not written.
    pub async fn write_event(&self, event: Event) -> Result<(), WriteError> {
        self.event(event, None).await?;
        Ok(())
    }

    /// Adds an agent, and writes the event that says so, in one transaction.
    /// The agent begins at the event's time.
    ///
    /// # Errors
    /// [`AddAgentError`]; nothing was written.
    pub async fn add_agent(&self, agent: NewAgent, event: Event) -> Result<(), AddAgentError> {
        let name = agent.name.clone();
        match self.event(event, Some(Change::Add(agent))).await? {
            Written::Yes => Ok(()),
            Written::ChangeRefused => Err(AddAgentError::Exists(name)),
        }
    }

    /// Removes an agent, and writes the event that says so, in one
    /// transaction. What it did stays.
    ///
    /// # Errors
    /// [`RemoveAgentError`]; nothing was written.
    pub async fn remove_agent(
        &self,
        name: &AgentName,
        event: Event,
    ) -> Result<(), RemoveAgentError> {
        match self
            .event(event, Some(Change::Remove(name.clone())))
            .await?
        {
            Written::Yes => Ok(()),
            Written::ChangeRefused => Err(RemoveAgentError::Unknown(name.clone())),
        }
    }

    /// Returns when everything handed over so far is on the disk and visible.
    ///
    /// # Errors
    /// [`WriteError`]: records are kept and tried again.
    pub async fn flush(&self) -> Result<(), WriteError> {
        self.ask(|reply| Command::Write(Durability::Disk, reply))
            .await
    }

    /// Returns when the observer has seen everything handed over so far, so
    /// that metrics are exact when they are read. Writes nothing unless a
    /// batch is full.
    pub async fn catch_up(&self) {
        let (reply, done) = oneshot::channel();
        if self.commands.send(Command::CatchUp(reply)).await.is_ok() {
            // A writer that has ended has shown all it had.
            done.await.ok();
        }
    }

    /// Sums by agent, provider or model over requests accepted at `since` or
    /// later, the largest first.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn usage(
        &self,
        by: UsageBy,
        since: Option<UnixMillis>,
    ) -> Result<Vec<UsageRow>, ReadError> {
        self.show().await;
        self.held.reader.usage(by, since).await
    }

    /// One request; none where it is not known.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn request(&self, id: RequestId) -> Result<Option<StoredRequest>, ReadError> {
        self.show().await;
        self.held.reader.request(id).await
    }

    /// The last `limit` requests, newest first.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn recent(&self, limit: u32) -> Result<Vec<StoredRequest>, ReadError> {
        self.show().await;
        self.held.reader.recent(limit).await
    }

    /// The next `limit` entries after `after`, requests and events in the
    /// order of their writing.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn events(&self, after: Cursor, limit: u32) -> Result<Vec<Entry>, ReadError> {
        self.show().await;
        self.held.reader.entries(after, limit).await
    }

    /// The living agents, by name.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn agents(&self) -> Result<Vec<StoredAgent>, ReadError> {
        self.held.reader.agents().await
    }

    /// The writer's counters since start.
    pub fn stats(&self) -> WriterStats {
        self.shared.stats()
    }

    /// The ledger's file.
    pub fn path(&self) -> &Path {
        &self.held.path
    }

    /// Writes everything and ends the writer; waits up to two seconds for
    /// requests that still hold a slot.
    ///
    /// # Errors
    /// [`WriteError::Unwritten`]: so many records could not be written.
    pub async fn close(self) -> Result<(), WriteError> {
        self.held.reader.close().await;
        self.ask(Command::Close).await
    }

    /// Makes what was handed over visible to readers. Where it can't be
    /// written, what can be read is better than nothing.
    async fn show(&self) {
        let shown = self.ask(|reply| Command::Write(Durability::Process, reply));
        if let Err(error) = shown.await {
            tracing::warn!(%error, "reading without the last records");
        }
    }

    async fn event(&self, event: Event, change: Option<Change>) -> Result<Written, WriteError> {
        self.ask(|reply| Command::Event(Box::new(event), change, reply))
            .await
    }

    async fn ask<T>(&self, command: impl FnOnce(Reply<T>) -> Command) -> Result<T, WriteError> {
        let (reply, answer) = oneshot::channel();
        let sent = self.commands.send(command(reply)).await;
        sent.map_err(|_| WriteError::Closed)?;
        answer.await.map_err(|_| WriteError::Closed)?
    }

    #[cfg(test)]
    pub(crate) async fn pragma(&self, sql: &'static str) {
        let (reply, done) = oneshot::channel();
        self.commands.send(Command::Pragma(sql, reply)).await.ok();
        done.await.unwrap();
    }
}
