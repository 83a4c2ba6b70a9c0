mod anthropic;
mod gemini;
mod openai;
mod outgoing;
mod responses;

use bytes::{Bytes, BytesMut};
use serde::Deserializer as _;
use serde::de::Visitor;
use smallvec::SmallVec;
use tollgate_types::{FaultClass, TokenUsage};

use crate::array::{ArraySplitter, Unit};
use crate::error::{CallerError, error_element, error_event};
use crate::sse::{Event, MAX_EVENT, Splitter};
use crate::{Dialect, Endpoint, Framing};
use gemini::Candidates;
use outgoing::Outgoing;

/// Bytes of text that are rarely a single token.
const LONG_TOKEN: u64 = 8;

/// How a stream is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TapOptions {
    /// The gateway asked for usage and the client did not: OpenAI's chunk that
    /// carries usage and no choice is left out.
    pub strip_usage: bool,
    /// What holds the stream together.
    pub framing: Framing,
}

/// What goes on to the client now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Forward {
    /// Whole events, byte for byte as they came.
    pub bytes: SmallVec<[Bytes; 2]>,
    /// Why nothing more will come, where that is so.
    pub fault: Option<StreamFault>,
}

/// Why a stream failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StreamFault {
    /// It ended before its terminator.
    #[error("the stream ended without its terminator")]
    Cut,
    /// An event is not what the dialect says; it is not forwarded. The text is
    /// for the log and shows no content.
    #[error("an event of the stream is broken: {0}")]
    BadEvent(String),
    /// An event is larger than [`crate::MAX_EVENT`].
    #[error("an event of the stream is larger than {MAX_EVENT} bytes")]
    EventTooLarge,
    /// The provider's own error event, which is forwarded.
    #[error("the provider sent an error: {message}")]
    ErrorEvent {
        /// What it means.
        class: FaultClass,
        /// The provider's words, cut and cleaned.
        message: String,
    },
}

/// Stands beside a stream and reads what the gateway must know.
///
/// Whole events go on byte for byte; only a partial event at the end of a chunk
/// is held back, so that an error event can follow at any moment and stand on
/// its own. After the terminator or a fault nothing more goes on. How the
/// stream is cut into chunks changes nothing but the moment.
#[derive(Debug)]
pub struct StreamTap {
    endpoint: Endpoint,
    options: TapOptions,
    cutter: Cutter,
    /// The partial event, at most [`MAX_EVENT`] bytes.
    held: BytesMut,
    scratch: Vec<u8>,
    state: State,
    /// Whether the last unit went on, and so a line feed that belongs to it.
    kept_last: bool,
    reading: Reading,
}

/// Cuts the stream into units, by its framing.
#[derive(Debug)]
enum Cutter {
    Events(Splitter),
    Array(ArraySplitter),
}

impl Cutter {
    fn unit_end(&mut self, bytes: &[u8]) -> Option<usize> {
        match self {
            Self::Events(splitter) => splitter.unit_end(bytes),
            Self::Array(splitter) => splitter.unit_end(bytes),
        }
    }

    fn takes_line_feed(&mut self, bytes: &[u8]) -> bool {
        match self {
            Self::Events(splitter) => splitter.takes_line_feed(bytes),
            Self::Array(_) => false,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Open,
    Finished,
    Failed,
}

/// What the events said so far.
#[derive(Debug, Default)]
struct Reading {
    usage: Option<TokenUsage>,
    output_bytes: u64,
    /// Events that carried generated text.
    deltas: u64,
    /// Of Responses: the number that the next event has to have.
    sequence: Option<u64>,
    /// Of Gemini.
    candidates: Candidates,
    /// Elements of an array so far, and whether its end was seen.
    elements: u64,
    closed: bool,
    /// Something else than blanks came behind the end.
    littered: bool,
}

impl Reading {
    fn generated(&mut self, bytes: u64) {
        self.output_bytes += bytes;
        self.deltas += u64::from(bytes > 0);
    }
}

/// What becomes of one unit.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    /// It goes on; nothing in it concerns the gateway.
    Pass,
    /// It goes on, and was understood.
    Keep,
    /// It was asked for by the gateway alone.
    Strip,
    /// It goes on, and is the terminator.
    Finish,
    Fail(StreamFault),
}

impl StreamTap {
    /// A tap for the answer to one request.
    pub fn new(endpoint: Endpoint, options: TapOptions) -> Self {
        Self {
            endpoint,
            options,
            cutter: match options.framing {
                Framing::Events => Cutter::Events(Splitter::default()),
                Framing::Array => Cutter::Array(ArraySplitter::default()),
            },
            held: BytesMut::new(),
            scratch: Vec::new(),
            state: State::Open,
            kept_last: true,
            reading: Reading::default(),
        }
    }

