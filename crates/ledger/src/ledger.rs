use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot, watch};
use tollgate_types::{AgentName, Event, Label, RequestId, RequestRecord, UnixMillis};

use crate::change::Change;
use crate::reader::Reader;
use crate::slot::Shared;
use crate::store::{Durability, Store, Written};
use crate::writer::{Batch, Command, Reply, SliceCommand, Writer};
use crate::{
    AddAgentError, ChangeError, Cursor, Entry, NewAgent, NewCutoff, Notary, OpenError, Pruned,
    ReadError, RemoveAgentError, SliceRow, Slot, Spent, StoredAgent, StoredBudget, StoredCutoff,
    StoredRequest, Unavailable, UsageBy, UsageRow, WriteError, WriterStats, fault, files, open,
};

/// Where the ledger is and how it batches.
#[derive(Clone)]
pub struct LedgerConfig {
    /// The file; its folder is made where it is missing.
    pub path: PathBuf,
    /// Requests in flight and records that wait, together.
    pub queue: usize,
    /// A batch is written when it has so many records …
    pub batch_rows: usize,
    /// … or when its first record is so old.
    pub batch_after: Duration,
    /// Who signs checkpoints; without one the chain is not signed.
    pub notary: Option<Arc<dyn Notary>>,
}

impl std::fmt::Debug for LedgerConfig {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("LedgerConfig")
            .field("path", &self.path)
            .field("queue", &self.queue)
            .field("batch_rows", &self.batch_rows)
            .field("batch_after", &self.batch_after)
            .finish_non_exhaustive()
    }
}

impl LedgerConfig {
    /// 16,384 places; batches of 256 records or one second; no notary. While one is
    /// written the next one fills: 512 are the most that a crash takes.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            queue: 16_384,
            batch_rows: 256,
            batch_after: Duration::from_secs(1),
            notary: None,
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
    slices: mpsc::Sender<SliceCommand>,
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
        let store = Store::new(path.clone(), connection, config.notary).await;
        let store = store.map_err(|error| fault::open(&path, &error))?;
        let newest = store.newest();
        let (records, received) = mpsc::channel(config.queue.max(1));
        let (commands, obeyed) = mpsc::channel(COMMANDS);
        let (slices, drawn) = mpsc::channel(COMMANDS);
        let shared = Arc::new(Shared::new(config.batch_rows.max(1)));
        shared.tell(newest);
        let writer = Writer {
            store,
            records: received,
            commands: obeyed,
            put_back: None,
            slices: drawn,
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
            slices,
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
        if let Some(fault) = self.shared.failing() {
            return Err(Unavailable::Failing(fault));
        }
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
        self.write_events(vec![event]).await
    }

    /// Writes events that belong together, all or none; they are on the disk
    /// when this returns. Callers that wait at the same time share a sync of
    /// the disk.
    ///
    /// # Errors
    /// [`WriteError`]: none was written.
    pub async fn write_events(&self, events: Vec<Event>) -> Result<(), WriteError> {
        self.ask(|reply| Command::Events(events, reply)).await
    }

