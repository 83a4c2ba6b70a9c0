//! The built-in demo model.

use bytes::Bytes;

use crate::Endpoint;

/// The name of the demo model.
pub const MODEL: &str = "demo";

/// An answer of the demo model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DemoAnswer {
    /// HTTP status.
    pub status: u16,
    /// `application/json` or `text/event-stream`.
    pub content_type: &'static str,
    /// The body; of a stream, an event each.
    pub chunks: Vec<Bytes>,
}

/// Answers a request; the same body always gets the same answer.
pub fn answer(endpoint: Endpoint, body: &[u8]) -> DemoAnswer {
    let _ = (endpoint, body);
    DemoAnswer {
        status: 200,
        content_type: "application/json",
        chunks: vec![Bytes::from_static(b"{}")],
    }
}
