//! What is known of a run from one call to the next, and the questions that
//! wait for a person.
//!
//! # Taint
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
//! reading.
//!
//! # The room
//!
//! What needs a person waits in the [`Room`]: a [`Question`] with its card, and
//! an approval that lives as `tollgate_approvals` says. One task owns all of
//! them and takes one order after the other; whatever it does is written down
//! ([`Record`]) before anybody is told. Who asked holds a [`Ticket`] and hears
//! every change, mostly in a [`Wait`], whose drop is a withdrawal; surfaces follow [`Room::changes`]. Of several answers the
//! first counts, the others hear whose that was. Questions survive a restart:
//! whoever opens the room hands in what was waiting, and the same question,
//! asked again, takes its place over.
//!
//! The crate reads no clock and no randomness: both are handed in.

mod desk;
mod kind;
mod record;
mod room;
mod seat;
mod subject;

pub use desk::{DEFAULT_TTL, Desk, MOST_SUBJECTS, TaintFact};
pub use kind::{TaintKind, UnknownKind};
pub use record::{BoxFuture, Record};
pub use room::{AnswerFault, AskFault, Crowd, Room, Ticket, Wait};
pub use seat::{Question, Seat};
pub use subject::{NoSubject, Subject};
