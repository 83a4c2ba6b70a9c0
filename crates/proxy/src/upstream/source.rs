use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body as _, Frame};
use hyper::body::Incoming;

use super::connection::Connection;
use super::target::Target;

/// Where the bytes of an answer come from.
pub(crate) enum Source {
    /// A provider; the connection goes back to the idle ones at the end.
    Http(Incoming, Option<(Connection, Arc<Target>)>),
    /// The built-in demo model.
    Demo(VecDeque<Bytes>),
}

impl Source {
    /// The next bytes; `None` at the end that the framing itself announced.
    pub(crate) fn poll_bytes(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, hyper::Error>>> {
        match self {
            Self::Demo(chunks) => Poll::Ready(chunks.pop_front().map(Ok)),
            Self::Http(incoming, connection) => loop {
                match ready!(poll_driven(incoming, connection.as_mut(), context)) {
                    Some(Ok(frame)) => match frame.into_data() {
                        Ok(data) => return Poll::Ready(Some(Ok(data))),
                        Err(_trailers) => continue,
                    },
                    Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                    None => {
                        if let Some((connection, target)) = connection.take() {
                            target.keep(connection);
                        }
                        return Poll::Ready(None);
                    }
                }
            },
        }
    }

    /// The next bytes, awaited.
    pub(crate) async fn next(&mut self) -> Option<Result<Bytes, hyper::Error>> {
        std::future::poll_fn(|context| self.poll_bytes(context)).await
    }
}

/// A body's next frame. Asking for it is what lets the connection read more,
/// so where nothing is there the connection is driven once again.
fn poll_driven(
    incoming: &mut Incoming,
    mut connection: Option<&mut (Connection, Arc<Target>)>,
    context: &mut Context<'_>,
) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
    let frame = Pin::new(&mut *incoming).poll_frame(context);
    let (Poll::Pending, Some((connection, _))) = (&frame, &mut connection) else {
        return frame;
    };
    connection.drive(context);
    Pin::new(incoming).poll_frame(context)
}
