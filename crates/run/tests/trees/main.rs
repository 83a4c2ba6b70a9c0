//! Trees of real processes, each with and without a cgroup where this machine
//! lets one be made.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a test may stop at the first surprise and reads the table of processes"
)]

mod confined;
mod kill;
mod limits;
mod registry;
mod sealed;
mod stage;
mod start;
