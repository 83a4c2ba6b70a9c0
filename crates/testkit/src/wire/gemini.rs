//! Gemini: generateContent, streamGenerateContent (events and array),
//! countTokens, embedContent, batchEmbedContents, models.
//! Shapes after the API reference at ai.google.dev/api.

use super::{
    Ask, INPUT_TOKENS, PROOF, Parts, Saying, THOUGHT, TOOL_CALLS, saying_tokens, unknown, words,
};
use bytes::Bytes;
use serde_json::{Value, json};

pub(super) fn whole(ask: Ask, model: &str, saying: Saying) -> Value {
    match ask {
        Ask::Content => {
            let parts = match saying {
                Saying::Words(count) => {
                    vec![json!({"text": words(count).collect::<String>().trim_end()})]
                }
                Saying::ToolCalls => calls(),
                Saying::Thinking => thoughts(),
            };
            part(model, &parts, true, Some(saying_tokens(saying)))
        }
        Ask::GeminiCount => json!({"totalTokens": INPUT_TOKENS}),
        Ask::Embed => json!({"embedding": {"values": [0.25, -0.5, 1.0]}}),
        Ask::BatchEmbed => json!({"embeddings": [{"values": [0.25, -0.5, 1.0]}]}),
        _ => unknown(),
    }
}

/// `array`: an element of a JSON array a part, instead of an event.
pub(super) fn stream(model: &str, saying: Saying, usage: bool, array: bool) -> Parts {
    let texts: Vec<Value> = match saying {
        Saying::Words(count) => words(count).map(|word| json!({"text": word})).collect(),
        Saying::ToolCalls => calls(),
        Saying::Thinking => thoughts(),
    };
    let figures = |seen: u64| usage.then_some(seen);
    let content = texts
        .iter()
        .enumerate()
        .map(|(index, text)| {
            let part = part(
                model,
                std::slice::from_ref(text),
                false,
                figures(index as u64 + 1),
            );
            framed(&part, array, index == 0)
        })
        .collect::<Vec<Bytes>>();
    let last = part(
        model,
        &[json!({"text": ""})],
        true,
        figures(saying_tokens(saying)),
    );
    let mut ending = vec![framed(&last, array, content.is_empty())];
    if array {
        ending.push(Bytes::from_static(b"\n]\n"));
    }
    Parts {
        opening: Vec::new(),
        content,
        ending,
    }
}

pub(super) fn models(names: &[String]) -> Value {
    let rows: Vec<Value> = names
        .iter()
        .map(|name| {
            json!({
                "name": format!("models/{name}"), "version": "001", "displayName": name,
                "inputTokenLimit": 1_048_576, "outputTokenLimit": 65_536,
                "supportedGenerationMethods": ["generateContent", "countTokens"],
            })
        })
        .collect();
    json!({"models": rows})
}

pub(super) fn error(status: u16, kind: &str, message: &str) -> Value {
    let name = match status {
        400 => "INVALID_ARGUMENT",
        401 => "UNAUTHENTICATED",
        403 => "PERMISSION_DENIED",
        404 => "NOT_FOUND",
        429 => "RESOURCE_EXHAUSTED",
        503 => "UNAVAILABLE",
        _ => "INTERNAL",
    };
    let mut error = json!({"code": status, "message": message, "status": name});
    if kind == "insufficient_quota" {
        error["details"] = json!([{
            "@type": "type.googleapis.com/google.rpc.QuotaFailure",
            "violations": [{"quotaId": "GenerateRequestsPerDayPerProjectPerModel-FreeTier"}],
        }]);
    }
    json!({"error": error})
}

/// "Slow down" as Google says it: the time stands in the body.
pub(super) fn slow_down(seconds: u32) -> Value {
    let mut error = error(429, "", "Resource has been exhausted (e.g. check quota).");
    error["error"]["details"] = json!([{
        "@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": format!("{seconds}s"),
    }]);
    error
}

/// An error inside a stream; of an array, with the bracket that ends it.
pub(super) fn error_event(array: bool, first: bool) -> Vec<Bytes> {
    let error = error(500, "", "An internal error has occurred.");
    let mut events = vec![framed(&error, array, first)];
    if array {
        events.push(Bytes::from_static(b"\n]\n"));
    }
    events
}

/// One part as an event (Google ends lines with CRLF) or an element.
pub(super) fn framed(part: &Value, array: bool, first: bool) -> Bytes {
    framed_data(part.to_string().as_bytes(), array, first)
}

pub(super) fn framed_data(data: &[u8], array: bool, first: bool) -> Bytes {
    let (before, after): (&[u8], &[u8]) = match (array, first) {
        (false, _) => (b"data: ", b"\r\n\r\n"),
        (true, true) => (b"[", b""),
        (true, false) => (b"\n,\r\n", b""),
    };
    [before, data, after].concat().into()
}

fn part(model: &str, parts: &[Value], last: bool, output: Option<u64>) -> Value {
    let mut candidate = json!({"content": {"parts": parts, "role": "model"}, "index": 0});
    if last {
        candidate["finishReason"] = "STOP".into();
    }
    let mut part = json!({"candidates": [candidate], "modelVersion": model, "responseId": "fake"});
    if let Some(output) = output {
        part["usageMetadata"] = json!({
            "promptTokenCount": INPUT_TOKENS, "cachedContentTokenCount": 3, "candidatesTokenCount": output,
            "totalTokenCount": INPUT_TOKENS + output,
            "promptTokensDetails": [{"modality": "TEXT", "tokenCount": INPUT_TOKENS}],
        });
    }
    part
}

/// Of parallel calls only the first is signed.
/// The thought, and what it led to with its signature.
fn thoughts() -> Vec<Value> {
    let said = words(2).collect::<String>();
    vec![
        json!({"text": THOUGHT, "thought": true}),
        json!({"text": said.trim_end(), "thoughtSignature": PROOF}),
    ]
}

fn calls() -> Vec<Value> {
    let call = |(index, (_, name, arguments)): (usize, &(&str, &str, [&str; 2]))| {
        let args: Value = serde_json::from_str(&arguments.concat()).expect("arguments are JSON");
        let mut part = json!({"functionCall": {"name": name, "args": args}});
        if index == 0 {
            part["thoughtSignature"] = "CiQBVKhc7rM+/w==".into();
        }
        part
    };
    TOOL_CALLS.iter().enumerate().map(call).collect()
}
