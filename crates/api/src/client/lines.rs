//! Answers that come line by line, for as long as the gateway has something
//! to say.

use bytes::{Bytes, BytesMut};
use http::Method;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde::de::DeserializeOwned;
use tokio::task::JoinHandle;

use super::{ANSWER, CONNECT, Client, ClientError, LARGEST_ANSWER, plain};

/// Longest line; an order has far less.
const LONGEST_LINE: usize = 64 << 10;

/// Lines of JSON as they come. Dropped, it closes the connection.
#[derive(Debug)]
pub struct Lines {
    client: Client,
    path: String,
    body: Incoming,
    held: BytesMut,
    connection: JoinHandle<()>,
}

impl Drop for Lines {
    fn drop(&mut self) {
        self.connection.abort();
    }
}

impl Client {
    /// Opens `path` and reads its lines. Returns once the gateway has
    /// accepted. Needs a tokio runtime to run on.
    ///
    /// # Errors
    /// As [`Client::get`].
    pub async fn lines(&self, path: &str) -> Result<Lines, ClientError> {
        tokio::time::timeout(ANSWER, self.open(path))
            .await
            .map_err(|_| self.not_reachable(format!("no answer in {} s", ANSWER.as_secs())))?
    }

    async fn open(&self, path: &str) -> Result<Lines, ClientError> {
        let host = self.host()?;
        let request = self.request(Method::GET, host, path, Bytes::new())?;
        let stream = tokio::time::timeout(CONNECT, tokio::net::TcpStream::connect(host))
            .await
            .map_err(|_| self.not_reachable(format!("no answer in {} s", CONNECT.as_secs())))?
            .map_err(|error| self.not_reachable(plain(&error)))?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|error| self.not_reachable(error.to_string()))?;
        let connection = tokio::spawn(async move {
            // How it ended is seen in the body.
            connection.await.ok();
        });
        let answer = sender
            .send_request(request)
            .await
            .map_err(|error| self.not_reachable(error.to_string()))?;
        let (status, mut lines) = (
            answer.status(),
            Lines {
                client: self.clone(),
                path: path.to_owned(),
                body: answer.into_body(),
                held: BytesMut::new(),
                connection,
            },
        );
        if status.is_success() {
            return Ok(lines);
        }
        let body = lines.rest().await?;
        Err(self.refusal(path, status, &body))
    }
}

impl Lines {
    /// The next line that is not empty; `None` where the answer is over.
    ///
    /// May be dropped before it is ready: nothing is lost.
    ///
    /// # Errors
    /// A connection that broke, a line that does not fit or is too long.
    pub async fn next<T: DeserializeOwned>(&mut self) -> Result<Option<T>, ClientError> {
        loop {
            while let Some(at) = self.held.iter().position(|byte| *byte == b'\n') {
                let line = self.held.split_to(at + 1);
                let line = line.trim_ascii();
                if !line.is_empty() {
                    return self.client.read(&self.path, line).map(Some);
                }
            }
            if self.held.len() > LONGEST_LINE {
                return Err(self.bad("a line without end".into()));
            }
            match self.chunk().await? {
                Some(chunk) => self.held.extend_from_slice(&chunk),
                // Half a line is none: half an order is not an order.
                None => return Ok(None),
            }
        }
    }

    async fn chunk(&mut self) -> Result<Option<Bytes>, ClientError> {
        loop {
            match self.body.frame().await {
                None => return Ok(None),
                Some(Err(error)) => return Err(self.client.not_reachable(error.to_string())),
                Some(Ok(frame)) => {
                    if let Ok(chunk) = frame.into_data() {
                        return Ok(Some(chunk));
                    }
                }
            }
        }
    }

    async fn rest(&mut self) -> Result<Bytes, ClientError> {
        while let Some(chunk) = self.chunk().await? {
            if self.held.len() + chunk.len() > LARGEST_ANSWER {
                return Err(self.bad("an answer without end".into()));
            }
            self.held.extend_from_slice(&chunk);
        }
        Ok(self.held.split().freeze())
    }

    fn bad(&self, found: String) -> ClientError {
        self.client.bad(&self.path, found, "lines of JSON")
    }
}
