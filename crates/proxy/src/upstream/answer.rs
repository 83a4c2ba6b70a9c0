use std::borrow::Cow;
use std::ops::Range;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use tollgate_llm::Forward;
use tollgate_types::{FaultClass, TokenUsage};

use super::source::Source;
use crate::interpreter::Interpreter;

/// Status and fields of a provider's answer.
pub(crate) struct AnswerHead {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
}

/// A provider's answer that may go to the caller.
pub(crate) enum Answer {
    /// Read to its end and understood.
    Whole {
        head: AnswerHead,
        body: Bytes,
        usage: Option<TokenUsage>,
        output_bytes: u64,
        model: Option<Range<usize>>,
        /// It was counted here, with a tokenizer that may not be the model's.
        is_estimate: bool,
        /// What became of it on the way, for `why`.
        note: Cow<'static, str>,
    },
    /// A stream whose beginning is good.
    Stream {
        head: AnswerHead,
        tap: Box<Interpreter>,
        first: Forward,
        rest: Source,
    },
}

/// Why an attempt failed before the first byte went to the caller.
#[derive(Debug)]
pub(crate) struct AttemptFault {
    pub(crate) class: FaultClass,
    pub(crate) retry_after: Option<Duration>,
    /// Whether the provider may bill it all the same.
    pub(crate) billable: bool,
    /// Tokens of output that had come and were kept back.
    pub(crate) output: u64,
    /// It was the caller's own credential that was sent.
    pub(crate) own_key: bool,
    /// For the log and the ledger, without secrets.
    pub(crate) note: Cow<'static, str>,
    /// What the provider itself answered, where it did.
    pub(crate) answer: Option<ProviderAnswer>,
}

/// A provider's own error answer.
#[derive(Debug)]
pub(crate) struct ProviderAnswer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// It is not in the caller's dialect.
    pub(crate) is_foreign: bool,
}

impl AttemptFault {
    pub(crate) fn new(class: FaultClass, note: impl Into<Cow<'static, str>>) -> Self {
        Self {
            class,
            retry_after: None,
            billable: false,
            output: 0,
            own_key: false,
            note: note.into(),
            answer: None,
        }
    }

    /// The request had reached the provider, which may have worked on it.
    pub(crate) fn billed(mut self) -> Self {
        self.billable = true;
        self
    }

    /// The server is up and still loads its model: what llama.cpp and its kin
    /// say with a 503 while they start.
    pub(crate) fn is_starting(&self) -> bool {
        let loading = || self.note.to_ascii_lowercase().contains("loading model");
        self.status() == Some(503) && loading()
    }

    /// The status that the provider answered with.
    pub(crate) fn status(&self) -> Option<u16> {
        self.answer.as_ref().map(|answer| answer.status.as_u16())
    }
}
