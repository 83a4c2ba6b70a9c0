use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{Notify, mpsc, watch};
use tollgate_types::RequestRecord;

use crate::{Cursor, DatabaseFault};

/// A place in the ledger's queue, taken before a request is served.
///
/// Dropping it without writing gives the place back.
#[derive(Debug)]
#[must_use = "a request without its record can't be accounted for"]
pub struct Slot {
    pub(crate) permit: mpsc::OwnedPermit<RequestRecord>,
    pub(crate) shared: Arc<Shared>,
}

impl Slot {
    /// Hands the record over. Neither blocks nor fails: the place was taken
    /// beforehand.
    pub fn write(self, record: RequestRecord) {
        self.permit.send(record);
        let sent = self.shared.sent.fetch_add(1, Ordering::AcqRel) + 1;
        let waiting = sent.saturating_sub(self.shared.taken.load(Ordering::Acquire));
        // The writer sleeps through the middle of a batch, so that a record
        // costs the request's thread no wake-up.
        if waiting >= self.shared.batch_rows {
            self.shared.full.notify_one();
        }
    }
}

/// The writer's counters since start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WriterStats {
    /// Request records written.
    pub written: u64,
    /// Request records that wait for the disk.
    pub queued: u64,
    /// Request records that can't be written any more: handed over after the
    /// ledger was closed, or unwritable up to its close.
    pub lost: u64,
    /// The last write's error, until one succeeds.
    pub last_error: Option<String>,
}

/// What slots, the handle and the writer share.
#[derive(Debug)]
pub(crate) struct Shared {
    /// Records handed over.
    pub(crate) sent: AtomicU64,
    /// Records that the writer has taken out of the queue.
    pub(crate) taken: AtomicU64,
    pub(crate) written: AtomicU64,
    pub(crate) ended: AtomicBool,
    pub(crate) batch_rows: u64,
    pub(crate) full: Notify,
    /// The newest committed entry, told to whoever follows the ledger.
    pub(crate) committed: watch::Sender<Cursor>,
    /// What is wrong with the database, as [`FAULTS`] counts; 0 for nothing.
    failing: AtomicU8,
    last_error: Mutex<Option<String>>,
}

/// Faults that stop spending. Another process that holds the lock does not:
/// it lets go, and the queue has room until then.
const FAULTS: [DatabaseFault; 7] = [
    DatabaseFault::ReadOnly,
    DatabaseFault::DiskFailed,
    DatabaseFault::Damaged,
    DatabaseFault::DiskFull,
    DatabaseFault::CannotOpen,
    DatabaseFault::NotADatabase,
    DatabaseFault::Other,
];

impl Shared {
    pub(crate) fn new(batch_rows: usize) -> Self {
        Self {
            sent: AtomicU64::new(0),
            taken: AtomicU64::new(0),
            written: AtomicU64::new(0),
            ended: AtomicBool::new(false),
            batch_rows: batch_rows as u64,
            full: Notify::new(),
            committed: watch::Sender::default(),
            failing: AtomicU8::new(0),
            last_error: Mutex::new(None),
        }
    }

    /// Tells how far the ledger is committed; wakes nobody where that is not
    /// news.
    pub(crate) fn tell(&self, committed: Cursor) {
        self.committed
            .send_if_modified(|told| std::mem::replace(told, committed) != committed);
    }

    /// What stops spending, until a write succeeds again.
    pub(crate) fn failing(&self) -> Option<DatabaseFault> {
        let number = usize::from(self.failing.load(Ordering::Acquire));
        FAULTS.get(number.checked_sub(1)?).copied()
    }

    pub(crate) fn set_failing(&self, fault: Option<DatabaseFault>) {
        let place = fault.and_then(|fault| FAULTS.iter().position(|known| *known == fault));
        let number = place.and_then(|place| u8::try_from(place + 1).ok());
        self.failing.store(number.unwrap_or(0), Ordering::Release);
    }

    pub(crate) fn set_error(&self, error: Option<String>) {
        *self
            .last_error
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = error;
    }

    pub(crate) fn stats(&self) -> WriterStats {
        let written = self.written.load(Ordering::Acquire);
        let waiting = self.sent.load(Ordering::Acquire).saturating_sub(written);
        let ended = self.ended.load(Ordering::Acquire);
        let last_error = self.last_error.lock();
        WriterStats {
            written,
            queued: if ended { 0 } else { waiting },
            lost: if ended { waiting } else { 0 },
            last_error: last_error.unwrap_or_else(PoisonError::into_inner).clone(),
        }
    }
}
