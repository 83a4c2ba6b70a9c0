//! A child process whose output is collected while it runs.

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::watch;

/// Killed when dropped.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    pid: i32,
    pub(super) output: Output,
}

/// Both outputs, line by line.
#[derive(Clone, Debug)]
pub(super) struct Output(Arc<watch::Sender<Lines>>);

#[derive(Debug, Default)]
struct Lines {
    stdout: Vec<String>,
    stderr: Vec<String>,
    closed: u8,
}

impl Process {
    pub(super) fn spawn(mut command: Command) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let output = Output(Arc::new(watch::Sender::new(Lines::default())));
        let (stdout, stderr) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        tokio::spawn(output.clone().collect(stdout, |lines| &mut lines.stdout));
        tokio::spawn(output.clone().collect(stderr, |lines| &mut lines.stderr));
        let pid = i32::try_from(child.id().expect("it has just been started")).unwrap();
        Self { child, pid, output }
    }

    pub(super) const fn pid(&self) -> i32 {
        self.pid
    }

    pub(super) fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.pid), signal).expect("the gateway is running");
    }

    pub(super) fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Returns when it has ended and all that it printed has been read.
    pub(super) async fn exit(&mut self) -> ExitStatus {
        let status = self.child.wait().await.unwrap();
        self.output.closed().await;
        status
    }

    pub(super) fn anonymous_memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid)).unwrap();
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("RssAnon:"))
            .expect("Linux reports RssAnon");
        let kib: u64 = line.trim().trim_end_matches(" kB").parse().unwrap();
        kib * 1024
    }
}

impl Output {
    pub(super) fn stdout(&self) -> String {
        self.0.borrow().stdout.join("\n")
    }

    pub(super) fn stderr(&self) -> String {
        self.0.borrow().stderr.join("\n")
    }

    /// The first line that contains `text`; `None` where both outputs ended
    /// without it.
    pub(super) async fn line_with(&self, text: &str) -> Option<String> {
        let mut lines = self.0.subscribe();
        let find = |lines: &Lines| {
            lines
                .stdout
                .iter()
                .chain(&lines.stderr)
                .find(|line| line.contains(text))
                .cloned()
        };
        let seen = lines
            .wait_for(|lines| find(lines).is_some() || lines.closed == 2)
            .await;
        find(&seen.expect("we hold the sender"))
    }

    async fn closed(&self) {
        let mut lines = self.0.subscribe();
        lines
            .wait_for(|lines| lines.closed == 2)
            .await
            .expect("we hold the sender");
    }

    async fn collect(
        self,
        pipe: impl AsyncRead + Unpin,
        which: fn(&mut Lines) -> &mut Vec<String>,
    ) {
        let mut reader = BufReader::new(pipe);
        let mut line = Vec::new();
        while matches!(reader.read_until(b'\n', &mut line).await, Ok(1..)) {
            let text = String::from_utf8_lossy(&line)
                .trim_end_matches(['\r', '\n'])
                .to_owned();
            self.0.send_modify(|lines| which(lines).push(text));
            line.clear();
        }
        self.0.send_modify(|lines| lines.closed += 1);
    }
}
