use bytes::Bytes;
use tollgate_types::{FaultClass, ReasonCode, TokenUsage};

use super::event::{Event, Events, Lost, lost, unname};
use super::pen::Pen;
use super::raw::{Fault, Raw, is_crowded};
use super::{AnswerFrame, chat, gemini, messages, read_events, responses};
use crate::error::{CallerError, error_element, error_event};
use crate::sse::{self, MAX_EVENT, Splitter};
use crate::{Endpoint, Forward, Framing, StreamFault, StreamTap, TapOptions};

/// Bytes of an event from which on it is worth counting its objects.
const LARGE: usize = 256 * 1024;

/// Translates a stream, event by event.
///
/// The provider's bytes go through a [`StreamTap`] of its own dialect first,
/// which finds whole events, faults and figures as it does for everybody; what
/// it lets through is written anew for the caller, at once. What is kept of a
/// stream does not grow with its length.
#[derive(Debug)]
pub struct Translator {
    tap: StreamTap,
    reader: Reader,
    writer: Writer,
    caller: Endpoint,
    framing: Framing,
    frame: AnswerFrame,
    scratch: Vec<u8>,
    /// The end of the answer was written.
    ended: bool,
    /// An event could not be read or written, whatever comes behind it.
    broken: bool,
    lost: Lost,
}

#[derive(Debug)]
enum Reader {
    Chat(chat::StreamReader),
    Messages(messages::StreamReader),
    Responses(responses::StreamReader),
    Gemini(gemini::StreamReader),
}

#[derive(Debug)]
enum Writer {
    Chat(chat::StreamWriter),
    Messages(messages::StreamWriter),
    Responses(responses::StreamWriter),
    Gemini(gemini::StreamWriter),
}

impl Writer {
    fn new(to: Endpoint, framing: Framing, frame: &AnswerFrame) -> Self {
        let frame = frame.clone();
        match to {
            Endpoint::Messages => Self::Messages(messages::StreamWriter::new(frame)),
            Endpoint::Responses => Self::Responses(responses::StreamWriter::new(frame)),
            Endpoint::StreamGenerateContent => {
                Self::Gemini(gemini::StreamWriter::new(frame, framing))
            }
            _ => Self::Chat(chat::StreamWriter::new(frame)),
        }
    }

    fn write(&mut self, event: &Event<'_>, pen: &mut Pen) {
        match self {
            Self::Chat(writer) => writer.write(event, pen),
            Self::Messages(writer) => writer.write(event, pen),
            Self::Responses(writer) => writer.write(event, pen),
            Self::Gemini(writer) => writer.write(event, pen),
        }
    }
}

/// Writes an answer that came in one piece as the stream that its caller asked
/// for: SDKs take anything else for a stream without events. None where the
/// endpoint's streams are not ours to write.
pub fn as_stream(
    endpoint: Endpoint,
    framing: Framing,
    body: &[u8],
    frame: &AnswerFrame,
) -> Option<Bytes> {
    let text = std::str::from_utf8(body).ok()?;
    let streams = endpoint.generates() && endpoint != Endpoint::Completions;
    if !streams || is_crowded(text) {
        return None;
    }
    let mut events = Events::new();
    read_events(endpoint, Raw::of(text), &mut events).ok()?;
    let mut writer = Writer::new(endpoint, framing, frame);
    let mut pen = Pen::with_capacity(text.len() * 2);
    events
        .iter()
        .for_each(|event| writer.write(event, &mut pen));
    Some(pen.finish().into())
}

impl Translator {
    /// From the provider's endpoint `from`, whose stream comes as events, to the
    /// caller's endpoint `to`, in the caller's framing.
    pub fn new(from: Endpoint, to: Endpoint, framing: Framing, frame: AnswerFrame) -> Self {
        let reader = match from {
            Endpoint::StreamGenerateContent => Reader::Gemini(gemini::StreamReader::default()),
            Endpoint::Messages => Reader::Messages(messages::StreamReader::default()),
            Endpoint::Responses => Reader::Responses(responses::StreamReader::default()),
            _ => Reader::Chat(chat::StreamReader::default()),
        };
        let writer = Writer::new(to, framing, &frame);
        Self {
            tap: StreamTap::new(from, TapOptions::default()),
            reader,
            writer,
            caller: to,
            frame,
            scratch: Vec::new(),
            framing,
            ended: false,
            broken: false,
            lost: Lost::new(),
        }
    }

    /// Takes what the provider sent, in any chunks, and gives what goes on to
    /// the caller.
    pub fn push(&mut self, chunk: Bytes) -> Forward {
        let length = chunk.len();
        let forward = self.tap.push(chunk);
        self.translate(forward, length)
    }

    /// The provider closed the stream. Gemini's has no terminator, so that
    /// only now the caller's is written.
    pub fn end(&mut self) -> Forward {
        let forward = self.tap.end();
        let mut out = self.translate(forward, 256);
        if out.fault.is_none() && self.is_finished() && !self.ended {
            let mut pen = Pen::default();
            self.write(&Event::End, &mut pen);
            out.bytes.push(pen.finish().into());
        }
        out
    }

    /// What the provider reported so far.
    pub fn usage(&self) -> Option<TokenUsage> {
        self.tap.usage()
    }

    /// Bytes of generated text so far.
    pub fn output_bytes(&self) -> u64 {
        self.tap.output_bytes()
    }

