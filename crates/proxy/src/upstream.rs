//! The way to a provider: connections, the request that is sent, and what
//! comes back before the first byte goes to the caller.

mod answer;
mod connect;
mod connection;
mod count;
mod outgoing;
mod post;
mod probe;
mod request;
mod send;
mod source;
mod stream;
mod target;

pub use connect::Connector;
pub use probe::{Probed, probe};
pub use target::{Target, TargetError};

pub(crate) use answer::{Answer, AnswerHead, AttemptFault, ProviderAnswer};
pub(crate) use post::post_json;
pub(crate) use request::is_ours;
pub(crate) use send::send;
pub(crate) use source::Source;
