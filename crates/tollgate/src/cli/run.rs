//! `tollgate run -- COMMAND`: a command under a key of its own, as a tree that
//! the gateway can freeze and kill.
//!
//! The gateway makes the run and its key, this process starts the tree and
//! keeps a connection for orders. A tree is started only while that connection
//! stands: what could not be stopped is not begun.

mod environment;
mod orders;
mod signals;

use std::ffi::OsString;
use std::time::Duration;

use tollgate_api::{Client, NewRunRequest, ResumedRun, RunEnd, RunEnded, RunStarted};
use tollgate_run::{Cause, End, Exit, Input, Keeper, Output, Session, Spec, Terminal, Tree};
use tollgate_types::AgentName;

use super::failure::Failure;
use super::gateway;
use super::screen::Screen;
use crate::config::Surroundings;
use crate::paths::Paths;
use environment::Given;
pub(super) use environment::Secrets;
use orders::Orders;
pub(super) use orders::{OrderSource, attend};
pub(super) use signals::Signals;

/// The hidden command that is a tree's keeper.
pub(super) const KEEP: &str = "keep-tree";

/// Longest that the end of a run waits to be told.
const LAST_WORD: Duration = Duration::from_secs(5);

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The agent whose run it is [default: main]
    #[arg(long, value_name = "NAME")]
    agent: Option<AgentName>,

    /// The bottle whose budgets count it [default: the agent's]
    #[arg(long, value_name = "NAME")]
    bottle: Option<String>,

    /// Tokens that this run may use; 0 blocks all spending
    #[arg(long, value_name = "TOKENS", allow_negative_numbers = true, value_parser = super::budget::tokens)]
    budget: Option<u64>,

    /// The command and its arguments
    #[arg(last = true, required = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

/// Passes the command's own code on; 126 where it was not run.
pub(super) fn run(
    arguments: &Arguments,
    paths: &Paths,
    surroundings: &dyn Surroundings,
    screen: &mut Screen,
) -> Result<(), Failure> {
    // The operator's token is in here, and the command has the same user: it
    // must not read this process's memory. Old kernels may refuse; then it is
    // as it always was.
    nix::sys::prctl::set_dumpable(false).ok();
    let base = gateway::base(paths, surroundings).map_err(Failure::not_run)?;
    let secrets = Secrets::of(paths, surroundings);
    let end = gateway::talk(paths, surroundings, async |client| {
        let started = begin(&client, arguments).await?;
        let given = Given {
            base: &base,
            run: &started.run,
            key: &started.key,
        };
        let environment = environment::of(std::env::vars_os(), &given, &secrets);
        let run = Run {
            client: &client,
            id: &started.run,
            resume: NewRunRequest {
                agent: Some(started.agent.clone()),
                resume: Some(ResumedRun {
                    run: started.run.clone(),
                    key: started.key.clone(),
                }),
                ..wanted(arguments)
            },
        };
        run.conduct(arguments, environment, screen).await
    })
    .map_err(Failure::not_run)?;
    match end.exit.shell_code() {
        0 => Ok(()),
        code => Err(Failure::passed_on(code)),
    }
}

fn wanted(arguments: &Arguments) -> NewRunRequest {
    // Arguments may hold secrets, and the record is kept.
    let program = arguments.command.first();
    let program = program.map(|name| name.to_string_lossy().chars().take(200).collect());
    NewRunRequest {
        resume: None,
        agent: arguments.agent.as_ref().map(ToString::to_string),
        budget: arguments.budget,
        bottle: arguments.bottle.clone(),
        command: program.unwrap_or_default(),
    }
}

async fn begin(client: &Client, arguments: &Arguments) -> Result<RunStarted, Failure> {
    let started: RunStarted = client.post("/control/runs", &wanted(arguments)).await?;
    // It becomes a part of a path.
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    match !started.run.is_empty() && started.run.bytes().all(plain) {
        true => Ok(started),
        false => Err(Failure::failed(anyhow::anyhow!(
            "the gateway answered with an id that is none"
        ))),
    }
}

/// A run that the gateway knows.
struct Run<'a> {
    client: &'a Client,
    id: &'a str,
    /// Told to a gateway that does not know the run.
    resume: NewRunRequest,
}

impl Run<'_> {
    async fn conduct(
        &self,
        arguments: &Arguments,
        environment: Vec<(OsString, OsString)>,
        screen: &mut Screen,
    ) -> Result<End, Failure> {
        let terminal = Terminal::remember();
        let spec = spec(&arguments.command, environment, &terminal);
        let started = async {
            let orders = Orders::open(self.client, self.id, self.resume.clone()).await?;
            let signals = Signals::new().map_err(Failure::failed)?;
            let tree = Tree::start(spec, &Keeper::this_program(&[KEEP])).await;
            Ok::<_, Failure>((orders, signals, tree.map_err(Failure::failed)?))
        };
        let (mut orders, signals, tree) = match started.await {
            Ok(started) => started,
            Err(failure) => {
                self.report(&not_run(), screen).await;
                return Err(failure);
            }
        };
        let end = attend(&tree, &mut orders, signals, screen).await;
        if end.cause != Cause::Itself {
            terminal.restore();
        }
        if end.left > 0 {
            screen.note(&format!("{} of its processes can't be killed", end.left));
        }
        self.report(&report_of(&end), screen).await;
        Ok(end)
    }

    /// The run's key dies with this. A gateway that is gone is no reason to
    /// hide how the command ended.
    async fn report(&self, end: &RunEnd, screen: &mut Screen) {
        let path = format!("/control/runs/{}/end", self.id);
        let told = self.client.post::<_, RunEnded>(&path, end);
        match tokio::time::timeout(LAST_WORD, told).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => screen.note(&format!("the gateway was not told of the end: {error}")),
            Err(_) => screen.note("the gateway was not told of the end: it does not answer"),
        }
    }
}

/// With a terminal the command shares it, as it would without Tollgate;
/// without one it gets a session of its own.
fn spec(command: &[OsString], environment: Vec<(OsString, OsString)>, terminal: &Terminal) -> Spec {
    let mut spec = Spec::new(command.iter().cloned());
    spec.environment = environment;
    spec.input = Input::Inherit;
    spec.output = Output::Inherit;
    spec.errors = Output::Inherit;
    spec.session = match terminal.is_there() {
        true => Session::Caller,
        false => Session::New,
    };
    spec
}

fn not_run() -> RunEnd {
    RunEnd {
        code: Some(126),
        cause: "not_run".to_owned(),
        ..RunEnd::default()
    }
}

pub(super) fn report_of(end: &End) -> RunEnd {
    let (code, signal) = match end.exit {
        Exit::Code(code) => (Some(code), None),
        Exit::Signal(signal) => (None, Some(signal)),
    };
    let cause = match end.cause {
        Cause::Itself => "itself",
        Cause::KeeperLost => "keeper_lost",
        Cause::Killed | Cause::TimedOut | Cause::OutputLimit => "killed",
    };
    RunEnd {
        code,
        signal,
        cause: cause.to_owned(),
        left: u64::try_from(end.left).unwrap_or(u64::MAX),
    }
}
