use serde_json::{Value, json};

use super::{Said, Tool, tool_choice};
use crate::BadRequest;

/// A request to the Responses API as a conversation.
pub(super) fn said(body: &Value) -> Result<Said, BadRequest> {
    let messages = match &body["input"] {
        Value::String(text) => vec![json!({"role": "user", "content": text})],
        Value::Array(items) if !items.is_empty() => items.iter().map(message).collect(),
        _ => {
            let message = "found no input, expected a text or a list of at least one item";
            return Err(BadRequest::at("input", message));
        }
    };
    let offered = body["tools"].as_array().map_or(&[][..], Vec::as_slice);
    let tools = offered.iter().filter(|tool| tool["type"] == "function");
    let tools = tools.filter_map(|tool| {
        Some(Tool {
            name: tool["name"].as_str()?.to_owned(),
            schema: tool["parameters"].clone(),
        })
    });
    Ok(Said {
        messages,
        system: body["instructions"].clone(),
        tools: tools.collect(),
        choice: tool_choice(&body["tool_choice"]),
        parallel: body["parallel_tool_calls"] != Value::Bool(false),
    })
}

/// An item of the input; of those that are neither turn nor result, only that
/// they are there.
fn message(item: &Value) -> Value {
    let kind = item["type"].as_str().unwrap_or("message");
    match kind {
        "message" => json!({"role": item["role"], "content": item["content"]}),
        kind if kind.ends_with("_output") => json!({"role": "tool", "content": item["output"]}),
        _ => json!({"role": "assistant", "content": null}),
    }
}
