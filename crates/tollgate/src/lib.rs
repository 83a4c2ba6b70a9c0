//! The program `tollgate`: command line, configuration text to checked
//! [`config::Settings`], and the wiring of the crates that do the work.
//!
//! * [`cli`] reads the command line, one file per command, and turns every end
//!   into an exit code.
//! * [`config`] reads `tollgate.toml`, or the environment where there is none,
//!   and reports every fault at once.
//! * [`paths`] says where files stand.
//! * [`greeting`] is what a person reads at the start.
//! * `taint` reads what has happened to agents back from the ledger.
//! * [`serve`] puts the gateway together and runs it until it is told to stop.
//!
//! A library with a thin `main.rs`, so that the fuzz targets can reach the
//! configuration. It has no rules of its own: those live in the crates below.

#![allow(
    clippy::disallowed_methods,
    reason = "the program owns the environment, the clock and the configuration's file"
)]

pub mod cli;
pub mod config;
pub mod greeting;
pub mod paths;
pub mod serve;
mod taint;
