use std::cell::RefCell;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::header::CONNECTION;
use http::{HeaderMap, Method, Response, Version};
use http_body::Body as _;
use smallvec::SmallVec;
use tollgate_http1::{CHUNK_END, Call, ChunkStart, Ending, LAST_CHUNK, write_reply};

use super::wire::{Shared, lock};
use crate::body::Body;

/// Parts that are gathered before they are written, at most.
const MOST_PARTS: usize = 24;

/// What of a request its answer's form depends on.
#[derive(Default)]
pub(super) struct Asked {
    method: Method,
    version: Version,
    keeps: bool,
}

impl Asked {
    pub(super) fn of(call: &Call) -> Self {
        Self {
            method: call.parts.method.clone(),
            version: call.parts.version,
            keeps: call.keeps,
        }
    }
}

/// An answer on its way out.
pub(super) struct Reply {
    parts: SmallVec<[Part; 4]>,
    /// Bytes of the first part that went out.
    written: usize,
    body: Body,
    ending: Ending,
    /// The body has given all that it has.
    is_over: bool,
    keeps: bool,
}

/// What is written in one go.
enum Part {
    Head(Vec<u8>),
    Data(Bytes),
    Chunk(ChunkStart),
    Mark(&'static [u8]),
}

impl Part {
    fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Head(bytes) => bytes,
            Self::Data(bytes) => bytes,
            Self::Chunk(start) => start.as_bytes(),
            Self::Mark(bytes) => bytes,
        }
    }
}

impl Reply {
    pub(super) fn new(response: Response<Body>, asked: &Asked, may_keep: bool) -> Self {
        let (head, body) = response.into_parts();
        let exact = body.size_hint().exact();
        let ending = Ending::of(asked.version, &asked.method, head.status, exact);
        let keeps =
            may_keep && asked.keeps && ending != Ending::Close && !asks_to_close(&head.headers);
        let mut out = Vec::new();
        let (version, headers) = (asked.version, &head.headers);
        with_date(|date| write_reply(&mut out, version, head.status, headers, ending, keeps, date));
        Self {
            parts: SmallVec::from_iter([Part::Head(out)]),
            written: 0,
            is_over: ending == Ending::Bodiless || body.is_end_stream(),
            body,
            ending,
            keeps,
        }
    }

    /// Writes all of it; false where the connection is of no more use, because the
    /// caller has left, or because it was closed as was announced.
    pub(super) async fn written(mut self, wire: &Shared) -> bool {
        if self.is_over && self.ending == Ending::Chunks {
            self.parts.push(Part::Mark(LAST_CHUNK));
        }
        let written = std::future::poll_fn(|context| self.poll(context, wire)).await;
        if written.is_err() {
            return false;
        }
        std::future::poll_fn(|context| {
            let mut wire = lock(wire);
            if self.keeps && wire.is_at_end(context) {
                return Poll::Ready(true);
            }
            self.keeps = false;
            wire.poll_shutdown(context).map(|_| false)
        })
        .await
    }

    fn poll(&mut self, context: &mut Context<'_>, wire: &Shared) -> Poll<io::Result<()>> {
        loop {
            self.gather(context)?;
            if self.parts.is_empty() {
                if self.is_over {
                    return Poll::Ready(Ok(()));
                }
                // Nobody listens any more: what goes on for them ends here.
                ready!(lock(wire).poll_left(context));
                return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
            }
            let written = {
                let mut slices: SmallVec<[IoSlice<'_>; MOST_PARTS]> = SmallVec::new();
                for (at, part) in self.parts.iter().enumerate() {
                    let skip = if at == 0 { self.written } else { 0 };
                    slices.push(IoSlice::new(&part.as_bytes()[skip..]));
                }
                ready!(lock(wire).poll_write(context, &slices))?
            };
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.advance(written);
        }
    }

    /// Takes what the body has now.
    fn gather(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        while !self.is_over && self.parts.len() + 3 < MOST_PARTS {
            match Pin::new(&mut self.body).poll_frame(context) {
                Poll::Pending => break,
                Poll::Ready(Some(Ok(frame))) => {
                    if let Ok(data) = frame.into_data() {
                        self.add(data);
                    }
                    self.is_over = self.body.is_end_stream();
                }
                Poll::Ready(Some(Err(_))) => return Err(io::ErrorKind::Other.into()),
                Poll::Ready(None) => self.is_over = true,
            }
            if self.is_over && self.ending == Ending::Chunks {
                self.parts.push(Part::Mark(LAST_CHUNK));
            }
        }
        Ok(())
    }

    fn add(&mut self, data: Bytes) {
        if data.is_empty() {
            return;
        }
        if self.ending == Ending::Chunks {
            self.parts.push(Part::Chunk(ChunkStart::of(data.len())));
            self.parts.push(Part::Data(data));
            self.parts.push(Part::Mark(CHUNK_END));
        } else {
            self.parts.push(Part::Data(data));
        }
    }

    fn advance(&mut self, written: usize) {
        let mut left = self.written + written;
        let whole = |part: &Part| {
            let length = part.as_bytes().len();
            let is_out = left >= length;
            if is_out {
                left -= length;
            }
            is_out
        };
        let out = self.parts.iter().map(whole).take_while(|out| *out).count();
        self.parts.drain(..out);
        self.written = left;
    }
}

fn asks_to_close(headers: &HeaderMap) -> bool {
    let connection = headers.get(CONNECTION);
    connection.is_some_and(|it| it.as_bytes().eq_ignore_ascii_case(b"close"))
}

/// The date as a field has it, written once a second by each thread.
fn with_date(write: impl FnOnce(&str)) {
    thread_local! {
        static DATE: RefCell<(u64, String)> = const { RefCell::new((u64::MAX, String::new())) };
    }
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let second = since.as_ref().map_or(0, Duration::as_secs);
    DATE.with_borrow_mut(|date| {
        if date.0 != second {
            let moment = SystemTime::UNIX_EPOCH + Duration::from_secs(second);
            *date = (second, httpdate::fmt_http_date(moment));
        }
        write(&date.1);
    });
}