    /// Tokens of output that came for certain; see [`StreamTap::produced`].
    pub fn produced(&self) -> u64 {
        self.tap.produced()
    }

    /// Why something of the answer was left out, for each reason.
    pub fn lost(&self) -> &[&'static str] {
        &self.lost
    }

    /// Whether the provider's terminator was seen.
    pub fn is_finished(&self) -> bool {
        self.tap.is_finished() && !self.broken
    }

    fn translate(&mut self, forward: Forward, length: usize) -> Forward {
        let mut pen = Pen::with_capacity(length + length / 2);
        let mut fault = forward.fault;
        // The provider's error event is among the bytes; it is written below.
        let failed = matches!(fault, Some(StreamFault::ErrorEvent { .. }));
        let units = forward.bytes;
        if let Err(words) = self.events(&units, &mut pen) {
            self.broken = true;
            let bad = StreamFault::BadEvent(words);
            fault = Some(fault.filter(|_| failed).unwrap_or(bad));
        }
        let mut out = Forward::default();
        let text = pen.finish();
        if !text.is_empty() {
            out.bytes.push(text.into());
        }
        if let Some(StreamFault::ErrorEvent { class, message }) = &fault {
            out.bytes.push(self.error(*class, message));
        }
        out.fault = fault;
        out
    }

    /// Reads the units of the bytes that the tap let through, which are whole,
    /// and writes them.
    fn events(&mut self, chunks: &[Bytes], pen: &mut Pen) -> Result<(), String> {
        let mut whole = Vec::new();
        let bytes = match chunks {
            [one] => one.as_ref(),
            several => {
                whole.extend(several.iter().flatten());
                &whole
            }
        };
        let mut splitter = Splitter::default();
        let mut at = 0;
        while at < bytes.len() {
            let rest = &bytes[at..];
            let end = splitter.unit_end(rest).unwrap_or(rest.len());
            self.unit(&rest[..end], pen)?;
            at += end;
        }
        Ok(())
    }

    fn unit(&mut self, unit: &[u8], pen: &mut Pen) -> Result<(), String> {
        let mut scratch = std::mem::take(&mut self.scratch);
        let event = sse::Event::read(unit, &mut scratch);
        let name = event.name.and_then(|name| std::str::from_utf8(name).ok());
        let data = event
            .data
            .and_then(|data| std::str::from_utf8(data.trim_ascii()).ok());
        let mut events = Events::new();
        let read = match data {
            None if unit.starts_with(b":") => {
                events.push(Event::KeepAlive);
                Ok(())
            }
            None | Some("") => Ok(()),
            Some(data) if data.len() > LARGE && is_crowded(data) => Err(Fault::at(
                Raw::of(data),
                "found more objects than any event has",
            )),
            Some(data) => match &mut self.reader {
                Reader::Chat(reader) => reader.read(data, &mut events),
                Reader::Messages(reader) => reader.read(name, data, &mut events),
                Reader::Responses(reader) => reader.read(name, data, &mut events),
                Reader::Gemini(reader) => reader.read(data, &mut events),
            },
        };
        let read = read.map_err(|fault| match data {
            Some(data) => format!("{}: {}", fault.path(data), fault.words()),
            None => fault.words().to_owned(),
        });
        if self.frame.rename {
            unname(&mut events);
        }
        if read.is_ok() {
            lost(&events, self.caller.dialect(), &mut self.lost);
            // Only the tap says whether the answer is whole.
            let is_whole = self.tap.is_finished();
            for event in events
                .iter()
                .filter(|event| is_whole || **event != Event::End)
            {
                self.write(event, pen);
            }
        }
        drop(events);
        scratch.clear();
        if scratch.capacity() <= 64 * 1024 {
            self.scratch = scratch;
        }
        match self.held() > MAX_EVENT {
            true => {
                Err("the answer is larger than the caller's API can repeat at its end".to_owned())
            }
            false => read,
        }
    }

    fn write(&mut self, event: &Event<'_>, pen: &mut Pen) {
        self.ended |= *event == Event::End;
        self.writer.write(event, pen);
    }

    /// What the caller's API makes us keep of an answer.
    fn held(&self) -> usize {
        match &self.writer {
            Writer::Chat(_) | Writer::Messages(_) => 0,
            Writer::Responses(writer) => writer.held(),
            Writer::Gemini(writer) => writer.held(),
        }
    }

    /// What ends this stream with an error of Tollgate's, in the caller's
    /// dialect and behind what has gone on so far.
    pub fn error_end(&self, error: &CallerError<'_>) -> Bytes {
        match &self.writer {
            Writer::Gemini(writer) if self.framing == Framing::Array => {
                error_element(error, writer.is_first())
            }
            Writer::Responses(writer) => error_event(self.caller, error, writer.sequence()),
            _ => error_event(self.caller, error, 0),
        }
    }

    /// The provider's own error, in the caller's way.
    fn error(&self, class: FaultClass, message: &str) -> Bytes {
        let status = match class {
            FaultClass::RateLimit | FaultClass::Quota => 429,
            FaultClass::ContextOverflow | FaultClass::BadRequest => 400,
            FaultClass::AuthError => 401,
            FaultClass::Timeout => 504,
            _ => 503,
        };
        let error = CallerError {
            status,
            reason: ReasonCode::UpstreamErrorEvent,
            message,
            hint: None,
            param: None,
            request: self.frame.request,
        };
        self.error_end(&error)
    }
}
