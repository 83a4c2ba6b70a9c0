use std::fmt;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::unix::pipe::Receiver;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// How long the end of a pipe is waited for after the tree is gone: only
/// somebody who got out of the tree can hold it open.
const LAST_BYTES: Duration = Duration::from_secs(1);

/// What a tree wrote, each at most [`crate::Limits::output_bytes`].
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Captured {
    /// Standard output, where it was [`crate::Output::Captured`].
    pub output: Vec<u8>,
    /// Standard error, likewise.
    pub errors: Vec<u8>,
}

/// Lengths only: the text may hold anything.
impl fmt::Debug for Captured {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Captured")
            .field("output", &self.output.len())
            .field("errors", &self.errors.len())
            .finish()
    }
}

/// One output on its way into memory.
#[derive(Debug)]
pub(crate) struct Capture {
    kept: Arc<Mutex<Vec<u8>>>,
    reading: JoinHandle<()>,
}

impl Capture {
    /// Reads `pipe` to its end or to `limit` bytes; past that `overflow` is
    /// told. What is read goes `to` a file, or is kept.
    pub(crate) fn start(
        pipe: OwnedFd,
        to: Option<OwnedFd>,
        limit: usize,
        overflow: mpsc::Sender<()>,
    ) -> std::io::Result<Self> {
        let pipe = Receiver::from_owned_fd(pipe)?;
        let kept = Arc::new(Mutex::new(Vec::new()));
        let reading = match to {
            None => tokio::spawn(read(pipe, limit, Arc::clone(&kept), overflow)),
            Some(to) => tokio::spawn(relay(pipe, limit, File::from_std(to.into()), overflow)),
        };
        Ok(Self { kept, reading })
    }

    /// Everything that was read, once the writers are gone.
    pub(crate) async fn finish(mut self) -> Vec<u8> {
        if tokio::time::timeout(LAST_BYTES, &mut self.reading)
            .await
            .is_err()
        {
            self.reading.abort();
        }
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut kept)
    }
}

async fn read(
    mut pipe: Receiver,
    limit: usize,
    kept: Arc<Mutex<Vec<u8>>>,
    overflow: mpsc::Sender<()>,
) {
    let mut part = vec![0; 16 << 10];
    while let Ok(read @ 1..) = pipe.read(&mut part).await {
        let is_over = {
            let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
            let room = limit.saturating_sub(kept.len());
            kept.extend_from_slice(part.get(..read.min(room)).unwrap_or_default());
            read > room
        };
        if is_over {
            return stop(&overflow).await;
        }
    }
}

/// Tells that there is too much, and keeps the pipe open until the tree is gone:
/// its writers have to end by being killed, and not by a pipe that broke first.
async fn stop(overflow: &mpsc::Sender<()>) {
    // One word is enough, however often it is said.
    overflow.try_send(()).ok();
    overflow.closed().await;
}

async fn relay(mut pipe: Receiver, limit: usize, mut to: File, overflow: mpsc::Sender<()>) {
    let mut part = vec![0; 16 << 10];
    let mut room = limit;
    while let Ok(read @ 1..) = pipe.read(&mut part).await {
        let fits = part.get(..read.min(room)).unwrap_or_default();
        // A reader that has gone ends the pipe, as it would without this one.
        if to.write_all(fits).await.is_err() || to.flush().await.is_err() {
            return;
        }
        if read > room {
            return stop(&overflow).await;
        }
        room -= read;
    }
}
