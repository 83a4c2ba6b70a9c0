use bytes::Bytes;
use tollgate_llm::{CallerError, Forward, StreamTap, Translator};
use tollgate_types::TokenUsage;

/// What stands between a provider's stream and the caller: it passes whole
/// events on as they came, or writes them anew in the caller's dialect.
pub(crate) enum Interpreter {
    Same(StreamTap),
    Other(Box<Translator>),
}

impl Interpreter {
    pub(crate) fn push(&mut self, chunk: Bytes) -> Forward {
        match self {
            Self::Same(tap) => tap.push(chunk),
            Self::Other(translator) => translator.push(chunk),
        }
    }

    pub(crate) fn end(&mut self) -> Forward {
        match self {
            Self::Same(tap) => tap.end(),
            Self::Other(translator) => translator.end(),
        }
    }

    pub(crate) fn usage(&self) -> Option<TokenUsage> {
        match self {
            Self::Same(tap) => tap.usage(),
            Self::Other(translator) => translator.usage(),
        }
    }

    pub(crate) fn output_bytes(&self) -> u64 {
        match self {
            Self::Same(tap) => tap.output_bytes(),
            Self::Other(translator) => translator.output_bytes(),
        }
    }

    pub(crate) fn produced(&self) -> u64 {
        match self {
            Self::Same(tap) => tap.produced(),
            Self::Other(translator) => translator.produced(),
        }
    }

    pub(crate) fn is_finished(&self) -> bool {
        match self {
            Self::Same(tap) => tap.is_finished(),
            Self::Other(translator) => translator.is_finished(),
        }
    }

    /// Why something of the answer was left out.
    pub(crate) fn lost(&self) -> &[&'static str] {
        match self {
            Self::Same(_) => &[],
            Self::Other(translator) => translator.lost(),
        }
    }

    pub(crate) fn error_end(&self, error: &CallerError<'_>) -> Bytes {
        match self {
            Self::Same(tap) => tap.error_end(error),
            Self::Other(translator) => translator.error_end(error),
        }
    }
}
