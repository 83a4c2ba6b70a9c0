use tollgate_api::Order;

use super::ask::Connection;
use crate::cli::run::OrderSource;

/// Orders over the connection that the question went over.
pub(super) struct Told<'a>(&'a mut Connection);

impl<'a> Told<'a> {
    pub(super) const fn by(connection: &'a mut Connection) -> Self {
        Self(connection)
    }
}

impl OrderSource for Told<'_> {
    async fn next(&mut self) -> Order {
        self.0.order().await
    }
}
