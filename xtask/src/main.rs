//! `cargo xtask check`: the habits of the house that a compiler does not hold.
//!
//! * `layers`: a crate imports only from lower floors, and each weighty
//!   dependency has one owner.
//! * `manifests`: every crate takes the workspace's lints and says what it is.
//! * `sources`: files stay small, and only the crates that own clock,
//!   environment and files may call them.
//! * `verdicts`: there is one decide function, and one place that permits.
//!
//! What may be and what may not stands in `table`, and nowhere else. Each rule
//! is a pure function from a [`workspace::Workspace`] to [`fault::Fault`]s.

#![allow(
    clippy::disallowed_methods,
    reason = "reads the sources that it checks"
)]

use std::io::Write;
use std::process::ExitCode;

use anyhow::Context;

mod fault;
mod layers;
mod manifests;
mod sources;
mod table;
mod verdicts;
mod workspace;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let done = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["check"] => check(&mut std::io::stdout().lock()),
        _ => Err(anyhow::anyhow!("usage: cargo xtask check")),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            writeln!(std::io::stderr(), "error: {error:#}").ok();
            ExitCode::from(2)
        }
    }
}

/// Whether there is no fault; each one, and each note, is a line in `out`.
fn check(out: &mut impl Write) -> anyhow::Result<bool> {
    let workspace = workspace::read().context("the workspace can't be read")?;
    let mut faults = layers::floors(&workspace.crates);
    faults.extend(layers::owners(&workspace.crates));
    faults.extend(manifests::check(&workspace.crates));
    faults.extend(sources::sizes(&workspace.files));
    faults.extend(sources::methods(&workspace.files));
    faults.extend(verdicts::check(&workspace.files));
    for note in sources::notes(&workspace.files) {
        writeln!(out, "note: {note}")?;
    }
    for fault in &faults {
        writeln!(out, "{fault}")?;
    }
    let (crates, files) = (workspace.crates.len(), workspace.files.len());
    match faults.len() {
        0 => writeln!(out, "checked {crates} crates, {files} files: no faults")?,
        1 => writeln!(out, "checked {crates} crates, {files} files: 1 fault")?,
        many => writeln!(out, "checked {crates} crates, {files} files: {many} faults")?,
    }
    Ok(faults.is_empty())
}
