use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::header::{CONNECTION, HOST, RETRY_AFTER};
use http::{HeaderName, HeaderValue, Request, Response};
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use opentelemetry_http::{HttpClient, HttpError};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::runtime::Handle;
use tokio::sync::OnceCell;
use tokio_rustls::TlsConnector;

use crate::telemetry::{Destination, StartFault};
use crate::trouble::Trouble;

/// One exchange, connecting included.
const EXCHANGE: Duration = Duration::from_secs(4);
/// One export, all its tries included.
const EXPORT: Duration = Duration::from_secs(10);
/// Pauses between the tries of an export.
const PAUSES: [Duration; 2] = [Duration::from_millis(250), Duration::from_secs(1)];
/// Longest pause that a collector may ask for.
const LONGEST_PAUSE: Duration = Duration::from_secs(4);
/// An answer is a few bytes of protobuf; of a page of HTML nobody needs more.
const LARGEST_ANSWER: usize = 64 << 10;

/// The way to the collector.
///
/// Exports of metrics come from a thread of the SDK that runs no reactor, so
/// sockets and timers are the runtime's business: every export is a task
/// there, and whoever asked waits for it in whatever way it can.
#[derive(Clone)]
pub(crate) struct Collector {
    inner: Arc<Inner>,
    runtime: Handle,
}

struct Inner {
    host: String,
    port: u16,
    secure: bool,
    authority: HeaderValue,
    headers: Vec<(HeaderName, HeaderValue)>,
    tls: OnceCell<TlsConnector>,
    trouble: Arc<Trouble>,
}

impl fmt::Debug for Collector {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Collector").finish_non_exhaustive()
    }
}

/// Why an exchange failed, in the log's words; never with a header's value.
#[derive(Debug, thiserror::Error)]
enum ExchangeFault {
    #[error("connect: {0}")]
    Connect(std::io::Error),
    #[error("TLS: {0}")]
    Tls(String),
    #[error("HTTP: {0}")]
    Http(String),
    #[error("no answer in {} s", .0.as_secs())]
    Late(Duration),
}

impl Collector {
    pub(crate) fn new(
        to: &Destination,
        runtime: Handle,
        trouble: Arc<Trouble>,
    ) -> Result<Self, StartFault> {
        let secure = match to.endpoint.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err(StartFault::Endpoint),
        };
        let authority = to.endpoint.authority().ok_or(StartFault::Endpoint)?;
        let host = authority.host();
        let inner = Inner {
            host: host.trim_matches(['[', ']']).to_owned(),
            port: authority
                .port_u16()
                .unwrap_or(if secure { 443 } else { 80 }),
            secure,
            authority: HeaderValue::from_str(authority.as_str())
                .map_err(|_| StartFault::Endpoint)?,
            headers: to.headers.clone(),
            tls: OnceCell::new(),
            trouble,
        };
        Ok(Self {
            inner: Arc::new(inner),
            runtime,
        })
    }
}

#[async_trait]
impl HttpClient for Collector {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let inner = Arc::clone(&self.inner);
        let export = async move { inner.export(request).await };
        Ok(self.runtime.spawn(export).await??)
    }
}

impl Inner {
    /// Tries until the collector takes it or refuses it for good; says why
    /// where neither happens.
    async fn export(&self, request: Request<Bytes>) -> Result<Response<Bytes>, ExchangeFault> {
        let tries = tokio::time::timeout(EXPORT, self.tries(request)).await;
        let done = tries.unwrap_or(Err(ExchangeFault::Late(EXPORT)));
        match &done {
            Ok(answer) if answer.status().is_success() => {}
            Ok(answer) => self.trouble.failed(&format!("status {}", answer.status())),
            Err(fault) => self.trouble.failed(&fault.to_string()),
        }
        done
    }

    async fn tries(&self, request: Request<Bytes>) -> Result<Response<Bytes>, ExchangeFault> {
        let mut pauses = PAUSES.into_iter();
        loop {
            let tried = tokio::time::timeout(EXCHANGE, self.exchange(&request)).await;
            let done = tried.unwrap_or(Err(ExchangeFault::Late(EXCHANGE)));
            let asked = match &done {
                Ok(answer) if !may_try_again(answer) => return done,
                Ok(answer) => asked_pause(answer),
                Err(_) => None,
            };
            let Some(pause) = pauses.next() else {
                return done;
            };
            tokio::time::sleep(asked.unwrap_or(pause)).await;
        }
    }

    async fn exchange(&self, request: &Request<Bytes>) -> Result<Response<Bytes>, ExchangeFault> {
        let stream = TcpStream::connect((self.host.as_str(), self.port))
            .await
            .map_err(ExchangeFault::Connect)?;
        if !self.secure {
            return over(stream, self.prepared(request)).await;
        }
        let name = ServerName::try_from(self.host.clone())
            .map_err(|_| ExchangeFault::Tls("the host is not a name".to_owned()))?;
        let stream = self.tls().await?.connect(name, stream).await;
        let stream = stream.map_err(|error| ExchangeFault::Tls(error.to_string()))?;
        over(stream, self.prepared(request)).await
    }

    fn prepared(&self, request: &Request<Bytes>) -> Request<Full<Bytes>> {
        let mut prepared = request.clone().map(Full::new);
        // Towards a server the target is the path alone (RFC 9112, 3.2.1).
        let path = request.uri().path_and_query().cloned();
        *prepared.uri_mut() = path.map_or_else(http::Uri::default, http::Uri::from);
        let headers = prepared.headers_mut();
        for (name, value) in &self.headers {
            headers.insert(name.clone(), value.clone());
        }
        headers.insert(HOST, self.authority.clone());
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
        prepared
    }

    async fn tls(&self) -> Result<&TlsConnector, ExchangeFault> {
        let made = self.tls.get_or_try_init(|| async {
            // Reading some 150 certificates takes milliseconds of file access.
            let made = tokio::task::spawn_blocking(tls_connector).await;
            made.unwrap_or_else(|error| Err(error.to_string()))
        });
        made.await.map_err(ExchangeFault::Tls)
    }
}

/// <https://opentelemetry.io/docs/specs/otlp/#retryable-response-codes>
fn may_try_again(answer: &Response<Bytes>) -> bool {
    matches!(answer.status().as_u16(), 429 | 502 | 503 | 504)
}

fn asked_pause(answer: &Response<Bytes>) -> Option<Duration> {
    let seconds = answer.headers().get(RETRY_AFTER)?.to_str().ok()?;
    let seconds = Duration::from_secs(seconds.trim().parse().ok()?);
    Some(seconds.min(LONGEST_PAUSE))
}

async fn over<S>(stream: S, request: Request<Full<Bytes>>) -> Result<Response<Bytes>, ExchangeFault>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let broken = |error: hyper::Error| ExchangeFault::Http(error.to_string());
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
        .await
        .map_err(broken)?;
    let answer = async {
        let (head, body) = sender
            .send_request(request)
            .await
            .map_err(broken)?
            .into_parts();
        let body = Limited::new(body, LARGEST_ANSWER).collect().await;
        let body = body.map_err(|error| ExchangeFault::Http(error.to_string()))?;
        Ok(Response::from_parts(head, body.to_bytes()))
    };
    tokio::pin!(answer);
    tokio::select! {
        answer = &mut answer => answer,
        // How it ended, the answer says as well.
        _ = connection => answer.await,
    }
}

fn tls_connector() -> Result<TlsConnector, String> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    if roots.add_parsable_certificates(found.certs).0 == 0 {
        return Err("no certificate authority found; install the system's `ca-certificates` or set SSL_CERT_FILE".to_owned());
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}