    /// Takes what the provider sent, in any chunks, and gives what goes on.
    ///
    /// A chunk that ends where an event does, with nothing to leave out, goes
    /// on as it is: no copy, no allocation.
    pub fn push(&mut self, chunk: Bytes) -> Forward {
        let mut out = Outgoing::default();
        let mut at = 0;
        if self.held.is_empty() && self.cutter.takes_line_feed(&chunk) {
            at = 1;
            out.span(0..at, self.kept_last && self.state != State::Failed);
        }
        if !self.held.is_empty() {
            at = self.complete_held(&chunk, &mut out);
        }
        while self.state == State::Open && at < chunk.len() {
            match self.cutter.unit_end(&chunk[at..]) {
                Some(length) => {
                    let unit = at..at + length;
                    let verdict = self.judge(&chunk[unit.clone()]);
                    let kept = self.settle(verdict, &mut out.fault);
                    out.span(unit.clone(), kept);
                    if kept && out.fault.is_some() {
                        out.closing = self.closing(&chunk[unit.clone()]);
                    }
                    at = unit.end;
                }
                None => {
                    self.hold(&chunk[at..], &mut out);
                    break;
                }
            }
        }
        out.of(chunk)
    }

    /// The provider closed the stream. Its last event may lack the blank line;
    /// it goes on with that added where it is whole, and is dropped where not.
    pub fn end(&mut self) -> Forward {
        let mut forward = Forward::default();
        if self.state != State::Open {
            return forward;
        }
        let tail = self.held.split().freeze();
        let Cutter::Events(splitter) = &self.cutter else {
            // What is left over is never whole, or it would have gone on.
            let whole = self.is_finished();
            self.state = if whole {
                State::Finished
            } else {
                State::Failed
            };
            forward.fault = (!whole).then_some(StreamFault::Cut);
            return forward;
        };
        let missing = splitter.missing_end();
        let verdict = match tail.len() {
            0 => Verdict::Pass,
            _ => self.judge(&tail),
        };
        let whole = self.reading.candidates.are_whole();
        self.state = match verdict {
            Verdict::Finish => State::Finished,
            Verdict::Fail(_) => State::Failed,
            _ if whole => State::Finished,
            _ => State::Failed,
        };
        if matches!(
            verdict,
            Verdict::Keep | Verdict::Finish | Verdict::Fail(StreamFault::ErrorEvent { .. })
        ) {
            forward.bytes.push(tail);
            forward.bytes.push(Bytes::from_static(missing));
        }
        forward.fault = match verdict {
            Verdict::Fail(fault @ StreamFault::ErrorEvent { .. }) => Some(fault),
            _ if self.state == State::Finished => None,
            _ => Some(StreamFault::Cut),
        };
        forward
    }

    /// What the provider reported so far; none where it reported nothing.
    pub fn usage(&self) -> Option<TokenUsage> {
        self.reading.usage
    }

    /// Bytes of generated text so far (text, reasoning, tool names and
    /// arguments): an estimate's input.
    pub fn output_bytes(&self) -> u64 {
        self.reading.output_bytes
    }

    /// Tokens of output that came for certain, as nearly as that can be said
    /// from below: what was reported, else one for each event with text, and
    /// one for each 8 bytes of it. Providers put one or more tokens into an
    /// event; hardly any text has longer ones.
    pub fn produced(&self) -> u64 {
        let Reading {
            usage,
            output_bytes,
            deltas,
            ..
        } = &self.reading;
        let reported = usage.map_or(0, |usage| usage.output);
        reported.max(*deltas).max(output_bytes / LONG_TOKEN)
    }

    /// Whether the answer is whole: its terminator was seen (`[DONE]`,
    /// `message_stop`, `response.completed`), or of Gemini, which has none,
    /// the end of every candidate.
    pub fn is_finished(&self) -> bool {
        match self.state {
            State::Finished => true,
            State::Failed => false,
            State::Open => {
                let ended = self.options.framing == Framing::Events || self.reading.closed;
                ended && self.reading.candidates.are_whole()
            }
        }
    }

    /// What ends this stream with an error of Tollgate's, in the caller's
    /// dialect and behind what has gone on so far: an event, or the last
    /// element of an array and its bracket. No terminator follows it.
    pub fn error_end(&self, error: &CallerError<'_>) -> Bytes {
        match self.options.framing {
            Framing::Events => {
                let sequence = self.reading.sequence.unwrap_or(0);
                error_event(self.endpoint, error, sequence)
            }
            Framing::Array => error_element(error, self.reading.elements == 0),
        }
    }

    /// What must follow a provider's own error. Of events: it may have ended
    /// with a CR whose LF would come too late, and a client that looks for
    /// CRLF would never see the event; as a line end it is the same.
    fn closing(&self, unit: &[u8]) -> &'static [u8] {
        match self.cutter {
            Cutter::Array(_) if self.reading.elements > 0 => b"\n]\n",
            Cutter::Array(_) => b"",
            Cutter::Events(_) if unit.ends_with(b"\r") => b"\n",
            Cutter::Events(_) => b"",
        }
    }

