use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use tollgate_api::RequestSummary;
use tollgate_types::RequestRecord;

use crate::summary;

/// The last requests, in memory: what `GET /control/requests` shows without
/// asking the ledger.
#[derive(Debug)]
pub struct Recent {
    size: usize,
    /// Newest last. Grows with use, so that an idle gateway holds nothing.
    ring: Mutex<VecDeque<RequestRecord>>,
}

impl Recent {
    /// Holds at most `size` requests (`[monitoring] ring_buffer_size`).
    pub fn new(size: usize) -> Self {
        Self {
            size,
            ring: Mutex::new(VecDeque::new()),
        }
    }

    /// Takes one in; the oldest goes. Called by the ledger's writer.
    pub fn observe(&self, record: &RequestRecord) {
        if self.size == 0 {
            return;
        }
        let record = record.clone();
        let mut ring = self.ring.lock().unwrap_or_else(PoisonError::into_inner);
        if ring.len() == self.size {
            ring.pop_front();
        }
        ring.push_back(record);
    }

    /// The last `limit`, newest first.
    pub fn newest(&self, limit: usize) -> Vec<RequestSummary> {
        let ring = self.ring.lock().unwrap_or_else(PoisonError::into_inner);
        ring.iter()
            .rev()
            .take(limit)
            .map(|record| summary(&record.into()))
            .collect()
    }
}
