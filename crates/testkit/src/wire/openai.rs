//! OpenAI: chat completions, completions, embeddings, models.
//! Shapes after the API reference at platform.openai.com/docs/api-reference.

use super::{
    Ask, INPUT_TOKENS, Parts, Saying, THOUGHT, TOOL_CALLS, bytes, event, saying_tokens, unknown,
    words,
};
use bytes::Bytes;
use serde_json::{Value, json};

const CREATED: u64 = 1_700_000_000;

pub(super) fn whole(ask: Ask, model: &str, saying: Saying) -> Value {
    match ask {
        Ask::Chat => chat(model, saying),
        Ask::Completion => completion(model, saying),
        Ask::Embedding => json!({
            "object": "list", "model": model,
            "data": [{"object": "embedding", "index": 0, "embedding": [0.25, -0.5, 1.0]}],
            "usage": {"prompt_tokens": INPUT_TOKENS, "total_tokens": INPUT_TOKENS},
        }),
        _ => unknown(),
    }
}

pub(super) fn stream(ask: Ask, model: &str, saying: Saying, usage: bool) -> Parts {
    let mut ending = Vec::new();
    let finish = if saying == Saying::ToolCalls {
        "tool_calls"
    } else {
        "stop"
    };
    let (opening, content) = if ask == Ask::Completion {
        ending.push(event(None, &text_chunk(model, "", json!("stop"))));
        (
            Vec::new(),
            pieces(saying)
                .map(|text| event(None, &text_chunk(model, &text, Value::Null)))
                .collect(),
        )
    } else {
        ending.push(event(
            None,
            &chunk(
                model,
                &json!([{"index": 0, "delta": {}, "finish_reason": finish}]),
            ),
        ));
        (
            vec![delta(model, json!({"role": "assistant", "content": ""}))],
            deltas(model, saying),
        )
    };
    if usage {
        let mut last = chunk(model, &json!([]));
        last["usage"] = counts(saying);
        ending.push(event(None, &last));
    }
    ending.push(Bytes::from_static(b"data: [DONE]\n\n"));
    Parts {
        opening,
        content,
        ending,
    }
}

pub(super) fn models(names: &[String]) -> Value {
    let data: Vec<Value> = names
        .iter()
        .map(|name| json!({"id": name, "object": "model", "created": CREATED, "owned_by": "fake"}))
        .collect();
    json!({"object": "list", "data": data})
}

pub(super) fn error(kind: &str, code: Option<&str>, message: &str) -> Value {
    json!({"error": {"message": message, "type": kind, "param": null, "code": code}})
}

pub(super) fn error_event() -> Vec<Bytes> {
    let error = error(
        "server_error",
        None,
        "The server had an error while processing your request",
    );
    vec![
        Bytes::from(format!(
            "data: {}\n\n",
            String::from_utf8_lossy(&bytes(&error))
        )),
        Bytes::from_static(b"data: [DONE]\n\n"),
    ]
}

fn chat(model: &str, saying: Saying) -> Value {
    let (message, finish) = match saying {
        Saying::Thinking => (
            json!({"role": "assistant", "reasoning_content": THOUGHT, "content": text(2), "refusal": null}),
            "stop",
        ),
        Saying::Words(count) => (
            json!({"role": "assistant", "content": text(count), "refusal": null}),
            "stop",
        ),
        Saying::ToolCalls => {
            let calls: Vec<Value> = TOOL_CALLS
                .iter()
                .map(|(id, name, arguments)| {
                    json!({"id": id, "type": "function", "function": {"name": name, "arguments": arguments.concat()}})
                })
                .collect();
            (
                json!({"role": "assistant", "content": null, "tool_calls": calls}),
                "tool_calls",
            )
        }
    };
    json!({
        "id": "chatcmpl-fake", "object": "chat.completion", "created": CREATED, "model": model,
        "choices": [{"index": 0, "message": message, "logprobs": null, "finish_reason": finish}],
        "usage": counts(saying), "system_fingerprint": "fp_fake",
    })
}

fn completion(model: &str, saying: Saying) -> Value {
    let count = if let Saying::Words(count) = saying {
        count
    } else {
        0
    };
    let mut body = text_chunk(model, &text(count), json!("stop"));
    body["usage"] = counts(saying);
    body
}

fn deltas(model: &str, saying: Saying) -> Vec<Bytes> {
    if saying != Saying::ToolCalls {
        let thought = (saying == Saying::Thinking)
            .then(|| delta(model, json!({"reasoning_content": THOUGHT})));
        let words = pieces(saying).map(|word| delta(model, json!({"content": word})));
        return thought.into_iter().chain(words).collect();
    }
    let starts = TOOL_CALLS.iter().enumerate().map(|(index, (id, name, _))| {
        json!({"tool_calls": [{"index": index, "id": id, "type": "function", "function": {"name": name, "arguments": ""}}]})
    });
    let fragments = (0..2).flat_map(|part| {
        TOOL_CALLS.iter().enumerate().map(move |(index, (_, _, arguments))| {
            json!({"tool_calls": [{"index": index, "function": {"arguments": arguments[part]}}]})
        })
    });
    starts
        .chain(fragments)
        .map(|piece| delta(model, piece))
        .collect()
}

fn delta(model: &str, delta: Value) -> Bytes {
    event(
        None,
        &chunk(
            model,
            &json!([{"index": 0, "delta": delta, "logprobs": null, "finish_reason": null}]),
        ),
    )
}

fn chunk(model: &str, choices: &Value) -> Value {
    json!({
        "id": "chatcmpl-fake", "object": "chat.completion.chunk", "created": CREATED, "model": model,
        "system_fingerprint": "fp_fake", "choices": choices,
    })
}

fn text_chunk(model: &str, text: &str, finish: Value) -> Value {
    json!({
        "id": "cmpl-fake", "object": "text_completion", "created": CREATED, "model": model,
        "choices": [{"text": text, "index": 0, "logprobs": null, "finish_reason": finish}],
    })
}

fn counts(saying: Saying) -> Value {
    let output = saying_tokens(saying);
    json!({
        "prompt_tokens": INPUT_TOKENS, "completion_tokens": output, "total_tokens": INPUT_TOKENS + output,
        "prompt_tokens_details": {"cached_tokens": 3}, "completion_tokens_details": {"reasoning_tokens": 0},
    })
}

fn pieces(saying: Saying) -> impl Iterator<Item = String> {
    words(match saying {
        Saying::Words(count) => count,
        Saying::ToolCalls => 0,
        Saying::Thinking => 2,
    })
}

fn text(count: usize) -> String {
    words(count).collect::<String>().trim_end().to_owned()
}
