use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until, timeout_at};
use tollgate_types::{Event, Label, RequestRecord, UnixMillis};

use crate::change::Change;
use crate::slot::Shared;
use crate::store::{Durability, Store, Written};
use crate::{Pruned, SliceRow, WriteError, WriterStats};

/// Pauses between tries of a batch that could not be written.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// How long a close waits for requests that still hold a slot.
const CLOSE_WAIT: Duration = Duration::from_secs(2);

pub(crate) type Reply<T> = oneshot::Sender<Result<T, WriteError>>;

/// What the handle asks of the writer.
pub(crate) enum Command {
    /// Show the observer all that was handed over.
    CatchUp(oneshot::Sender<()>),
    /// Write all that was handed over.
    Write(Durability, Reply<()>),
    /// Write events that belong together.
    Events(Vec<Event>, Reply<()>),
    /// Write an event, with its change.
    Change(Box<(Event, Change)>, Reply<Written>),
    /// Take a window of budgets away that is over.
    ForgetSlices(Label, Reply<()>),
    /// Remove the oldest records from before a moment.
    Prune(UnixMillis, Reply<Pruned>),
    /// Write everything and end.
    Close(Reply<()>),
    #[cfg(test)]
    Pragma(&'static str, oneshot::Sender<()>),
}

/// Slices to be written, from one caller.
pub(crate) struct SliceCommand {
    pub(crate) slices: Vec<SliceRow>,
    pub(crate) reply: Reply<()>,
}

/// Callers whose slices one transaction writes: each waits for the disk.
const SLICES_AT_ONCE: usize = 256;
/// Callers whose events one transaction writes.
const EVENTS_AT_ONCE: usize = 64;

pub(crate) type Observer = Box<dyn FnMut(&RequestRecord) + Send>;

/// The task that owns the connection which writes.
pub(crate) struct Writer {
    pub(crate) store: Store,
    pub(crate) records: mpsc::Receiver<RequestRecord>,
    pub(crate) commands: mpsc::Receiver<Command>,
    /// A command that was taken and whose turn is next.
    pub(crate) put_back: Option<Command>,
    pub(crate) slices: mpsc::Receiver<SliceCommand>,
    pub(crate) shared: Arc<Shared>,
    pub(crate) observe: Observer,
    pub(crate) batch: Batch,
    pub(crate) path: std::path::PathBuf,
}

/// Records taken out of the queue and not yet written.
pub(crate) struct Batch {
    records: Vec<RequestRecord>,
    rows: usize,
    after: Duration,
    /// When it is written next; none while it is empty.
    due: Option<Instant>,
    /// Failed tries in a row.
    failures: u32,
}

impl Batch {
    pub(crate) fn new(rows: usize, after: Duration) -> Self {
        Self {
            records: Vec::new(),
            rows: rows.max(1),
            after,
            due: None,
            failures: 0,
        }
    }

    fn pause(&self) -> Duration {
        let doublings = self.failures.saturating_sub(1).min(16);
        LONGEST_PAUSE.min(FIRST_PAUSE.saturating_mul(1 << doublings))
    }
}

enum Wake {
    /// The batch is full, or old enough.
    Due,
    /// The first records of a batch are in.
    Begun,
    Command(Command),
    /// Budgets are to be drawn on.
    Slices(Vec<SliceCommand>),
    /// A checkpoint is due.
    Seal,
    /// Every handle and slot is gone.
    Deserted,
}

impl Writer {
    pub(crate) async fn run(mut self) {
        self.store.make_room().await;
        let reply = loop {
            self.shared.tell(self.store.newest());
            match self.wait().await {
                Wake::Begun => self.show_from(0),
                Wake::Due => {
                    self.take();
                    // Its error stands in the stats and is tried again.
                    self.write_batch(Durability::Process).await.ok();
                }
                Wake::Command(command) => {
                    if let ControlFlow::Break(reply) = self.obey(command).await {
                        break Some(reply);
                    }
                }
                Wake::Slices(waiting) => self.write_slices(waiting).await,
                Wake::Seal => {
                    let sealed = self.store.seal().await;
                    if sealed.is_err() {
                        self.store.put_off_seal(LONGEST_PAUSE);
                    }
                    self.heed(&sealed);
                }
                Wake::Deserted => break None,
            }
        };
        self.end(reply).await;
    }

