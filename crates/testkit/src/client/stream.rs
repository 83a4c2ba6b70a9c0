//! An answer that is still coming.

use super::answer::{Answer, Ending, Head};
use super::socket::Socket;
use crate::deadline::within;
use bytes::{Bytes, BytesMut};
use serde_json::Value;
use std::io;

/// One event of an event stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SseEvent {
    /// Its bytes, with the blank line that ends it (if one came).
    pub raw: Bytes,
    /// The `event:` field.
    pub event: Option<String>,
    /// The `data:` lines, joined by newlines.
    pub data: String,
}

impl SseEvent {
    /// The data as JSON.
    ///
    /// # Panics
    /// Where it is not JSON.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.data)
            .unwrap_or_else(|error| panic!("not JSON ({error}): {:?}", self.data))
    }

    fn parse(raw: Bytes) -> Self {
        let text = String::from_utf8_lossy(&raw).into_owned();
        let field = |name: &'static str| {
            let values = text
                .lines()
                .filter_map(move |line| line.strip_prefix(name)?.strip_prefix(':'));
            values.map(|value| value.strip_prefix(' ').unwrap_or(value).to_owned())
        };
        let event = field("event").next();
        let data = field("data").collect::<Vec<_>>().join("\n");
        Self { raw, event, data }
    }
}

/// The head of an answer and a body that is read piece by piece.
#[derive(Debug)]
pub struct Stream {
    /// Status and headers.
    pub head: Head,
    socket: Socket,
    framing: Framing,
    /// Off the wire, framing not removed yet.
    unread: BytesMut,
    /// Body bytes not handed out yet.
    body: BytesMut,
    ending: Option<Ending>,
}

#[derive(Clone, Copy, Debug)]
enum Framing {
    Length(usize),
    /// Bytes left in the chunk, its line end included; 0 before a length line.
    Chunked(usize),
    ToClose,
}

impl Stream {
    pub(super) async fn read_head(mut socket: Socket) -> Option<Self> {
        let mut unread = BytesMut::new();
        let end = loop {
            if let Some(place) = unread.windows(4).position(|window| window == b"\r\n\r\n") {
                break place + 4;
            }
            if !matches!(socket.read(&mut unread).await, Ok(1..)) {
                return None;
            }
        };
        let head = Head::parse(unread.split_to(end).freeze())?;
        let framing = framing(&head);
        let mut stream = Self {
            head,
            socket,
            framing,
            unread,
            body: BytesMut::new(),
            ending: None,
        };
        stream.unframe();
        Some(stream)
    }

    pub(super) fn without_body(mut self) -> Self {
        self.ending = Some(Ending::Clean);
        self
    }

    /// The next whole event; `None` once the body has ended.
    /// What stands unterminated at the end is left for [`Self::finish`].
    ///
    /// # Panics
    /// Past the deadline.
    pub async fn next_event(&mut self) -> Option<SseEvent> {
        loop {
            if let Some(end) = event_end(&self.body) {
                return Some(SseEvent::parse(self.body.split_to(end).freeze()));
            }
            if self.ending.is_some() {
                return None;
            }
            within("the next event of a stream", self.fill()).await;
        }
    }

    /// The next body bytes, as soon as there are any; `None` at the end.
    ///
    /// # Panics
    /// Past the deadline.
    pub async fn next_bytes(&mut self) -> Option<Bytes> {
        while self.body.is_empty() && self.ending.is_none() {
            within("the next bytes of a body", self.fill()).await;
        }
        (!self.body.is_empty()).then(|| self.body.split().freeze())
    }

    /// Reads the rest; the answer's body is what was not handed out before.
    ///
    /// # Panics
    /// Past the deadline.
    pub async fn finish(self) -> Answer {
        self.finish_keeping().await.0
    }

    /// As [`Self::finish`], and gives the connection back for a next request.
    ///
    /// # Panics
    /// Past the deadline.
    pub async fn finish_keeping(mut self) -> (Answer, Socket) {
        let ending = loop {
            if let Some(ending) = self.ending.take() {
                break ending;
            }
            within("the end of a body", self.fill()).await;
        };
        (
            Answer {
                head: self.head,
                body: self.body.freeze(),
                ending,
            },
            self.socket,
        )
    }

