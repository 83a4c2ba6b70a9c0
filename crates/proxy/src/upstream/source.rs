use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::Body as _;
use hyper::body::Incoming;

use super::target::Connection;

/// Where the bytes of an answer come from.
pub(crate) enum Source {
    /// A provider; the connection goes back to the idle ones at the end.
    Http(Incoming, Option<Connection>),
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
                match ready!(Pin::new(&mut *incoming).poll_frame(context)) {
                    Some(Ok(frame)) => match frame.into_data() {
                        Ok(data) => return Poll::Ready(Some(Ok(data))),
                        Err(_trailers) => continue,
                    },
                    Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                    None => {
                        if let Some(connection) = connection.take() {
                            connection.recycle();
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