    /// Goes on with the event whose beginning is held; gives how much of the
    /// chunk that took.
    fn complete_held(&mut self, chunk: &Bytes, out: &mut Outgoing) -> usize {
        let Some(end) = self.cutter.unit_end(chunk) else {
            self.hold(chunk, out);
            return chunk.len();
        };
        if self.held.len() + end > MAX_EVENT + 1 {
            self.fail(StreamFault::EventTooLarge, &mut out.fault);
            return end;
        }
        self.held.extend_from_slice(&chunk[..end]);
        let unit = self.held.split().freeze();
        let verdict = self.judge(&unit);
        let kept = self.settle(verdict, &mut out.fault);
        if kept && out.fault.is_some() {
            out.closing = self.closing(&unit);
        }
        out.before = kept.then_some(unit);
        end
    }

    fn hold(&mut self, tail: &[u8], out: &mut Outgoing) {
        if self.held.len() + tail.len() > MAX_EVENT {
            self.fail(StreamFault::EventTooLarge, &mut out.fault);
        } else {
            self.held.extend_from_slice(tail);
        }
    }

    /// Whether the unit goes on.
    fn settle(&mut self, verdict: Verdict, fault: &mut Option<StreamFault>) -> bool {
        self.kept_last = match verdict {
            Verdict::Pass | Verdict::Keep => true,
            Verdict::Strip => false,
            Verdict::Finish => {
                self.state = State::Finished;
                true
            }
            Verdict::Fail(reason) => {
                let kept = matches!(reason, StreamFault::ErrorEvent { .. });
                self.fail(reason, fault);
                kept
            }
        };
        self.kept_last
    }

    fn fail(&mut self, reason: StreamFault, fault: &mut Option<StreamFault>) {
        self.state = State::Failed;
        self.held = BytesMut::new();
        *fault = Some(reason);
    }

    fn judge(&mut self, unit: &[u8]) -> Verdict {
        // A line feed that may come in the next chunk must not decide.
        if unit
            .strip_suffix(b"\r\n")
            .map_or(unit.len(), |rest| rest.len() + 1)
            > MAX_EVENT
        {
            return Verdict::Fail(StreamFault::EventTooLarge);
        }
        if self.options.framing == Framing::Array {
            return self.judge_element(unit);
        }
        let event = Event::read(unit, &mut self.scratch);
        let verdict = match self.endpoint.dialect() {
            Dialect::Anthropic => anthropic::judge(&event, &mut self.reading),
            Dialect::OpenAi if self.endpoint == Endpoint::Responses => {
                responses::judge(&event, &mut self.reading)
            }
            Dialect::OpenAi => openai::judge(&event, self.options, &mut self.reading),
            Dialect::Gemini => gemini::judge(&event, &mut self.reading),
        };
        if self.scratch.capacity() > 64 * 1024 {
            self.scratch = Vec::new();
        }
        verdict
    }

    fn judge_element(&mut self, unit: &[u8]) -> Verdict {
        let reading = &mut self.reading;
        let stray = |note: &str| Verdict::Fail(StreamFault::BadEvent(note.to_owned()));
        match Unit::read(unit, reading.elements) {
            Unit::Blank if !reading.littered => Verdict::Pass,
            _ if reading.closed => {
                reading.littered = true;
                Verdict::Strip
            }
            Unit::Blank => Verdict::Strip,
            Unit::Element(object) => {
                let verdict = gemini::judge_part(object, reading);
                // An element that is not forwarded needs no comma behind it.
                let gone = matches!(
                    verdict,
                    Verdict::Keep | Verdict::Fail(StreamFault::ErrorEvent { .. })
                );
                reading.elements += u64::from(gone);
                verdict
            }
            // Behind the bracket no error could be told any more.
            Unit::End if !reading.candidates.are_whole() => Verdict::Fail(StreamFault::Cut),
            Unit::End => {
                reading.closed = true;
                Verdict::Pass
            }
            Unit::Alone(object) => match gemini::judge_part(object, reading) {
                Verdict::Keep => stray("found one object, expected a list"),
                verdict => verdict,
            },
            Unit::Stray => stray("the list is not JSON"),
        }
    }
}

/// Says what is wrong with data without showing any of it.
fn broken(data: &str, fault: &serde_json::Error) -> Verdict {
    let note = match fault.classify() {
        serde_json::error::Category::Eof => "its JSON breaks off".to_owned(),
        serde_json::error::Category::Data if !data.trim_start().starts_with('{') => {
            let found = crate::json::kind(data.trim_start());
            format!("found {found}, expected an object")
        }
        _ => format!("not JSON from byte {} on", fault.column()),
    };
    Verdict::Fail(StreamFault::BadEvent(note))
}

/// Shows the members of an event's data, which has to be one object, to what
/// looks for some of them.
fn visit<'a>(data: &'a [u8], looks: impl Visitor<'a, Value = ()>) -> Result<&'a str, Verdict> {
    let data = text(data)?;
    let mut reader = serde_json::Deserializer::from_str(data);
    let read = reader.deserialize_map(looks);
    match read.and_then(|()| reader.end()) {
        Ok(()) => Ok(data),
        Err(fault) => Err(broken(data, &fault)),
    }
}

fn text(data: &[u8]) -> Result<&str, Verdict> {
    std::str::from_utf8(data)
        .map_err(|_| Verdict::Fail(StreamFault::BadEvent("not UTF-8".to_owned())))
}

#[cfg(test)]
mod tests;
