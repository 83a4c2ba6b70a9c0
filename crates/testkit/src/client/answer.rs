//! What came back.

use bytes::Bytes;
use serde_json::Value;

/// Status line and headers of an answer.
#[derive(Clone, Debug)]
pub struct Head {
    /// Status code.
    pub status: u16,
    /// Names and values in their order, names as written.
    pub headers: Vec<(String, String)>,
    /// The bytes, with the blank line.
    pub raw: Bytes,
}

impl Head {
    /// First header of this name, in any case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// `None` where these bytes don't begin an HTTP/1.x answer.
    pub(super) fn parse(raw: Bytes) -> Option<Self> {
        let text: String = raw.iter().map(|byte| char::from(*byte)).collect();
        let mut lines = text.split("\r\n");
        let status = lines
            .next()?
            .strip_prefix("HTTP/1.")?
            .get(2..5)?
            .parse()
            .ok()?;
        let headers = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_owned(), value.trim().to_owned()))
            .collect();
        Some(Self {
            status,
            headers,
            raw,
        })
    }
}

/// How an answer's body ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// As HTTP wants it: all of `content-length`, or the last chunk.
    Clean,
    /// The connection closed in the middle of it.
    Cut,
    /// The connection was reset in the middle of it.
    Reset,
    /// The chunked framing was not HTTP.
    BadFraming,
    /// Neither length nor chunks: it ended because the connection closed, so
    /// that nobody can tell whether it was whole.
    Closed,
}

/// A whole answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Status and headers.
    pub head: Head,
    /// The body, with chunked framing removed; what came, where it was cut.
    pub body: Bytes,
    /// How it ended.
    pub ending: Ending,
}

impl Answer {
    /// Status code.
    #[must_use]
    pub const fn status(&self) -> u16 {
        self.head.status
    }

    /// First header of this name, in any case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.header(name)
    }

    /// The body as JSON.
    ///
    /// # Panics
    /// Where it is not JSON; the text shows it.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("not JSON ({error}): {:?}", self.text()))
    }

    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as SSE events, an unterminated one last.
    #[must_use]
    pub fn events(&self) -> Vec<super::SseEvent> {
        super::stream::split_events(&self.body)
    }
}
