use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Frame, SizeHint};

use crate::account::Account;
use crate::relay::Relay;

/// An error that ends a connection instead of an answer.
pub type BodyError = Box<dyn std::error::Error + Send + Sync>;

/// The body of every answer on the model listener.
pub struct Body(Kind);

enum Kind {
    Whole(Option<Bytes>),
    Settling(Option<Bytes>, Option<Account>),
    Relay(Box<Relay>),
    Foreign(Pin<Box<dyn http_body::Body<Data = Bytes, Error = BodyError> + Send>>),
}

impl Body {
    /// Bytes that are all there.
    pub fn whole(bytes: Bytes) -> Self {
        Self(Kind::Whole(Some(bytes).filter(|bytes| !bytes.is_empty())))
    }

    /// Another service's body.
    pub fn foreign(
        body: impl http_body::Body<Data = Bytes, Error = BodyError> + Send + 'static,
    ) -> Self {
        Self(Kind::Foreign(Box::pin(body)))
    }

    /// Bytes whose account is closed once they were handed to the connection.
    pub(crate) fn settling(bytes: Bytes, account: Account) -> Self {
        if bytes.is_empty() {
            account.close_ok();
            return Self(Kind::Whole(None));
        }
        Self(Kind::Settling(Some(bytes), Some(account)))
    }

    /// A stream that is relayed.
    pub(crate) fn relay(relay: Relay) -> Self {
        Self(Kind::Relay(Box::new(relay)))
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        match &mut self.0 {
            Kind::Whole(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Kind::Settling(bytes, account) => {
                if let Some(account) = account.take() {
                    account.close_ok();
                }
                Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes))))
            }
            Kind::Relay(relay) => relay
                .poll_bytes(context)
                .map(|bytes| bytes.map(|bytes| Ok(Frame::data(bytes)))),
            Kind::Foreign(body) => body.as_mut().poll_frame(context),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Kind::Whole(bytes) | Kind::Settling(bytes, _) => bytes.is_none(),
            Kind::Relay(relay) => relay.is_over(),
            Kind::Foreign(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Kind::Whole(bytes) | Kind::Settling(bytes, _) => {
                SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64))
            }
            Kind::Relay(_) => SizeHint::default(),
            Kind::Foreign(body) => body.size_hint(),
        }
    }
}
