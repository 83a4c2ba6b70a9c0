use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::UnixStream as Probe;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tollgate_secrets::{PrivateFileError, make_private_dir};

use crate::claim::Peer;
use crate::{Clearance, answerer, asker};

/// What stands in `exec-approvals.json`, where its folder is private.
const ASKERS: &str = "exec-approvals.sock";
const ANSWERERS: &str = "exec-approvers.sock";
/// Where both stand if that folder is open to others.
const FOLDER: &str = "sockets";
/// Longest path of a socket (`unix(7)`), with its NUL.
const LONGEST: usize = 108;
/// Connections at once, of each kind.
const MOST: usize = 128;

/// The two ways in, bound.
#[derive(Debug)]
pub struct Sockets {
    askers: UnixListener,
    answerers: UnixListener,
    folder: PathBuf,
    inner: bool,
}

/// Why a socket could not be made.
#[derive(Debug, thiserror::Error)]
pub enum DoorwayFault {
    /// Somebody answers there.
    #[error("socket `{0}` is in use: another gateway listens on it")]
    InUse(PathBuf),
    /// A file that is no socket.
    #[error("`{0}` is no socket, expected a socket or nothing")]
    Occupied(PathBuf),
    /// Longer than the system takes.
    #[error("socket `{path}` has a path of {found} bytes, expected fewer than {LONGEST}")]
    TooLong {
        /// The path.
        path: PathBuf,
        /// Its length.
        found: usize,
    },
    /// The folder is not private and can't be made so.
    #[error(transparent)]
    Folder(#[from] PrivateFileError),
    /// The system refused.
    #[error("socket `{path}`: {source}")]
    System {
        /// The path.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
}

impl Sockets {
    /// Binds both, beside `exec-approvals.json` where its folder is private,
    /// else in a private folder of their own there. What a dead gateway left
    /// is taken away; where a living one listens, nothing is touched.
    ///
    /// # Errors
    /// [`DoorwayFault`].
    pub fn bind(beside: &Path) -> Result<Self, DoorwayFault> {
        let private = std::fs::metadata(beside).is_ok_and(|it| it.mode() & 0o077 == 0);
        let folder = match private {
            true => beside.to_owned(),
            false => beside.join(FOLDER),
        };
        make_private_dir(&folder)?;
        Ok(Self {
            askers: bind(&folder.join(ASKERS))?,
            answerers: bind(&folder.join(ANSWERERS))?,
            inner: !private,
            folder,
        })
    }

    /// The requesters' socket, relative to `exec-approvals.json`.
    pub fn path_in_file(&self) -> String {
        match self.inner {
            true => format!("{FOLDER}/{ASKERS}"),
            false => ASKERS.to_owned(),
        }
    }

    /// The folder of both.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Serves both until the task is dropped. `token` is what requesters have
    /// to show.
    pub async fn serve(self, clearance: Arc<Clearance>, token: String) {
        let token: Arc<str> = token.into();
        let (asking, answering) = (Arc::clone(&clearance), clearance);
        let askers = accept(self.askers, move |stream, peer| {
            let (clearance, token) = (Arc::clone(&asking), Arc::clone(&token));
            asker::serve(clearance, token, stream, peer)
        });
        let answerers = accept(self.answerers, move |stream, peer| {
            answerer::serve(Arc::clone(&answering), stream, peer)
        });
        tokio::join!(askers, answerers);
    }
}

/// Takes connections of our own user, by the kernel's word, and drops others.
async fn accept<F: Future<Output = ()> + Send + 'static>(
    listener: UnixListener,
    serve: impl Fn(UnixStream, Peer) -> F,
) {
    let own = nix::unistd::geteuid().as_raw();
    let places = Arc::new(Semaphore::new(MOST));
    loop {
        let accepted = listener.accept().await;
        let Ok((stream, _)) = accepted else {
            // No descriptors left, say: the next one may be lucky.
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            continue;
        };
        let Some(peer) = peer(&stream).filter(|peer| peer.uid == own) else {
            tracing::warn!("a process of another user was turned away from a socket");
            continue;
        };
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
            tracing::warn!(most = MOST, "too many connections; one was turned away");
            continue;
        };
        let served = serve(stream, peer);
        tokio::spawn(async move {
            served.await;
            drop(place);
        });
    }
}

fn peer(stream: &UnixStream) -> Option<Peer> {
    let found = stream.peer_cred().ok()?;
    Some(Peer {
        uid: found.uid(),
        pid: found.pid().unwrap_or_default(),
    })
}

fn bind(path: &Path) -> Result<UnixListener, DoorwayFault> {
    let failed = |source| DoorwayFault::System {
        path: path.to_owned(),
        source,
    };
    let found = path.as_os_str().len();
    if found >= LONGEST {
        let path = path.to_owned();
        return Err(DoorwayFault::TooLong { path, found });
    }
    match std::fs::symlink_metadata(path) {
        Ok(about) if !about.file_type().is_socket() => {
            return Err(DoorwayFault::Occupied(path.to_owned()));
        }
        Ok(_) if Probe::connect(path).is_ok() => {
            return Err(DoorwayFault::InUse(path.to_owned()));
        }
        Ok(_) => std::fs::remove_file(path).map_err(failed)?,
        Err(_) => {}
    }
    let listener = UnixListener::bind(path).map_err(failed)?;
    // In between only those could connect who may enter the folder.
    let strict = std::fs::Permissions::from_mode(0o600);
    std::fs::set_permissions(path, strict).map_err(failed)?;
    Ok(listener)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn private() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let strict = std::fs::Permissions::from_mode(0o700);
        std::fs::set_permissions(folder.path(), strict).unwrap();
        folder
    }

    fn mode(path: &Path) -> u32 {
        std::fs::metadata(path).unwrap().mode() & 0o777
    }

    #[tokio::test]
    async fn sockets_are_private_and_stand_in_a_private_folder() {
        for (open, expected) in [(0o700, ASKERS), (0o755, "sockets/exec-approvals.sock")] {
            let home = tempfile::tempdir().unwrap();
            std::fs::set_permissions(home.path(), std::fs::Permissions::from_mode(open)).unwrap();
            let sockets = Sockets::bind(home.path()).unwrap();
            assert_eq!(sockets.path_in_file(), expected);
            assert_eq!(mode(sockets.folder()), 0o700);
            assert_eq!(mode(&home.path().join(expected)), 0o600);
            assert_eq!(mode(&sockets.folder().join(ANSWERERS)), 0o600);
        }
    }

    #[tokio::test]
    async fn a_socket_in_use_is_left_alone_and_a_dead_one_is_replaced() {
        let home = private();
        let first = Sockets::bind(home.path()).unwrap();
        let error = Sockets::bind(home.path()).unwrap_err();
        assert!(matches!(error, DoorwayFault::InUse(_)), "{error}");
        drop(first);
        Sockets::bind(home.path()).unwrap();
        let occupied = private();
        std::fs::write(occupied.path().join(ASKERS), "x").unwrap();
        let error = Sockets::bind(occupied.path()).unwrap_err();
        assert!(matches!(error, DoorwayFault::Occupied(_)), "{error}");
        let deep = home.path().join("x".repeat(100));
        let error = Sockets::bind(&deep).unwrap_err().to_string();
        assert!(error.contains("expected fewer than 108"), "{error}");
    }
}
