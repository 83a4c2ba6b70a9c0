//! What is known of a run from one call to the next: its taint.
//!
//! A single call is seldom wrong by itself. That a run has read what a stranger
//! wrote is harmless, and so is that it has seen a secret; that it has done
//! both and now sends something out is how data is stolen. So planes put down
//! what they see on the [`Desk`], and rules are given it with every later call.
//!
//! * A [`Subject`] is a run, or an agent outside any run.
//! * A [`TaintKind`] is what happened; a [`TaintFact`] says where it came from,
//!   since when and for how long it counts.
//! * The desk makes no verdict. What a fact means is said by rules.
//!
//! Facts expire ([`DEFAULT_TTL`]) or are cleared by an operator. They live in
//! memory only. A run does not outlive the gateway that began it; what is known
//! of agents outside any run is read back from the ledger's events at a start,
//! so whoever puts a fact down writes `taint.set` first.
//!
//! Reading takes no lock and, on an empty desk, one load of a pointer. Writing
//! copies the book, which is bounded ([`MOST_SUBJECTS`]); it is rare beside
//! reading. The crate reads no clock: the time is an argument.

mod desk;
mod kind;
mod subject;

pub use desk::{DEFAULT_TTL, Desk, MOST_SUBJECTS, TaintFact};
pub use kind::{TaintKind, UnknownKind};
pub use subject::{NoSubject, Subject};
