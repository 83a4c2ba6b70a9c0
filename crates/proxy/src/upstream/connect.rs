use std::sync::{Arc, OnceLock};

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::connection::Connection;
use super::stream::Stream;
use super::target::Target;

/// Opens connections; loads the system's certificate authorities when the
/// first provider behind TLS is met, not at start.
#[derive(Default)]
pub struct Connector {
    tls: OnceLock<Result<TlsConnector, String>>,
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub(super) enum ConnectFault {
    #[error("connect to {0}: {1}")]
    Tcp(String, std::io::Error),
    #[error("TLS with {0}: {1}")]
    Tls(String, std::io::Error),
    #[error("TLS: {0}")]
    Authorities(String),
    #[error("`{0}` is not a host name")]
    Name(String),
}

impl Connector {
    /// A fresh connection to `target`.
    pub(super) async fn connect(
        &self,
        target: &Arc<Target>,
    ) -> Result<Box<Connection>, ConnectFault> {
        let stream = TcpStream::connect((target.host.as_str(), target.port))
            .await
            .and_then(|stream| stream.set_nodelay(true).map(|()| stream))
            .map_err(|error| ConnectFault::Tcp(target.authority(), error))?;
        if !target.tls {
            return Ok(Box::new(Connection::new(Stream::Plain(stream))));
        }
        let name = ServerName::try_from(target.host.clone())
            .map_err(|_| ConnectFault::Name(target.host.clone()))?;
        let stream = self
            .tls()
            .await?
            .connect(name, stream)
            .await
            .map_err(|error| ConnectFault::Tls(target.authority(), error))?;
        Ok(Box::new(Connection::new(Stream::Tls(Box::new(stream)))))
    }

    /// Loads what the first provider behind TLS needs, so that its first
    /// request does not wait for it.
    pub(crate) async fn warm(&self) {
        if let Err(fault) = self.tls().await {
            tracing::warn!("{fault}");
        }
    }

    async fn tls(&self) -> Result<TlsConnector, ConnectFault> {
        if self.tls.get().is_none() {
            // Reading some 150 certificates takes milliseconds of file access.
            let made = tokio::task::spawn_blocking(tls_connector).await;
            let made = made.unwrap_or_else(|_| Err("loading the authorities panicked".to_owned()));
            self.tls.get_or_init(|| made);
        }
        match self.tls.get() {
            Some(Ok(connector)) => Ok(connector.clone()),
            Some(Err(why)) => Err(ConnectFault::Authorities(why.clone())),
            None => Err(ConnectFault::Authorities("not loaded".to_owned())),
        }
    }
}

fn tls_connector() -> Result<TlsConnector, String> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    let (added, _) = roots.add_parsable_certificates(found.certs);
    if added == 0 {
        return Err("no certificate authority found; install the system's `ca-certificates` or set SSL_CERT_FILE".to_owned());
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    // The library's randomness takes 30 ms to begin; not within a handshake.
    let begun = provider.secure_random.fill(&mut [0; 1]);
    begun.map_err(|_| "the system gave no randomness".to_owned())?;
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsConnector::from(Arc::new(config)))
}
