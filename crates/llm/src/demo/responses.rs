use serde_json::{Value, json};

use super::ask::Ask;
use super::reply::{Call, Finish, Reply};

/// An answer in one piece.
pub(super) fn response(ask: &Ask, reply: &Reply) -> Value {
    let mut output = vec![message(reply, "completed", json!([text(&reply.text())]))];
    let calls = reply.calls.iter().enumerate();
    output.extend(calls.map(|(at, call)| function_call(call, reply, at, true)));
    frame(ask, reply, status(reply.finish), output)
}

/// The events of a stream, the terminator included.
pub(super) fn events(ask: &Ask, reply: &Reply) -> Vec<String> {
    let mut events = Events::default();
    let begun = frame(ask, reply, "in_progress", Vec::new());
    events.push("response.created", json!({"response": begun}));
    events.push("response.in_progress", json!({"response": begun}));
    written(&mut events, reply);
    for (at, call) in reply.calls.iter().enumerate() {
        called(&mut events, reply, at, call);
    }
    let kind = format!("response.{}", status(reply.finish));
    events.push(&kind, json!({"response": response(ask, reply)}));
    events.list
}

/// Numbers its events.
#[derive(Default)]
struct Events {
    list: Vec<String>,
}

impl Events {
    fn push(&mut self, kind: &str, mut data: Value) {
        data["type"] = kind.into();
        data["sequence_number"] = self.list.len().into();
        self.list.push(format!("event: {kind}\ndata: {data}\n\n"));
    }
}

/// The message, word by word.
fn written(events: &mut Events, reply: &Reply) {
    let id = message_id(reply);
    let at = |mut data: Value| {
        data["item_id"] = id.as_str().into();
        data["output_index"] = 0.into();
        data["content_index"] = 0.into();
        data
    };
    let begun = message(reply, "in_progress", json!([]));
    let item = json!({"output_index": 0, "item": begun});
    events.push("response.output_item.added", item);
    let part = at(json!({"part": text("")}));
    events.push("response.content_part.added", part);
    for word in &reply.words {
        let delta = at(json!({"delta": word, "logprobs": []}));
        events.push("response.output_text.delta", delta);
    }
    let whole = reply.text();
    let done = at(json!({"text": whole, "logprobs": []}));
    events.push("response.output_text.done", done);
    events.push(
        "response.content_part.done",
        at(json!({"part": text(&whole)})),
    );
    let item = message(reply, "completed", json!([text(&whole)]));
    let item = json!({"output_index": 0, "item": item});
    events.push("response.output_item.done", item);
}

/// One call, its arguments in fragments.
fn called(events: &mut Events, reply: &Reply, at: usize, call: &Call) {
    let index = at + 1;
    let item =
        |whole| json!({"output_index": index, "item": function_call(call, reply, at, whole)});
    events.push("response.output_item.added", item(false));
    let id = format!("fc_demo_{:016x}_{at}", reply.digest);
    for piece in call.fragments() {
        let delta = json!({"item_id": id, "output_index": index, "delta": piece});
        events.push("response.function_call_arguments.delta", delta);
    }
    let arguments = call.arguments.to_string();
    let done =
        json!({"item_id": id, "output_index": index, "name": call.name, "arguments": arguments});
    events.push("response.function_call_arguments.done", done);
    events.push("response.output_item.done", item(true));
}

fn frame(ask: &Ask, reply: &Reply, status: &str, output: Vec<Value>) -> Value {
    let over = status != "in_progress";
    let incomplete = json!({"reason": "max_output_tokens"});
    json!({
        "id": format!("resp_demo_{:016x}", reply.digest),
        "object": "response",
        "created_at": 0,
        "status": status,
        "error": null,
        "incomplete_details": if status == "incomplete" { incomplete } else { Value::Null },
        "instructions": null,
        "max_output_tokens": ask.limit,
        "model": ask.model,
        "output": output,
        "parallel_tool_calls": ask.parallel,
        "previous_response_id": null,
        "store": false,
        "temperature": null,
        "tool_choice": "auto",
        "tools": [],
        "top_p": null,
        "metadata": {"tollgate": "demo"},
        "usage": if over { usage(ask, reply) } else { Value::Null },
    })
}

fn usage(ask: &Ask, reply: &Reply) -> Value {
    let output = reply.output_words();
    json!({
        "input_tokens": ask.input_words,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": output,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": ask.input_words + output,
    })
}

fn message_id(reply: &Reply) -> String {
    format!("msg_demo_{:016x}", reply.digest)
}

fn message(reply: &Reply, status: &str, content: Value) -> Value {
    json!({
        "id": message_id(reply),
        "type": "message",
        "role": "assistant",
        "status": status,
        "content": content,
    })
}

fn text(text: &str) -> Value {
    json!({"type": "output_text", "text": text, "annotations": [], "logprobs": []})
}

fn function_call(call: &Call, reply: &Reply, at: usize, whole: bool) -> Value {
    let arguments = call.arguments.to_string();
    json!({
        "id": format!("fc_demo_{:016x}_{at}", reply.digest),
        "type": "function_call",
        "status": if whole { "completed" } else { "in_progress" },
        "call_id": format!("call_demo_{:016x}_{at}", reply.digest),
        "name": call.name,
        "arguments": if whole { arguments } else { String::new() },
    })
}

const fn status(finish: Finish) -> &'static str {
    match finish {
        Finish::Length => "incomplete",
        Finish::Stop | Finish::Tools => "completed",
    }
}

#[cfg(test)]
mod tests;
