//! The command plane: what an agent wants to run is judged, asked about where
//! that is needed, and granted.
//!
//! [`Clearance::clear`] is the whole path in one function:
//!
//! ```text
//! identify → look at files → judge → policy → matrix ─┬─ allow ─→ grant
//!                                                     ├─ LOW ───→ judge model
//!                                                     ├─ ask ───→ room → grant
//!                                                     └─ deny
//! ```
//!
//! Nothing is run here. What comes out is a signed grant for one subject, and
//! `tollgate exec` runs exactly that, or nothing.
//!
//! * [`Rulebook`] is `exec-approvals.json`: read again when it changes, the
//!   last good one kept, written by rename.
//! * [`survey`](crate::survey) looks at the files that a command is made of.
//! * [`card`](crate::card) is what a person sees.
//! * [`Journal`] writes every step to the ledger, and reads back at a start
//!   what was waiting.
//! * [`Sockets`] are the two ways in: one for those who ask, one for those who
//!   answer. Who answers proves to be an operator; who asks never can.
//!
//! What the crate does not know itself (agents, rules, models) comes from the
//! [`House`].

#![allow(
    clippy::disallowed_methods,
    reason = "looks at the files that commands are made of, and owns the clock of questions"
)]

mod advice;
mod answerer;
mod ask;
mod asker;
mod card;
mod case;
mod claim;
mod clear;
mod doorway;
mod grant;
mod granted;
mod house;
mod journal;
mod line;
mod past;
mod place;
mod rulebook;
mod subject;
mod survey;

pub use answerer::{Operator, answer};
pub use clear::{Clearance, Terms};
pub use doorway::{DoorwayFault, Sockets};
pub use house::House;
pub use journal::{Journal, KINDS, Mask};
pub use rulebook::{Flaw, LARGEST, Rulebook, RulebookFault, examine};

use tollgate_types::UnixMillis;

/// The clock of questions.
pub fn now() -> UnixMillis {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    UnixMillis(since.map_or(0, |since| {
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    }))
}

/// 16 bytes of the system's randomness.
pub fn chance() -> Option<[u8; 16]> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).ok()?;
    Some(bytes)
}
