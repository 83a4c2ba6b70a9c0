use serde_json::{Value, json};

use super::ask::Ask;
use super::reply::{Call, Finish, Reply};
use crate::Endpoint;

/// Marks every answer, those that only call a tool included.
const FINGERPRINT: &str = "fp_tollgate_demo";

/// An answer in one piece.
pub(super) fn completion(endpoint: Endpoint, ask: &Ask, reply: &Reply) -> Value {
    let choices = (0..ask.choices).map(|index| {
        let mut choice = json!({
            "index": index,
            "logprobs": null,
            "finish_reason": reason(reply.finish),
        });
        match endpoint {
            Endpoint::Completions => choice["text"] = reply.text().into(),
            _ => choice["message"] = message(reply),
        }
        choice
    });
    let mut answer = frame(endpoint, ask, reply, false);
    answer["choices"] = choices.collect();
    answer["usage"] = usage(ask, reply);
    answer
}

/// The events of a stream, the terminator included.
pub(super) fn events(endpoint: Endpoint, ask: &Ask, reply: &Reply) -> Vec<String> {
    let mut events = Vec::new();
    let mut push = |choices: Value, usage: Option<Value>| {
        let mut chunk = frame(endpoint, ask, reply, true);
        chunk["choices"] = choices;
        if ask.usage_asked {
            chunk["usage"] = usage.unwrap_or_default();
        }
        events.push(format!("data: {chunk}\n\n"));
    };
    for index in 0..ask.choices {
        let deltas = match endpoint {
            Endpoint::Completions => reply
                .words
                .iter()
                .map(|word| json!({"text": word}))
                .collect(),
            _ => chat_deltas(reply),
        };
        for delta in deltas {
            push(choice(endpoint, index, delta, None), None);
        }
        let last = match endpoint {
            Endpoint::Completions => json!({"text": ""}),
            _ => json!({}),
        };
        push(choice(endpoint, index, last, Some(reply.finish)), None);
    }
    if ask.usage_asked {
        push(json!([]), Some(usage(ask, reply)));
    }
    events.push("data: [DONE]\n\n".to_owned());
    events
}

/// What all chunks and answers begin with. There is no clock here, so they
/// are of the epoch.
fn frame(endpoint: Endpoint, ask: &Ask, reply: &Reply, stream: bool) -> Value {
    let (prefix, object) = match (endpoint, stream) {
        (Endpoint::Completions, _) => ("cmpl", "text_completion"),
        (_, false) => ("chatcmpl", "chat.completion"),
        (_, true) => ("chatcmpl", "chat.completion.chunk"),
    };
    json!({
        "id": format!("{prefix}-demo-{:016x}", reply.digest),
        "object": object,
        "created": 0,
        "model": ask.model,
        "system_fingerprint": FINGERPRINT,
    })
}

fn choice(endpoint: Endpoint, index: u64, delta: Value, finish: Option<Finish>) -> Value {
    let mut choice = match endpoint {
        Endpoint::Completions => delta,
        _ => json!({"delta": delta}),
    };
    choice["index"] = index.into();
    choice["logprobs"] = Value::Null;
    choice["finish_reason"] = finish.map(reason).into();
    json!([choice])
}

fn chat_deltas(reply: &Reply) -> Vec<Value> {
    let mut deltas = vec![json!({"role": "assistant", "content": ""})];
    deltas.extend(reply.words.iter().map(|word| json!({"content": word})));
    for (index, call) in reply.calls.iter().enumerate() {
        let mut first = called(call, reply, index, "");
        first["index"] = index.into();
        deltas.push(json!({"tool_calls": [first]}));
        for piece in call.fragments() {
            deltas
                .push(json!({"tool_calls": [{"index": index, "function": {"arguments": piece}}]}));
        }
    }
    deltas
}

fn message(reply: &Reply) -> Value {
    let mut message = json!({
        "role": "assistant",
        "content": reply.text(),
        "refusal": null,
    });
    if !reply.calls.is_empty() {
        let calls = reply
            .calls
            .iter()
            .enumerate()
            .map(|(index, call)| called(call, reply, index, &call.arguments.to_string()));
        message["tool_calls"] = calls.collect();
    }
    message
}

fn called(call: &Call, reply: &Reply, index: usize, arguments: &str) -> Value {
    json!({
        "id": format!("call_demo_{:016x}_{index}", reply.digest),
        "type": "function",
        "function": {"name": call.name, "arguments": arguments},
    })
}

fn usage(ask: &Ask, reply: &Reply) -> Value {
    let output = reply.output_words() * ask.choices;
    json!({
        "prompt_tokens": ask.input_words,
        "completion_tokens": output,
        "total_tokens": ask.input_words + output,
    })
}

const fn reason(finish: Finish) -> &'static str {
    match finish {
        Finish::Stop => "stop",
        Finish::Length => "length",
        Finish::Tools => "tool_calls",
    }
}
