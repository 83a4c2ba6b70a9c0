//! The demo model: small, deterministic and built in, so that a gateway answers
//! before anyone has a key.
//!
//! It says in every answer what it is, echoes a little of what it was asked,
//! streams word by word, calls a tool that the user names (or that
//! `tool_choice` requires), answers in text after a tool's result, and counts
//! words as tokens. The same body always gets the same bytes. It speaks every
//! dialect as their providers do, so that the gateway treats it like any
//! other provider.

mod anthropic;
mod ask;
mod embedding;
mod gemini;
mod openai;
mod reply;
mod responses;

use bytes::Bytes;
use serde_json::Value;
use tollgate_types::{ReasonCode, RequestId};

use crate::{
    BadRequest, CallerError, Dialect, Endpoint, Framing, RequestView, error_body, read_request_at,
};
use ask::Ask;
use reply::Reply;

/// The name of the demo model.
pub const MODEL: &str = "demo";

/// An answer of the demo model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DemoAnswer {
    /// HTTP status.
    pub status: u16,
    /// `application/json` or `text/event-stream`.
    pub content_type: &'static str,
    /// The body; of a stream, an event or element each.
    pub chunks: Vec<Bytes>,
}

/// Answers the body of a request, whatever model it names.
pub fn answer(endpoint: Endpoint, body: &[u8]) -> DemoAnswer {
    answer_at(endpoint, endpoint.path(), None, body)
}

/// As [`answer`], for endpoints whose path and query say what is asked.
pub fn answer_at(endpoint: Endpoint, path: &str, query: Option<&str>, body: &[u8]) -> DemoAnswer {
    let digest = fingerprint(body);
    let view = read_request_at(endpoint, path, query, body);
    let answer = view.and_then(|view| respond(endpoint, &view, body, digest));
    answer.unwrap_or_else(|bad| refusal(endpoint.dialect(), &bad, digest))
}

fn respond(
    endpoint: Endpoint,
    view: &RequestView,
    body: &[u8],
    digest: u64,
) -> Result<DemoAnswer, BadRequest> {
    let value: Value = serde_json::from_slice(body)
        .map_err(|_| BadRequest::body("found half a surrogate pair, expected Unicode"))?;
    match endpoint {
        Endpoint::Embeddings => return Ok(unary(embedding::answer(&view.model, &value)?)),
        Endpoint::EmbedContent | Endpoint::BatchEmbedContents => {
            return Ok(unary(gemini::embedding(&value)?));
        }
        _ => {}
    }
    let ask = Ask::read(endpoint, view, &value)?;
    if endpoint.only_counts() {
        return Ok(unary(count(endpoint, ask.input_words)));
    }
    let reply = Reply::to(&ask, digest);
    Ok(match (endpoint, ask.stream) {
        (Endpoint::Messages, false) => unary(anthropic::message(&ask, &reply)),
        (Endpoint::Messages, true) => stream(anthropic::events(&ask, &reply)),
        (Endpoint::Responses, false) => unary(responses::response(&ask, &reply)),
        (Endpoint::Responses, true) => stream(responses::events(&ask, &reply)),
        (Endpoint::GenerateContent, _) => unary(gemini::content(&ask, &reply)),
        (Endpoint::StreamGenerateContent, _) => match view.framing {
            Framing::Events => stream(gemini::events(&ask, &reply)),
            Framing::Array => array(gemini::elements(&ask, &reply)),
        },
        (_, false) => unary(openai::completion(endpoint, &ask, &reply)),
        (_, true) => stream(openai::events(endpoint, &ask, &reply)),
    })
}

fn count(endpoint: Endpoint, words: u64) -> Value {
    match endpoint {
        Endpoint::GeminiCountTokens => serde_json::json!({"totalTokens": words}),
        Endpoint::ResponsesInputTokens => {
            serde_json::json!({"object": "response.input_tokens", "input_tokens": words})
        }
        _ => serde_json::json!({"input_tokens": words}),
    }
}

/// A JSON array, an element a chunk.
fn array(elements: Vec<Value>) -> DemoAnswer {
    let written = elements.iter().enumerate().map(|(at, element)| {
        let before = if at == 0 { "[" } else { ",\n" };
        Bytes::from(format!("{before}{element}"))
    });
    DemoAnswer {
        status: 200,
        content_type: "application/json",
        chunks: written.chain([Bytes::from_static(b"\n]\n")]).collect(),
    }
}

fn unary(value: Value) -> DemoAnswer {
    DemoAnswer {
        status: 200,
        content_type: "application/json",
        chunks: vec![Bytes::from(value.to_string())],
    }
}

fn stream(events: Vec<String>) -> DemoAnswer {
    DemoAnswer {
        status: 200,
        content_type: "text/event-stream",
        chunks: events.into_iter().map(Bytes::from).collect(),
    }
}

fn refusal(dialect: Dialect, bad: &BadRequest, digest: u64) -> DemoAnswer {
    let error = CallerError {
        status: 400,
        reason: ReasonCode::BadRequest,
        message: &format!("demo: {}", bad.message),
        hint: bad.hint,
        param: bad.param.as_deref(),
        request: RequestId::from_bytes(u128::from(digest).to_be_bytes()),
    };
    DemoAnswer {
        status: 400,
        content_type: "application/json",
        chunks: vec![error_body(dialect, &error)],
    }
}

/// FNV-1a, 64 bits: names answers after what was asked. Nothing rests on it
/// being hard to forge.
fn fingerprint(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3)
    })
}

#[cfg(test)]
mod tests;