    async fn wait(&mut self) -> Wake {
        if let Some(command) = self.put_back.take() {
            return Wake::Command(command);
        }
        let due = self.batch.due;
        let seal = self.store.seal_due();
        let mut waiting = Vec::new();
        tokio::select! {
            biased;
            command = self.commands.recv() => match command {
                Some(command) => Wake::Command(command),
                None => Wake::Deserted,
            },
            taken = self.slices.recv_many(&mut waiting, SLICES_AT_ONCE) => match taken {
                0 => Wake::Deserted,
                _ => Wake::Slices(waiting),
            },
            () = sleep_until(seal.unwrap_or_else(Instant::now)), if seal.is_some() => Wake::Seal,
            () = self.shared.full.notified(), if self.batch.failures == 0 => Wake::Due,
            () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => Wake::Due,
            taken = self.records.recv_many(&mut self.batch.records, self.batch.rows),
                if due.is_none() =>
            {
                match taken {
                    0 => Wake::Deserted,
                    _ => Wake::Begun,
                }
            }
        }
    }

    /// Takes what is queued, as far as the batch has room.
    fn take(&mut self) {
        let before = self.batch.records.len();
        while self.batch.records.len() < self.batch.rows
            && let Ok(record) = self.records.try_recv()
        {
            self.batch.records.push(record);
        }
        self.show_from(before);
    }

    /// Counts and observes the batch's records from `first` on.
    fn show_from(&mut self, first: usize) {
        let new = &self.batch.records[first..];
        self.shared
            .taken
            .fetch_add(new.len() as u64, Ordering::AcqRel);
        for record in new {
            (self.observe)(record);
        }
        if self.batch.due.is_none() && !new.is_empty() {
            self.batch.due = Some(Instant::now() + self.batch.after);
        }
    }

    async fn write_batch(&mut self, durability: Durability) -> Result<(), WriteError> {
        let rows = self.batch.records.len();
        if rows == 0 {
            self.batch.due = None;
            return self.look_again().await;
        }
        match self
            .store
            .write_requests(&self.batch.records, durability)
            .await
        {
            Ok(()) => {
                self.batch.records.clear();
                self.shared.written.fetch_add(rows as u64, Ordering::AcqRel);
                self.recovered();
                Ok(())
            }
            Err(error) => {
                self.failed(&error);
                Err(error)
            }
        }
    }

    /// After a failure with nothing to be tried again: whether anything can be
    /// written now.
    async fn look_again(&mut self) -> Result<(), WriteError> {
        if self.batch.failures == 0 {
            return Ok(());
        }
        let looked = self.store.probe().await;
        match &looked {
            Ok(()) => self.recovered(),
            Err(error) => self.failed(error),
        }
        looked
    }

    async fn write_slices(&mut self, waiting: Vec<SliceCommand>) {
        let (mut slices, mut replies) = (Vec::new(), Vec::new());
        for command in waiting {
            slices.extend(command.slices);
            replies.push(command.reply);
        }
        let written = self.store.write_slices(&slices).await;
        self.heed(&written);
        for reply in replies {
            reply.send(written.clone()).ok();
        }
    }

    /// Everybody whose events wait at this moment shares one transaction.
    async fn write_events(&mut self, mut events: Vec<Event>, reply: Reply<()>) {
        let mut replies = vec![reply];
        while replies.len() < EVENTS_AT_ONCE
            && let Ok(command) = self.commands.try_recv()
        {
            match command {
                Command::Events(more, reply) => {
                    events.extend(more);
                    replies.push(reply);
                }
                other => {
                    self.put_back = Some(other);
                    break;
                }
            }
        }
        let written = self.store.write_events(&events).await;
        if let Err(error) = &written {
            let kinds: Vec<&str> = events.iter().map(|event| &*event.kind).collect();
            tracing::error!(%error, ?kinds, "events could not be written");
        }
        self.heed(&written);
        for reply in replies {
            reply.send(written.clone()).ok();
        }
    }

    /// What fails for one fails for all: nothing more is spent.
    fn heed<T>(&mut self, written: &Result<T, WriteError>) {
        if let Err(error @ WriteError::Database { .. }) = written {
            self.failed(error);
        }
    }

    fn recovered(&mut self) {
        if self.batch.failures > 0 {
            tracing::info!("the ledger can be written again");
            self.shared.set_error(None);
            self.shared.set_failing(None);
        }
        self.batch.failures = 0;
        self.batch.due = match self.records.len() {
            0 => None,
            waiting if waiting >= self.batch.rows => Some(Instant::now()),
            _ => Some(Instant::now() + self.batch.after),
        };
    }

