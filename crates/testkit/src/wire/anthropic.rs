//! Anthropic: messages, count_tokens, models.
//! Shapes after the API reference at docs.anthropic.com/en/api.

use super::{
    Ask, INPUT_TOKENS, PROOF, Parts, Saying, THOUGHT, TOOL_CALLS, event, saying_tokens, unknown,
    words,
};
use bytes::Bytes;
use serde_json::{Value, json};

pub(super) fn whole(ask: Ask, model: &str, saying: Saying) -> Value {
    match ask {
        Ask::Message => message(model, saying),
        Ask::CountTokens => json!({"input_tokens": INPUT_TOKENS}),
        _ => unknown(),
    }
}

pub(super) fn stream(model: &str, saying: Saying, usage: bool) -> Parts {
    let start = json!({
        "id": "msg_fake", "type": "message", "role": "assistant", "model": model, "content": [],
        "stop_reason": null, "stop_sequence": null,
    });
    let mut start = json!({"type": "message_start", "message": start});
    let mut delta = json!({
        "type": "message_delta", "delta": {"stop_reason": stop_reason(saying), "stop_sequence": null},
    });
    if usage {
        start["message"]["usage"] = counts(1);
        // cumulative, as the provider's is: 1 of these stood in the start already
        delta["usage"] = json!({"output_tokens": saying_tokens(saying)});
    }
    let mut opening = vec![named(&start)];
    let mut ending = Vec::new();
    let content = match saying {
        Saying::Words(count) => {
            opening.push(named(&block_start(0, json!({"type": "text", "text": ""}))));
            opening.push(named(&json!({"type": "ping"})));
            ending.push(named(&json!({"type": "content_block_stop", "index": 0})));
            words(count)
                .map(|word| block_delta(0, json!({"type": "text_delta", "text": word})))
                .collect()
        }
        Saying::ToolCalls => tool_events(),
        Saying::Thinking => {
            ending.push(named(&json!({"type": "content_block_stop", "index": 1})));
            thinking_events()
        }
    };
    ending.push(named(&delta));
    ending.push(named(&json!({"type": "message_stop"})));
    Parts {
        opening,
        content,
        ending,
    }
}

pub(super) fn models(names: &[String]) -> Value {
    let data: Vec<Value> = names
        .iter()
        .map(|name| json!({"type": "model", "id": name, "display_name": name, "created_at": "2025-01-01T00:00:00Z"}))
        .collect();
    json!({"data": data, "has_more": false, "first_id": names.first(), "last_id": names.last()})
}

pub(super) fn error(kind: &str, message: &str) -> Value {
    json!({"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_fake"})
}

pub(super) fn error_event() -> Vec<Bytes> {
    vec![named(
        &json!({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}),
    )]
}

/// Anthropic names its errors by status; other names stay.
pub(super) fn kind_of(status: u16, kind: &str) -> &str {
    match status {
        400 => "invalid_request_error",
        401 => "authentication_error",
        403 => "permission_error",
        429 => "rate_limit_error",
        500 => "api_error",
        529 => "overloaded_error",
        _ => kind,
    }
}

fn message(model: &str, saying: Saying) -> Value {
    let content: Vec<Value> = match saying {
        Saying::Words(count) => {
            vec![json!({"type": "text", "text": words(count).collect::<String>().trim_end()})]
        }
        Saying::Thinking => vec![
            json!({"type": "thinking", "thinking": THOUGHT, "signature": PROOF}),
            json!({"type": "text", "text": words(2).collect::<String>().trim_end()}),
        ],
        Saying::ToolCalls => TOOL_CALLS
            .iter()
            .map(|(id, name, arguments)| {
                let input: Value =
                    serde_json::from_str(&arguments.concat()).expect("arguments are JSON");
                json!({"type": "tool_use", "id": id, "name": name, "input": input})
            })
            .collect(),
    };
    json!({
        "id": "msg_fake", "type": "message", "role": "assistant", "model": model, "content": content,
        "stop_reason": stop_reason(saying), "stop_sequence": null, "usage": counts(saying_tokens(saying)),
    })
}

/// Two tool blocks whose fragments interleave: unusual, but the indexes allow it.
/// The thought, its signature, and two words in a block of their own.
fn thinking_events() -> Vec<Bytes> {
    let thinking = json!({"type": "thinking", "thinking": "", "signature": ""});
    let mut events = vec![
        named(&block_start(0, thinking)),
        block_delta(0, json!({"type": "thinking_delta", "thinking": THOUGHT})),
        block_delta(0, json!({"type": "signature_delta", "signature": PROOF})),
        named(&json!({"type": "content_block_stop", "index": 0})),
        named(&block_start(1, json!({"type": "text", "text": ""}))),
    ];
    events.extend(words(2).map(|word| block_delta(1, json!({"type": "text_delta", "text": word}))));
    events
}

fn tool_events() -> Vec<Bytes> {
    let starts = TOOL_CALLS.iter().enumerate().map(|(index, (id, name, _))| {
        named(&block_start(
            index,
            json!({"type": "tool_use", "id": id, "name": name, "input": {}}),
        ))
    });
    let fragments = (0..2).flat_map(|part| {
        TOOL_CALLS
            .iter()
            .enumerate()
            .map(move |(index, (_, _, arguments))| {
                block_delta(
                    index,
                    json!({"type": "input_json_delta", "partial_json": arguments[part]}),
                )
            })
    });
    let stops = (0..TOOL_CALLS.len())
        .map(|index| named(&json!({"type": "content_block_stop", "index": index})));
    starts.chain(fragments).chain(stops).collect()
}

fn block_start(index: usize, block: Value) -> Value {
    json!({"type": "content_block_start", "index": index, "content_block": block})
}

fn block_delta(index: usize, delta: Value) -> Bytes {
    named(&json!({"type": "content_block_delta", "index": index, "delta": delta}))
}

/// An event under the name that its `type` says.
fn named(value: &Value) -> Bytes {
    event(value["type"].as_str(), value)
}

const fn stop_reason(saying: Saying) -> &'static str {
    match saying {
        Saying::Words(_) | Saying::Thinking => "end_turn",
        Saying::ToolCalls => "tool_use",
    }
}

fn counts(output: u64) -> Value {
    json!({
        "input_tokens": INPUT_TOKENS, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 3,
        "output_tokens": output, "service_tier": "standard",
    })
}
