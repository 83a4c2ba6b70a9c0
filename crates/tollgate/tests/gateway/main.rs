//! Drives the real program against fake providers, over real sockets, with a
//! real ledger. `house` sets the stage, the other files are what is shown.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::disallowed_methods,
    reason = "a test that can't set its stage fails, and says where"
)]

mod agents;
mod bad_input;
mod budgets;
mod faults;
mod house;
mod ledger;
mod policy;
mod policy_docs;
mod reload;
mod requests;
mod runs;
mod secrets;
mod start;
mod streams;
mod taint;
