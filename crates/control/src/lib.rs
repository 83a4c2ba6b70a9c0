//! The operator plane: what the person in charge sees and changes.
//!
//! [`router`] answers `/control/*` and `/metrics`. It knows neither providers
//! nor keys nor configuration: what the running gateway must say or do comes
//! through the [`Gateway`] trait, who an operator is through [`Operators`],
//! and what has happened is read from the ledger.
//!
//! # Who may ask
//! A call passes three checks, in this order (file `guard.rs`):
//!
//! 1. `Host` names this machine or the configured bind. A web page can make a
//!    browser call a name of its own that resolves to 127.0.0.1 (DNS
//!    rebinding); such a call still carries that foreign name.
//! 2. `Origin`, where a browser sends one, is this very address.
//! 3. `Authorization: Bearer` holds an operator's token. `/metrics` goes
//!    without where `metrics_public` is set; the first two checks still hold.
//!
//! # What is written down
//! A call that changes something writes an event (`agent.added`,
//! `agent.removed`, `run.started`, `config.reloaded`, `taint.set`,
//! `taint.cleared`) with the operator as its principal, and
//! answers when the event is on the disk. Agents come and go together with
//! their event, in one transaction; the gateway learns of it before the call
//! is answered, so that a new key works and a removed one is refused at once.
//!
//! # What is counted
//! [`Metrics`] and [`Recent`] are fed by the ledger's writer, one record at a
//! time, off the path of requests. Labels are bounded: a name that a caller
//! made up never becomes one.
//!
//! # What is followed
//! `GET /control/events` sends every entry of the ledger as it is committed,
//! from any cursor on. A client that reads slowly is read for slowly: its
//! place in the ledger is all that is kept for it.
//!
//! [`story`] turns one request's record into the steps of its path, for
//! `tollgate why`.

#![allow(
    clippy::disallowed_methods,
    reason = "events of operators carry the time at which they were made"
)]

mod agents;
mod answer;
mod approvals;
mod asked;
mod audit;
mod call;
mod commands;
mod events;
mod gateway;
mod guard;
mod metrics;
mod read;
mod recent;
mod reload;
mod router;
mod runs;
mod story;
mod taint;
mod treasury;

pub use call::call;
pub use events::Followers;
pub use gateway::{
    ApprovalFault, Approvals, BoxFuture, Gateway, MintFault, MintedKey, OperatorFault, Operators,
    ReloadFault,
};
pub use metrics::{Live, Metrics};
pub use recent::Recent;
pub use router::{Control, router};
pub use runs::{RunFault, Runs};
pub use story::{story, summary};
pub use treasury::{Treasury, TreasuryFault};