    /// Adds an agent, and writes the event that says so, in one transaction.
    /// The agent begins at the event's time.
    ///
    /// # Errors
    /// [`AddAgentError`]; nothing was written.
    pub async fn add_agent(&self, agent: NewAgent, event: Event) -> Result<(), AddAgentError> {
        let name = agent.name.clone();
        match self.change(event, Change::AddAgent(agent)).await? {
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
            .change(event, Change::RemoveAgent(name.clone()))
            .await?
        {
            Written::Yes => Ok(()),
            Written::ChangeRefused => Err(RemoveAgentError::Unknown(name.clone())),
        }
    }

    /// Sets a budget of this key, or another one in its place, together with
    /// its event.
    ///
    /// # Errors
    /// [`WriteError`]; nothing was written.
    pub async fn set_budget(
        &self,
        key: Label,
        spec: serde_json::Value,
        event: Event,
    ) -> Result<(), WriteError> {
        let change = Change::SetBudget(key, spec);
        self.change(event, change).await.map(drop)
    }

    /// Removes a budget that was set at run time, together with its event.
    ///
    /// # Errors
    /// [`ChangeError`]; nothing was written.
    pub async fn remove_budget(&self, key: Label, event: Event) -> Result<(), ChangeError> {
        let name = key.to_string();
        let change = Change::RemoveBudget(key);
        known(self.change(event, change).await?, "budget", name)
    }

    /// Cuts an agent off, or anew with another mode, together with its event:
    /// its time and principal say since when and by whom.
    ///
    /// # Errors
    /// [`WriteError`]; nothing was written.
    pub async fn cut_off(&self, cutoff: NewCutoff, event: Event) -> Result<(), WriteError> {
        let change = Change::CutOff(cutoff);
        self.change(event, change).await.map(drop)
    }

    /// Lets an agent go on, together with the event that says so.
    ///
    /// # Errors
    /// [`ChangeError`]; nothing was written.
    pub async fn lift_cutoff(&self, agent: AgentName, event: Event) -> Result<(), ChangeError> {
        let name = agent.to_string();
        let change = Change::LiftCutoff(agent);
        let written = self.change(event, change).await?;
        known(written, "cutoff of agent", name)
    }

    /// Writes how far budgets may be used; on the disk when this returns.
    /// Callers that wait at the same time share a sync of the disk.
    ///
    /// # Errors
    /// [`WriteError`]: nothing may be used beyond what was written before.
    pub async fn write_slices(&self, slices: Vec<SliceRow>) -> Result<(), WriteError> {
        if slices.is_empty() {
            return Ok(());
        }
        let (reply, answer) = oneshot::channel();
        let sent = self.slices.send(SliceCommand { slices, reply }).await;
        sent.map_err(|_| WriteError::Closed)?;
        answer.await.map_err(|_| WriteError::Closed)?
    }

    /// Takes the slices of a window away that is over, such as a run's.
    ///
    /// # Errors
    /// [`WriteError`].
    pub async fn forget_slices(&self, period: Label) -> Result<(), WriteError> {
        self.ask(|reply| Command::ForgetSlices(period, reply)).await
    }

    /// Removes records from before that moment, oldest first, in steps that
    /// don't hold up the writer for long; a signed statement of them stays, as
    /// do sums of usage.
    ///
    /// # Errors
    /// [`WriteError`]; what earlier steps removed stays removed.
    pub async fn prune(&self, before: UnixMillis) -> Result<Pruned, WriteError> {
        let mut whole = Pruned::default();
        loop {
            let step = self.ask(|reply| Command::Prune(before, reply)).await?;
            whole.requests += step.requests;
            whole.events += step.events;
            whole.through = whole.through.max(step.through);
            whole.damaged = step.damaged;
            if !step.more {
                return Ok(whole);
            }
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

    /// Entries after `after` that are committed by now; unlike
    /// [`Ledger::events`] it hurries nobody.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn committed_events(
        &self,
        after: Cursor,
        limit: u32,
    ) -> Result<Vec<Entry>, ReadError> {
        self.held.reader.entries(after, limit).await
    }

    /// The newest committed entry, now and whenever it is another one: how to
    /// follow the ledger without asking it again and again.
    pub fn committed(&self) -> watch::Receiver<Cursor> {
        self.shared.committed.subscribe()
    }

    /// The newest `limit` events of these two kinds from `since` on, in the
    /// order of their writing.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn events_of(
        &self,
        kinds: &[&str; 2],
        since: UnixMillis,
        limit: u32,
    ) -> Result<Vec<Entry>, ReadError> {
        self.show().await;
        self.held.reader.events_of(kinds, since, limit).await
    }

    /// The place before the newest `count` entries, to read on from.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn before_newest(&self, count: u32) -> Result<Cursor, ReadError> {
        self.show().await;
        self.held.reader.before_newest(count).await
    }

    /// What every agent used at every provider, in each run and outside any,
    /// of requests accepted at `since` or later.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn spent(&self, since: Option<UnixMillis>) -> Result<Vec<Spent>, ReadError> {
        self.show().await;
        self.held.reader.spent(since).await
    }

    /// The budgets that were set at run time and hold, by key.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn budgets(&self) -> Result<Vec<StoredBudget>, ReadError> {
        self.held.reader.budgets().await
    }

    /// How far windows of budgets may have been used.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn slices(&self) -> Result<Vec<SliceRow>, ReadError> {
        self.held.reader.slices().await
    }

    /// The agents that are cut off, by name.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn cutoffs(&self) -> Result<Vec<StoredCutoff>, ReadError> {
        self.held.reader.cutoffs().await
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

    async fn change(&self, event: Event, change: Change) -> Result<Written, WriteError> {
        self.ask(|reply| Command::Change(Box::new((event, change)), reply))
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

fn known(written: Written, what: &'static str, name: String) -> Result<(), ChangeError> {
    match written {
        Written::Yes => Ok(()),
        Written::ChangeRefused => Err(ChangeError::Unknown { what, name }),
    }
}
