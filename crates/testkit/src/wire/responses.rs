//! OpenAI: the Responses API.
//! Shapes after the API reference at platform.openai.com/docs/api-reference/responses.

use super::{
    Ask, INPUT_TOKENS, PROOF, Parts, Saying, THOUGHT, TOOL_CALLS, event, openai, saying_tokens,
    words,
};
use bytes::Bytes;
use serde_json::{Value, json};

const MESSAGE: &str = "msg_fake";
const REASONING: &str = "rs_fake";

pub(super) fn whole(ask: Ask, model: &str, saying: Saying) -> Value {
    match ask {
        Ask::Response => response(model, saying, "completed", true),
        Ask::InputTokens => {
            json!({"object": "response.input_tokens", "input_tokens": INPUT_TOKENS})
        }
        other => openai::whole(other, model, saying),
    }
}

pub(super) fn stream(model: &str, saying: Saying, usage: bool) -> Parts {
    let mut number = 0;
    let mut named = |kind: &str, mut data: Value| {
        data["type"] = kind.into();
        data["sequence_number"] = number.into();
        number += 1;
        event(Some(kind), &data)
    };
    let begun = response(model, saying, "in_progress", false);
    let mut opening = vec![
        named("response.created", json!({"response": begun})),
        named("response.in_progress", json!({"response": begun})),
    ];
    let (content, mut ending) = match saying {
        Saying::Words(count) => {
            let item = message("in_progress", json!([]));
            opening.push(named(
                "response.output_item.added",
                json!({"output_index": 0, "item": item}),
            ));
            opening.push(named(
                "response.content_part.added",
                at(json!({"part": text("")})),
            ));
            let deltas: Vec<Bytes> = words(count)
                .map(|word| {
                    named(
                        "response.output_text.delta",
                        at(json!({"delta": word, "logprobs": [], "obfuscation": "x7"})),
                    )
                })
                .collect();
            let all = said(count);
            let item = message("completed", json!([text(&all)]));
            let ending = vec![
                named(
                    "response.output_text.done",
                    at(json!({"text": all, "logprobs": []})),
                ),
                named(
                    "response.content_part.done",
                    at(json!({"part": text(&all)})),
                ),
                named(
                    "response.output_item.done",
                    json!({"output_index": 0, "item": item}),
                ),
            ];
            (deltas, ending)
        }
        Saying::ToolCalls => tool_events(&mut named),
        Saying::Thinking => thinking_events(&mut named),
    };
    let last = response(model, saying, "completed", usage);
    ending.push(named("response.completed", json!({"response": last})));
    Parts {
        opening,
        content,
        ending,
    }
}

pub(super) fn error_event() -> Vec<Bytes> {
    let error = json!({
        "type": "server_error", "code": "server_error",
        "message": "The server had an error while processing your request", "param": null,
    });
    let data = json!({"type": "error", "sequence_number": 5, "error": error});
    vec![event(Some("error"), &data)]
}

/// An answer of the Responses API that failed under a good status.
pub(super) fn failed(model: &str) -> Value {
    let mut failed = response(model, Saying::Words(0), "failed", false);
    failed["error"] = json!({"code": "server_error", "message": "The server had an error"});
    failed
}

/// A summary of the thought, the item that seals it, and two words.
fn thinking_events(named: &mut impl FnMut(&str, Value) -> Bytes) -> (Vec<Bytes>, Vec<Bytes>) {
    let part = |text: &str| json!({"type": "summary_text", "text": text});
    let at_summary = |mut data: Value| {
        data["item_id"] = REASONING.into();
        data["output_index"] = 0.into();
        data["summary_index"] = 0.into();
        data
    };
    let at_text = |data: Value| {
        let mut data = at(data);
        data["output_index"] = 1.into();
        data
    };
    let mut begun = reasoning();
    begun["summary"] = json!([]);
    begun["encrypted_content"] = "".into();
    let item = message("in_progress", json!([]));
    let mut content = vec![
        named(
            "response.output_item.added",
            json!({"output_index": 0, "item": begun}),
        ),
        named(
            "response.reasoning_summary_part.added",
            at_summary(json!({"part": part("")})),
        ),
        named(
            "response.reasoning_summary_text.delta",
            at_summary(json!({"delta": THOUGHT})),
        ),
        named(
            "response.reasoning_summary_text.done",
            at_summary(json!({"text": THOUGHT})),
        ),
        named(
            "response.reasoning_summary_part.done",
            at_summary(json!({"part": part(THOUGHT)})),
        ),
        named(
            "response.output_item.done",
            json!({"output_index": 0, "item": reasoning()}),
        ),
        named(
            "response.output_item.added",
            json!({"output_index": 1, "item": item}),
        ),
        named(
            "response.content_part.added",
            at_text(json!({"part": text("")})),
        ),
    ];
    for word in words(2) {
        let delta = at_text(json!({"delta": word, "logprobs": []}));
        content.push(named("response.output_text.delta", delta));
    }
    let all = said(2);
    let item = message("completed", json!([text(&all)]));
    let ending = vec![
        named(
            "response.output_text.done",
            at_text(json!({"text": all, "logprobs": []})),
        ),
        named(
            "response.content_part.done",
            at_text(json!({"part": text(&all)})),
        ),
        named(
            "response.output_item.done",
            json!({"output_index": 1, "item": item}),
        ),
    ];
    (content, ending)
}

