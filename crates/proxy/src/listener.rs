use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use crate::account::Account;
use crate::conversation::{converse, stopped};
use crate::dispatch::{Control, dispatch};
use crate::gateway::Gateway;
use crate::peer::Peer;

/// Most connections at once; more wait in the kernel's queue.
const MOST_CONNECTIONS: usize = 8192;

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

async fn connection(
    stream: TcpStream,
    peer: Arc<Peer>,
    gateway: Arc<Gateway>,
    control: Control,
    stop: watch::Receiver<bool>,
) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "set_nodelay failed");
    }
    let serve = |request| {
        let (gateway, control) = (Arc::clone(&gateway), Arc::clone(&control));
        dispatch(gateway, control, Arc::clone(&peer), request)
    };
    if let Err(fault) = converse(stream, stop, serve).await {
        tracing::debug!(%fault, "connection ended");
        if let Ok(slot) = gateway.ledger.slot() {
            Account::unreadable(slot, fault.status(), fault.to_string());
        }
    }
}
