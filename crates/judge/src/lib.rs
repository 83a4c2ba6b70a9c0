//! The one decide function as every plane calls it, [`Judge::decide`], and the
//! one judge of commands, [`Commands::judge`].
//!
//! Rules are an operator's own words, and words can be wrong: a loop that does
//! not end, a value nested so deep that printing it overflows the stack, a text
//! of two gigabytes. A thread that runs such a rule can't be stopped, and the
//! last two take the whole process with them. So there are two places to judge:
//!
//! * **On the spot**, within a microsecond or two, where the files are
//!   *straight* (`Engine::is_straight`): no loops and no recursion, so that an
//!   evaluation is short whatever it is given. The shipped files are.
//! * **In a child process** (`child`), where they are not, or where the operator
//!   wants it (`isolation = "process"`). It is the same program with a hidden
//!   subcommand, an empty environment and tight limits, and answers one call
//!   after the other over a pipe. One that dies or is late is a denial, is
//!   killed and replaced.
//!
//! Files are also *loaded* in a child first, because loading runs them. Only
//! what it has proven there comes into the gateway itself.
//!
//! Where no rule can see the moment (`Engine::is_steady`; those of the shipped
//! default can't), a call that was judged before is not judged anew: `memory`
//! knows what was said.
//!
//! ```text
//! load    read and prove files; what a judge is made of
//! judge   decide, wherever the rules live
//! memory  what was said to calls that come again
//! pool    children that wait for calls, and their replacement
//! child   one child: start, ask, read an answer in time
//! serve   the other end: what the hidden subcommand runs
//! line    what the two say to each other, one JSON document a line
//!
//! commands  the same for shell text: tame text on the spot, wild text in a
//!           child (`commands::reader`, `commands::serve`)
//! ```

#![allow(
    clippy::disallowed_methods,
    reason = "owns the deadlines of rules and the processes that evaluate them"
)]

mod child;
mod commands;
mod judge;
mod line;
mod load;
mod memory;
mod pool;
mod serve;

pub use commands::{Commands, LONGEST_READING_MS, serve_commands};
pub use judge::Judge;
pub use line::Saying;
pub use load::{Isolation, Library, Place, load, prove};
pub use pool::{LONGEST_DECISION, LONGEST_LOAD};
pub use serve::serve;
