use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use crate::account::Account;
use crate::dispatch::{Control, dispatch};
use crate::gateway::Gateway;
use crate::peer::Peer;
use crate::stall::StallGuard;

/// Most connections at once; more wait in the kernel's queue.
const MOST_CONNECTIONS: usize = 8192;
/// Longest time for a request's head, the idle time between two included.
const HEAD_TIME: Duration = Duration::from_secs(75);
/// Memory of a connection for a head that is being read.
const HEAD_BUFFER: usize = 128 << 10;
/// Longest time that a caller may leave an answer unread.
const WRITE_STALL: Duration = Duration::from_secs(60);

/// Accepts connections until `stop` says to drain; then finishes what runs,
/// at most for `drain`, and returns how many requests were cut short.
///
/// # Errors
/// Only what the listener itself reports at its start; a failed accept is
/// logged and waited out.
pub async fn listen(
    listener: TcpListener,
    gateway: Arc<Gateway>,
    control: Control,
    mut stop: watch::Receiver<bool>,
    drain: Duration,
) -> std::io::Result<u32> {
    let places = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    let mut connections = JoinSet::new();
    let local = listener.local_addr()?;
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else {
            break;
        };
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, remote)) => {
                    let peer = Arc::new(Peer::new(stream.local_addr().unwrap_or(local), remote));
                    let (gateway, control) = (Arc::clone(&gateway), Arc::clone(&control));
                    let stop = stop.clone();
                    connections.spawn(async move {
                        connection(stream, peer, gateway, control, stop).await;
                        drop(place);
                    });
                }
                Err(error) => {
                    // Out of descriptors, mostly: what runs must end first.
                    tracing::warn!(%error, "accept failed");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            },
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
            () = stopped(&mut stop) => break,
        }
    }
    drop(listener);
    gateway.drain();
    let finished = async { while connections.join_next().await.is_some() {} };
    match tokio::time::timeout(drain, finished).await {
        Ok(()) => Ok(0),
        Err(_) => {
            let cut = gateway.in_flight();
            connections.shutdown().await;
            Ok(cut)
        }
    }
}

/// Returns once the gateway is told to stop, or nobody is left to tell it.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    stop.wait_for(|stop| *stop)
        .await
        .map(drop)
        .unwrap_or_default();
}

async fn connection(
    stream: TcpStream,
    peer: Arc<Peer>,
    gateway: Arc<Gateway>,
    control: Control,
    mut stop: watch::Receiver<bool>,
) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "set_nodelay failed");
    }
    let ledger = gateway.ledger.clone();
    let service = service_fn(move |request| {
        let (gateway, control) = (Arc::clone(&gateway), Arc::clone(&control));
        let peer = Arc::clone(&peer);
        async move { Ok::<_, Infallible>(dispatch(gateway, control, peer, request).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME)
        .max_buf_size(HEAD_BUFFER)
        .serve_connection(TokioIo::new(StallGuard::new(stream, WRITE_STALL)), service);
    tokio::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stopped(&mut stop) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "connection ended");
        let status = match () {
            () if error.is_parse_too_large() => 431,
            () if error.is_parse() => 400,
            () => return,
        };
        // Hyper has answered it already, with a status and nothing else.
        if let Ok(slot) = ledger.slot() {
            Account::unreadable(slot, status, error.to_string());
        }
    }
}
