//! A request as the fake provider saw it.

use bytes::Bytes;
use std::sync::{Mutex, MutexGuard};
use tokio::sync::watch;

/// One request, as it came over the wire.
#[derive(Clone, Debug)]
pub struct Received {
    /// `POST`, `GET`, …
    pub method: String,
    /// Path and query, as written on the request line.
    pub target: String,
    /// Header names and values in their order; bytes outside ASCII as Latin-1.
    pub headers: Vec<(String, String)>,
    /// The request line and the headers, byte for byte, with the blank line.
    pub head: Bytes,
    /// The body, byte for byte (chunked framing removed).
    pub body: Bytes,
    /// The bearer token, `x-api-key` or `x-goog-api-key`.
    pub credential: Option<String>,
    /// Which connection it came on, counted from 0.
    pub connection: u64,
}

impl Received {
    /// First header of this name, in any case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// The path without the query.
    #[must_use]
    pub fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    /// The body as JSON.
    ///
    /// # Panics
    /// Where it is not JSON.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).expect("the request's body is JSON")
    }

    /// Whether the request asks for a stream, by its path or its body; false
    /// where that is not JSON.
    #[must_use]
    pub fn wants_stream(&self) -> bool {
        self.path().ends_with(":streamGenerateContent") || self.flag(&["stream"])
    }

    /// Whether an OpenAI request asks for usage at the end of the stream.
    #[must_use]
    pub fn wants_usage(&self) -> bool {
        self.flag(&["stream_options", "include_usage"])
    }

    /// The model named, or a name of our own.
    pub(crate) fn model(&self) -> String {
        let in_path = self.path().rsplit_once("/models/");
        if let Some((model, _)) = in_path.and_then(|(_, rest)| rest.rsplit_once(':')) {
            return model.to_owned();
        }
        let body: serde_json::Value = serde_json::from_slice(&self.body).unwrap_or_default();
        body["model"].as_str().unwrap_or("fake-model").to_owned()
    }

    fn flag(&self, path: &[&str]) -> bool {
        let body: serde_json::Value = serde_json::from_slice(&self.body).unwrap_or_default();
        path.iter()
            .fold(&body, |value, key| &value[*key])
            .as_bool()
            .unwrap_or(false)
    }
}

/// Everything a fake provider has seen; waiting reads a counter that only grows.
#[derive(Debug, Default)]
pub(crate) struct Log {
    requests: Mutex<Vec<Received>>,
    counts: watch::Sender<Counts>,
}

/// What can be waited for.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    pub(crate) requests: usize,
    pub(crate) answered: usize,
    pub(crate) disconnects: usize,
    pub(crate) connections: u64,
    pub(crate) sent_bytes: u64,
}

impl Log {
    pub(crate) fn received(&self, request: Received) {
        self.lock().push(request);
        self.counts.send_modify(|counts| counts.requests += 1);
    }

    pub(crate) fn count(&self, change: impl FnOnce(&mut Counts)) {
        self.counts.send_modify(change);
    }

    pub(crate) fn counts(&self) -> Counts {
        *self.counts.borrow()
    }

    pub(crate) fn requests(&self) -> Vec<Received> {
        self.lock().clone()
    }

    pub(crate) async fn wait(&self, holds: impl FnMut(&Counts) -> bool) {
        self.counts
            .subscribe()
            .wait_for(holds)
            .await
            .expect("the log outlives its waiters");
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Received>> {
        self.requests
            .lock()
            .expect("no panic while the log was locked")
    }
}
