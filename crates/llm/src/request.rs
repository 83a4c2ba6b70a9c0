mod control;
mod depth;
mod edit;
mod syntax;
mod value;

use std::ops::Range;

use crate::Endpoint;
use control::{Control, Members};
use value::StreamOptions;

pub use depth::MAX_DEPTH;
pub use edit::Edits;

/// What the gateway needs to know of a request, and where it stands.
///
/// Made by [`read_request`]; goes with the very body it was read from.
#[derive(Clone, Debug)]
pub struct RequestView {
    /// The model asked for, unescaped.
    pub model: String,
    /// Whether the answer is to be streamed.
    pub stream: bool,
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

/// Byte ranges of the body that an edit may replace.
#[derive(Clone, Debug)]
struct Spans {
    model: Range<usize>,
    stream_options: StreamOptions,
    temperature: Setting,
    max_tokens: Setting,
    /// Offset of the brace that closes the object.
    end: usize,
    length: usize,
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
    let text = syntax::object_text(body)?;
    depth::check(text)?;
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
        usage_asked: options.asks_usage(),
        max_output: members.max_output()?,
        choices: members.choices()?,
        endpoint,
        spans: Spans {
            model: members.span(Control::Model).unwrap_or_default(),
            stream_options: options,
            temperature: members.temperature(),
            max_tokens: members.limit_setting(),
            end: text.rfind('}').unwrap_or(text.len()),
            length: text.len(),
        },
    })
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
