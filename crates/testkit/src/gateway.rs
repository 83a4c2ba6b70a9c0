//! The real program, in a folder of its own.

mod builder;
mod process;

use crate::client::Client;
use crate::deadline::within;
use builder::{Home, write_private};
use process::Process;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;

pub use builder::GatewayBuilder;
pub use nix::sys::signal::Signal;

/// A running `tollgate serve`; killed when dropped.
#[derive(Debug)]
pub struct Gateway {
    plan: GatewayBuilder,
    home: Home,
    process: Option<Process>,
    url: String,
}

/// What a command printed and how it ended.
#[derive(Clone, Debug)]
pub struct RunOutput {
    /// Exit code; `None` where a signal ended it.
    pub code: Option<i32>,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl RunOutput {
    /// Standard output as JSON.
    ///
    /// # Panics
    /// Where it is not JSON; the text shows everything.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("not JSON ({error}): {self:?}"))
    }
}

impl Gateway {
    const fn new(plan: GatewayBuilder, home: Home, process: Process, url: String) -> Self {
        Self {
            plan,
            home,
            process: Some(process),
            url,
        }
    }

    /// `program` is the binary: `env!("CARGO_BIN_EXE_tollgate")`.
    #[must_use]
    pub fn builder(program: impl Into<PathBuf>) -> GatewayBuilder {
        GatewayBuilder::new(program.into())
    }

    /// `http://127.0.0.1:PORT`, as the program printed it.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// A raw client for it.
    #[must_use]
    pub fn client(&self) -> Client {
        Client::new(self.url.clone())
    }

    /// Its `TOLLGATE_HOME`.
    #[must_use]
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// The first operator's token.
    ///
    /// # Panics
    /// Where the program has not written one.
    #[must_use]
    pub fn operator_token(&self) -> String {
        let path = self.home().join("operator.token");
        let token = std::fs::read_to_string(&path)
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        token.trim().to_owned()
    }

    /// Replaces `tollgate.toml`; what the program makes of it is the test's
    /// business.
    ///
    /// # Panics
    /// Where it can't be written.
    pub fn write_config(&mut self, text: impl Into<String>) {
        let text = text.into();
        write_private(&self.home().join("tollgate.toml"), &text);
        self.plan.config = Some(text);
    }

    /// What stands on standard output so far.
    ///
    /// # Panics
    /// Where the program is not running.
    #[must_use]
    pub fn stdout(&self) -> String {
        self.process().output.stdout()
    }

    /// What stands on standard error so far.
    ///
    /// # Panics
    /// Where the program is not running.
    #[must_use]
    pub fn stderr(&self) -> String {
        self.process().output.stderr()
    }

    /// Waits until a line of either output contains `text`, and returns it.
    ///
    /// # Panics
    /// Past the deadline.
    pub async fn wait_for_output(&self, text: &str) -> String {
        within(
            &format!("`{text}` in the gateway's output"),
            self.process().output.line_with(text),
        )
        .await
        .unwrap_or_else(|| panic!("the gateway ended without saying `{text}`"))
    }

    /// Its process id.
    ///
    /// # Panics
    /// Where it is not running.
    #[must_use]
    pub fn pid(&self) -> i32 {
        self.process().pid()
    }

    /// Its anonymous resident memory in bytes (`RssAnon`).
    ///
    /// # Panics
    /// Where it is not running.
    #[must_use]
    pub fn anonymous_memory(&self) -> u64 {
        self.process().anonymous_memory()
    }

    /// Sends a signal.
    ///
    /// # Panics
    /// Where it is not running.
    pub fn signal(&self, signal: Signal) {
        self.process().signal(signal);
    }

    /// Asks it to reload (SIGHUP).
    ///
    /// # Panics
    /// Where it is not running.
    pub fn sighup(&self) {
        self.signal(Signal::SIGHUP);
    }

    /// Asks it to end (SIGTERM) and doesn't wait.
    ///
    /// # Panics
    /// Where it is not running.
    pub fn begin_sigterm(&self) {
        self.signal(Signal::SIGTERM);
    }

    /// Asks it to end (SIGTERM) and waits until it has.
    ///
    /// # Panics
    /// Where it is not running or doesn't end by the deadline.
    pub async fn sigterm(&mut self) -> ExitStatus {
        self.begin_sigterm();
        self.exit().await
    }

    /// Kills it (SIGKILL) and waits until it is gone.
    ///
    /// # Panics
    /// Where it is not running.
    pub async fn kill9(&mut self) -> ExitStatus {
        self.signal(Signal::SIGKILL);
        self.exit().await
    }

    /// Waits until it has ended by itself. Its output stays readable.
    ///
    /// # Panics
    /// Past the deadline.
    pub async fn exit(&mut self) -> ExitStatus {
        let process = self.process.as_mut().expect("the gateway was started");
        within("the gateway's end", process.exit()).await
    }

    /// Starts it again in the same home, after ending it (SIGTERM) where it is
    /// still running. The port may be another.
    ///
    /// # Panics
    /// Where it doesn't become ready.
    pub async fn restart(&mut self) {
        if self.process.as_mut().is_some_and(Process::is_running) {
            self.sigterm().await;
        }
        let (process, url) = self.plan.launch(self.home.path()).await;
        self.process = Some(process);
        self.url = url;
    }

    /// Runs another command of the program with the same home and environment,
    /// to its end.
    ///
    /// # Panics
    /// Where it can't be started or doesn't end by the deadline.
    pub async fn command(&self, arguments: &[&str]) -> RunOutput {
        self.plan.run_in(self.home(), arguments).await
    }

    fn process(&self) -> &Process {
        self.process.as_ref().expect("the gateway was started")
    }
}
