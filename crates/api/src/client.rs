mod lines;

use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, StatusCode, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::net::TcpStream;
use tollgate_types::Secret;

use crate::ErrorBody;

pub use lines::Lines;

/// A listener on this machine answers a connection at once or not at all.
const CONNECT: Duration = Duration::from_secs(2);
/// Long enough for a usage query over millions of rows.
const ANSWER: Duration = Duration::from_secs(60);
/// More than any listing, less than what hurts.
const LARGEST_ANSWER: usize = 32 << 20;

/// Calls the control API of a running gateway, one connection per call.
///
/// Plain HTTP: the control API is for loopback; over a network it belongs
/// behind an SSH tunnel or TLS proxy.
#[derive(Clone, Debug)]
pub struct Client {
    base: String,
    token: Secret,
}

/// Why a call got no answer.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nobody listens there, or no answer came in time. Exit code 3.
    #[error("no gateway at `{base}`: {found}")]
    NotReachable {
        /// Where it was looked for.
        base: String,
        /// What was found instead.
        found: String,
    },
    /// The gateway said no.
    #[error("{message}")]
    Refused {
        /// HTTP status.
        status: u16,
        /// Word for scripts, such as `unauthenticated`.
        code: String,
        /// Sentence for people.
        message: String,
        /// The one thing to try.
        hint: Option<String>,
    },
    /// What answered is not a gateway of this version.
    #[error("`{base}{path}` answered with {found}, expected {expected}")]
    BadAnswer {
        /// Where it was asked.
        base: String,
        /// What for.
        path: String,
        /// What came.
        found: String,
        /// What should have come.
        expected: &'static str,
    },
}

impl ClientError {
    /// The one thing to try.
    pub fn hint(&self) -> Option<&str> {
        match self {
            Self::NotReachable { .. } => Some("start it with `tollgate serve`"),
            Self::Refused { hint, .. } => hint.as_deref(),
            Self::BadAnswer { .. } => Some("is another program on that port?"),
        }
    }
}

impl Client {
    /// A client for `base`, such as `http://127.0.0.1:4100`, as the operator
    /// whose `token` it is.
    pub fn new(base: impl Into<String>, token: Secret) -> Self {
        let mut base = base.into();
        base.truncate(base.trim_end_matches('/').len());
        Self { base, token }
    }

    /// Reads `path`, which begins with `/` and may have a query.
    ///
    /// # Errors
    /// [`ClientError`]: nobody there, refused, or not what was expected.
    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, ClientError> {
        let body = self.send(Method::GET, path, Bytes::new()).await?;
        self.read(path, &body)
    }

    /// Reads `path` as text, for `/metrics`.
    ///
    /// # Errors
    /// As [`Client::get`].
    pub async fn get_text(&self, path: &str) -> Result<String, ClientError> {
        let body = self.send(Method::GET, path, Bytes::new()).await?;
        String::from_utf8(body.into())
            .map_err(|_| self.bad(path, "bytes that are not UTF-8".into(), "text"))
    }

    /// Sends `body` as JSON to `path`.
    ///
    /// # Errors
    /// As [`Client::get`].
    pub async fn post<B, T>(&self, path: &str, body: &B) -> Result<T, ClientError>
    where
        B: Serialize + ?Sized,
        T: DeserializeOwned,
    {
        let body = serde_json::to_vec(body)
            .map_err(|error| self.bad(path, error.to_string(), "a body that is JSON"))?;
        let answer = self.send(Method::POST, path, body.into()).await?;
        self.read(path, &answer)
    }

    /// Deletes `path`.
    ///
    /// # Errors
    /// As [`Client::get`].
    pub async fn delete<T: DeserializeOwned>(&self, path: &str) -> Result<T, ClientError> {
        let body = self.send(Method::DELETE, path, Bytes::new()).await?;
        self.read(path, &body)
    }

