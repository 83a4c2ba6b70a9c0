//! What an answer says, in no dialect: a stream as it comes, and an answer in
//! one piece as the events that it would have been.

use smallvec::SmallVec;
use tollgate_types::TokenUsage;

use super::conversation::Maker;
use super::probability::Probabilities;
use super::raw::{Raw, Text};
use super::source::{Citation, OF_OTHERS};
use crate::Dialect;

/// A step of an answer, lent from the provider's event.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Event<'a> {
    /// The answer begins.
    Start {
        id: Option<Text<'a>>,
        model: Option<Text<'a>>,
    },
    Text(Text<'a>),
    /// How likely the tokens of the text were that comes next.
    Probabilities(Probabilities<'a>),
    /// Where something that was said, or is about to be, comes from.
    Citation(Box<Citation<'a>>),
    Refusal(Text<'a>),
    Thinking(Text<'a>),
    /// The proof of the thoughts before it, and whose it is.
    Signature(Text<'a>, Signer),
    /// Thoughts that only their maker can read.
    Sealed(Text<'a>, Signer),
    /// A tool is called; calls are numbered from 0 in the order they begin.
    Call {
        call: u32,
        id: Option<Text<'a>>,
        name: Text<'a>,
        /// Gemini's thought signature.
        signature: Option<Text<'a>>,
    },
    /// A piece of a call's arguments, as JSON within a string.
    Arguments {
        call: u32,
        fragment: Text<'a>,
    },
    /// No more arguments of that call.
    CallEnd {
        call: u32,
    },
    Usage(Usage),
    /// Why the model stopped, and at which stop sequence.
    Finish(Finish, Option<Text<'a>>),
    /// Something was told that no other API has a place for.
    Dropped(&'static str),
    /// The provider is still there.
    KeepAlive,
    /// Nothing more comes.
    End,
}

/// Who can check a signature.
pub(super) type Signer = Maker;

pub(super) type Events<'a> = SmallVec<[Event<'a>; 4]>;

/// Why a model stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Finish {
    Stop,
    StopSequence,
    Length,
    Calls,
    Refused,
    Filtered,
    /// A long turn that the caller is to send again (Anthropic).
    Paused,
    Window,
}

/// Tokens, as all dialects can tell them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Usage {
    pub(super) tokens: TokenUsage,
    /// How many of the output were thoughts.
    pub(super) reasoning: u64,
}

/// What of an answer does not reach a caller of this dialect, once each.
pub(super) fn lost(events: &[Event<'_>], to: Dialect, lost: &mut Lost) {
    for event in events {
        let why = match event {
            Event::Dropped(why) => why,
            Event::Citation(_) if to == Dialect::Anthropic => OF_OTHERS,
            _ => continue,
        };
        if !lost.contains(&why) {
            lost.push(why);
        }
    }
}

/// Why something of an answer was left out.
pub(super) type Lost = SmallVec<[&'static str; 2]>;

/// Takes the provider's name of the model out, so that the frame's is written.
pub(super) fn unname(events: &mut [Event<'_>]) {
    for event in events {
        if let Event::Start { model, .. } = event {
            *model = None;
        }
    }
}

impl Usage {
    /// All input, as OpenAI and Gemini count it.
    pub(super) const fn prompt(&self) -> u64 {
        let tokens = &self.tokens;
        tokens
            .input
            .saturating_add(tokens.cache_read)
            .saturating_add(tokens.cache_write)
    }
}

/// Calls of a stream, by what the provider numbers them with.
#[derive(Debug, Default)]
pub(super) struct Numbers {
    seen: SmallVec<[u64; 8]>,
}

/// No answer has more calls or open blocks; it bounds what a stream keeps.
pub(super) const MOST_CALLS: usize = 1_024;

impl Numbers {
    /// The number of a call that has begun.
    pub(super) fn known(&self, theirs: u64) -> Option<u32> {
        let at = self.seen.iter().rposition(|seen| *seen == theirs)?;
        u32::try_from(at).ok()
    }

    /// The number of a call, and whether it is new; none where there are too
    /// many.
    pub(super) fn of(&mut self, theirs: u64) -> Option<(u32, bool)> {
        if let Some(known) = self.known(theirs) {
            return Some((known, false));
        }
        if self.seen.len() >= MOST_CALLS {
            return None;
        }
        self.seen.push(theirs);
        Some((u32::try_from(self.seen.len() - 1).unwrap_or(u32::MAX), true))
    }
}

/// A count that stands in an object under a path of keys.
pub(super) fn count(of: Raw<'_>, path: &[&str]) -> u64 {
    let mut here = of;
    for key in path {
        let Some(inner) = here.member(key) else {
            return 0;
        };
        here = inner;
    }
    here.count().unwrap_or(0)
}