    /// Reads once and removes the framing of what came.
    async fn fill(&mut self) {
        match self.socket.read(&mut self.unread).await {
            Ok(0) => self.ending = Some(self.at_close()),
            Ok(_) => self.unframe(),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                self.ending = Some(self.at_close())
            }
            Err(_) => self.ending = Some(Ending::Reset),
        }
    }

    fn at_close(&self) -> Ending {
        if matches!(self.framing, Framing::ToClose) {
            Ending::Closed
        } else {
            Ending::Cut
        }
    }

    fn unframe(&mut self) {
        while self.ending.is_none() {
            match self.framing {
                Framing::ToClose => return self.body.unsplit(self.unread.split()),
                Framing::Length(left) => {
                    let taken = left.min(self.unread.len());
                    self.body.unsplit(self.unread.split_to(taken));
                    self.framing = Framing::Length(left - taken);
                    if left > taken {
                        return;
                    }
                    self.ending = Some(Ending::Clean);
                }
                Framing::Chunked(0) => {
                    if !self.begin_chunk() {
                        return;
                    }
                }
                Framing::Chunked(left) => {
                    let taken = left.min(self.unread.len());
                    let piece = self.unread.split_to(taken);
                    // the last two bytes of a chunk are its line end
                    let text = taken.min(left.saturating_sub(2));
                    self.body.extend_from_slice(&piece[..text]);
                    if !b"\r\n"[2_usize.saturating_sub(left)..].starts_with(&piece[text..]) {
                        self.ending = Some(Ending::BadFraming);
                    }
                    self.framing = Framing::Chunked(left - taken);
                    if left > taken {
                        return;
                    }
                }
            }
        }
    }

    /// Reads a chunk's length line; false where it is not there yet.
    fn begin_chunk(&mut self) -> bool {
        let Some(end) = self.unread.windows(2).position(|window| window == b"\r\n") else {
            return false;
        };
        let line = String::from_utf8_lossy(&self.unread[..end]).into_owned();
        let size = line.split(';').next().unwrap_or_default().trim();
        match usize::from_str_radix(size, 16) {
            // the last chunk: its trailers (we send and expect none) end with a blank line
            Ok(0) if self.unread.len() < end + 4 => return false,
            Ok(0) => self.ending = Some(Ending::Clean),
            Ok(length) => {
                let _line = self.unread.split_to(end + 2);
                self.framing = Framing::Chunked(length + 2);
            }
            Err(_) => self.ending = Some(Ending::BadFraming),
        }
        true
    }
}

fn framing(head: &Head) -> Framing {
    if head
        .header("transfer-encoding")
        .is_some_and(|value| value.eq_ignore_ascii_case("chunked"))
    {
        return Framing::Chunked(0);
    }
    if matches!(head.status, 204 | 304) {
        return Framing::Length(0);
    }
    match head.header("content-length") {
        Some(length) => Framing::Length(length.parse().expect("content-length is a number")),
        None => Framing::ToClose,
    }
}

/// Cuts a body into events, an unterminated one last.
pub(super) fn split_events(body: &Bytes) -> Vec<SseEvent> {
    let mut rest = body.clone();
    let mut events = Vec::new();
    while !rest.is_empty() {
        let end = event_end(&rest).unwrap_or(rest.len());
        events.push(SseEvent::parse(rest.split_to(end)));
    }
    events
}

/// Where the first event ends, its blank line included. Knows LF and CRLF;
/// a lone CR is not sent by any fake.
fn event_end(bytes: &[u8]) -> Option<usize> {
    let mut line_start = 0;
    loop {
        let line_end = line_start + bytes[line_start..].iter().position(|byte| *byte == b'\n')?;
        let line = &bytes[line_start..line_end];
        if line.is_empty() || line == b"\r" {
            return Some(line_end + 1);
        }
        line_start = line_end + 1;
    }
}