fn reasoning() -> Value {
    json!({"id": REASONING, "type": "reasoning", "summary": [{"type": "summary_text", "text": THOUGHT}], "encrypted_content": PROOF})
}

/// Two calls whose fragments interleave.
fn tool_events(named: &mut impl FnMut(&str, Value) -> Bytes) -> (Vec<Bytes>, Vec<Bytes>) {
    let mut content = Vec::new();
    for index in 0..TOOL_CALLS.len() {
        let item = call(index, "in_progress", "");
        content.push(named(
            "response.output_item.added",
            json!({"output_index": index, "item": item}),
        ));
    }
    for part in 0..2 {
        for (index, (id, _, arguments)) in TOOL_CALLS.iter().enumerate() {
            let data = json!({"item_id": format!("fc_{id}"), "output_index": index, "delta": arguments[part]});
            content.push(named("response.function_call_arguments.delta", data));
        }
    }
    let mut ending = Vec::new();
    for (index, (id, name, arguments)) in TOOL_CALLS.iter().enumerate() {
        let whole = arguments.concat();
        let data = json!({"item_id": format!("fc_{id}"), "output_index": index, "name": name, "arguments": whole});
        ending.push(named("response.function_call_arguments.done", data));
        let item = call(index, "completed", &whole);
        ending.push(named(
            "response.output_item.done",
            json!({"output_index": index, "item": item}),
        ));
    }
    (content, ending)
}

fn response(model: &str, saying: Saying, status: &str, usage: bool) -> Value {
    let output: Vec<Value> = match (status, saying) {
        ("in_progress" | "failed", _) => Vec::new(),
        (_, Saying::Words(count)) => vec![message("completed", json!([text(&said(count))]))],
        (_, Saying::Thinking) => vec![reasoning(), message("completed", json!([text(&said(2))]))],
        (_, Saying::ToolCalls) => TOOL_CALLS
            .iter()
            .enumerate()
            .map(|(index, (_, _, arguments))| call(index, "completed", &arguments.concat()))
            .collect(),
    };
    json!({
        "id": "resp_fake", "object": "response", "created_at": 1_700_000_000, "status": status, "background": false,
        "error": null, "incomplete_details": null, "instructions": null, "max_output_tokens": null, "model": model,
        "output": output, "parallel_tool_calls": true, "previous_response_id": null,
        "reasoning": {"effort": null, "summary": null}, "store": true, "temperature": 1.0,
        "text": {"format": {"type": "text"}}, "tool_choice": "auto", "tools": [], "top_p": 1.0,
        "truncation": "disabled", "usage": if usage { counts(saying) } else { Value::Null }, "user": null, "metadata": {},
    })
}

fn counts(saying: Saying) -> Value {
    let output = saying_tokens(saying);
    json!({
        "input_tokens": INPUT_TOKENS, "input_tokens_details": {"cached_tokens": 3},
        "output_tokens": output, "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": INPUT_TOKENS + output,
    })
}

fn at(mut data: Value) -> Value {
    data["item_id"] = MESSAGE.into();
    data["output_index"] = 0.into();
    data["content_index"] = 0.into();
    data
}

fn message(status: &str, content: Value) -> Value {
    json!({"id": MESSAGE, "type": "message", "role": "assistant", "status": status, "content": content})
}

fn text(text: &str) -> Value {
    json!({"type": "output_text", "text": text, "annotations": [], "logprobs": []})
}

fn call(index: usize, status: &str, arguments: &str) -> Value {
    let (id, name, _) = TOOL_CALLS[index];
    json!({"id": format!("fc_{id}"), "type": "function_call", "status": status, "call_id": id, "name": name, "arguments": arguments})
}

fn said(count: usize) -> String {
    words(count).collect::<String>().trim_end().to_owned()
}
