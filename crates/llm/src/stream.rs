use bytes::Bytes;
use smallvec::SmallVec;
use tollgate_types::{FaultClass, TokenUsage};

use crate::Endpoint;

/// How a stream is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TapOptions {
    /// The gateway asked for usage and the client did not: OpenAI's chunk that
    /// carries usage and no choice is left out.
    pub strip_usage: bool,
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
    #[error("an event of the stream is larger than {} bytes", crate::MAX_EVENT)]
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
#[derive(Debug)]
pub struct StreamTap {
    usage: Option<TokenUsage>,
}

impl StreamTap {
    /// A tap for the answer to one request.
    pub fn new(endpoint: Endpoint, options: TapOptions) -> Self {
        let _ = (endpoint, options);
        Self { usage: None }
    }

    /// Takes what the provider sent, in any chunks, and gives what goes on.
    pub fn push(&mut self, chunk: Bytes) -> Forward {
        Forward {
            bytes: SmallVec::from_iter([chunk]),
            fault: None,
        }
    }

    /// The provider closed the stream.
    pub fn end(&mut self) -> Forward {
        Forward::default()
    }

    /// What the provider reported so far; none where it reported nothing.
    pub fn usage(&self) -> Option<TokenUsage> {
        self.usage
    }

    /// Bytes of generated text so far: an estimate's input.
    pub fn output_bytes(&self) -> u64 {
        0
    }

    /// Whether the terminator was seen.
    pub fn is_finished(&self) -> bool {
        false
    }
}