    async fn send(&self, method: Method, path: &str, body: Bytes) -> Result<Bytes, ClientError> {
        let host = self.host()?;
        let request = self.request(method, host, path, body)?;
        let (status, body) = tokio::time::timeout(ANSWER, self.exchange(host, path, request))
            .await
            .map_err(|_| self.not_reachable(format!("no answer in {} s", ANSWER.as_secs())))??;
        if status.is_success() {
            return Ok(body);
        }
        Err(self.refusal(path, status, &body))
    }

    fn host(&self) -> Result<&str, ClientError> {
        let host = self.base.strip_prefix("http://").unwrap_or_default();
        if host.is_empty() || host.contains('/') {
            return Err(self.not_reachable("expected `http://HOST:PORT`".into()));
        }
        Ok(host)
    }

    fn request(
        &self,
        method: Method,
        host: &str,
        path: &str,
        body: Bytes,
    ) -> Result<Request<Full<Bytes>>, ClientError> {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, host)
            .header(header::ACCEPT, "application/json")
            .header(header::CONNECTION, "close");
        if !self.token.is_empty() {
            let value = Secret::new(format!("Bearer {}", self.token.expose()));
            let mut value = http::HeaderValue::from_str(value.expose())
                .map_err(|_| self.bad(path, "a token with control characters".into(), "a token"))?;
            value.set_sensitive(true);
            request = request.header(header::AUTHORIZATION, value);
        }
        if !body.is_empty() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        request
            .body(Full::new(body))
            .map_err(|error| self.bad(path, error.to_string(), "a path"))
    }

    async fn exchange(
        &self,
        host: &str,
        path: &str,
        request: Request<Full<Bytes>>,
    ) -> Result<(StatusCode, Bytes), ClientError> {
        let stream = tokio::time::timeout(CONNECT, TcpStream::connect(host))
            .await
            .map_err(|_| self.not_reachable(format!("no answer in {} s", CONNECT.as_secs())))?
            .map_err(|error| self.not_reachable(plain(&error)))?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|error| self.not_reachable(error.to_string()))?;
        let answer = async {
            let answer = sender.send_request(request).await;
            let answer = answer.map_err(|error| self.not_reachable(error.to_string()))?;
            let status = answer.status();
            let body = Limited::new(answer.into_body(), LARGEST_ANSWER)
                .collect()
                .await
                .map_err(|error| self.bad(path, error.to_string(), "a whole answer"))?;
            Ok((status, body.to_bytes()))
        };
        // The connection only makes progress while it is polled; its own end
        // is told to the sender, so its result says nothing new.
        tokio::pin!(answer);
        tokio::select! {
            answer = &mut answer => answer,
            _ = connection => answer.await,
        }
    }

    fn read<T: DeserializeOwned>(&self, path: &str, body: &[u8]) -> Result<T, ClientError> {
        serde_json::from_slice(body).map_err(|error| {
            self.bad(
                path,
                format!("JSON that does not fit ({error})"),
                "a report",
            )
        })
    }

    fn refusal(&self, path: &str, status: StatusCode, body: &[u8]) -> ClientError {
        match serde_json::from_slice::<ErrorBody>(body) {
            Ok(ErrorBody { error }) => ClientError::Refused {
                status: status.as_u16(),
                code: error.code,
                message: error.message,
                hint: error.hint,
            },
            Err(_) => self.bad(path, format!("status {status}"), "a gateway's answer"),
        }
    }

    fn not_reachable(&self, found: String) -> ClientError {
        ClientError::NotReachable {
            base: self.base.clone(),
            found,
        }
    }

    fn bad(&self, path: &str, found: String, expected: &'static str) -> ClientError {
        ClientError::BadAnswer {
            base: self.base.clone(),
            path: path.chars().take(200).collect(),
            found,
            expected,
        }
    }
}

/// The system's words without `(os error 111)`.
fn plain(error: &std::io::Error) -> String {
    let text = error.to_string().to_lowercase();
    match text.split_once(" (os error") {
        Some((words, _)) => words.to_owned(),
        None => text,
    }
}

#[cfg(test)]
mod tests;
