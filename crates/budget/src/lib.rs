//! Budgets that hold.
//!
//! What is checked before a request and counted after it is a budget that
//! sixty-four requests at once walk past. Here nothing is sent before the most
//! that it can cost is set aside, at every scope that it counts for, at once
//! or not at all; and what it did cost is booked in that place when it ends.
//!
//! The crate is pure: no clock, no database, nothing async. Time comes in as
//! an argument, and what must be durable goes out as a value.
//!
//! The way of a reservation through it:
//!
//! * [`Scope`]s nest: run, agent, bottle, the bottles it extends, host. A
//!   [`ScopePath`] is where a caller stands.
//! * A [`BudgetSpec`] limits one scope, one provider or all, for one
//!   [`Window`]. The most specific scope that has a budget governs; an outer
//!   one holds as well where it is a `ceiling`. Every one of them counts.
//! * [`Budgets::reserve`] sets an [`Amount`] aside, or says in [`Refused`]
//!   what is left, what was needed and when it resets. It never waits.
//! * [`Reservation::extend`] asks for more, [`Reservation::settle`] books what
//!   was used. A reservation that is merely dropped counts in full.
//! * [`Reached`] says that settled use has come to a limit, once, to the one
//!   who brought it there. Whether it still is, [`Budgets::standing`] says.
//! * [`Slice`]s make it survive a crash: see below.
//!
//! # What a crash costs
//!
//! Writing each reservation to disk before it is used would cost a write for
//! each request. So the ledger writes, ahead of use, how far a budget may go:
//! a slice. Up to there reservations are a matter of atomics in memory; after
//! a crash everything up to there counts as used. A slice is a 64th of the
//! limit, and the mark goes down again when much is given back, so a crash
//! costs at most a 32nd of the limit beside what was under way. Budgets too
//! small for slices are written for each reservation and lose no more than
//! their own outstanding ones.
//!
//! [`Budgets::want`] gives what to write while the last slice is still half
//! full, so that a request rarely has to wait. Where it has to, its
//! [`Reservation`] is not yet backed and the caller waits for one write: what
//! is set aside stays set aside meanwhile, so there is no second attempt.
//!
//! # Why nothing passes a limit
//!
//! In each window one number decides, the sum of what is settled, set aside
//! and of unknown fate. It grows by compare-and-swap and only up to the limit
//! (`meter`, whose interleavings the checker in `loom/` runs through). Several
//! budgets are taken one after the other; where one has no room, the others
//! get back what they gave. For that moment they look fuller than they are,
//! never emptier.
//!
//! Beside the budgets stands [`AgentRate`]: how much an agent may ask for in a
//! minute. It lives in memory only, for a minute is shorter than a restart.

mod amount;
mod atomic;
mod book;
mod budgets;
mod calendar;
mod cell;
mod fault;
mod meter;
mod period;
mod rate;
mod refused;
mod reservation;
mod scope;
mod slice;
mod spec;
mod state;
mod window;

pub use amount::{Amount, Unit};
pub use budgets::{Budgets, Room};
pub use fault::{BudgetFault, MOST_TOKENS};
pub use rate::{AgentRate, RateState, Taken, TooFast};
pub use refused::{Exhausted, Reached, Refused};
pub use reservation::{Backed, Reservation};
pub use scope::{Extends, Scope, ScopePath};
pub use slice::{Slice, SliceBatch, Used};
pub use spec::{BudgetSpec, Limit, Shutdown};
pub use state::BudgetState;
pub use window::{ParsePeriodError, PeriodKey, SharedZone, Span, Utc, Window, Zone};
