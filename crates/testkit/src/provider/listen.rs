//! Connections of a fake provider: accept, read, play, and how each ends.

use super::Shared;
use super::pen::Pen;
use super::play::{Finish, play};
use super::read::read_request;
use bytes::BytesMut;
use rustls::ServerConfig;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// What a connection has to be able to do beside reading and writing.
trait Socket: AsyncRead + AsyncWrite + Unpin + Send {
    /// Makes the closing that follows a reset (RST) instead of an orderly end.
    fn reset_on_close(&self);
}

impl Socket for TcpStream {
    fn reset_on_close(&self) {
        self.set_zero_linger()
            .expect("a socket takes a linger of zero");
    }
}

impl Socket for TlsStream<TcpStream> {
    fn reset_on_close(&self) {
        self.get_ref().0.reset_on_close();
    }
}

/// Accepts until dropped, and takes every connection along when it is.
pub(super) async fn accept(
    listener: TcpListener,
    tls: Option<Arc<ServerConfig>>,
    shared: Arc<Shared>,
) {
    let mut connections = JoinSet::new();
    for connection in 0.. {
        let Ok((socket, _)) = listener.accept().await else {
            return;
        };
        while connections.try_join_next().is_some() {}
        socket.set_nodelay(true).expect("a socket takes nodelay");
        shared.log.count(|counts| counts.connections += 1);
        let shared = Arc::clone(&shared);
        match tls.clone() {
            None => connections.spawn(converse(socket, shared, connection)),
            Some(tls) => connections.spawn(async move {
                // a peer that doesn't trust us hangs up in the handshake
                if let Ok(socket) = TlsAcceptor::from(tls).accept(socket).await {
                    converse(socket, shared, connection).await;
                }
            }),
        };
    }
}

async fn converse<S: Socket>(mut socket: S, shared: Arc<Shared>, connection: u64) {
    let mut unread = BytesMut::new();
    while let Some(request) = read_request(&mut socket, &mut unread, connection).await {
        let script = shared.choose(&request);
        shared.log.received(request.clone());
        let finish = {
            let (mut reader, writer) = tokio::io::split(&mut socket);
            let mut pen = Pen::new(writer, &shared.log);
            tokio::select! {
                biased;
                finish = play(&shared, &request, script, &mut pen) => finish.unwrap_or(Finish::HungUp),
                () = hung_up(&mut reader, &mut unread) => Finish::HungUp,
            }
        };
        match finish {
            Finish::KeepAlive => {}
            Finish::Close => {
                // the peer may be gone already, which is as good
                socket.shutdown().await.ok();
            }
            Finish::Reset => socket.reset_on_close(),
            Finish::HungUp => {}
        }
        shared.log.count(|counts| match finish {
            Finish::HungUp => counts.disconnects += 1,
            _ => counts.answered += 1,
        });
        if !matches!(finish, Finish::KeepAlive) {
            return;
        }
    }
}

/// Returns when the peer has closed; what it sends meanwhile is kept for the
/// next request.
async fn hung_up<S: AsyncRead + AsyncWrite>(reader: &mut ReadHalf<S>, unread: &mut BytesMut) {
    while !matches!(reader.read_buf(unread).await, Ok(0) | Err(_)) {}
}
