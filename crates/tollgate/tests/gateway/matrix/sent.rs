//! What a provider was sent, in its own dialect.

use serde_json::{Value, json};
use tollgate_testkit::Wire;

use super::asked::{ANSWERED, Ask, PICTURE, schema};

/// Checks that the provider was told what the caller asked, where its API has
/// it; the fault otherwise.
pub(super) fn check(to: Wire, sent: &Value, ask: Ask) -> Result<(), String> {
    match ask {
        Ask::Plain => Ok(()),
        Ask::Tools => tools(to, sent),
        Ask::Result => result(to, sent),
        Ask::Image => expect(picture(to, sent), &json!(PICTURE), sent),
        Ask::Schema => {
            let at = match to {
                Wire::OpenAi => "/response_format/json_schema/schema",
                Wire::Anthropic => "/output_config/format/schema",
                Wire::Responses => "/text/format/schema",
                Wire::Gemini | Wire::GeminiArray => "/generationConfig/responseJsonSchema",
            };
            expect(at_pointer(sent, at), &schema(), sent)
        }
        Ask::Thinking => {
            // 4096 tokens and a medium effort stand for each other.
            let (at, expected) = match to {
                Wire::OpenAi => ("/reasoning_effort", json!(["medium"])),
                Wire::Anthropic => ("/thinking/budget_tokens", json!([4096, 8192])),
                Wire::Responses => ("/reasoning/effort", json!(["medium"])),
                Wire::Gemini | Wire::GeminiArray => (
                    "/generationConfig/thinkingConfig/thinkingBudget",
                    json!([4096, 8192]),
                ),
            };
            let found = at_pointer(sent, at);
            match expected.as_array().is_some_and(|it| it.contains(&found)) {
                true => Ok(()),
                false => Err(format!("{at} is {found}: {sent}")),
            }
        }
    }
}

fn tools(to: Wire, sent: &Value) -> Result<(), String> {
    let (name, parameters) = match to {
        Wire::OpenAi => ("/tools/0/function/name", "/tools/0/function/parameters"),
        Wire::Anthropic => ("/tools/0/name", "/tools/0/input_schema"),
        Wire::Responses => ("/tools/0/name", "/tools/0/parameters"),
        Wire::Gemini | Wire::GeminiArray => (
            "/tools/0/functionDeclarations/0/name",
            "/tools/0/functionDeclarations/0/parametersJsonSchema",
        ),
    };
    expect(at_pointer(sent, name), &json!("get_weather"), sent)?;
    expect(at_pointer(sent, parameters), &schema(), sent)
}

/// A call and its answer belong together, by id or by name.
fn result(to: Wire, sent: &Value) -> Result<(), String> {
    let (call, answer, said) = match to {
        Wire::OpenAi => (
            "/messages/1/tool_calls/0/id",
            "/messages/2/tool_call_id",
            "/messages/2/content",
        ),
        Wire::Anthropic => (
            "/messages/1/content/0/id",
            "/messages/2/content/0/tool_use_id",
            "/messages/2/content/0/content",
        ),
        Wire::Responses => ("/input/1/call_id", "/input/2/call_id", "/input/2/output"),
        Wire::Gemini | Wire::GeminiArray => (
            "/contents/1/parts/0/functionCall/name",
            "/contents/2/parts/0/functionResponse/name",
            "/contents/2/parts/0/functionResponse/response/output",
        ),
    };
    let call = at_pointer(sent, call);
    if !call.is_string() {
        return Err(format!("no call: {sent}"));
    }
    expect(at_pointer(sent, answer), &call, sent)?;
    let said = match at_pointer(sent, said) {
        Value::Array(blocks) => blocks[0]["text"].clone(),
        said => said,
    };
    expect(said, &json!(ANSWERED), sent)
}

fn picture(to: Wire, sent: &Value) -> Value {
    let at = match to {
        Wire::OpenAi => "/messages/0/content/1/image_url/url",
        Wire::Anthropic => "/messages/0/content/1/source/data",
        Wire::Responses => "/input/0/content/1/image_url",
        Wire::Gemini | Wire::GeminiArray => "/contents/0/parts/1/inlineData/data",
    };
    let found = at_pointer(sent, at);
    let data = found.as_str().unwrap_or_default();
    data.trim_start_matches("data:image/png;base64,").into()
}

fn at_pointer(sent: &Value, at: &str) -> Value {
    sent.pointer(at).cloned().unwrap_or_default()
}

fn expect(found: Value, expected: &Value, sent: &Value) -> Result<(), String> {
    match found == *expected {
        true => Ok(()),
        false => Err(format!("found {found}, expected {expected}: {sent}")),
    }
}
