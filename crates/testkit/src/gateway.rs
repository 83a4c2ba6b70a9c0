//! The real program, in a folder of its own.

mod process;

use crate::client::Client;
use crate::deadline::within;
use process::Process;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use tempfile::TempDir;
use tokio::process::Command;

pub use nix::sys::signal::Signal;

/// A running `tollgate serve`; killed when dropped.
#[derive(Debug)]
pub struct Gateway {
    plan: GatewayBuilder,
    home: Home,
    process: Option<Process>,
    url: String,
}

/// What is to be started.
#[derive(Clone, Debug)]
pub struct GatewayBuilder {
    program: PathBuf,
    config: Option<String>,
    home: Option<PathBuf>,
    environment: Vec<(String, String)>,
    arguments: Vec<String>,
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

#[derive(Debug)]
enum Home {
    Ours(TempDir),
    Given(PathBuf),
}

impl Home {
    fn path(&self) -> &Path {
        match self {
            Self::Ours(folder) => folder.path(),
            Self::Given(path) => path,
        }
    }
}

impl Gateway {
    /// `program` is the binary: `env!("CARGO_BIN_EXE_tollgate")`.
    #[must_use]
    pub fn builder(program: impl Into<PathBuf>) -> GatewayBuilder {
        GatewayBuilder {
            program: program.into(),
            config: None,
            home: None,
            environment: Vec::new(),
            arguments: Vec::new(),
        }
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

impl GatewayBuilder {
    /// The text of `tollgate.toml` (written 0600). Bind it to `127.0.0.1:0`.
    /// Without one the program starts with no configuration.
    #[must_use]
    pub fn config(mut self, text: impl Into<String>) -> Self {
        self.config = Some(text.into());
        self
    }

    /// Uses this folder and leaves it behind; otherwise a fresh one that goes
    /// with the gateway.
    #[must_use]
    pub fn home(mut self, path: impl Into<PathBuf>) -> Self {
        self.home = Some(path.into());
        self
    }

    /// Adds to the environment, which is otherwise nearly empty: no key of
    /// whoever runs the tests gets in.
    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Adds arguments behind `serve`.
    #[must_use]
    pub fn args(mut self, arguments: &[&str]) -> Self {
        self.arguments
            .extend(arguments.iter().map(|argument| (*argument).to_owned()));
        self
    }

    /// Starts it and waits until it answers `GET /health`.
    ///
    /// # Panics
    /// Where it ends before that, or the deadline passes; the text shows what
    /// it printed.
    pub async fn start(self) -> Gateway {
        let home = self.make_home();
        let (process, url) = self.launch(home.path()).await;
        Gateway {
            plan: self,
            home,
            process: Some(process),
            url,
        }
    }

    /// Runs one command to its end instead of serving (`["config", "check"]`).
    ///
    /// # Panics
    /// Where it can't be started or doesn't end by the deadline.
    pub async fn run(self, arguments: &[&str]) -> RunOutput {
        let home = self.make_home();
        self.run_in(home.path(), arguments).await
    }

    fn make_home(&self) -> Home {
        let home = match &self.home {
            Some(path) => Home::Given(path.clone()),
            None => Home::Ours(tempfile::tempdir().unwrap()),
        };
        if let Some(config) = &self.config {
            write_private(&home.path().join("tollgate.toml"), config);
        }
        home
    }

    async fn launch(&self, home: &Path) -> (Process, String) {
        let mut command = self.prepare(home);
        command.arg("serve").args(&self.arguments);
        let mut process = Process::spawn(command);
        let line = within(
            "the gateway to say where it listens",
            process.output.line_with("listening on http"),
        )
        .await;
        let Some(line) = line else {
            let status = process.exit().await;
            panic!(
                "the gateway ended ({status}) and said:\n{}\n{}",
                process.output.stdout(),
                process.output.stderr()
            );
        };
        let url = listening_url(&line);
        within("the gateway to be ready", ready(&url)).await;
        (process, url)
    }

    async fn run_in(&self, home: &Path, arguments: &[&str]) -> RunOutput {
        let mut command = self.prepare(home);
        command.args(arguments);
        let output = within("a command of the gateway to end", command.output())
            .await
            .unwrap();
        RunOutput {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    fn prepare(&self, home: &Path) -> Command {
        let mut command = Command::new(&self.program);
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", home)
            .env("TOLLGATE_HOME", home)
            .env("NO_COLOR", "1")
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .current_dir(home)
            .stdin(std::process::Stdio::null())
            .kill_on_drop(true);
        command
    }
}

async fn ready(url: &str) {
    let answer = Client::new(url).send(&crate::Request::get("/health")).await;
    assert_eq!(answer.status(), 200, "GET /health: {}", answer.text());
}

fn listening_url(line: &str) -> String {
    let (_, rest) = line
        .split_once("listening on ")
        .expect("the line was chosen for this");
    rest.split([' ', ',', ')', '"'])
        .next()
        .unwrap_or(rest)
        .trim_end_matches('/')
        .to_owned()
}

fn write_private(path: &Path, text: &str) {
    use std::os::unix::fs::PermissionsExt;
    // by rename, so that a watcher never reads half a file
    let parent = path.parent().expect("a file in a folder");
    let file = tempfile::NamedTempFile::new_in(parent).unwrap();
    std::fs::write(file.path(), text).unwrap();
    std::fs::set_permissions(file.path(), std::fs::Permissions::from_mode(0o600)).unwrap();
    file.persist(path).unwrap();
}
