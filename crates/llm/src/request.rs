mod control;
mod depth;
mod edit;
mod gemini;
mod responses;
mod syntax;
mod value;

use std::ops::Range;

use smallvec::SmallVec;

use crate::{Dialect, Endpoint};
use control::{Control, Members};
use value::StreamOptions;

pub use depth::MAX_DEPTH;
pub use edit::Edits;
pub(crate) use edit::is_reasoning;

/// What the gateway needs to know of a request, and where it stands.
///
/// Made by [`read_request`]; goes with the very body it was read from.
#[derive(Clone, Debug)]
pub struct RequestView {
    /// The model asked for, unescaped.
    pub model: String,
    /// Whether the answer is to be streamed.
    pub stream: bool,
    /// How a stream is put together.
    pub framing: Framing,
    /// `stream_options.include_usage` is true: the client wants the usage
    /// chunk for itself.
    pub usage_asked: bool,
    /// The most output tokens a choice may have, where the request says so.
    /// Where it says so twice (`max_tokens` and `max_completion_tokens`), the
    /// larger one.
    pub max_output: Option<u64>,
    /// How many answers are generated: the larger one of `n` and `best_of`.
    pub choices: u64,
    endpoint: Endpoint,
    spans: Spans,
}

/// What holds the parts of a stream together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Framing {
    /// Server-sent events (WHATWG HTML, 9.2).
    #[default]
    Events,
    /// One JSON array, an element a part: Gemini's without `alt=sse`.
    Array,
}

/// Byte ranges of the body that an edit may replace.
#[derive(Clone, Debug)]
struct Spans {
    /// Where the model's name stands, quotes included; in a body of Gemini's
    /// it may stand nowhere, or many times.
    models: SmallVec<[Range<usize>; 1]>,
    /// Where settings are added that the request does not have.
    settings: Settings,
    stream_options: StreamOptions,
    temperature: Setting,
    max_tokens: Setting,
    /// Limits of the answer that are numbers, under either name.
    limits: [Option<Range<usize>>; 2],
    /// Offset of the brace that closes the object.
    end: usize,
    /// Whether the body has no member at all.
    is_empty: bool,
    length: usize,
}

/// The object in which settings stand.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Settings {
    /// The body itself.
    Body,
    /// An object of this name in the body, which is not there yet.
    Absent,
    /// The same, with `null` in its place.
    Null(Range<usize>),
    /// An object: where a member can be inserted, and whether others follow.
    Inside { at: usize, empty: bool },
}

/// A value that the gateway may set where the request does not.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Setting {
    Absent,
    Null(Range<usize>),
    Given,
}

/// A request that can't be served, in the caller's words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct BadRequest {
    /// What was found against what was expected; never the value of a field
    /// that the gateway does not read.
    pub message: String,
    /// Path of the field at fault; none where the body as a whole is.
    pub param: Option<String>,
    /// One thing to try.
    pub hint: Option<&'static str>,
}

/// Reads a request's body in one pass.
///
/// The body must be UTF-8 and one JSON object, nested at most [`MAX_DEPTH`]
/// deep; work and stack are bounded by its length. Values of fields that the
/// gateway does not need are checked for syntax and nothing else.
///
/// # Errors
/// [`BadRequest`] where the body is no such object, where a control value has
/// the wrong type, or where a control key stands twice, is written with escapes
/// or differs from its name only in case (servers written in Go take `Model`
/// for `model`): what is judged must be what is served.
pub fn read_request(endpoint: Endpoint, body: &[u8]) -> Result<RequestView, BadRequest> {
    read_request_at(endpoint, endpoint.path(), None, body)
}

/// As [`read_request`], for endpoints whose path and query say what is asked:
/// Gemini's name the model in the path and a stream's framing in `alt`.
///
/// # Errors
/// [`BadRequest`] also where path or query can be read in two ways, or ask for
/// an answer from which its own usage would be missing.
pub fn read_request_at(
    endpoint: Endpoint,
    path: &str,
    query: Option<&str>,
    body: &[u8],
) -> Result<RequestView, BadRequest> {
    let text = syntax::object_text(body)?;
    match endpoint {
        Endpoint::Responses | Endpoint::ResponsesInputTokens => responses::read(endpoint, text),
        _ if endpoint.dialect() == Dialect::Gemini => gemini::read(endpoint, path, query, text),
        _ => read_plain(endpoint, text),
    }
}

fn read_plain(endpoint: Endpoint, text: &str) -> Result<RequestView, BadRequest> {
    let members = Members::read(endpoint, text)?;
    let stream = members.flag(Control::Stream)?.unwrap_or(false);
    if stream && !endpoint.may_stream() {
        let message = format!("found `true`, {} does not stream", endpoint.path());
        return Err(BadRequest::at("stream", &message));
    }
    let options = match members.raw(Control::StreamOptions) {
        Some(raw) => StreamOptions::read(text, raw)?,
        None => StreamOptions::Absent,
    };
    Ok(RequestView {
        model: members.model()?,
        stream,
        framing: Framing::Events,
        usage_asked: options.asks_usage(),
        max_output: members.max_output()?,
        choices: members.choices()?,
        endpoint,
        spans: Spans {
            models: members.span(Control::Model).into_iter().collect(),
            settings: Settings::Body,
            stream_options: options,
            temperature: members.temperature(),
            max_tokens: members.limit_setting(),
            limits: members.limits(),
            end: text.rfind('}').unwrap_or(text.len()),
            is_empty: false,
            length: text.len(),
        },
    })
}

impl RequestView {
    /// A request of which nothing is read and nothing may be edited; `name`
    /// stands where a model would.
    pub fn opaque(name: &str) -> Self {
        Self {
            model: name.to_owned(),
            stream: false,
            usage_asked: false,
            max_output: None,
            choices: 1,
            framing: Framing::Events,
            endpoint: Endpoint::Embeddings,
            spans: Spans {
                models: SmallVec::new(),
                settings: Settings::Body,
                is_empty: false,
                stream_options: StreamOptions::Absent,
                temperature: Setting::Given,
                max_tokens: Setting::Given,
                limits: [None, None],
                end: 0,
                length: 0,
            },
        }
    }
}

impl BadRequest {
    pub(crate) fn body(message: &str) -> Self {
        Self {
            message: format!("body: {message}"),
            param: None,
            hint: None,
        }
    }

    pub(crate) fn at(param: &str, message: &str) -> Self {
        Self {
            message: format!("{param}: {message}"),
            param: Some(param.to_owned()),
            hint: None,
        }
    }
}

#[cfg(test)]
mod tests;
