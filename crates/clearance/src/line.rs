//! Lines of JSON over a socket, bounded.

use serde::Serialize;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::mpsc;

/// Longest line, in bytes: the longest command, its environment and files.
const LONGEST: usize = 1 << 20;
/// Lines that wait to be written; a peer that reads no more is let go.
const WAITING: usize = 256;

/// Reads line by line.
pub(crate) struct Lines {
    from: BufReader<OwnedReadHalf>,
    line: Vec<u8>,
}

impl Lines {
    pub(crate) fn new(from: OwnedReadHalf) -> Self {
        Self {
            from: BufReader::new(from),
            line: Vec::new(),
        }
    }

    /// The next line; none at the end, where it breaks, or where a line is too
    /// long to be one of ours.
    pub(crate) async fn next(&mut self) -> Option<&[u8]> {
        loop {
            self.line.clear();
            let mut bounded = (&mut self.from).take(LONGEST as u64);
            let length = bounded.read_until(b'\n', &mut self.line).await.ok()?;
            if length == 0 || self.line.last() != Some(&b'\n') {
                return None;
            }
            if !self.line.trim_ascii().is_empty() {
                break;
            }
        }
        Some(self.line.trim_ascii())
    }
}

/// Writes lines, from as many tasks as there are.
#[derive(Clone)]
pub(crate) struct Writer(mpsc::Sender<Vec<u8>>);

impl Writer {
    pub(crate) fn new(mut to: OwnedWriteHalf) -> Self {
        let (sender, mut lines) = mpsc::channel::<Vec<u8>>(WAITING);
        tokio::spawn(async move {
            while let Some(line) = lines.recv().await {
                if to.write_all(&line).await.is_err() {
                    return;
                }
            }
        });
        Self(sender)
    }

    /// Sends a line; false where the peer is gone or reads no more.
    pub(crate) fn send(&self, line: &impl Serialize) -> bool {
        let Ok(mut bytes) = serde_json::to_vec(line) else {
            return false;
        };
        bytes.push(b'\n');
        self.0.try_send(bytes).is_ok()
    }
}
