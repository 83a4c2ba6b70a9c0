//! The question over the requesters' socket, and the connection that stays:
//! over it the gateway orders, and is told how it ended.

use std::path::PathBuf;
use std::time::SystemTime;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tollgate_api::{
    ExecAnswer, ExecAsk, ExecOutcome, ExecReport, ExecRequest, ExecState, RunEnd, RunOrder,
};
use tollgate_approvals::{Command as Approved, Nonce, SignedGrant, Subject, Words};
use tollgate_run::{End, Role};

use super::Arguments;
use super::command::{Command, files, found};
use super::confinement::Place;
use super::doorway::Doorway;
use super::held::Held;
use super::waiting::Waiting;
use crate::cli::failure::Failure;
use crate::cli::run::{Signals, report_of};
use crate::cli::screen::Screen;

/// Variables that may hold a key of the agent, the first one first. A run has
/// its key in the later ones.
const KEYS: [&str; 3] = ["TOLLGATE_KEY", "ANTHROPIC_AUTH_TOKEN", "OPENAI_API_KEY"];
/// How a Tollgate key begins; any other is none of the gateway's business.
const KEY_BEGINS: &str = "tg-";

/// Everything that a question is made of.
pub(super) struct Asking<'a> {
    pub(super) arguments: &'a Arguments,
    pub(super) command: &'a Command,
    pub(super) looked: &'a Held,
    pub(super) place: &'a Place,
}

/// What the gateway allowed.
pub(super) struct Granted {
    pub(super) approved: Approved,
    pub(super) grant: SignedGrant,
    pub(super) nonce: Nonce,
}

impl Granted {
    /// The files that it names; those that the command has anyway are the same.
    pub(super) fn watched(&self) -> Vec<(PathBuf, Role)> {
        let files = self.approved.files.iter();
        files
            .map(|file| (PathBuf::from(&file.path), found(file.role)))
            .collect()
    }
}

impl Asking<'_> {
    /// Asks, and waits for as long as the gateway lets a person think.
    pub(super) async fn ask(
        &self,
        doorway: &Doorway,
        waiting: &mut Waiting,
        screen: &mut Screen,
    ) -> Result<(Granted, Connection), Failure> {
        let nonce = nonce().map_err(Failure::not_run)?;
        let ask = self.question(doorway, nonce).map_err(Failure::not_run)?;
        let mut connection = Connection::open(doorway, &ask.id).await?;
        connection
            .send(&ask)
            .await
            .map_err(|error| lost(&error.to_string()))?;
        // Only while nothing runs yet: whoever ends this, ends the question.
        let mut signals = Signals::new().map_err(|error| Failure::failed(error).not_run())?;
        loop {
            let answer = tokio::select! {
                answer = connection.answer() => answer?,
                () = waiting.second() => {
                    waiting.tick(screen);
                    continue;
                }
                came = signals.next() => return Err(given_up(came.number)),
            };
            waiting.changed(&answer, screen);
            if let Some(granted) = granted(answer.outcome, nonce)? {
                return Ok((granted, connection));
            }
        }
    }

    fn question(&self, doorway: &Doorway, nonce: Nonce) -> Result<ExecAsk, Failure> {
        let (argv, text) = match &self.command.words {
            Words::Plan(plan) => (plan.first().cloned(), None),
            Words::Text(text) => (None, Some(text.clone())),
        };
        let folder = self.looked.folder().path.to_str().map(str::to_owned);
        let folder = folder.ok_or_else(|| {
            Failure::failed(anyhow::anyhow!("the folder is not UTF-8, expected UTF-8"))
        })?;
        Ok(ExecAsk {
            token: doorway.token.expose().to_owned(),
            id: format!("exec-{}", std::process::id()),
            request: ExecRequest {
                argv,
                command: text,
                cwd: folder,
                ask: self.arguments.ask.then(|| "always".to_owned()),
                host: self.place.host().map(str::to_owned),
                agent_id: self.arguments.agent.as_ref().map(ToString::to_string),
                key: key(),
                env: self.command.environment.changes.clone(),
                files: files(self.looked)?,
                place: Some(self.place.label.clone()),
                lacks: self.place.lacks.clone(),
                nonce: Some(nonce),
                reason: self.arguments.reason.clone(),
                ..ExecRequest::default()
            },
            created_at_ms: now().ok(),
            expires_at_ms: None,
        })
    }
}

/// Milliseconds since 1970.
pub(super) fn now() -> Result<u64, Failure> {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since
        .ok()
        .and_then(|since| u64::try_from(since.as_millis()).ok())
        .ok_or_else(|| Failure::failed(anyhow::anyhow!("the clock stands before 1970")))
}

fn nonce() -> Result<Nonce, Failure> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes)
        .map_err(|error| Failure::failed(anyhow::anyhow!("no random bytes: {error}")))?;
    Ok(Nonce::from_random(bytes))
}

fn key() -> Option<String> {
    let values = KEYS.iter().filter_map(|name| std::env::var(name).ok());
    values
        .into_iter()
        .find(|value| value.starts_with(KEY_BEGINS))
}

