use std::net::SocketAddr;

use tokio::sync::OnceCell;

/// The two ends of a connection, and what the kernel says of the other one.
pub(crate) struct Peer {
    local: SocketAddr,
    remote: SocketAddr,
    same_user: OnceCell<bool>,
}

impl Peer {
    pub(crate) fn new(local: SocketAddr, remote: SocketAddr) -> Self {
        Self {
            local,
            remote,
            same_user: OnceCell::new(),
        }
    }

    /// Our end.
    pub(crate) fn local(&self) -> SocketAddr {
        self.local
    }

    /// Theirs.
    pub(crate) fn remote(&self) -> SocketAddr {
        self.remote
    }

    /// Whether the other end is a socket of our own user on this machine;
    /// asked once a connection, and no where the kernel can't tell.
    pub(crate) async fn is_same_user(&self) -> bool {
        let (local, remote) = (self.local, self.remote);
        let ask = || async move {
            let asked = tokio::task::spawn_blocking(move || {
                tollgate_identity::anonymous::same_user(local, remote)
            });
            matches!(asked.await, Ok(Ok(true)))
        };
        *self.same_user.get_or_init(ask).await
    }
}
