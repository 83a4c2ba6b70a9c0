//! Where a model request goes, with which credential, and what is tried next.
//!
//! Three questions, three parts, all of them pure: the time comes in as an
//! argument, nothing sleeps, nothing reads a clock, and no secret is ever
//! here. A credential is a place in a pool and the label of its profile.
//!
//! * **Which model of which provider?** [`RouteTable`] is made once from the
//!   configuration, names every fault in it, and turns the name that a caller
//!   asked for into a [`Plan`] of concrete [`Candidate`]s. Names are compared
//!   exactly, case included.
//! * **Which credential?** [`Pool`] leases one by weight from the best
//!   priority that has one free. A lease is a few atomic operations: callers
//!   never wait for one another. What a provider answered goes back into the
//!   pool through [`Lease::succeed`] and [`Lease::fail`] and decides who rests
//!   for how long.
//!   Beside its credentials a pool knows how the server behind them stands
//!   ([`TargetState`]): one that failed five times in a row is passed by while
//!   there is another candidate.
//! * **Which one served this conversation?** [`Affinity`] remembers it for
//!   those that are tied to a credential.
//! * **What after a fault?** [`next_step`] is the table of retries, a pure
//!   function of the [`Situation`].

mod affinity;
mod config;
mod credential;
mod fault;
mod nearest;
mod pool;
mod retry;
mod schedule;
mod shortage;
mod table;
mod target;
mod tier;
mod tried;

pub use affinity::Affinity;
pub use config::{
    AgentFallback, AlloySpec, MemberSpec, ProviderIndex, ProviderRoutes, RoutingConfig, SizedSpec,
    Strategy,
};
pub use credential::{ProfileState, Standing};
pub use fault::{Entry, RoutingFault};
pub use pool::{CredentialSpec, Lease, Pool};
pub use retry::{Situation, Step, next_step};
pub use shortage::NoCredential;
pub use table::{Ask, Candidate, ListedName, NoPlan, Plan, RouteTable, UnknownModel};
pub use target::{TargetStanding, TargetState};
pub use tried::Tried;
