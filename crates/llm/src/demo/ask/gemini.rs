use serde_json::{Value, json};

use super::{Said, Tool, ToolChoice};
use crate::BadRequest;

/// A request of Gemini's as a conversation.
pub(super) fn said(body: &Value) -> Result<Said, BadRequest> {
    // `countTokens` may hold a whole request.
    let body = match &body["generateContentRequest"] {
        Value::Null => body,
        whole => whole,
    };
    let messages: Vec<Value> = match &body["contents"] {
        Value::Array(turns) if !turns.is_empty() => turns.iter().map(message).collect(),
        _ => {
            let message = "found no contents, expected a list of at least one";
            return Err(BadRequest::at("contents", message));
        }
    };
    let system = either(body, "systemInstruction", "system_instruction");
    let tools = body["tools"].as_array().map_or(&[][..], Vec::as_slice);
    let declared = tools.iter().filter_map(|tool| {
        either(tool, "functionDeclarations", "function_declarations").as_array()
    });
    let choice = either(body, "toolConfig", "tool_config");
    let choice = either(choice, "functionCallingConfig", "function_calling_config");
    Ok(Said {
        messages,
        system: system["parts"].clone(),
        tools: declared.flatten().filter_map(tool).collect(),
        choice: match (
            choice["mode"].as_str(),
            choice["allowedFunctionNames"][0].as_str(),
        ) {
            (Some("NONE"), _) => ToolChoice::Never,
            (Some("ANY"), Some(name)) => ToolChoice::Named(name.to_owned()),
            (Some("ANY"), None) => ToolChoice::Any,
            _ => ToolChoice::Auto,
        },
        parallel: true,
    })
}

/// JSON of protocol buffers takes both spellings, and clients mix them.
fn either<'a>(of: &'a Value, camel: &str, snake: &str) -> &'a Value {
    of.get(camel).unwrap_or(&of[snake])
}

fn message(turn: &Value) -> Value {
    let parts = turn["parts"].as_array().map_or(&[][..], Vec::as_slice);
    let results: Vec<String> = parts
        .iter()
        .map(|part| &part["functionResponse"]["response"])
        .filter(|response| !response.is_null())
        .map(Value::to_string)
        .collect();
    match (results.is_empty(), turn["role"].as_str()) {
        (false, _) => json!({"role": "tool", "content": results.join(" ")}),
        (true, Some("model")) => json!({"role": "assistant", "content": parts}),
        (true, _) => json!({"role": "user", "content": parts}),
    }
}

fn tool(declared: &Value) -> Option<Tool> {
    let schema = match either(declared, "parametersJsonSchema", "parameters_json_schema") {
        Value::Null => &declared["parameters"],
        schema => schema,
    };
    Some(Tool {
        name: declared["name"].as_str()?.to_owned(),
        schema: lowered(schema),
    })
}

/// Gemini writes `STRING` where JSON Schema has `string`.
fn lowered(schema: &Value) -> Value {
    match schema {
        Value::Object(members) => {
            let member = |(key, value): (&String, &Value)| {
                let value = match (key.as_str(), value) {
                    ("type", Value::String(name)) => name.to_ascii_lowercase().into(),
                    (_, value) => lowered(value),
                };
                (key.clone(), value)
            };
            Value::Object(members.iter().map(member).collect())
        }
        Value::Array(list) => list.iter().map(lowered).collect(),
        other => other.clone(),
    }
}
