//! A connection, plain or TLS.

use crate::authority::Authority;
use bytes::BytesMut;
use rustls::pki_types::ServerName;
use std::io;
use std::path::Path;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

trait ReadWrite: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> ReadWrite for T {}

/// A connection that the test drives by hand. Dropping it closes it.
pub struct Socket(Box<dyn ReadWrite>);

impl std::fmt::Debug for Socket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Socket")
    }
}

impl Socket {
    pub(super) async fn connect(authority: &str, ca_pem: Option<&Path>) -> io::Result<Self> {
        let stream = TcpStream::connect(authority).await?;
        stream.set_nodelay(true)?;
        let Some(ca_pem) = ca_pem else {
            return Ok(Self(Box::new(stream)));
        };
        let host = authority
            .rsplit_once(':')
            .map_or(authority, |(host, _)| host)
            .to_owned();
        let name = ServerName::try_from(host).map_err(io::Error::other)?;
        let stream = TlsConnector::from(Authority::client(ca_pem))
            .connect(name, stream)
            .await?;
        Ok(Self(Box::new(stream)))
    }

    /// Sends these bytes now.
    ///
    /// # Errors
    /// Where the peer has closed.
    pub async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all(bytes).await?;
        self.0.flush().await
    }

    /// Appends what has come; 0 at the end.
    ///
    /// # Errors
    /// Where the connection was reset.
    pub async fn read(&mut self, buffer: &mut BytesMut) -> io::Result<usize> {
        self.0.read_buf(buffer).await
    }

    /// Closes our side for writing.
    ///
    /// # Errors
    /// Where the peer is gone already.
    pub async fn close_writing(&mut self) -> io::Result<()> {
        self.0.shutdown().await
    }
}
