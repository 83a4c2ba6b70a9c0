use std::sync::Arc;
use std::time::Duration;

use opentelemetry_otlp::SpanExporter;
use opentelemetry_sdk::trace::{SpanData, SpanExporter as _};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, timeout_at};

use crate::trouble::Trouble;

/// Spans of one export.
const BATCH: usize = 512;
/// How long the first span of a batch waits for others.
const LINGER: Duration = Duration::from_secs(1);

/// Sends spans in batches until it is told to close and the queue is empty.
pub(crate) async fn run(
    exporter: SpanExporter,
    mut spans: mpsc::Receiver<SpanData>,
    mut closing: watch::Receiver<bool>,
    trouble: Arc<Trouble>,
) {
    let mut batch = Vec::new();
    while gather(&mut spans, &mut closing, &mut batch).await {
        let count = batch.len() as u64;
        // Why it failed, the collector's client has told.
        if exporter.export(std::mem::take(&mut batch)).await.is_err() {
            trouble.lost(count);
        }
        trouble.say();
    }
}

/// The next batch; false where there will be none.
async fn gather(
    spans: &mut mpsc::Receiver<SpanData>,
    closing: &mut watch::Receiver<bool>,
    batch: &mut Vec<SpanData>,
) -> bool {
    let mut due = None;
    while batch.len() < BATCH {
        let room = BATCH - batch.len();
        let until = due.unwrap_or_else(|| Instant::now() + Duration::from_secs(86_400));
        tokio::select! {
            biased;
            taken = timeout_at(until, spans.recv_many(batch, room)) => match taken {
                Ok(0) => break,
                Ok(_) => due = due.or_else(|| Some(Instant::now() + LINGER)),
                Err(_) if batch.is_empty() => {}
                Err(_) => break,
            },
            // From here on the queue gives what it holds, and then its end.
            () = closed(closing), if !spans.is_closed() => spans.close(),
        }
    }
    !batch.is_empty()
}

async fn closed(closing: &mut watch::Receiver<bool>) {
    // Nobody left to close it is a close.
    closing.wait_for(|closing| *closing).await.ok();
}
