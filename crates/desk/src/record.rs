use std::pin::Pin;

use tollgate_approvals::Rule;
use tollgate_types::{AgentName, Event};

use crate::Seat;

/// A future that can be kept in a box.
pub type BoxFuture<'f, T> = Pin<Box<dyn Future<Output = T> + Send + 'f>>;

/// Where the room writes, before it tells anybody.
pub trait Record: Send + Sync {
    /// A question was asked: on the disk when this returns.
    fn asked<'f>(&'f self, seat: &'f Seat) -> BoxFuture<'f, Result<(), String>>;
    /// It stands elsewhere now: on the disk when this returns, together with
    /// the event of what is done by it, where there is one. Both or neither.
    fn changed<'f>(
        &'f self,
        seat: &'f Seat,
        with: Option<Event>,
    ) -> BoxFuture<'f, Result<(), String>>;
    /// Keeps rules for an agent: in force, and on the disk, when this returns.
    fn remember<'f>(
        &'f self,
        agent: &'f AgentName,
        rules: &'f [Rule],
    ) -> BoxFuture<'f, Result<(), String>>;
    /// Takes rules back that were just kept, because the answer could not be
    /// written down.
    fn forget<'f>(&'f self, agent: &'f AgentName, rules: &'f [Rule]) -> BoxFuture<'f, ()>;
}
