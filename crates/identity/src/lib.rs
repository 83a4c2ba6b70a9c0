//! Who is asking: never what a caller says of itself, always what it can
//! prove.
//!
//! * A **key** proves an agent or an operator. Keys carry 256 bits from the
//!   system's random source ([`mint_agent_key`], [`mint_operator_token`]), are
//!   shown once, and are kept as [`KeyDigest`]s. Keys that an operator wrote
//!   into the configuration are looked at by [`weakness`].
//! * [`bearer_token`] takes the key out of a request, wherever its dialect
//!   carries it; two different ones in one request are refused, because
//!   another program on the way might have read the other one.
//! * [`AgentBook`] and [`OperatorBook`] know whose key it is. An [`Agent`]
//!   knows which models it may use.
//! * [`anonymous`] proves a caller without a key by what the kernel knows: a
//!   process of the same user on the same machine, and no web page.

#![allow(
    clippy::disallowed_methods,
    reason = "reads the kernel's tables of sockets, the proof of anonymous callers"
)]

mod agent;
pub mod anonymous;
mod bearer;
mod book;
mod digest;
mod mint;
mod weakness;

pub use agent::{Agent, AgentSource, AgentSpec, ModelDefaults, ModelDenied, ModelList};
pub use bearer::{BearerFault, bearer_token, callers_own, query_without_key};
pub use book::{AgentBook, BookFault, OperatorBook, RunKey};
pub use digest::{KeyDigest, ParseDigestError};
pub use mint::{MintError, Minted, mint_agent_key, mint_operator_token};
pub use weakness::weakness;

/// Longest key that is looked at, in bytes. Tollgate's own have 55; nobody
/// shall make the gateway hash megabytes to learn that they are no key.
pub const LONGEST_KEY: usize = 512;
