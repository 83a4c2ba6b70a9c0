//! What a caller asks, in its own dialect.

use serde_json::{Value, json};
use tollgate_testkit::{Request, Wire};

/// A picture, as base64.
pub(super) const PICTURE: &str = "iVBORw0KGgo=";
/// What a tool answered.
pub(super) const ANSWERED: &str = "eleven degrees";

pub(super) fn schema() -> Value {
    json!({"type": "object", "properties": {"z": {"type": "string"}, "a": {"type": "string"}}, "required": ["z", "a"], "additionalProperties": false})
}

/// The same question with something more in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ask {
    Plain,
    Tools,
    Result,
    Image,
    Schema,
    Thinking,
}

pub(super) fn request(caller: Wire, stream: bool, model: &str, ask: Ask) -> Request {
    let body = match caller {
        Wire::OpenAi => chat(ask),
        Wire::Anthropic => message(ask),
        Wire::Responses => response(ask),
        Wire::Gemini | Wire::GeminiArray => content(ask),
    };
    let whole = |mut body: Value| {
        body["model"] = model.into();
        if stream {
            body["stream"] = true.into();
        }
        body
    };
    match caller {
        Wire::OpenAi => Request::post("/v1/chat/completions", &whole(body)),
        Wire::Responses => Request::post("/v1/responses", &whole(body)),
        Wire::Anthropic => {
            Request::post("/v1/messages", &whole(body)).header("anthropic-version", "2023-06-01")
        }
        Wire::Gemini | Wire::GeminiArray => {
            let method = match stream {
                true => "streamGenerateContent?alt=sse",
                false => "generateContent",
            };
            Request::post(&format!("/v1beta/models/{model}:{method}"), &body)
        }
    }
}

fn chat(ask: Ask) -> Value {
    let mut body = json!({"messages": [{"role": "user", "content": "Weather?"}]});
    match ask {
        Ask::Plain => {}
        Ask::Tools => {
            body["tools"] = json!([{"type": "function", "function": {"name": "get_weather", "parameters": schema()}}]);
        }
        Ask::Result => {
            let call = json!({"id": "call_1", "type": "function", "function": {"name": "get_weather", "arguments": "{\"city\":\"Bern\"}"}});
            body["messages"] = json!([
                {"role": "user", "content": "Weather?"},
                {"role": "assistant", "content": null, "tool_calls": [call]},
                {"role": "tool", "tool_call_id": "call_1", "content": ANSWERED},
            ]);
        }
        Ask::Image => {
            let url = format!("data:image/png;base64,{PICTURE}");
            body["messages"][0]["content"] = json!([{"type": "text", "text": "What?"}, {"type": "image_url", "image_url": {"url": url}}]);
        }
        Ask::Schema => {
            body["response_format"] = json!({"type": "json_schema", "json_schema": {"name": "x", "strict": true, "schema": schema()}});
        }
        Ask::Thinking => body["reasoning_effort"] = "medium".into(),
    }
    body
}

fn message(ask: Ask) -> Value {
    let mut body =
        json!({"max_tokens": 20_000, "messages": [{"role": "user", "content": "Weather?"}]});
    match ask {
        Ask::Plain => {}
        Ask::Tools => body["tools"] = json!([{"name": "get_weather", "input_schema": schema()}]),
        Ask::Result => {
            body["messages"] = json!([
                {"role": "user", "content": "Weather?"},
                {"role": "assistant", "content": [{"type": "tool_use", "id": "call_1", "name": "get_weather", "input": {"city": "Bern"}}]},
                {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "call_1", "content": ANSWERED}]},
            ]);
        }
        Ask::Image => {
            body["messages"][0]["content"] = json!([{"type": "text", "text": "What?"}, {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PICTURE}}]);
        }
        Ask::Schema => {
            body["output_config"] = json!({"format": {"type": "json_schema", "schema": schema()}});
        }
        Ask::Thinking => body["thinking"] = json!({"type": "enabled", "budget_tokens": 4096}),
    }
    body
}

fn response(ask: Ask) -> Value {
    let mut body = json!({"input": "Weather?"});
    match ask {
        Ask::Plain => {}
        Ask::Tools => {
            body["tools"] = json!([{"type": "function", "name": "get_weather", "parameters": schema(), "strict": true}]);
        }
        Ask::Result => {
            body["input"] = json!([
                {"role": "user", "content": "Weather?"},
                {"type": "function_call", "call_id": "call_1", "name": "get_weather", "arguments": "{\"city\":\"Bern\"}"},
                {"type": "function_call_output", "call_id": "call_1", "output": ANSWERED},
            ]);
        }
        Ask::Image => {
            let url = format!("data:image/png;base64,{PICTURE}");
            body["input"] = json!([{"role": "user", "content": [{"type": "input_text", "text": "What?"}, {"type": "input_image", "image_url": url}]}]);
        }
        Ask::Schema => {
            body["text"] = json!({"format": {"type": "json_schema", "name": "x", "strict": true, "schema": schema()}});
        }
        Ask::Thinking => body["reasoning"] = json!({"effort": "medium"}),
    }
    body
}

fn content(ask: Ask) -> Value {
    let mut body = json!({"contents": [{"role": "user", "parts": [{"text": "Weather?"}]}]});
    match ask {
        Ask::Plain => {}
        Ask::Tools => {
            body["tools"] = json!([{"functionDeclarations": [{"name": "get_weather", "parametersJsonSchema": schema()}]}]);
        }
        Ask::Result => {
            body["contents"] = json!([
                {"role": "user", "parts": [{"text": "Weather?"}]},
                {"role": "model", "parts": [{"functionCall": {"name": "get_weather", "args": {"city": "Bern"}}}]},
                {"role": "user", "parts": [{"functionResponse": {"name": "get_weather", "response": {"output": ANSWERED}}}]},
            ]);
        }
        Ask::Image => {
            body["contents"][0]["parts"] = json!([{"text": "What?"}, {"inlineData": {"mimeType": "image/png", "data": PICTURE}}]);
        }
        Ask::Schema => {
            body["generationConfig"] =
                json!({"responseMimeType": "application/json", "responseJsonSchema": schema()});
        }
        Ask::Thinking => {
            body["generationConfig"] =
                json!({"thinkingConfig": {"thinkingBudget": 4096, "includeThoughts": true}});
        }
    }
    body
}
