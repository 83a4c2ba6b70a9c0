//! A raw HTTP/1.1 client that hides nothing.

mod answer;
mod request;
mod socket;
mod stream;

pub use answer::{Answer, Ending, Head};
pub use request::Request;
pub use stream::{SseEvent, Stream};

use crate::deadline::within;
pub use socket::Socket;
use std::path::PathBuf;

/// Sends to one address, one connection per request.
#[derive(Clone, Debug)]
pub struct Client {
    url: String,
    ca_pem: Option<PathBuf>,
}

impl Client {
    /// For `http://HOST:PORT` or `https://HOST:PORT`; what follows is ignored.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            ca_pem: None,
        }
    }

    /// Trusts the authorities in this file (for `https`).
    #[must_use]
    pub fn trusting(mut self, ca_pem: impl Into<PathBuf>) -> Self {
        self.ca_pem = Some(ca_pem.into());
        self
    }

    /// Sends a request and reads the whole answer, however it ends.
    ///
    /// # Panics
    /// Where nothing can be sent, no head comes or the deadline passes.
    pub async fn send(&self, request: &Request) -> Answer {
        self.open(request).await.finish().await
    }

    /// Sends a request and returns as soon as the head of the answer is there.
    /// Dropping the stream closes the connection.
    ///
    /// # Panics
    /// As [`Self::send`].
    pub async fn open(&self, request: &Request) -> Stream {
        let opened = self.open_raw(&request.to_bytes(self.authority())).await;
        if request.is_head() {
            opened.without_body()
        } else {
            opened
        }
    }

    /// Sends exactly these bytes and reads the head of the answer.
    ///
    /// # Panics
    /// As [`Self::send`].
    pub async fn open_raw(&self, bytes: &[u8]) -> Stream {
        self.try_open_raw(bytes)
            .await
            .expect("an answer with a head")
    }

    /// Sends exactly these bytes and reads the head of the answer; `None` where
    /// the peer closed or reset the connection instead.
    ///
    /// # Panics
    /// Where no connection is to be had or the deadline passes.
    pub async fn try_open_raw(&self, bytes: &[u8]) -> Option<Stream> {
        let mut socket = self.connect().await;
        // a server may answer and close before it has read everything
        let written = within("the request to be written", socket.write(bytes)).await;
        let stream = within("the head of an answer", Stream::read_head(socket)).await;
        assert!(
            written.is_ok() || stream.is_some() || bytes.len() > 1024,
            "the server hung up at once"
        );
        stream
    }

    /// Opens a connection on which the test writes and reads itself.
    ///
    /// # Panics
    /// Where no connection is to be had.
    pub async fn connect(&self) -> Socket {
        let connect = Socket::connect(self.authority(), self.tls());
        within("a connection", connect)
            .await
            .expect("a connection to the server under test")
    }

    /// Whether anything accepts connections there.
    pub async fn can_connect(&self) -> bool {
        within(
            "a connection or a refusal",
            Socket::connect(self.authority(), self.tls()),
        )
        .await
        .is_ok()
    }

    fn authority(&self) -> &str {
        let (_, rest) = self.url.split_once("://").expect("a URL has a scheme");
        rest.split('/').next().unwrap_or(rest)
    }

    fn tls(&self) -> Option<&std::path::Path> {
        self.url
            .starts_with("https://")
            .then(|| self.ca_pem.as_deref().expect("https needs trusting(…)"))
    }
}
