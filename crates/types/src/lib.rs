//! The words that every Tollgate crate shares.
//!
//! This is the lowest floor of the house: plain data without behaviour that
//! could surprise. Nothing here reads a clock, an environment variable or a
//! file, nothing is async, and nothing imports another Tollgate crate.
//!
//! * [`RequestId`], [`RunId`] name one request and one agent run.
//! * [`Principal`] says who acts: an agent or an operator, never a field that
//!   the caller filled in.
//! * [`TokenUsage`] counts tokens; [`Usage`] says who counted them.
//! * [`Money`] is an exact amount of dollars.
//! * [`FaultClass`] is what went wrong with a provider and decides what is
//!   tried next; [`ReasonCode`] is what a caller is told in
//!   `x-tollgate-reason`.
//! * [`Event`] is what every plane writes to the ledger; [`RequestRecord`] is
//!   the model plane's, with the columns that accounting reads.
//! * [`Tier`] is how much harm a command or another action can do.
//! * [`Secret`] holds text that must never be printed.

mod event;
mod fault;
mod id;
mod money;
mod name;
mod principal;
mod reason;
mod record;
mod secret;
mod sighting;
mod tier;
mod time;
mod trace;
mod usage;

pub use event::{Event, Plane, Severity};
pub use fault::FaultClass;
pub use id::{ParseIdError, RequestId, RunId};
pub use money::{Money, MoneyError};
pub use name::{AgentName, NameError, OperatorName};
pub use principal::{Actor, Principal};
pub use reason::{ReasonCode, Side};
pub use record::{Attempt, Label, Outcome, RequestRecord, Versions};
pub use secret::Secret;
pub use sighting::{Consequence, Direction, Sighting};
pub use tier::{Tier, TierError};
pub use time::UnixMillis;
pub use trace::{Trace, TraceParent};
pub use usage::{TokenUsage, Usage, UsageSource};