/// `None` while it waits.
fn granted(outcome: ExecOutcome, nonce: Nonce) -> Result<Option<Granted>, Failure> {
    match outcome {
        ExecOutcome::Pending { .. } => Ok(None),
        ExecOutcome::Allowed {
            subject,
            grant: Some(grant),
            ..
        } => {
            let Subject::Command(approved) = *subject else {
                let other = anyhow::anyhow!("the gateway granted something that is no command");
                return Err(Failure::failed(other).not_run());
            };
            Ok(Some(Granted {
                approved,
                grant: *grant,
                nonce,
            }))
        }
        ExecOutcome::Allowed { grant: None, .. } => {
            Err(Failure::failed(anyhow::anyhow!("the gateway sent no grant")).not_run())
        }
        ExecOutcome::Denied {
            reason,
            hint,
            approval_id,
            ..
        } => {
            let why = approval_id.map(|id| format!("`tollgate why {id}` tells the story"));
            let failure = Failure::failed(anyhow::anyhow!("not run: {reason}")).not_run();
            Err(match hint.or(why) {
                Some(hint) => failure.hint(hint),
                None => failure,
            })
        }
    }
}

fn given_up(signal: i32) -> Failure {
    Failure::failed(anyhow::anyhow!(
        "not run: ended by signal {signal} while it waited"
    ))
    .not_run()
}

/// One that was reached, and then went away: nothing runs that could not be
/// stopped, and nothing without a grant.
fn lost(why: &str) -> Failure {
    Failure::failed(anyhow::anyhow!("not run: the gateway was lost: {why}")).not_run()
}

/// The requesters' socket, connected.
#[derive(Debug)]
pub(super) struct Connection {
    id: String,
    lines: Option<Lines<BufReader<OwnedReadHalf>>>,
    write: OwnedWriteHalf,
}

impl Connection {
    async fn open(doorway: &Doorway, id: &str) -> Result<Self, Failure> {
        let socket = UnixStream::connect(&doorway.socket)
            .await
            .map_err(|error| {
                let shown = doorway.socket.display();
                let failure =
                    Failure::not_reachable(anyhow::anyhow!("no gateway at `{shown}`: {error}"));
                // What a filter of system calls says. Of a socket's mode the
                // kernel says EACCES.
                match error.raw_os_error() == Some(nix::libc::EPERM) {
                    true => failure.hint(
                        "a sandbox around this process forbids it to connect: allow it \
                         network access, or run the agent without a sandbox of its own",
                    ),
                    false => failure.hint("start it with `tollgate serve`"),
                }
            })?;
        let (read, write) = socket.into_split();
        Ok(Self {
            id: id.to_owned(),
            lines: Some(BufReader::new(read).lines()),
            write,
        })
    }

    async fn send(&mut self, line: &impl serde::Serialize) -> std::io::Result<()> {
        let mut bytes = serde_json::to_vec(line)?;
        bytes.push(b'\n');
        self.write.write_all(&bytes).await
    }

    /// The next answer. May be dropped before it is ready.
    async fn answer(&mut self) -> Result<ExecAnswer, Failure> {
        let line = match &mut self.lines {
            Some(lines) => lines
                .next_line()
                .await
                .map_err(|error| lost(&error.to_string()))?,
            None => None,
        };
        let line = line.ok_or_else(|| lost("it closed the connection"))?;
        let answer: ExecAnswer =
            serde_json::from_str(&line).map_err(|error| lost(&format!("its answer: {error}")))?;
        match answer.id == self.id {
            true => Ok(answer),
            false => Err(lost("it answered another question")),
        }
    }

    /// The next order; waits for ever once the gateway is gone.
    pub(super) async fn order(&mut self) -> tollgate_api::Order {
        while let Some(lines) = &mut self.lines {
            match lines.next_line().await {
                Ok(Some(line)) => {
                    if let Ok(RunOrder { order }) = serde_json::from_str(&line) {
                        return order;
                    }
                }
                Ok(None) | Err(_) => self.lines = None,
            }
        }
        std::future::pending().await
    }

    pub(super) async fn started(&mut self) {
        self.report(ExecState::Started, None, None).await;
    }

    pub(super) async fn not_run(&mut self, failure: &Failure) {
        let why = failure.lines().into_iter().next();
        let reason = why.map(|(_, text)| text);
        self.report(ExecState::NotRun, reason, None).await;
    }

    pub(super) async fn ended(&mut self, end: &End) {
        self.report(ExecState::Ended, None, Some(report_of(end)))
            .await;
    }

    /// A gateway that is gone is no reason to hide how the command ended.
    async fn report(&mut self, state: ExecState, reason: Option<String>, end: Option<RunEnd>) {
        let id = self.id.clone();
        let report = ExecReport {
            id,
            state,
            reason,
            end,
        };
        if let Err(error) = self.send(&report).await {
            tracing::debug!(%error, "the gateway was not told");
        }
    }
}