    fn failed(&mut self, error: &WriteError) {
        self.batch.failures = self.batch.failures.saturating_add(1);
        let (queued, pause) = (self.shared.stats().queued, self.batch.pause());
        tracing::error!(%error, queued, ?pause, "the ledger can't be written; records are kept");
        self.shared.set_error(Some(error.to_string()));
        if let WriteError::Database { fault, .. } = error {
            self.shared.set_failing(Some(*fault));
        }
        self.batch.due = Some(Instant::now() + pause);
    }

    /// Breaks with the reply that is owed once everything is closed.
    async fn obey(&mut self, command: Command) -> ControlFlow<Reply<()>> {
        // A caller that has gone away no longer needs its answer.
        match command {
            Command::CatchUp(reply) => {
                self.catch_up().await;
                reply.send(()).ok();
            }
            Command::Write(durability, reply) => {
                let written = self.write_all(durability).await;
                reply.send(written).ok();
            }
            Command::Events(events, reply) => self.write_events(events, reply).await,
            Command::Change(both, reply) => {
                let (event, change) = *both;
                let written = self.store.write_change(&event, &change).await;
                if let Err(error) = &written {
                    tracing::error!(%error, kind = %event.kind, "an event could not be written");
                }
                self.heed(&written);
                reply.send(written).ok();
            }
            Command::ForgetSlices(period, reply) => {
                let forgotten = self.store.forget_slices(&period).await;
                self.heed(&forgotten);
                reply.send(forgotten).ok();
            }
            Command::Prune(before, reply) => {
                let pruned = self.store.prune(before).await;
                self.heed(&pruned);
                reply.send(pruned).ok();
            }
            Command::Close(reply) => return ControlFlow::Break(reply),
            #[cfg(test)]
            Command::Pragma(sql, reply) => {
                self.store.pragma(sql).await;
                reply.send(()).ok();
            }
        }
        ControlFlow::Continue(())
    }

    /// Takes all that is queued now; writes only where the batch overflows.
    async fn catch_up(&mut self) {
        self.take();
        while !self.records.is_empty() && self.write_batch(Durability::Process).await.is_ok() {
            self.take();
        }
    }

    /// Writes what is queued now; what comes meanwhile may wait its turn.
    async fn write_all(&mut self, durability: Durability) -> Result<(), WriteError> {
        let mut left = self.records.len() + self.batch.records.len();
        while left > 0 {
            self.take();
            left = left.saturating_sub(self.batch.records.len());
            self.write_batch(durability).await?;
        }
        match durability {
            Durability::Process => Ok(()),
            Durability::Disk => self.store.sync().await,
        }
    }

    async fn end(mut self, reply: Option<Reply<()>>) {
        // No new slots; those that are out may still be written into.
        self.records.close();
        self.drain(Instant::now() + CLOSE_WAIT).await;
        let written = self.write_all(Durability::Disk).await;
        let closed = self.store.close().await;
        self.shared.ended.store(true, Ordering::Release);
        self.shared.set_failing(None);
        let WriterStats { lost: rows, .. } = self.shared.stats();
        let result = written.and(closed).map_err(|error| WriteError::Unwritten {
            path: self.path,
            rows,
            found: match error {
                WriteError::Database { found, .. } => found,
                error => error.to_string(),
            },
        });
        if let Err(error) = &result {
            tracing::error!(%error, "the ledger's last records are lost");
        }
        if let Some(reply) = reply {
            reply.send(result).ok();
        }
    }

    /// Takes what is still handed over, until no slot is out or `deadline`.
    /// Only the waiting is cut short, never a write: half a transaction would
    /// stand in the way of the last one.
    async fn drain(&mut self, deadline: Instant) {
        while Instant::now() < deadline {
            let before = self.batch.records.len();
            let room = self.batch.rows.saturating_sub(before);
            if room == 0 {
                if self.write_batch(Durability::Process).await.is_err() {
                    tokio::time::sleep(FIRST_PAUSE).await;
                }
                continue;
            }
            let taken = self.records.recv_many(&mut self.batch.records, room);
            match timeout_at(deadline, taken).await {
                Ok(0) => return,
                Ok(_) => self.show_from(before),
                Err(_) => tracing::warn!("requests still hold places in the ledger"),
            }
        }
    }
}

#[cfg(test)]
mod tests;
