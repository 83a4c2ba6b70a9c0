use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::TrySendError;
use hyper::client::conn::http1::SendRequest;

use super::request::Pieces;

/// The half of a connection that does the reading and writing.
type Driver = Pin<Box<dyn Future<Output = hyper::Result<()>> + Send>>;

/// One HTTP/1 connection, in use by one request at a time.
///
/// Usually a task of its own drives a connection, and every request costs it
/// two wake-ups and the passing on of head and body between tasks. Here the
/// request's own task drives it: whoever waits for an answer does the reading.
/// An idle connection is not driven at all; [`Connection::still_open`] looks
/// whether the other side has closed it before it is used again.
pub(crate) struct Connection {
    sender: SendRequest<Pieces>,
    driver: Driver,
    /// The driver has ended; it must not be polled again.
    ended: bool,
}

impl Connection {
    pub(super) fn new(
        sender: SendRequest<Pieces>,
        driver: impl Future<Output = hyper::Result<()>> + Send + 'static,
    ) -> Self {
        Self {
            sender,
            driver: Box::pin(driver),
            ended: false,
        }
    }

    /// Sends a request and waits for the head of its answer.
    ///
    /// # Errors
    /// With the request itself where the connection did not take it.
    pub(super) async fn send(
        &mut self,
        request: Request<Pieces>,
    ) -> Result<Response<Incoming>, TrySendError<Request<Pieces>>> {
        let mut answer = std::pin::pin!(self.sender.try_send_request(request));
        let (driver, ended) = (&mut self.driver, &mut self.ended);
        std::future::poll_fn(|context| {
            drive(driver, ended, context);
            match answer.as_mut().poll(context) {
                // What was just put into the channel is written at once.
                Poll::Pending => {
                    drive(driver, ended, context);
                    answer.as_mut().poll(context)
                }
                ready => ready,
            }
        })
        .await
    }

    /// Reads and writes what can be; to be called before the answer's body is
    /// polled.
    pub(super) fn drive(&mut self, context: &mut Context<'_>) {
        drive(&mut self.driver, &mut self.ended, context);
    }

    /// The connection, where it can take another request now.
    pub(super) fn still_open(mut self) -> Option<Self> {
        // Nobody waits on an idle connection: the look itself is what counts.
        let mut context = Context::from_waker(Waker::noop());
        self.drive(&mut context);
        let ready = self.sender.poll_ready(&mut context);
        (!self.ended && matches!(ready, Poll::Ready(Ok(())))).then_some(self)
    }
}

/// How it ends is told to whoever waits for the answer.
fn drive(driver: &mut Driver, ended: &mut bool, context: &mut Context<'_>) {
    if !*ended && let Poll::Ready(end) = driver.as_mut().poll(context) {
        *ended = true;
        if let Err(error) = end {
            tracing::debug!(%error, "upstream connection ended");
        }
    }
}
