use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use tollgate_http1::BodyFault;

use super::wire::{Shared, lock};

/// The body of a request that is being served. It is read from the connection as it is
/// asked for, and not before.
pub struct Incoming {
    /// None once it was read to its end.
    wire: Option<Shared>,
    /// Bytes that are still to come, where that is known.
    left: Option<u64>,
}

/// Why a request's body did not come.
#[derive(Debug, thiserror::Error)]
pub enum IncomingFault {
    /// The caller has left.
    #[error("connection closed within the request's body")]
    Left,
    /// The connection broke.
    #[error("connection broke: {0}")]
    Broken(#[from] io::Error),
    /// What came is no body.
    #[error("{0}")]
    Framing(#[from] BodyFault),
}

impl Incoming {
    pub(super) fn none() -> Self {
        Self {
            wire: None,
            left: Some(0),
        }
    }

    pub(super) fn on(wire: &Shared, announced: Option<u64>) -> Self {
        Self {
            wire: Some(Arc::clone(wire)),
            left: announced,
        }
    }
}

impl http_body::Body for Incoming {
    type Data = Bytes;
    type Error = IncomingFault;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, IncomingFault>>> {
        let Some(wire) = &self.wire else {
            return Poll::Ready(None);
        };
        let next = ready!(lock(wire).poll_body(context));
        let is_last = !matches!(&next, Some(Ok((_, false))));
        if is_last {
            self.wire = None;
        }
        Poll::Ready(next.map(|next| {
            let (data, _) = next?;
            let length = data.len() as u64;
            self.left = self.left.map(|left| left.saturating_sub(length));
            Ok(Frame::data(data))
        }))
    }

    fn is_end_stream(&self) -> bool {
        self.wire.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        self.left
            .map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}
