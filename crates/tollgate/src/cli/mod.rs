//! The command line: arguments in, an exit code out.
//!
//! 0 done, 1 refused or failed, 2 wrong usage or configuration, 3 no gateway
//! reachable; `run` and `exec` pass the code of their command on, 126 where it
//! was not run.
//! One file per command; what a command prints is a pure function
//! of what the gateway answered, so that tests can hold the whole output.

mod agents;
mod approvals;
mod audit;
mod budget;
mod classify;
mod completions;
mod config;
mod cutoff;
mod exec;
mod failure;
mod gateway;
mod listing;
mod models;
mod operators;
mod policy;
mod run;
mod scan;
mod screen;
mod serve;
mod status;
mod taint;
mod usage;
mod when;
mod why;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

use crate::config::Machine;
use crate::paths::Paths;
use failure::Failure;
use screen::Screen;

/// One gate between AI agents and everything they touch.
#[derive(Debug, Parser)]
#[command(
    name = "tollgate",
    version,
    max_term_width = 100,
    arg_required_else_help = true
)]
#[command(
    after_help = "Exit codes: 0 done, 1 refused or failed, 2 wrong usage or configuration, \
                        3 no gateway reachable; `run` and `exec` pass their command's code on, 126 where it was not run"
)]
pub struct Arguments {
    /// The configuration; state files stand beside it
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,

    /// The same as `config check`
    #[arg(long, hide = true)]
    validate: bool,

    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the gateway
    Serve(serve::Arguments),
    /// Run a command under a key of its own, so that it can be frozen and killed
    Run(run::Arguments),
    /// Ask for a command, and run exactly what is allowed
    Exec(exec::Arguments),
    /// Show the running gateway
    Status(status::Arguments),
    /// Models that can be asked for
    #[command(subcommand)]
    Models(models::Command),
    /// Who may call
    #[command(subcommand)]
    Agents(agents::Command),
    /// What waits for a person, and the answer
    #[command(subcommand)]
    Approvals(approvals::Command),
    /// Who may answer, and who calls the control API
    #[command(subcommand)]
    Operators(operators::Command),
    /// What may be used, and what is left of it
    #[command(subcommand)]
    Budget(budget::Command),
    /// Stop an agent at once: its streams end, new requests are refused
    Cutoff(cutoff::Arguments),
    /// The record that can't be quietly changed
    #[command(subcommand)]
    Audit(audit::Command),
    /// What has happened to agents and in runs, as rules know it
    #[command(subcommand)]
    Taint(taint::Command),
    /// Tokens and requests, summed up
    Usage(usage::Arguments),
    /// Tell the story of one request
    Why(why::Arguments),
    /// The configuration file
    #[command(subcommand)]
    Config(config::Command),
    /// Say how risky a command is; nothing is run
    Classify(classify::Arguments),
    /// Rules that allow, ask or deny
    #[command(subcommand)]
    Policy(policy::Command),
    /// Evaluate rules for the gateway, a line for a line
    #[command(name = crate::serve::policy::CHILD, hide = true)]
    PolicyChild,
    /// Read commands for the gateway, a line for a line
    #[command(name = crate::serve::classifier::CHILD, hide = true)]
    ReadCommands,
    /// Look for secrets, or for instructions to a model
    Scan(scan::Arguments),
    /// Print completions for a shell
    Completions(completions::Arguments),
    /// Print the manual page
    #[command(hide = true)]
    Man,
    /// Keep a tree of processes; started by `run` and the gateway
    #[command(hide = true, name = run::KEEP)]
    KeepTree,
}

/// Runs the program and says how it ended.
pub fn main() -> ExitCode {
    // Before anything is read: these words are not a person's.
    let mut words = std::env::args_os().skip(1);
    if words.next().is_some_and(|word| word == exec::ENTER) {
        return tollgate_run::enter(words);
    }
    let arguments = Arguments::parse();
    if let Some(Command::KeepTree) = arguments.command {
        return tollgate_run::keep();
    }
    let mut screen = Screen::of_the_process();
    match run(arguments, &mut screen) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            screen.failure(&failure);
            failure.code()
        }
    }
}

fn run(arguments: Arguments, screen: &mut Screen) -> Result<(), Failure> {
    let paths = || {
        Paths::find(arguments.config.as_deref(), |name| std::env::var(name).ok())
            .map_err(|error| Failure::usage(error).hint("set TOLLGATE_HOME to a folder of yours"))
    };
    let machine = &Machine;
    let Some(command) = arguments.command else {
        return match arguments.validate {
            true => config::check(&paths()?, machine, false, screen),
            false => Err(Failure::usage(anyhow::anyhow!("no command, expected one"))
                .hint("`tollgate --help` lists them")),
        };
    };
    match command {
        Command::Serve(arguments) => serve::run(&arguments, paths()?, machine, screen),
        Command::Run(arguments) => run::run(&arguments, &paths()?, machine, screen),
        Command::Exec(arguments) => exec::run(&arguments, &paths()?, machine, screen),
        Command::Status(arguments) => status::run(&arguments, &paths()?, machine, screen),
        Command::Models(command) => models::run(&command, &paths()?, machine, screen),
        Command::Agents(command) => agents::run(&command, &paths()?, machine, screen),
        Command::Approvals(command) => approvals::run(&command, &paths()?, machine, screen),
        Command::Operators(command) => operators::run(&command, &paths()?, machine, screen),
        Command::Budget(command) => budget::run(&command, &paths()?, machine, screen),
        Command::Cutoff(arguments) => cutoff::run(&arguments, &paths()?, machine, screen),
        Command::Audit(command) => audit::run(&command, &paths()?, machine, screen),
        Command::Taint(command) => taint::run(&command, &paths()?, machine, screen),
        Command::Usage(arguments) => usage::run(&arguments, &paths()?, machine, screen),
        Command::Why(arguments) => why::run(&arguments, &paths()?, machine, screen),
        Command::Config(command) => config::run(&command, paths, machine, screen),
        Command::Classify(arguments) => classify::run(&arguments, screen),
        Command::Policy(command) => policy::run(&command, paths, machine, screen),
        Command::PolicyChild => policy::child(),
        Command::ReadCommands => classify::child(),
        Command::Scan(arguments) => scan::run(&arguments, screen),
        Command::Completions(arguments) => {
            completions::run(&arguments, Arguments::command(), screen)
        }
        Command::Man => completions::man(Arguments::command(), screen),
        // Taken before there is a screen.
        Command::KeepTree => Ok(()),
    }
}

#[cfg(test)]
mod tests;
