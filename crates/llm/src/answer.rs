use tollgate_types::{FaultClass, TokenUsage};

use crate::json::{self, Members};
use crate::skim::text_bytes;
use crate::{Dialect, Endpoint, fault, usage};

/// What the gateway needs to know of an answer that came in one piece.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AnswerView {
    /// What the provider reported; none where it reported nothing. Counting
    /// tokens uses none, which is a reported zero.
    pub usage: Option<TokenUsage>,
    /// Bytes of generated text: an estimate's input, so only looked for where
    /// no usage was reported.
    pub output_bytes: u64,
    /// Where the model's name stands, quotes included.
    pub model: Option<std::ops::Range<usize>>,
}

/// Why an answer with a good status is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AnswerFault {
    /// Not a JSON object. The text is for the log and shows no content.
    #[error("the answer is not a JSON object: {0}")]
    NotJson(String),
    /// An error under a good status.
    #[error("the provider sent an error: {message}")]
    ErrorInside {
        /// What it means.
        class: FaultClass,
        /// The provider's words, cut and cleaned.
        message: String,
    },
}

/// Keys of an answer that are read: usage, model, error, type, and where the
/// generated text stands; the last three are Gemini's.
const KEYS: [&str; 10] = [
    "usage",
    "model",
    "error",
    "type",
    "choices",
    "content",
    "output",
    "usageMetadata",
    "modelVersion",
    "candidates",
];

