//! Counting tokens, which every dialect has its own endpoint for.

use super::conversation::{Conversation, Value};
use super::event::count;
use super::gemini;
use super::raw::Raw;
use crate::Endpoint;

/// The part of a body that is a request to generate: Gemini may have it within
/// another one.
pub(super) fn request(from: Endpoint, body: Raw<'_>) -> Raw<'_> {
    match from {
        Endpoint::GeminiCountTokens => {
            gemini::member(body, "generate_content_request").unwrap_or(body)
        }
        _ => body,
    }
}

/// Leaves what a model reads: how it is to answer counts for nothing, and
/// endpoints that only count refuse most of it.
pub(super) fn only_what_counts(conversation: &mut Conversation<'_>) {
    conversation.settings.retain(|setting| {
        matches!(
            setting.value,
            Value::ToolChoice(_) | Value::ParallelTools(_) | Value::Foreign
        )
    });
}

/// The tokens of a provider's answer.
pub(super) fn answered(from: Endpoint, body: Raw<'_>) -> Option<u64> {
    let key = match from {
        Endpoint::GeminiCountTokens => "totalTokens",
        _ => "input_tokens",
    };
    body.member(key)?;
    Some(count(body, &[key]))
}

/// A number of tokens as an endpoint answers it; none where it counts nothing.
pub fn count_answer(to: Endpoint, tokens: u64) -> Option<String> {
    Some(match to {
        Endpoint::CountTokens => format!(r#"{{"input_tokens":{tokens}}}"#),
        Endpoint::ResponsesInputTokens => {
            format!(r#"{{"object":"response.input_tokens","input_tokens":{tokens}}}"#)
        }
        Endpoint::GeminiCountTokens => format!(r#"{{"totalTokens":{tokens}}}"#),
        _ => return None,
    })
}
