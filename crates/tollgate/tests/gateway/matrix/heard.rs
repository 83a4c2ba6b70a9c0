//! What a caller makes of an answer, in its own dialect.

use serde_json::Value;
use tollgate_testkit::{Answer, Wire};

/// The objects that an answer is made of: one, or those of its events.
pub(crate) fn objects(wire: Wire, stream: bool, answer: &Answer) -> Vec<Value> {
    match (wire, stream) {
        (_, false) => vec![answer.json()],
        (Wire::GeminiArray, true) => answer.json().as_array().unwrap().clone(),
        _ => answer
            .events()
            .iter()
            .filter(|event| event.data.starts_with('{'))
            .map(tollgate_testkit::SseEvent::json)
            .collect(),
    }
}

/// All strings at these pointers, one after the other.
fn joined(objects: &[Value], pointers: &[&str]) -> String {
    let texts = objects.iter().flat_map(|object| {
        let found = pointers.iter().filter_map(|at| object.pointer(at));
        found.filter_map(Value::as_str)
    });
    texts.collect()
}

pub(crate) fn said(wire: Wire, stream: bool, answer: &Answer) -> String {
    let objects = objects(wire, stream, answer);
    let pointers: &[&str] = match (wire, stream) {
        (Wire::OpenAi, false) => &["/choices/0/message/content"],
        (Wire::OpenAi, true) => &["/choices/0/delta/content"],
        (Wire::Anthropic, false) => &["/content/0/text", "/content/1/text"],
        (Wire::Anthropic, true) => &["/delta/text"],
        (Wire::Responses, false) => &["/output/0/content/0/text", "/output/1/content/0/text"],
        (Wire::Responses, true) => {
            let deltas = objects
                .iter()
                .filter(|it| it["type"] == "response.output_text.delta");
            return deltas.filter_map(|it| it["delta"].as_str()).collect();
        }
        (Wire::Gemini | Wire::GeminiArray, _) => return spoken(&objects, false),
    };
    joined(&objects, pointers)
}

/// Names and arguments of the calls, put together as clients do it.
pub(crate) fn calls(wire: Wire, stream: bool, answer: &Answer) -> Vec<(String, Value)> {
    let objects = objects(wire, stream, answer);
    let parsed = |name: &Value, arguments: &str| {
        let name = name.as_str().unwrap().to_owned();
        (name, serde_json::from_str(arguments).unwrap())
    };
    match (wire, stream) {
        (Wire::OpenAi, false) => {
            let calls = objects[0]["choices"][0]["message"]["tool_calls"].as_array();
            let function = |call: &Value| {
                let function = &call["function"];
                parsed(&function["name"], function["arguments"].as_str().unwrap())
            };
            calls.unwrap().iter().map(function).collect()
        }
        (Wire::OpenAi, true) => {
            let mut gathered: Vec<(Value, String)> = Vec::new();
            for object in &objects {
                let call = &object["choices"][0]["delta"]["tool_calls"][0];
                let Some(index) = call["index"].as_u64() else {
                    continue;
                };
                if call["id"].is_string() {
                    gathered.push((call["function"]["name"].clone(), String::new()));
                }
                let piece = call["function"]["arguments"].as_str().unwrap();
                gathered[index as usize].1.push_str(piece);
            }
            let gathered = gathered.iter();
            gathered.map(|(name, text)| parsed(name, text)).collect()
        }
        (Wire::Anthropic, false) => {
            let blocks = objects[0]["content"].as_array().unwrap().iter();
            blocks
                .filter(|block| block["type"] == "tool_use")
                .map(|block| parsed(&block["name"], &block["input"].to_string()))
                .collect()
        }
        (Wire::Anthropic, true) => {
            let mut blocks: Vec<(Value, String)> = Vec::new();
            for object in &objects {
                let index = object["index"].as_u64().unwrap_or(0) as usize;
                match object["type"].as_str() {
                    Some("content_block_start") => {
                        assert_eq!(index, blocks.len(), "blocks begin in order");
                        blocks.push((object["content_block"]["name"].clone(), String::new()));
                    }
                    Some("content_block_delta") => {
                        let piece = object["delta"]["partial_json"].as_str();
                        blocks[index].1.push_str(piece.unwrap_or(""));
                    }
                    _ => {}
                }
            }
            let calls = blocks.iter().filter(|(name, _)| name.is_string());
            calls.map(|(name, text)| parsed(name, text)).collect()
        }
        (Wire::Responses, _) => {
            let response = match stream {
                true => &objects.last().unwrap()["response"],
                false => &objects[0],
            };
            let items = response["output"].as_array().unwrap().iter();
            items
                .filter(|item| item["type"] == "function_call")
                .map(|item| parsed(&item["name"], item["arguments"].as_str().unwrap()))
                .collect()
        }
        (Wire::Gemini | Wire::GeminiArray, _) => {
            let parts = objects.iter().flat_map(|object| {
                let parts = object["candidates"][0]["content"]["parts"].as_array();
                parts.cloned().unwrap_or_default()
            });
            let calls = parts.filter(|part| part.get("functionCall").is_some());
            calls
                .map(|part| {
                    let call = &part["functionCall"];
                    parsed(&call["name"], &call["args"].to_string())
                })
                .collect()
        }
    }
}

/// The text of Gemini's parts: thoughts, or what is not.
fn spoken(objects: &[Value], thoughts: bool) -> String {
    let parts = objects.iter().flat_map(|object| {
        let parts = object["candidates"][0]["content"]["parts"].as_array();
        parts.cloned().unwrap_or_default()
    });
    let wanted = parts.filter(|part| (part["thought"] == true) == thoughts);
    wanted
        .filter_map(|part| part["text"].as_str().map(str::to_owned))
        .collect()
}

/// What the model thought, as far as the caller sees it.
pub(crate) fn thought(wire: Wire, stream: bool, answer: &Answer) -> String {
    let objects = objects(wire, stream, answer);
    let pointers: &[&str] = match (wire, stream) {
        (Wire::OpenAi, false) => &["/choices/0/message/reasoning_content"],
        (Wire::OpenAi, true) => &["/choices/0/delta/reasoning_content"],
        (Wire::Anthropic, false) => &["/content/0/thinking"],
        (Wire::Anthropic, true) => &["/delta/thinking"],
        (Wire::Responses, false) => &["/output/0/summary/0/text"],
        (Wire::Responses, true) => {
            let kind = "response.reasoning_summary_text.delta";
            let deltas = objects.iter().filter(|it| it["type"] == kind);
            return deltas.filter_map(|it| it["delta"].as_str()).collect();
        }
        (Wire::Gemini | Wire::GeminiArray, _) => return spoken(&objects, true),
    };
    joined(&objects, pointers)
}

/// Whether a stream ended as its dialect ends one that is whole.
pub(crate) fn is_whole(wire: Wire, answer: &Answer) -> bool {
    let text = answer.text();
    match wire {
        Wire::OpenAi => text.ends_with("data: [DONE]\n\n"),
        Wire::Anthropic => text.contains("event: message_stop"),
        Wire::Responses => text.contains("event: response.completed"),
        Wire::Gemini | Wire::GeminiArray => text.contains("\"finishReason\":\"STOP\""),
    }
}
