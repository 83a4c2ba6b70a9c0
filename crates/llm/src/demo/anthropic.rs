use serde_json::{Value, json};

use super::ask::Ask;
use super::reply::{Call, Finish, Reply};

/// An answer in one piece.
pub(super) fn message(ask: &Ask, reply: &Reply) -> Value {
    let mut content = vec![json!({"type": "text", "text": reply.text()})];
    for (index, call) in reply.calls.iter().enumerate() {
        content.push(tool_use(call, reply, index, &call.arguments));
    }
    let mut message = frame(ask, reply, reply.output_words());
    message["content"] = content.into();
    message["stop_reason"] = reason(reply.finish).into();
    message
}

/// The events of a stream, the terminator included.
pub(super) fn events(ask: &Ask, reply: &Reply) -> Vec<String> {
    let mut events = vec![
        event(json!({"type": "message_start", "message": frame(ask, reply, 0)})),
        start(0, &json!({"type": "text", "text": ""})),
        event(json!({"type": "ping"})),
    ];
    for word in &reply.words {
        events.push(delta(0, &json!({"type": "text_delta", "text": word})));
    }
    events.push(stop(0));
    for (number, call) in reply.calls.iter().enumerate() {
        let index = number + 1;
        events.push(start(index, &tool_use(call, reply, number, &json!({}))));
        for piece in call.fragments() {
            let piece = json!({"type": "input_json_delta", "partial_json": piece});
            events.push(delta(index, &piece));
        }
        events.push(stop(index));
    }
    events.push(event(json!({
        "type": "message_delta",
        "delta": {"stop_reason": reason(reply.finish), "stop_sequence": null},
        "usage": {"output_tokens": reply.output_words()},
    })));
    events.push(event(json!({"type": "message_stop"})));
    events
}

fn frame(ask: &Ask, reply: &Reply, output: u64) -> Value {
    json!({
        "id": format!("msg_demo_{:016x}", reply.digest),
        "type": "message",
        "role": "assistant",
        "model": ask.model,
        "content": [],
        "stop_reason": null,
        "stop_sequence": null,
        "usage": {
            "input_tokens": ask.input_words,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0,
            "output_tokens": output,
        },
    })
}

fn tool_use(call: &Call, reply: &Reply, number: usize, input: &Value) -> Value {
    json!({
        "type": "tool_use",
        "id": format!("toolu_demo_{:016x}_{number}", reply.digest),
        "name": call.name,
        "input": input,
    })
}

fn start(index: usize, block: &Value) -> String {
    event(json!({"type": "content_block_start", "index": index, "content_block": block}))
}

fn delta(index: usize, delta: &Value) -> String {
    event(json!({"type": "content_block_delta", "index": index, "delta": delta}))
}

fn stop(index: usize) -> String {
    event(json!({"type": "content_block_stop", "index": index}))
}

fn event(data: Value) -> String {
    let name = data["type"].as_str().unwrap_or_default();
    format!("event: {name}\ndata: {data}\n\n")
}

const fn reason(finish: Finish) -> &'static str {
    match finish {
        Finish::Stop => "end_turn",
        Finish::Length => "max_tokens",
        Finish::Tools => "tool_use",
    }
}
