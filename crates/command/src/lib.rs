//! Shell text to an argv plan to a tier.
//!
//! [`judge`] reads a command line as a shell would, finds every simple command
//! in it, looks through the programs that run other programs, and says how
//! much harm the worst of it can do ([`Tier`](tollgate_types::Tier)) and how
//! much of it could be understood ([`Sight`]). It is total: text that can't be
//! read is opaque, and opaque is MEDIUM or above. Nothing is ever run, and the
//! crate knows neither files nor environment nor clock: where a command would
//! run comes in as [`Setting`].
//!
//! ```text
//! guard     length, invisible characters, nesting, before the parser sees it
//! read      tokens → tree → steps; words decoded (quotes, $'…', braces)
//! grammar   what ≥ 1,000 programs do with their arguments, as data
//! judge     steps against grammars: wrappers unwrapped, paths placed
//! code      a look into SQL, sed, awk and the code of interpreters
//! target    what a path stands for
//! effect    what is done, and its tier
//! needs     which files a plan depends on: binaries, scripts, settings
//! pattern   one plain command, and nothing that it would run
//! propose   what "allow always" may keep of a command
//! allowlist patterns bound to files, and whether they cover a plan
//! ```
//!
//! The judgement is by effect. A program's grammar says which flags execute,
//! write, send or destroy and what its operands are; the effect has a tier, and
//! a path raises it. What could run counts, not what will: both branches of an
//! `if`, the body of a function, the command inside `find -exec`.
//!
//! Text that a person wrote is another matter: [`is_crisis`].

mod action;
mod allowlist;
mod code;
mod crisis;
mod effect;
mod grammar;
mod guard;
mod judge;
mod needs;
mod pattern;
mod plan;
mod propose;
mod read;
mod record;
mod setting;
mod sight;
mod target;
mod verdict;

pub use action::action_tier;
pub use allowlist::{Allowlist, Evidence, Rule, ScriptBinding};
pub use crisis::{RESOURCES, is_crisis};
pub use grammar::known_programs;
pub use guard::{Beyond, DEEPEST, LONGEST};
pub use judge::{judge, judge_argv, judge_argv_tame, judge_tame, too_slow};
pub use needs::{Need, Role, needs};
pub use pattern::{Pattern, PatternFault};
pub use plan::{Arg, Direction, Input, Origin, Plan, Redirect, Step};
pub use propose::{Proposal, propose};
pub use record::{Answer, Question, Reading, answer, hear, tell};
pub use setting::Setting;
pub use sight::Sight;
pub use verdict::{Finding, Verdict};
