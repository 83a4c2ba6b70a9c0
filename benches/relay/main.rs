//! What a relay costs: the same requests straight to a zero-delay upstream,
//! through nginx and through Tollgate, alternating in one run.
//!
//! `bench-relay [--tollgate PATH | --without-tollgate] [--rounds N]` measures
//! and prints a Markdown table. The program plays the other parts too, in
//! processes of their own: `bench-relay serve` is the upstream
//! ([`upstream`]), `bench-relay load …` the client ([`load`]).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a measuring program: it owns its clock and processes, and stops at the first thing that is not as it should be"
)]

mod load;
mod measure;
mod report;
mod rounds;
mod target;
mod upstream;

use std::path::PathBuf;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let result = match arguments.first().map(String::as_str) {
        Some("serve") => alone(upstream::serve()),
        Some("load") => {
            load::Load::from_arguments(&arguments[1..]).and_then(|load| alone(load.run()))
        }
        _ => plan(&arguments)
            .and_then(|plan| rounds::measure(&plan))
            .map(|results| print!("{results}")),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("bench-relay: {message}");
            ExitCode::FAILURE
        }
    }
}

/// What is to be measured.
pub(crate) struct Plan {
    /// `None`: only direct and nginx.
    pub(crate) tollgate: Option<PathBuf>,
    pub(crate) rounds: usize,
}

fn plan(arguments: &[String]) -> Result<Plan, String> {
    let mut plan = Plan {
        tollgate: Some("target/release/tollgate".into()),
        rounds: 5,
    };
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        let mut value = || {
            rest.next()
                .ok_or_else(|| format!("`{argument}` wants a value"))
        };
        match argument.as_str() {
            "--tollgate" => plan.tollgate = Some(value()?.into()),
            "--without-tollgate" => plan.tollgate = None,
            "--rounds" => {
                plan.rounds = value()?
                    .parse()
                    .map_err(|error| format!("`--rounds`: {error}"))?
            }
            other => return Err(format!("unknown argument `{other}`")),
        }
    }
    if !(1..=20).contains(&plan.rounds) {
        return Err(format!(
            "`--rounds`: found {}, expected 1 to 20",
            plan.rounds
        ));
    }
    Ok(plan)
}

/// One thread: upstream and client share one processor and should not pay for
/// handing work around.
fn alone(future: impl Future<Output = Result<(), String>>) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(future)
}
