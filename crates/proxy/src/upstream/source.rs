use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;

use super::connection::{Connection, WireFault};
use super::target::Target;

/// Where the bytes of an answer come from.
pub(crate) enum Source {
    /// A provider; the connection goes back to the idle ones at the end, and is none
    /// from there on.
    Http(Option<Box<Connection>>, Arc<Target>),
    /// The built-in demo model.
    Demo(VecDeque<Bytes>),
}

impl Source {
    /// The next bytes; `None` at the end that the framing itself announced.
    pub(crate) fn poll_bytes(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, WireFault>>> {
        match self {
            Self::Demo(chunks) => Poll::Ready(chunks.pop_front().map(Ok)),
            Self::Http(connection, target) => {
                let Some(driven) = connection else {
                    return Poll::Ready(None);
                };
                let next = ready!(driven.poll_body(context));
                if next.is_none()
                    && let Some(connection) = connection.take()
                {
                    target.keep(connection);
                }
                Poll::Ready(next)
            }
        }
    }

    /// The next bytes, awaited.
    pub(crate) async fn next(&mut self) -> Option<Result<Bytes, WireFault>> {
        std::future::poll_fn(|context| self.poll_bytes(context)).await
    }
}
