//! What is to be started, and starting it.

use super::process::Process;
use super::{Gateway, RunOutput};
use crate::client::Client;
use crate::deadline::within;
use nix::unistd::{Gid, Uid};
use std::path::{Path, PathBuf};
use tempfile::TempDir;
use tokio::process::Command;

/// What is to be started.
#[derive(Clone, Debug)]
pub struct GatewayBuilder {
    program: PathBuf,
    pub(super) config: Option<String>,
    home: Option<PathBuf>,
    environment: Vec<(String, String)>,
    arguments: Vec<String>,
    user: Option<u32>,
}

#[derive(Debug)]
pub(super) enum Home {
    Ours(TempDir),
    Given(PathBuf),
}

impl Home {
    pub(super) fn path(&self) -> &Path {
        match self {
            Self::Ours(folder) => folder.path(),
            Self::Given(path) => path,
        }
    }
}

impl GatewayBuilder {
    pub(super) const fn new(program: PathBuf) -> Self {
        Self {
            program,
            config: None,
            home: None,
            environment: Vec::new(),
            arguments: Vec::new(),
            user: None,
        }
    }

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

    /// Runs it, and its other commands, as this user, who gets the home. Only
    /// root can; the program has to stand where that user may execute it.
    #[must_use]
    pub const fn user(mut self, uid: u32) -> Self {
        self.user = Some(uid);
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
        Gateway::new(self, home, process, url)
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
        if let Some(user) = self.user {
            for path in [home.path(), &home.path().join("tollgate.toml")] {
                let owner = Some(Uid::from_raw(user));
                let group = Some(Gid::from_raw(user));
                nix::unistd::chown(path, owner, group).unwrap();
            }
        }
        home
    }

    pub(super) async fn launch(&self, home: &Path) -> (Process, String) {
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

    pub(super) async fn run_in(&self, home: &Path, arguments: &[&str]) -> RunOutput {
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
        if let Some(user) = self.user {
            command.uid(user).gid(user);
        }
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

pub(super) fn write_private(path: &Path, text: &str) {
    use std::os::unix::fs::PermissionsExt;
    // by rename, so that a watcher never reads half a file
    let parent = path.parent().expect("a file in a folder");
    let file = tempfile::NamedTempFile::new_in(parent).unwrap();
    std::fs::write(file.path(), text).unwrap();
    std::fs::set_permissions(file.path(), std::fs::Permissions::from_mode(0o600)).unwrap();
    file.persist(path).unwrap();
}
