//! Drives the real program against fake providers, over real sockets, with a
//! real ledger. `house` sets the stage, the other files are what is shown.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::disallowed_methods,
    reason = "a test that can't set its stage fails, and says where"
)]

mod agents;
mod approvals;
mod bad_input;
mod board;
mod bottles;
mod budgets;
mod clashd;
mod classify;
mod counting;
mod dialects;
mod events;
mod exec;
mod facts;
mod faults;
mod heads;
mod holding;
mod house;
mod ledger;
mod matrix;
mod metering;
mod passthrough;
mod pieces;
mod policy;
mod policy_docs;
mod pools;
mod provider_docs;
mod rates;
mod reload;
mod replay;
mod requests;
mod reviews;
mod runs;
mod scanning;
mod secrets;
mod see;
mod start;
mod streams;
mod synthetic;
mod taint;
mod telemetry;
mod translation;
