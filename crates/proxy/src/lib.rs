//! The data plane: the listener that agents call, the admission of every
//! request, and the relay to the provider that serves it.
//!
//! Read `docs/life-of-a-request.md` first, then [`model`], which tells the
//! same story as one function. Around it:
//!
//! * [`listener`] accepts, [`conversation`] reads requests and writes answers,
//!   [`dispatch`] looks at method and path, `list`
//!   answers the model lists, `evaluate` asks the rules for somebody else.
//! * [`admission`] carries the proof `Identified → Planned → Permitted →
//!   Reserved → Leased`; only the last can be sent.
//! * [`account`] is the ledger row that every request owes, closed when it is
//!   dropped.
//! * [`upstream`] connects, sends and waits for an answer that may go out;
//!   [`relay`] passes a stream on and ends it honestly.
//! * [`lanes`] is the scanner: what leaves and what comes in, as text.
//! * [`refusal`] is the one map from what went wrong to what a caller sees.
//!
//! There is no SQL, no Starlark and no operator plane here: the ledger and the
//! judge are handed in, and so is the service behind `/control`.

#![allow(
    clippy::disallowed_methods,
    reason = "the data plane owns the clock: accounts, time-outs and cooldowns start here"
)]

mod account;
mod admission;
mod alarm;
mod answer;
mod bank;
mod body;
mod bounds;
mod classify;
mod conversation;
mod dispatch;
mod domains;
mod evaluate;
mod gateway;
mod head;
mod hold;
mod intake;
mod interpreter;
mod lanes;
mod list;
mod listener;
mod memory;
mod model;
mod names;
mod nearby;
mod pace;
mod peer;
mod people;
mod rate;
mod refusal;
mod relay;
mod rewrite;
mod rules;
mod snapshot;
mod stall;
mod through;
mod tools;
mod trace;
mod translated;
mod upstream;

pub use admission::Permissions;
pub use bank::Bank;
pub use body::{Body, BodyError};
pub use conversation::{Incoming, IncomingFault};
pub use dispatch::Control;
pub use gateway::Gateway;
pub use lanes::{DlpSettings, Inward, Late, OnMatch, Opinions, Remote, Scanning, Script};
pub use listener::listen;
pub use people::{FallbackOf, People};
pub use rules::{Domains, Rules};
pub use snapshot::{
    AnswerModel, Credential, Holdback, Limits, Provider, Snapshot, Times, UnsendableKey, Upstream,
};
pub use through::{Passage, Stated, is_plain};
pub use upstream::{Connector, Probed, Target, TargetError, probe};
