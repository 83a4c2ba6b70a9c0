use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use tollgate_api::RequestSummary;
use tollgate_types::{Actor, RequestRecord, UsageSource};

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
        ring.iter().rev().take(limit).map(summary).collect()
    }
}

fn summary(record: &RequestRecord) -> RequestSummary {
    let text = |label: &Option<std::sync::Arc<str>>| label.as_deref().map(str::to_owned);
    let agent = record.principal.as_ref().map(|who| &who.actor);
    RequestSummary {
        id: record.id.to_string(),
        at: record.at.0,
        agent: agent.map(Actor::name).map(str::to_owned),
        dialect: record.dialect.into(),
        endpoint: record.endpoint.into(),
        stream: record.stream,
        provider: text(&record.provider),
        model_asked: text(&record.model_asked),
        model_served: text(&record.model_served),
        credential: text(&record.credential),
        attempts: record.attempts.len() as u64,
        status: record.status,
        outcome: record.outcome.as_str().into(),
        reason: record.reason.map(|reason| reason.as_str().into()),
        input: record.usage.tokens.input,
        cache_read: record.usage.tokens.cache_read,
        cache_write: record.usage.tokens.cache_write,
        output: record.usage.tokens.output,
        estimated: record.usage.source == UsageSource::Estimated,
        latency_micros: record.latency_micros,
        first_byte_micros: record.first_byte_micros,
    }
}
