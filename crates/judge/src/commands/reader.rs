//! Children that read wild text, and their replacement.

use std::io;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::{Mutex, mpsc};
use tokio::time::timeout;
use tollgate_command::{Setting, Verdict};

use super::LONGEST_READING_MS;
use crate::load::Place;

/// How many wait.
const CHILDREN: usize = 2;
/// Longest line that a child may answer with, in bytes.
const LONGEST_LINE: u64 = 8 << 20;
/// Longest start of a child.
const LONGEST_START: Duration = Duration::from_secs(5);
/// Pause before another try to start one, at most.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Children that wait for texts.
#[derive(Debug)]
pub(super) struct Readers {
    place: Arc<Place>,
    idle: Mutex<mpsc::Receiver<Reader>>,
    back: mpsc::Sender<Reader>,
}

impl Readers {
    pub(super) fn new(place: Place) -> Self {
        let (back, idle) = mpsc::channel(CHILDREN);
        let place = Arc::new(place);
        for _ in 0..CHILDREN {
            tokio::spawn(replace(Arc::clone(&place), back.clone()));
        }
        Self {
            place,
            idle: Mutex::new(idle),
            back,
        }
    }

    pub(super) async fn ready(&self) {
        if let Some(reader) = self.idle.lock().await.recv().await {
            self.back.try_send(reader).ok();
        }
    }

    /// What a child says, if it says it in time.
    pub(super) async fn read(&self, text: &str, setting: &Setting) -> Option<Verdict> {
        let mut held = None;
        let asked = async {
            let reader = self.idle.lock().await.recv().await?;
            let held = held.insert(Held {
                readers: self,
                reader: Some(reader),
            });
            held.reader.as_mut()?.ask(text, setting).await.ok()
        };
        let verdict = timeout(Duration::from_millis(LONGEST_READING_MS), asked).await;
        let verdict = verdict.ok().flatten()?;
        if let Some(held) = held {
            held.hand_back();
        }
        Some(verdict)
    }
}

/// A child in use. One that is not handed back has an answer outstanding, which
/// the next question would take for its own: it is killed.
struct Held<'r> {
    readers: &'r Readers,
    reader: Option<Reader>,
}

impl Held<'_> {
    fn hand_back(mut self) {
        if let Some(reader) = self.reader.take() {
            self.readers.back.try_send(reader).ok();
        }
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        if self.reader.take().is_some() {
            let readers = self.readers;
            tokio::spawn(replace(Arc::clone(&readers.place), readers.back.clone()));
        }
    }
}

/// Starts a child and puts it among the idle ones; tries again while anybody
/// could still ask for it.
async fn replace(place: Arc<Place>, back: mpsc::Sender<Reader>) {
    let mut pause = Duration::from_millis(50);
    while !back.is_closed() {
        match timeout(LONGEST_START, Reader::start(&place)).await {
            Ok(Ok(reader)) => {
                back.try_send(reader).ok();
                return;
            }
            Ok(Err(error)) => tracing::error!(%error, "the reader of commands does not start"),
            Err(_) => tracing::error!("the reader of commands does not answer"),
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// One process that reads. Dropping it kills it.
#[derive(Debug)]
struct Reader {
    _process: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

/// One question, on one line.
#[derive(Debug, Serialize)]
struct Ask<'a> {
    text: &'a str,
    setting: &'a Setting,
}

impl Reader {
    /// Starts a child and asks it something, so that the tables are read before
    /// anybody waits for it.
    async fn start(place: &Place) -> io::Result<Self> {
        let mut process = Command::new(&place.program)
            .args(&place.arguments)
            // Keys of providers stand in the environment.
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        let missing = || io::Error::other("no pipe to the child");
        let mut reader = Self {
            input: process.stdin.take().ok_or_else(missing)?,
            output: BufReader::new(process.stdout.take().ok_or_else(missing)?),
            _process: process,
        };
        reader.ask("(((((true)))))", &Setting::default()).await?;
        Ok(reader)
    }

    async fn ask(&mut self, text: &str, setting: &Setting) -> io::Result<Verdict> {
        let mut line = serde_json::to_vec(&Ask { text, setting })?;
        line.push(b'\n');
        self.input.write_all(&line).await?;
        self.input.flush().await?;
        let mut answer = Vec::new();
        let mut bounded = (&mut self.output).take(LONGEST_LINE);
        if bounded.read_until(b'\n', &mut answer).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(serde_json::from_slice(&answer)?)
    }
}
