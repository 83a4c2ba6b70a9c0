//! What a fake provider does with one request.

use crate::gate::Gate;
use bytes::Bytes;

/// One scripted answer. Where a script makes sense for every dialect it is
/// sent in the provider's own; "event" means one SSE event of that dialect
/// (for Anthropic the lead-in, `message_start` and `content_block_start`,
/// goes out together with the first event and is not counted).
#[derive(Clone, Debug)]
pub enum Script {
    /// A good answer of `words` words: as JSON, or as a stream of one event a
    /// word where the request says `"stream": true`. Usage is
    /// [`INPUT_TOKENS`](crate::INPUT_TOKENS) in and `words` out; OpenAI streams
    /// carry it only where the request asked for it.
    Text {
        /// Number of words.
        words: usize,
    },
    /// A good stream of `events` content events, whatever the request says.
    /// With a gate the head is sent at once, and each content event waits for
    /// a pass, as does the ending (usage and terminator, together one step).
    Stream {
        /// Number of content events.
        events: usize,
        /// Held back by this gate.
        gate: Option<Gate>,
    },
    /// A good stream of `events` content events in which usage never stands,
    /// asked for or not.
    StreamWithoutUsage {
        /// Number of content events.
        events: usize,
    },
    /// Two parallel tool calls, `get_weather` and `get_time`; in a stream
    /// their argument fragments interleave. Arguments:
    /// `{"city":"Zürich"}` and `{"zone":"CET"}`.
    ToolCalls,
    /// The thought [`THOUGHT`](crate::THOUGHT), proven by
    /// [`PROOF`](crate::PROOF) where the dialect has proofs (a signature, or
    /// sealed reasoning), and then two words.
    Thinking,

    /// 429 that means "slow down", with `retry-after` in seconds.
    Status429Rate {
        /// Value of `retry-after`.
        retry_after: u32,
    },
    /// 429 that means "no money left": trying again is pointless.
    Status429Quota,
    /// 401, the key is not valid.
    Status401,
    /// 403, the key may not do this.
    Status403,
    /// 500.
    Status500,
    /// 529 overloaded (OpenAI: 503, as that is what its servers say).
    Status529,
    /// 400, the conversation is longer than the model's context.
    Status400Context,
    /// 400 for any other reason; the message is `field X is wrong`.
    Status400,

    /// Takes the request and never answers.
    Timeout,
    /// Takes the request and resets the connection (RST).
    ResetBeforeFirstByte,
    /// Sends the head of a stream, then RST.
    ResetAfterHeaders,
    /// Sends the head and one content event, then RST.
    ResetAfterFirstEvent,
    /// A stream of `events` content events that ends cleanly as HTTP goes, but
    /// without the dialect's terminator.
    Cut {
        /// Number of content events.
        events: usize,
    },
    /// One content event and half of the next, then the connection closes
    /// inside the chunked body.
    CutMidEvent,
    /// `events` content events, then silence until the gate passes one step;
    /// then the stream goes on to its proper end.
    Stall {
        /// Number of content events before the silence.
        events: usize,
        /// Ends the silence.
        gate: Gate,
    },
    /// One content event, then an event whose data is not JSON, then a proper
    /// ending, as if nothing had happened.
    BadChunk,
    /// One content event, then chunk framing that is not HTTP.
    BadChunkEncoding,
    /// Status 200 and an error as the first event (as the JSON body where the
    /// request doesn't stream).
    ErrorIn200,
    /// One content event, then an error event; OpenAI's adds `[DONE]` behind it.
    ErrorAfterFirstEvent,
    /// Status 200, an HTML page.
    NotJson,
    /// `content-length` larger than the body that comes, then the connection
    /// closes.
    WrongLength,
    /// Header lines without end: at most `mib` MiB, then the connection closes.
    EndlessHeaders {
        /// Bound in MiB.
        mib: usize,
    },
    /// A stream whose first event is one line of `mib` MiB without a newline,
    /// then the connection closes.
    HugeLine {
        /// Length in MiB.
        mib: usize,
    },
    /// A content event whose JSON string holds bytes that are not UTF-8, then
    /// a proper ending.
    InvalidUtf8,
    /// 302 to `location`.
    Redirect {
        /// Where to.
        location: String,
    },
    /// 401 whose message repeats the credential, as real providers do.
    EchoCredential,

    /// A complete answer with this status, content type and body.
    Whole {
        /// Status code.
        status: u16,
        /// `content-type`.
        content_type: &'static str,
        /// Body.
        body: Bytes,
    },
    /// A chunked `text/event-stream` with exactly these bytes, one HTTP chunk
    /// each, ended cleanly.
    Chunks(Vec<Bytes>),
    /// Exactly these bytes in place of an HTTP answer, then the connection
    /// closes.
    Raw(Bytes),
    /// First waits for the gate to pass one step, then plays the script.
    After(Gate, Box<Script>),
}

impl Script {
    /// A complete JSON answer.
    #[must_use]
    pub fn json(status: u16, body: impl Into<Bytes>) -> Self {
        Self::Whole {
            status,
            content_type: "application/json",
            body: body.into(),
        }
    }

    /// The script that every request gets that no other script claims.
    pub(crate) fn usual() -> Self {
        Self::Text { words: 5 }
    }
}
