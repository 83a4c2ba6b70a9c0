//! Starlark rules: facts in, a [`Decision`] and the rule that made it out.
//!
//! An operator names files; each one defines
//! `evaluate(tool, args, context)` and may declare `rule(…)`s. [`Engine::load`]
//! reads them once, freezes them, and lets every rule prove itself by its own
//! examples; [`Engine::decide`] is the one place in Tollgate where a verdict is
//! made. A [`Decision`] can't be built anywhere else: other crates can only ask
//! for one, or get a denial from [`Decision::failed`].
//!
//! * Within a file the declared rules speak first, and the strictest of those
//!   that match decides; where none matches, `evaluate` does.
//! * Of several files, the strictest verdict wins.
//! * Whatever goes wrong (an error, a panic, a wrong type, a limit) is a denial
//!   that says so and names the line.
//!
//! The crate is pure: no files, no network, no clock. What a rule may know
//! comes in as [`Facts`]: plain data, versioned, without secrets. Names of
//! files are labels, and text of loaded files comes from a closure.
//!
//! ```text
//! source   parse, bound the operators that grow, mark every `return`
//! load     evaluate the module once, freeze it, collect its declarations
//! rule     a declared rule, compiled: which facts it looks at, what it says
//! prove    the examples of a rule
//! facts    what rules may know     value   the same as Starlark values
//! decide   one file's word, then the strictest of all
//! ```
//!
//! Limits hold per evaluation: calls and loop turns, call depth, the size of
//! what an operator may build. They are best effort, as the library's are: a
//! value that is nested deep enough overflows the stack of whoever prints it.
//! [`Engine::is_straight`] says whether the files are so simple (no loops, no
//! recursion) that an evaluation is short and shallow whatever it is given;
//! those may be evaluated on the spot, others belong into a process of their
//! own. [`Engine::is_steady`] says whether no file can see the time or what is
//! left of a budget: then a decision holds for as long as the engine does, for
//! [`Facts::same_but_for_the_moment`].

mod argv;
mod decide;
mod decision;
mod declare;
mod domain;
mod engine;
mod fact;
mod facts;
mod fault;
mod glob;
mod json;
mod limits;
mod list;
mod load;
mod prove;
mod rule;
mod scan_script;
mod shipped;
mod source;
mod steady;
mod straight;
mod time;
mod value;
mod vocabulary;

pub use decision::{Decision, Failure, Verdict, read_decision, read_decisions};
pub use domain::{Domain, covers, domain_of, is_pattern as is_domain_pattern};
pub use engine::{Engine, File, Said};
pub use fact::Fact;
pub use facts::{Context, FACTS_VERSION, Facts, Taint};
pub use fault::PolicyFault;
pub use json::NotFacts;
pub use list::{DomainList, ListFault};
pub use scan_script::{ScanInput, ScanSaid, ScanScript};
pub use shipped::{SHIPPED, text as shipped_text};
pub use value::may_be_added;
