//! From one dialect into another, through one neutral form.
//!
//! Each dialect has readers and writers of its own: of requests into a
//! [`conversation`], of answers and streams into [`event`]s, and back. Nothing
//! here knows two dialects, so a new one costs a reader and a writer and not
//! one of each for every other.
//!
//! Text is never unescaped and numbers are never parsed unless something
//! depends on them: they go over as they were written. What the other dialect
//! has no place for is either refused with the path of the field or left out
//! and recorded as a [`Drop`], so that nothing is lost in silence.

mod chat;
mod check;
mod conversation;
mod count;
mod draft;
mod event;
mod frame;
mod gather;
mod gemini;
mod gist;
mod member;
mod messages;
mod openai;
mod pen;
mod probability;
mod raw;
mod responses;
mod shape;
mod source;
mod stream;
mod unbind;

use std::fmt;

use bytes::Bytes;

use crate::answer::{AnswerFault, read_answer};
use crate::{AnswerView, BadRequest, Dialect, Edits, Endpoint, RequestView};
use conversation::Conversation;
use draft::{Draft, Target};
use event::Events;
use raw::{Fault, Raw};

pub use count::count_answer;
pub use frame::AnswerFrame;
pub use gist::{Gist, gist};
pub use stream::{Translator, as_stream};
pub use unbind::{Unbound, unbind};

/// What becomes of a field that the other dialect has no place for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Strictness {
    /// Hints (sampling, cache marks, the caller's own bookkeeping) are left out
    /// and recorded; what changes the meaning is refused.
    #[default]
    Lenient,
    /// Everything is refused.
    Strict,
}

/// A field that was left out or changed on the way to another dialect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drop {
    /// Where it stands in the caller's request.
    pub path: String,
    /// What became of it and why.
    pub words: &'static str,
}

impl fmt::Display for Drop {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "`{}` {}", self.path, self.words)
    }
}

/// A request in another dialect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TranslatedRequest {
    /// The body to send.
    pub body: Bytes,
    /// What it does not say of what the caller said; at most 32.
    pub drops: Vec<Drop>,
}

/// An answer in another dialect.
#[derive(Clone, Debug, PartialEq)]
pub struct TranslatedAnswer {
    /// The body for the caller.
    pub body: Bytes,
    /// What the provider's own body told, the model's place in it apart.
    pub view: AnswerView,
    /// Why something of it was left out, for each reason.
    pub lost: Vec<&'static str>,
}

/// Which of OpenAI's two APIs a provider of that dialect is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Api {
    /// It has both: callers of either reach it as they are, others by chat.
    #[default]
    Any,
    /// Chat completions only, as most servers that imitate OpenAI.
    Chat,
    /// Responses only.
    Responses,
}

/// Which endpoint of a provider's dialect serves a request that it does not
/// take as it is; `stream` says whether the answer is to be a stream. None
/// where it takes the request, and where no endpoint of it serves it.
pub fn counterpart(from: Endpoint, to: Dialect, api: Api, stream: bool) -> Option<Endpoint> {
    let converses = from.generates() && from != Endpoint::Completions;
    if from.only_counts() {
        return counter(to, api).filter(|there| *there != from);
    }
    if !converses {
        return None;
    }
    let there = match (to, api, stream) {
        (Dialect::OpenAi, Api::Any, _) if from.dialect() == to => from,
        (Dialect::OpenAi, Api::Any | Api::Chat, _) => Endpoint::ChatCompletions,
        (Dialect::OpenAi, Api::Responses, _) => Endpoint::Responses,
        (Dialect::Anthropic, ..) => Endpoint::Messages,
        (Dialect::Gemini, ..) if from.dialect() == to => from,
        (Dialect::Gemini, _, false) => Endpoint::GenerateContent,
        (Dialect::Gemini, _, true) => Endpoint::StreamGenerateContent,
    };
    (there != from).then_some(there)
}

/// Where a provider counts tokens; OpenAI does so in Responses only.
const fn counter(of: Dialect, api: Api) -> Option<Endpoint> {
    match (of, api) {
        (Dialect::OpenAi, Api::Chat) => None,
        (Dialect::OpenAi, Api::Any | Api::Responses) => Some(Endpoint::ResponsesInputTokens),
        (Dialect::Anthropic, _) => Some(Endpoint::CountTokens),
        (Dialect::Gemini, _) => Some(Endpoint::GeminiCountTokens),
    }
}

const CROWDED: &str = "found more than 100000 objects, expected fewer";