/// Reads an answer that is not a stream.
///
/// # Errors
/// [`AnswerFault`] where it is no JSON object or holds an error: providers that
/// stand before others report theirs under a 200.
pub fn read_answer(endpoint: Endpoint, body: &[u8]) -> Result<AnswerView, AnswerFault> {
    let not_json = |note: String| AnswerFault::NotJson(note);
    let text = std::str::from_utf8(body).map_err(|_| not_json("not UTF-8".to_owned()))?;
    let members = Members::<10>::read(&KEYS, text).map_err(|fault| not_json(note(text, &fault)))?;
    let [
        reported,
        model,
        error,
        kind,
        choices,
        content,
        output,
        metadata,
        version,
        candidates,
    ] = members.found;
    let dialect = endpoint.dialect();
    let is_error = error.is_some_and(fault::is_error)
        || dialect == Dialect::Anthropic && kind == Some(r#""error""#);
    if is_error {
        let (class, message) = fault::read_error(dialect, text);
        return Err(AnswerFault::ErrorInside { class, message });
    }
    let (usage, generated) = match endpoint {
        _ if endpoint.only_counts() => (Some(TokenUsage::default()), None),
        Endpoint::Messages => (
            reported.and_then(|raw| usage::anthropic(raw, None)),
            content,
        ),
        Endpoint::ChatCompletions | Endpoint::Completions => {
            (reported.and_then(usage::openai), choices)
        }
        Endpoint::Responses => (reported.and_then(usage::responses), output),
        _ => match dialect {
            Dialect::Gemini => (
                metadata.and_then(|raw| usage::gemini(raw, None)),
                candidates,
            ),
            _ => (reported.and_then(usage::openai), None),
        },
    };
    let model = match dialect {
        Dialect::Gemini => version,
        _ => model,
    };
    let estimated = generated.filter(|_| usage.is_none());
    Ok(AnswerView {
        usage,
        output_bytes: estimated.map_or(0, text_bytes),
        model: model
            .filter(|raw| raw.starts_with('"'))
            .map(|raw| json::span(text, raw)),
    })
}

fn note(text: &str, fault: &serde_json::Error) -> String {
    let text = text.trim_ascii_start();
    match fault.classify() {
        _ if text.is_empty() => "it is empty".to_owned(),
        serde_json::error::Category::Eof => "it breaks off".to_owned(),
        _ if text.starts_with("data:") || text.starts_with("event:") => {
            "it is a stream, and none was asked for".to_owned()
        }
        serde_json::error::Category::Data => format!("found {}", json::kind(text)),
        _ => format!(
            "not JSON at line {} column {}",
            fault.line(),
            fault.column()
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(input: u64, output: u64) -> Option<TokenUsage> {
        Some(TokenUsage {
            input,
            output,
            ..TokenUsage::default()
        })
    }

    #[test]
    fn usage_text_and_the_models_place_are_found() {
        let body = r#" {"id":"x","model":"gpt-x","choices":[{"index":0,"message":{"role":"assistant","content":"four"},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":1,"total_tokens":4}}"#;
        let view = read_answer(Endpoint::ChatCompletions, body.as_bytes()).unwrap();
        assert_eq!((view.usage, view.output_bytes), (tokens(3, 1), 0));
        assert_eq!(&body[view.model.unwrap()], r#""gpt-x""#);

        let body = r#"{"type":"message","model":"claude-x","content":[{"type":"text","text":"abc"},{"type":"tool_use","id":"toolu_1","name":"f","input":{"city":"Rome"}}],"usage":{"input_tokens":3,"output_tokens":1}}"#;
        let view = read_answer(Endpoint::Messages, body.as_bytes()).unwrap();
        assert_eq!((view.usage, view.output_bytes), (tokens(3, 1), 0));
    }

    #[test]
    fn newer_dialects_are_read_as_well() {
        let body = r#"{"id":"resp_1","object":"response","status":"completed","error":null,"incomplete_details":null,"model":"gpt-x","output":[{"type":"message","content":[{"type":"output_text","text":"four"}]}],"usage":{"input_tokens":3,"output_tokens":1,"total_tokens":4}}"#;
        let view = read_answer(Endpoint::Responses, body.as_bytes()).unwrap();
        assert_eq!((view.usage, view.output_bytes), (tokens(3, 1), 0));
        assert_eq!(&body[view.model.unwrap()], r#""gpt-x""#);

        let body = r#"{"candidates":[{"content":{"parts":[{"text":"four"}],"role":"model"},"finishReason":"STOP","index":0}],"usageMetadata":{"promptTokenCount":3,"candidatesTokenCount":1,"totalTokenCount":4},"modelVersion":"gemini-x","responseId":"r"}"#;
        let view = read_answer(Endpoint::GenerateContent, body.as_bytes()).unwrap();
        assert_eq!((view.usage, view.output_bytes), (tokens(3, 1), 0));
        assert_eq!(&body[view.model.unwrap()], r#""gemini-x""#);

        let body = r#"{"embedding":{"values":[0.5]}}"#;
        let view = read_answer(Endpoint::EmbedContent, body.as_bytes()).unwrap();
        assert_eq!(view, AnswerView::default());
    }

    #[test]
    fn without_usage_the_text_is_measured() {
        let body = r#"{"choices":[{"message":{"content":"four"}}]}"#;
        let view = read_answer(Endpoint::ChatCompletions, body.as_bytes()).unwrap();
        assert_eq!((view.usage, view.output_bytes), (None, 4));
        let body = r#"{"type":"message","content":[{"type":"text","text":"abc"},{"type":"tool_use","id":"toolu_1","name":"f","input":{"city":"Rome"}}]}"#;
        let view = read_answer(Endpoint::Messages, body.as_bytes()).unwrap();
        assert_eq!((view.usage, view.output_bytes), (None, 8));
    }

    #[test]
    fn fact_29_no_usage_is_none_and_counting_uses_none() {
        let view = read_answer(Endpoint::ChatCompletions, b"{}").unwrap();
        assert_eq!(view, AnswerView::default());
        for (endpoint, body) in [
            (Endpoint::CountTokens, r#"{"input_tokens":2095}"#),
            (Endpoint::ResponsesInputTokens, r#"{"input_tokens":2095}"#),
            (Endpoint::GeminiCountTokens, r#"{"totalTokens":2095}"#),
        ] {
            let view = read_answer(endpoint, body.as_bytes()).unwrap();
            assert_eq!(view.usage, tokens(0, 0), "{endpoint:?}");
        }
    }

    #[test]
    fn fact_23_an_error_can_come_under_a_200() {
        for (endpoint, body, class) in [
            (
                Endpoint::ChatCompletions,
                r#"{"error":{"message":"busy","code":502},"user_id":"u"}"#,
                FaultClass::ServerError,
            ),
            (
                Endpoint::Messages,
                r#"{"type":"error","error":{"type":"overloaded_error","message":"busy"}}"#,
                FaultClass::ServerError,
            ),
            (
                Endpoint::Embeddings,
                r#"{"error":"busy"}"#,
                FaultClass::ServerError,
            ),
            (
                Endpoint::Responses,
                r#"{"id":"resp_1","status":"failed","error":{"code":"server_error","message":"busy"}}"#,
                FaultClass::ServerError,
            ),
            (
                Endpoint::Responses,
                r#"{"id":"resp_1","status":"failed","error":{"code":"rate_limit_exceeded","message":"busy"}}"#,
                FaultClass::RateLimit,
            ),
            (
                Endpoint::Responses,
                r#"{"id":"resp_1","status":"failed","error":{"code":"invalid_prompt","message":"busy"}}"#,
                FaultClass::BadRequest,
            ),
            (
                Endpoint::GenerateContent,
                r#"{"error":{"code":503,"message":"busy","status":"UNAVAILABLE"}}"#,
                FaultClass::ServerError,
            ),
        ] {
            let fault = read_answer(endpoint, body.as_bytes()).unwrap_err();
            let message = "busy".to_owned();
            assert_eq!(fault, AnswerFault::ErrorInside { class, message });
        }
        let fine = br#"{"error":null,"choices":[]}"#;
        assert!(read_answer(Endpoint::ChatCompletions, fine).is_ok());
    }

    #[test]
    fn what_is_no_object_is_told_without_its_content() {
        for (body, note) in [
            (&b""[..], "it is empty"),
            (b"{\"a\":", "it breaks off"),
            (b"[1]", "found a list"),
            (b"<html>", "not JSON at line 1 column 1"),
            (b"data: {}\n\n", "it is a stream, and none was asked for"),
            (b"{\"a\":\"\xff\"}", "not UTF-8"),
            (b"{} secret", "not JSON at line 1 column 4"),
        ] {
            let fault = read_answer(Endpoint::ChatCompletions, body).unwrap_err();
            assert_eq!(fault, AnswerFault::NotJson(note.to_owned()));
        }
    }
}
