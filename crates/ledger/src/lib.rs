//! What happened, who asked for it and what it used: the ledger.
//!
//! One SQLite file holds a row for every model request ([`StoredRequest`]),
//! every other event of every plane ([`tollgate_types::Event`]), and what was
//! made through the running gateway: agents ([`StoredAgent`]), budgets
//! ([`StoredBudget`]), cutoffs ([`StoredCutoff`]).
//!
//! # How a request gets in
//! Before a request is served it takes a [`Slot`]: a place in the queue that
//! can't be taken away. When the request ends, however it ends, the record is
//! moved into the slot; that neither blocks nor fails, so a destructor may do
//! it. Where no slot is free the request is refused, because what can't be
//! written down must not be spent.
//!
//! One writer task owns the only connection that writes. It wakes for the
//! first record, then sleeps until the batch is full or a second has passed,
//! shows each record to the observer (metrics live there, off the path) and
//! inserts the batch in one transaction. Where a write fails, the batch stays
//! in memory and is tried again with growing pauses; the queue fills, slots
//! run out, and the gateway refuses rather than forgets.
//!
//! # What is durable when
//! The write-ahead log is used with `synchronous = NORMAL` for batches: a
//! killed process loses at most the batch that it had not written, a power
//! failure at most what the system had not yet brought to the disk. Events
//! are security events as a rule; they are committed with
//! `synchronous = FULL` on the same connection, so that they are on the disk
//! before the caller goes on, and callers that wait at the same time share a
//! sync. The log has its whole length from the start, so that a sync only
//! overwrites. One connection instead of two, because the
//! sequence below needs a single hand, and because the switch is one pragma
//! that SQLite answers from memory.
//!
//! # The sequence
//! Request records and events draw from one sequence without gaps, held by
//! the writer. It is the durable [`Cursor`] of everything that reads along,
//! and the order in which the rows are linked. Neither can be updated or
//! deleted: the schema's triggers say no.
//!
//! # The chain
//! Whoever owns the file can drop a trigger. So each record has a [`Link`],
//! the hash of the link before it and of the row in its canonical form
//! (`encoding`); checkpoints of the chain are signed by a [`Notary`], whose
//! key is not in the database and who keeps the newest one outside (`seals`,
//! `statement`). [`verify`] names what was touched, [`export`] writes it all
//! out, [`Ledger::prune`] removes the oldest records and leaves a signed
//! statement of them. Rows that events make in other tables are covered by
//! the digest that stands in the event.
//!
//! # Sums
//! Usage by hour, agent, run, provider and model is kept beside the rows, in
//! the transaction that writes them (`rollup`): usage and what budgets begin
//! with ([`Spent`]) are read from there, so that neither grows with the rows.
//! How far budgets may be used is written before it is ([`SliceRow`]).
//!
//! # When it can't be written
//! The first write that fails for want of room, or because the file can't be
//! written, refuses every new slot ([`Unavailable::Failing`]) until one
//! succeeds: nothing is spent that can't be written down.
//!
//! # What a row costs
//! Requests resemble each other: the same agent asks the same model of the
//! same provider and gets the same status. What they have in common is
//! written once, as a *shape*; a request's own row is a dozen numbers. A
//! statement inserts 64 rows. Both readers and people at a shell read the
//! view `request_full`, where every row is whole again.
//!
//! # Files
//! The file is made 0600 in a folder that is made 0700; looser modes are
//! refused with the command that mends them. A lock file beside it keeps a
//! second gateway out. The schema's version stands in `user_version`; a newer
//! one is refused, an older one is brought up step by step.

#![allow(
    clippy::disallowed_methods,
    reason = "the ledger owns its files and the pauses between its writes"
)]

mod agents;
mod audit;
mod budgets;
mod chain;
mod change;
mod columns;
mod cutoffs;
mod encoding;
mod error;
mod fault;
mod files;
mod history;
mod journal;
mod ledger;
mod notary;
mod open;
mod reader;
mod requests;
mod rollup;
mod schema;
mod seals;
mod shapes;
mod slices;
mod slot;
mod statement;
mod store;
mod stored;
mod usage;
mod writer;

pub use agents::{NewAgent, StoredAgent};
pub use audit::{
    AuditFault, AuditFaultKind, AuditReport, Kept, Pruned, PrunedReport, Trust, export, verify,
};
pub use budgets::StoredBudget;
pub use chain::{Link, Node, ParseHexError};
pub use cutoffs::{NewCutoff, StoredCutoff};
pub use error::{
    AddAgentError, AuditError, ChangeError, DatabaseFault, OpenError, ReadError, RemoveAgentError,
    Unavailable, WriteError,
};
pub use history::{History, Past};
pub use journal::{Cursor, Entry};
pub use ledger::{Ledger, LedgerConfig};
pub use notary::Notary;
pub use slices::SliceRow;
pub use slot::{Slot, WriterStats};
pub use stored::StoredRequest;
pub use usage::{Spent, UsageBy, UsageRow};
