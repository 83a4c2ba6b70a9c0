//! A caller's connection: request after request, each answered before the next is read.
//!
//! [`converse`] is the whole of it. The connection's own task reads heads, runs what
//! serves them, lets that read the body ([`Incoming`]) and writes the answer ([`Reply`]):
//! nothing is handed from task to task, and nothing is woken but by its socket.

mod incoming;
mod reply;
mod wire;

use std::future::Future;
use std::pin::pin;
use std::task::Poll;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tollgate_http1::{Call, CallReader, HeadFault};

use crate::alarm::Alarm;
use crate::body::Body;
pub use incoming::{Incoming, IncomingFault};
use reply::{Asked, Reply};
use wire::Wire;

/// Longest time for a request's head, the idle time between two included.
const HEAD_TIME: Duration = Duration::from_secs(75);

/// Serves a connection until its caller leaves or `stop` says to.
///
/// # Errors
/// Of a head that is none, which has been answered then.
pub(crate) async fn converse<F>(
    stream: TcpStream,
    stop: watch::Receiver<bool>,
    serve: impl Fn(Request<Incoming>) -> F,
) -> Result<(), HeadFault>
where
    F: Future<Output = Response<Body>>,
{
    let wire = Wire::shared(stream);
    let mut stops = stop.clone();
    let mut stopping = pin!(stopped(&mut stops));
    let (mut is_stopping, mut alarm) = (false, Alarm::default());
    loop {
        let limit = Instant::now() + HEAD_TIME;
        let mut reader = CallReader::default();
        let head = std::future::poll_fn(|context| {
            let head = wire::lock(&wire).poll_call(context, &mut reader);
            if head.is_ready() {
                return head;
            }
            is_stopping = is_stopping || stopping.as_mut().poll(context).is_ready();
            let may_end = is_stopping && wire::lock(&wire).is_idle();
            match may_end || alarm.poll(context, limit).is_ready() {
                true => Poll::Ready(Ok(None)),
                false => Poll::Pending,
            }
        });
        let call = match head.await {
            Ok(None) => return Ok(()),
            Ok(Some(call)) => call,
            Err(fault) => {
                refuse(&wire, fault).await;
                return Err(fault);
            }
        };
        let asked = Asked::of(&call);
        let request = begin(&wire, call);
        let Some(response) = answered(&wire, serve(request)).await else {
            return Ok(());
        };
        let may_keep = !is_stopping && !*stop.borrow();
        let reply = Reply::new(response, &asked, may_keep);
        if !reply.written(&wire).await {
            return Ok(());
        }
    }
}

/// Returns once the gateway is told to stop, or nobody is left to tell it.
pub(crate) async fn stopped(stop: &mut watch::Receiver<bool>) {
    stop.wait_for(|stop| *stop)
        .await
        .map(drop)
        .unwrap_or_default();
}

/// The request as it is served, its body still on the wire.
fn begin(wire: &wire::Shared, call: Call) -> Request<Incoming> {
    let body = match call.body.is_over() {
        true => Incoming::none(),
        false => Incoming::on(wire, call.body.announced()),
    };
    let mut it = wire::lock(wire);
    it.begin(call.body, call.waits);
    Request::from_parts(call.parts, body)
}

/// What is answered; none where the caller has left before, so that nothing goes on for
/// nobody.
async fn answered<F>(wire: &wire::Shared, served: F) -> Option<Response<Body>>
where
    F: Future<Output = Response<Body>>,
{
    let mut served = pin!(served);
    std::future::poll_fn(|context| match served.as_mut().poll(context) {
        Poll::Ready(response) => Poll::Ready(Some(response)),
        Poll::Pending => wire::lock(wire).poll_left(context).map(|()| None),
    })
    .await
}

/// A head that can't be read gets a status and nothing else: what it asks for is not
/// known, and so not in whose words to refuse it.
async fn refuse(wire: &wire::Shared, fault: HeadFault) {
    let mut response = Response::new(Body::whole(Bytes::new()));
    *response.status_mut() =
        StatusCode::from_u16(fault.status()).unwrap_or(StatusCode::BAD_REQUEST);
    let reply = Reply::new(response, &Asked::default(), false);
    reply.written(wire).await;
}

#[cfg(test)]
mod tests;
