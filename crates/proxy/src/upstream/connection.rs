use std::io;
use std::task::{Context, Poll, Waker, ready};
use std::time::Instant;

use bytes::{Bytes, BytesMut};
use http::Method;
use tollgate_http1::{BodyFault, BodyReader, Head, HeadFault, HeadReader, Piece};

use super::answer::AnswerHead;
use super::outgoing::Outgoing;
use super::stream::Stream;
use crate::alarm::Alarm;

/// What is read at once, and the most that an idle connection keeps of it.
const READ: usize = 8 << 10;
/// What is read at once of a body that is known to be longer.
const READ_LONG: usize = 64 << 10;
/// With less room than this a buffer is given up for another one.
const LEAST_ROOM: usize = 2 << 10;

/// One HTTP/1 connection, in use by one request at a time.
///
/// The request's own task drives it: whoever waits for an answer does the reading, and
/// what is left of a request is written while its answer is read. An idle connection is
/// not driven at all; [`Connection::still_open`] looks whether the other side has closed
/// it before it is used again.
pub(crate) struct Connection {
    stream: Stream,
    /// What was read and not yet taken. Bodies are parts of it; once nobody holds one
    /// any longer, its memory serves the next answer.
    buffer: BytesMut,
    outgoing: Option<Outgoing>,
    /// Why no more could be written; an answer may have come all the same.
    unwritable: Option<io::Error>,
    body: Option<BodyReader>,
    keeps: bool,
    /// The time that an answer's head has, over all requests.
    alarm: Alarm,
}

/// What broke between a provider and here.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WireFault {
    /// It closed the connection in place of an answer.
    #[error("connection closed before an answer came")]
    Closed,
    /// It closed the connection within an answer's head.
    #[error("connection closed within an answer's head")]
    ClosedInHead,
    #[error("connection broke: {0}")]
    Broken(#[from] io::Error),
    #[error("{0}")]
    Head(#[from] HeadFault),
    #[error("{0}")]
    Body(#[from] BodyFault),
    /// No head in time.
    #[error("no answer in time")]
    Late,
}

/// Why a request got no answer, and the request itself where the other side can't have
/// seen a byte of it.
pub(super) struct Unanswered {
    pub(super) fault: WireFault,
    pub(super) unsent: Option<Outgoing>,
}

impl Connection {
    pub(super) fn new(stream: Stream) -> Self {
        Self {
            stream,
            buffer: BytesMut::new(),
            outgoing: None,
            unwritable: None,
            body: None,
            keeps: true,
            alarm: Alarm::default(),
        }
    }

    /// Sends a request and waits for the head of its answer until `limit`; without one
    /// somebody else keeps the time.
    ///
    /// # Errors
    /// With the request itself where the connection did not take it.
    pub(super) async fn send(
        &mut self,
        request: Outgoing,
        limit: Option<Instant>,
    ) -> Result<AnswerHead, Unanswered> {
        let to_head = request.method() == Method::HEAD;
        self.outgoing = Some(request);
        let mut reader = HeadReader::default();
        let head = std::future::poll_fn(|context| {
            let head = self.poll_head(context, &mut reader, to_head);
            if let (Poll::Pending, Some(limit)) = (&head, limit) {
                ready!(self.alarm.poll(context, limit));
                return Poll::Ready(Err(WireFault::Late));
            }
            head
        });
        match head.await {
            Ok(Head {
                status,
                headers,
                body,
                keeps,
            }) => {
                self.body = Some(body);
                self.keeps = keeps;
                Ok(AnswerHead { status, headers })
            }
            Err(fault) => Err(Unanswered {
                fault,
                unsent: self.outgoing.take().filter(Outgoing::is_untouched),
            }),
        }
    }

    fn poll_head(
        &mut self,
        context: &mut Context<'_>,
        reader: &mut HeadReader,
        to_head: bool,
    ) -> Poll<Result<Head, WireFault>> {
        self.write(context);
        if self.unwritable.is_some() && self.nothing_went_out() {
            return Poll::Ready(Err(self.broken(None)));
        }
        loop {
            match ready!(self.poll_read(context, READ)) {
                Ok(0) => return Poll::Ready(Err(self.broken(None))),
                Ok(_) => {}
                Err(error) => return Poll::Ready(Err(self.broken(Some(error)))),
            }
            if let Some(head) = reader.read(&mut self.buffer, to_head)? {
                return Poll::Ready(Ok(head));
            }
        }
    }

    /// Why no head comes any more. What broke the writing came first.
    fn broken(&mut self, reading: Option<io::Error>) -> WireFault {
        match self.unwritable.take().or(reading) {
            Some(error) => error.into(),
            None if self.buffer.is_empty() => WireFault::Closed,
            None => WireFault::ClosedInHead,
        }
    }

    fn nothing_went_out(&self) -> bool {
        self.outgoing.as_ref().is_some_and(Outgoing::is_untouched)
    }

    /// The next bytes of the answer's body; none at the end that its framing announced.
    pub(super) fn poll_body(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, WireFault>>> {
        let Some(mut body) = self.body.take() else {
            return Poll::Ready(None);
        };
        loop {
            match body.next(&mut self.buffer) {
                Ok(Piece::Data(data)) => {
                    self.body = Some(body);
                    return Poll::Ready(Some(Ok(data)));
                }
                Ok(Piece::End) => return Poll::Ready(None),
                Ok(Piece::Missing) => {}
                Err(fault) => return Poll::Ready(Some(Err(fault.into()))),
            }
            self.write(context);
            let room = match body.announced() {
                Some(left) if left > READ as u64 => READ_LONG,
                _ => READ,
            };
            match self.poll_read(context, room) {
                Poll::Pending => {
                    self.body = Some(body);
                    return Poll::Pending;
                }
                Poll::Ready(Ok(0)) => {
                    self.keeps = false;
                    return Poll::Ready(body.closed().err().map(|fault| Err(fault.into())));
                }
                Poll::Ready(Ok(_)) => {}
                Poll::Ready(Err(error)) => return Poll::Ready(Some(Err(error.into()))),
            }
        }
    }

    /// Reads what is there, into memory that is used again where it can be.
    fn poll_read(&mut self, context: &mut Context<'_>, room: usize) -> Poll<io::Result<usize>> {
        if self.buffer.capacity() - self.buffer.len() < LEAST_ROOM {
            self.buffer.reserve(room);
        }
        self.stream.poll_read(context, &mut self.buffer)
    }

    /// Writes as much as goes out now. What can't be written is no fault yet: a provider
    /// that refuses a request early answers first and closes then.
    fn write(&mut self, context: &mut Context<'_>) {
        let Some(outgoing) = &mut self.outgoing else {
            return;
        };
        match outgoing.poll_write(context, &mut self.stream) {
            Poll::Pending => {}
            Poll::Ready(Ok(())) => self.outgoing = None,
            Poll::Ready(Err(error)) => self.unwritable = Some(error),
        }
    }

    /// The connection, where it can take another request now: the last answer was read
    /// to its end, and the other side has neither closed it nor sent what nobody asked
    /// for.
    pub(super) fn still_open(mut self: Box<Self>) -> Option<Box<Self>> {
        let is_at_rest = self.keeps && self.body.is_none() && self.outgoing.is_none();
        if !is_at_rest || !self.buffer.is_empty() {
            return None;
        }
        // Nobody waits on an idle connection: the look itself is what counts.
        let mut context = Context::from_waker(Waker::noop());
        self.poll_read(&mut context, READ)
            .is_pending()
            .then_some(self)
    }
}
