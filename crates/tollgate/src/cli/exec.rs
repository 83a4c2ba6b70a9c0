//! `tollgate exec -- COMMAND`: asks the gateway, and runs exactly what it
//! allowed, or nothing.
//!
//! ```text
//! words → look at the files → ask → (a person) → grant
//!       → open the files → is it what was granted? → run from what is open
//! ```
//! The files are looked at twice. The first look tells the gateway what would
//! run; nothing is held meanwhile, since a person may take a minute. The second
//! one opens everything, and the grant has to name just that.

mod ask;
mod command;
mod confinement;
mod doorway;
mod engine;
mod environment;
mod held;
mod orders;
mod proof;
mod waiting;
mod words;

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use tollgate_run::{Cause, End, Input, Keeper, Output, Session, Spec, Terminal, Tree};
use tollgate_types::AgentName;

use super::failure::Failure;
use super::run::{KEEP, Signals, attend};
use super::screen::Screen;
use crate::config::{self, Surroundings};
use crate::paths::Paths;
use ask::{Asking, Granted};
use command::Command;
use confinement::{Place, Walls};
use doorway::Doorway;
use orders::Told;
use waiting::Waiting;

/// The first word of the call that becomes a command behind walls.
pub(super) const ENTER: &str = "enter-walls";

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The agent that it says it is; a key in TOLLGATE_KEY, or that of a run,
    /// proves it [default: main]
    #[arg(long, value_name = "NAME")]
    agent: Option<AgentName>,

    /// The folder to work in [default: this one]
    #[arg(long, value_name = "FOLDER")]
    cwd: Option<PathBuf>,

    /// A variable for the command: NAME takes it from here, NAME=VALUE sets it
    #[arg(long = "env", value_name = "NAME[=VALUE]")]
    environment: Vec<OsString>,

    /// Why it is wanted, for the person who is asked
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,

    /// Ask a person in any case
    #[arg(long)]
    ask: bool,

    /// Run it in a sandbox, whatever the configuration says
    #[arg(long)]
    sandbox: bool,

    /// Kill it after this many seconds
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..))]
    timeout: Option<u64>,

    /// Kill it once it has written this much to one of its outputs
    #[arg(long, value_name = "BYTES", value_parser = clap::value_parser!(u64).range(1..))]
    max_output: Option<u64>,

    /// Tell of the question on standard error as lines of JSON
    #[arg(long)]
    json: bool,

    /// The command: words for one program, or one text for a shell
    #[arg(last = true, required = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

/// Passes the command's own code on; 126 where it was not run, 3 where there
/// is no gateway to ask.
pub(super) fn run(
    arguments: &Arguments,
    paths: &Paths,
    surroundings: &dyn Surroundings,
    screen: &mut Screen,
) -> Result<(), Failure> {
    // Tokens and keys are in here, and the command has the same user.
    nix::sys::prctl::set_dumpable(false).ok();
    // One with faults: the gateway has its last good one, and refuses what is
    // not as that one says.
    let settings = config::load(paths, surroundings).ok();
    let file = settings
        .as_ref()
        .map(|settings| settings.approvals.file.clone());
    let wanted = settings.map(|settings| settings.exec).unwrap_or_default();
    let walls = Walls::find(arguments.sandbox, wanted, paths, surroundings)?;
    let secrets = super::run::Secrets::of(paths, surroundings);
    let command = Command::read(arguments, &walls, &secrets).map_err(Failure::not_run)?;
    let doorway = Doorway::find(&file.unwrap_or_else(|| paths.approvals()), surroundings)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::failed(error).not_run())?;
    let end = runtime.block_on(conduct(arguments, &command, &walls, doorway, screen))?;
    match end.exit.shell_code() {
        0 => Ok(()),
        code => Err(Failure::passed_on(code)),
    }
}

async fn conduct(
    arguments: &Arguments,
    command: &Command,
    walls: &Walls,
    doorway: Doorway,
    screen: &mut Screen,
) -> Result<End, Failure> {
    let mut waiting = Waiting::new(arguments.json);
    let looked = command.look(walls, &[]).map_err(Failure::not_run)?;
    let place = walls.place(command, &looked);
    let asking = Asking {
        arguments,
        command,
        looked: &looked,
        place: &place,
    };
    let (granted, mut connection) = asking.ask(&doorway, &mut waiting, screen).await?;
    // Nothing is held while a person thinks: now everything is opened.
    drop(looked);
    let started = start(arguments, command, walls, &place, &doorway, &granted).await;
    let (tree, terminal, signals) = match started {
        Ok(started) => started,
        Err(failure) => {
            connection.not_run(&failure).await;
            return Err(failure.not_run());
        }
    };
    connection.started().await;
    let end = attend(&tree, &mut Told::by(&mut connection), signals, screen).await;
    // Where its output is relayed: until the last of it is out.
    tree.captured().await;
    if end.cause != Cause::Itself {
        walls.clear_away();
    }
    finish(&end, arguments, &terminal, screen);
    connection.ended(&end).await;
    Ok(end)
}

async fn start(
    arguments: &Arguments,
    command: &Command,
    walls: &Walls,
    place: &Place,
    doorway: &Doorway,
    granted: &Granted,
) -> Result<(Tree, Terminal, Signals), Failure> {
    let held = command.look(walls, &granted.watched())?;
    proof::prove(command, &held, place, granted, doorway)?;
    let terminal = Terminal::remember();
    let signals = Signals::new().map_err(Failure::failed)?;
    let environment = command.environment.whole();
    let spec = walls.put_up(held, place, environment, terminal.is_there());
    let spec = finished(spec.map_err(Failure::failed)?, arguments, &terminal);
    let tree = Tree::start(spec, &Keeper::this_program(&[KEEP])).await;
    Ok((tree.map_err(Failure::failed)?, terminal, signals))
}

/// With a terminal the command shares it, as it would without Tollgate;
/// without one it gets a session of its own.
fn finished(mut spec: Spec, arguments: &Arguments, terminal: &Terminal) -> Spec {
    spec.input = Input::Inherit;
    spec.output = Output::Inherit;
    spec.errors = Output::Inherit;
    if let Some(most) = arguments.max_output {
        spec.limits.output_bytes = usize::try_from(most).unwrap_or(usize::MAX);
        spec.output = Output::Relayed;
        spec.errors = Output::Relayed;
    }
    spec.limits.time = arguments.timeout.map(Duration::from_secs);
    spec.session = match terminal.is_there() {
        true => Session::Caller,
        false => Session::New,
    };
    spec
}

fn finish(end: &End, arguments: &Arguments, terminal: &Terminal, screen: &mut Screen) {
    if end.cause != Cause::Itself {
        terminal.restore();
    }
    match (end.cause, arguments.timeout, arguments.max_output) {
        (Cause::TimedOut, Some(seconds), _) => screen.note(&format!("killed after {seconds} s")),
        (Cause::OutputLimit, _, Some(most)) => {
            screen.note(&format!("killed: it wrote more than {most} bytes"));
        }
        _ => {}
    }
    if end.left > 0 {
        screen.note(&format!("{} of its processes can't be killed", end.left));
    }
}
