use std::io::{self, IoSlice};
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWrite};
use tokio::net::TcpStream;
use tollgate_http1::{BodyReader, CONTINUE, Call, CallReader, HeadFault, Piece};

use super::IncomingFault;
use crate::stall::StallGuard;

/// What is read at once, and what an idle connection keeps.
const READ: usize = 8 << 10;
/// What is read at once of a body that is known to be longer.
const READ_LONG: usize = 64 << 10;
/// With less room than this a buffer is given up for another one.
const LEAST_ROOM: usize = 1 << 10;
/// Longest time that a caller may leave an answer unread.
const WRITE_STALL: Duration = Duration::from_secs(60);
/// Most bytes of a body that nobody wanted which are read so that the connection can be
/// kept.
const MOST_DRAINED: usize = 64 << 10;

/// A connection, shared by its task and the body of the request that is being served.
/// Both are polled by the same task, so the lock is never waited for.
pub(super) type Shared = Arc<Mutex<Wire>>;

pub(super) fn lock(wire: &Shared) -> MutexGuard<'_, Wire> {
    wire.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(super) struct Wire {
    stream: StallGuard<TcpStream>,
    /// What was read and not yet taken. Heads and bodies are parts of it; once nobody
    /// holds one any longer, its memory serves the next request.
    buffer: BytesMut,
    /// The body of the request that is being served, until it was read to its end.
    body: Option<BodyReader>,
    /// What is left to be written of the word that the caller waits for.
    invitation: &'static [u8],
    /// Nothing more can be read.
    ended: bool,
}

impl Wire {
    pub(super) fn shared(stream: TcpStream) -> Shared {
        Arc::new(Mutex::new(Self {
            stream: StallGuard::new(stream, WRITE_STALL),
            buffer: BytesMut::new(),
            body: None,
            invitation: &[],
            ended: false,
        }))
    }

    /// Whether nothing of another request has come.
    pub(super) fn is_idle(&self) -> bool {
        self.buffer.is_empty()
    }

    /// The head of the next request; none where the caller has left.
    pub(super) fn poll_call(
        &mut self,
        context: &mut Context<'_>,
        reader: &mut CallReader,
    ) -> Poll<Result<Option<Call>, HeadFault>> {
        loop {
            if let Some(call) = reader.read(&mut self.buffer)? {
                return Poll::Ready(Ok(Some(call)));
            }
            match ready!(self.poll_read(context, READ)) {
                Ok(0) | Err(_) => return Poll::Ready(Ok(None)),
                Ok(_) => {}
            }
        }
    }

    /// A request is served now, with this body; `waits` says that its caller wants to be
    /// asked for it.
    pub(super) fn begin(&mut self, body: BodyReader, waits: bool) {
        self.body = Some(body).filter(|body| !body.is_over());
        self.invitation = if waits { CONTINUE } else { &[] };
    }

    /// The next bytes of the body, and whether they are the last.
    pub(super) fn poll_body(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<(Bytes, bool), IncomingFault>>> {
        loop {
            let Some(body) = &mut self.body else {
                return Poll::Ready(None);
            };
            match body.next(&mut self.buffer) {
                Ok(Piece::Data(data)) => {
                    let is_last = body.is_over();
                    if is_last {
                        self.body = None;
                    }
                    return Poll::Ready(Some(Ok((data, is_last))));
                }
                Ok(Piece::End) => self.body = None,
                Ok(Piece::Missing) => {
                    let room = match body.announced() {
                        Some(left) if left > READ as u64 => READ_LONG,
                        _ => READ,
                    };
                    if let Err(fault) = ready!(self.poll_more(context, room)) {
                        return Poll::Ready(Some(Err(fault)));
                    }
                }
                Err(fault) => {
                    self.ended = true;
                    return Poll::Ready(Some(Err(fault.into())));
                }
            }
        }
    }

    /// Reads more of a body that its caller was asked for.
    fn poll_more(
        &mut self,
        context: &mut Context<'_>,
        room: usize,
    ) -> Poll<Result<(), IncomingFault>> {
        while !self.invitation.is_empty() {
            let stream = Pin::new(&mut self.stream);
            let written = ready!(stream.poll_write(context, self.invitation))?;
            self.invitation = self.invitation.get(written.max(1)..).unwrap_or_default();
        }
        match ready!(self.poll_read(context, room))? {
            0 => Poll::Ready(Err(IncomingFault::Left)),
            _ => Poll::Ready(Ok(())),
        }
    }

    /// Ready once the caller has left. It is not looked for while more of the request
    /// has to come, or has come that is not its turn.
    pub(super) fn poll_left(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if self.body.is_some() || !self.buffer.is_empty() {
            return Poll::Pending;
        }
        match ready!(self.poll_read(context, 64)) {
            Ok(0) | Err(_) => Poll::Ready(()),
            Ok(_) => Poll::Pending,
        }
    }

    /// Whether another request can follow: the body was read, or what is left of it was
    /// there already and little.
    pub(super) fn is_at_end(&mut self, context: &mut Context<'_>) -> bool {
        if self.ended || self.body.is_some() && !self.invitation.is_empty() {
            return false;
        }
        let mut drained = 0;
        while self.body.is_some() && drained < MOST_DRAINED {
            match self.poll_body(context) {
                Poll::Ready(Some(Ok((data, _)))) => drained += data.len(),
                Poll::Ready(None) => {}
                _ => return false,
            }
        }
        self.body.is_none()
    }

    fn poll_read(&mut self, context: &mut Context<'_>, room: usize) -> Poll<io::Result<usize>> {
        if self.ended {
            return Poll::Ready(Ok(0));
        }
        if self.buffer.capacity() - self.buffer.len() < LEAST_ROOM.min(room) {
            self.buffer.reserve(room.max(READ));
        }
        let read = ready!(pin!(self.stream.read_buf(&mut self.buffer)).poll(context));
        self.ended = !matches!(read, Ok(1..));
        Poll::Ready(read)
    }

    pub(super) fn poll_write(
        &mut self,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    pub(super) fn poll_shutdown(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