/// Writes a request of endpoint `from` as one of endpoint `to`.
///
/// `view` is the body's, so the body is known to be JSON. Linear in the body's
/// length. `edits` hold for the request that is written.
///
/// # Errors
/// [`BadRequest`] with the path of the field where the conversation is
/// malformed or contradicts itself, or where the other dialect has no place
/// for something that changes the meaning.
pub fn translate_request(
    from: Endpoint,
    to: Endpoint,
    view: &RequestView,
    body: &[u8],
    edits: &Edits<'_>,
    strictness: Strictness,
) -> Result<TranslatedRequest, BadRequest> {
    let text = std::str::from_utf8(body).map_err(|_| BadRequest::body("found no UTF-8"))?;
    if raw::is_crowded(text) {
        return Err(BadRequest::body(CROWDED));
    }
    let target = Target {
        model: edits.model.unwrap_or(&view.model),
        stream: view.stream,
        counts: to.only_counts(),
        temperature: edits.temperature.filter(|value| value.is_finite()),
        max_tokens: edits.max_tokens,
        lower_to: edits.lower_to,
        strictness,
    };
    let mut draft = Draft::new(&target, text.len() + 256);
    let root = count::request(from, Raw::of(text));
    let written = read(from, root).and_then(|mut conversation| {
        check::check(&conversation)?;
        if target.counts {
            count::only_what_counts(&mut conversation);
        }
        write(to, &conversation, &mut draft)
    });
    written.map_err(|fault| fault.in_body(text))?;
    for at in unread(from, root) {
        let left_out = draft.leave_out(at, draft::NO_PLACE);
        left_out.map_err(|fault| fault.in_body(text))?;
    }
    let (body, drops) = draft.finish(text);
    Ok(TranslatedRequest {
        body: body.into(),
        drops,
    })
}

fn read(from: Endpoint, body: Raw<'_>) -> Result<Conversation<'_>, Fault<'_>> {
    match from {
        Endpoint::ChatCompletions => chat::read_request(body),
        Endpoint::Messages | Endpoint::CountTokens => messages::read_request(body),
        Endpoint::Responses | Endpoint::ResponsesInputTokens => responses::read_request(body),
        Endpoint::GenerateContent
        | Endpoint::StreamGenerateContent
        | Endpoint::GeminiCountTokens => gemini::read_request(body),
        _ => Err(draft::refused(body)),
    }
}

/// What the caller said and its reader did not take.
fn unread(from: Endpoint, body: Raw<'_>) -> Vec<Raw<'_>> {
    let mut found = Vec::new();
    let (shape, same): (_, shape::Same) = match from {
        Endpoint::ChatCompletions => (chat::SHAPE, |key, known| key == known),
        Endpoint::Messages | Endpoint::CountTokens => (messages::SHAPE, |key, known| key == known),
        Endpoint::Responses | Endpoint::ResponsesInputTokens => {
            (responses::SHAPE, |key, known| key == known)
        }
        _ => (gemini::SHAPE, gemini::is),
    };
    shape::unread(body, shape, same, &mut found);
    found
}

fn write<'a>(
    to: Endpoint,
    conversation: &Conversation<'a>,
    draft: &mut Draft<'a, '_>,
) -> Result<(), Fault<'a>> {
    match to {
        Endpoint::ChatCompletions => chat::write_request(conversation, draft),
        Endpoint::Messages | Endpoint::CountTokens => messages::write_request(conversation, draft),
        Endpoint::Responses | Endpoint::ResponsesInputTokens => {
            responses::write_request(conversation, draft)
        }
        Endpoint::GenerateContent
        | Endpoint::StreamGenerateContent
        | Endpoint::GeminiCountTokens => gemini::write_request(conversation, draft),
        _ => Err(draft::refused(conversation.body)),
    }
}

/// Writes an answer of the provider's endpoint `from` as one of the caller's
/// endpoint `to`.
///
/// # Errors
/// [`AnswerFault`] where it is no answer of that endpoint, or an error.
pub fn translate_answer(
    from: Endpoint,
    to: Endpoint,
    body: &[u8],
    frame: &AnswerFrame,
) -> Result<TranslatedAnswer, AnswerFault> {
    let mut view = read_answer(from, body)?;
    view.model = None;
    let not_json = |words: String| AnswerFault::NotJson(words);
    let text = std::str::from_utf8(body).map_err(|_| not_json("not UTF-8".to_owned()))?;
    if raw::is_crowded(text) {
        return Err(not_json(CROWDED.to_owned()));
    }
    let raw = Raw::of(text);
    if from.only_counts() {
        let said = count::answered(from, raw).and_then(|tokens| count_answer(to, tokens));
        let body = said.ok_or_else(|| not_json("no count of tokens".to_owned()))?;
        return Ok(TranslatedAnswer {
            body: body.into(),
            view,
            lost: Vec::new(),
        });
    }
    let mut events = Events::new();
    let read = read_events(from, raw, &mut events);
    read.map_err(|fault| not_json(format!("{}: {}", fault.path(text), fault.words())))?;
    if frame.rename {
        event::unname(&mut events);
    }
    let mut lost = event::Lost::new();
    event::lost(&events, to.dialect(), &mut lost);
    let body = match to {
        Endpoint::Messages => messages::write_answer(&events, frame),
        Endpoint::Responses => responses::write_answer(&events, frame),
        _ if to.dialect() == Dialect::Gemini => gemini::write_answer(&events, frame),
        _ => chat::write_answer(&events, frame),
    };
    Ok(TranslatedAnswer {
        body: body.into(),
        view,
        lost: lost.into_vec(),
    })
}

/// The events of an answer in one piece.
fn read_events<'a>(
    from: Endpoint,
    body: Raw<'a>,
    events: &mut Events<'a>,
) -> Result<(), Fault<'a>> {
    match from {
        Endpoint::ChatCompletions => chat::read_answer(body, events),
        Endpoint::Messages => messages::read_answer(body, events),
        Endpoint::Responses => responses::read_answer(body, events),
        _ if from.dialect() == Dialect::Gemini => gemini::read_answer(body, events),
        _ => Err(draft::refused(body)),
    }
}

#[cfg(test)]
mod tests;
