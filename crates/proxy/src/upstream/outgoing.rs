use std::io::{self, IoSlice};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::uri::PathAndQuery;
use http::{HeaderName, HeaderValue, Method};
use smallvec::SmallVec;
use tollgate_http1::write_head;

use super::stream::Stream;

/// A body in a few pieces, sent one after the other without being joined.
pub(crate) type Pieces = SmallVec<[Bytes; 8]>;

/// One body as it is; none at all where it is empty.
pub(super) fn whole(body: &Bytes) -> Pieces {
    std::iter::once(body.clone())
        .filter(|it| !it.is_empty())
        .collect()
}

/// A request on its way out, head and body.
pub(crate) struct Outgoing {
    method: Method,
    head: Vec<u8>,
    pieces: Pieces,
    /// Bytes that the connection has taken.
    written: usize,
}

impl Outgoing {
    pub(super) fn new<'f>(
        method: Method,
        path: &PathAndQuery,
        fields: impl IntoIterator<Item = (&'f HeaderName, &'f HeaderValue)>,
        pieces: Pieces,
    ) -> Self {
        let length: usize = pieces.iter().map(Bytes::len).sum();
        let length = Some(length as u64).filter(|length| *length > 0);
        let mut head = Vec::new();
        write_head(&mut head, &method, path, fields, length);
        Self {
            method,
            head,
            pieces,
            written: 0,
        }
    }

    pub(super) fn method(&self) -> &Method {
        &self.method
    }

    /// Whether the other side can't have seen any of it.
    pub(super) fn is_untouched(&self) -> bool {
        self.written == 0
    }

    /// Writes what is left, head and body in one system call where they fit.
    pub(super) fn poll_write(
        &mut self,
        context: &mut Context<'_>,
        stream: &mut Stream,
    ) -> Poll<io::Result<()>> {
        loop {
            let left = self.left();
            if left.is_empty() {
                return stream.poll_flush(context);
            }
            let taken = ready!(stream.poll_write(context, &left))?;
            drop(left);
            if taken == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.written += taken;
        }
    }

    fn left(&self) -> SmallVec<[IoSlice<'_>; 9]> {
        let mut skip = self.written;
        let parts = std::iter::once(self.head.as_slice()).chain(self.pieces.iter().map(|it| &**it));
        parts
            .filter_map(|part| {
                let gone = skip.min(part.len());
                skip -= gone;
                Some(&part[gone..]).filter(|part| !part.is_empty())
            })
            .map(IoSlice::new)
            .collect()
    }
}
