use serde_json::{Value, json};

use crate::demo::answer;
use crate::{Endpoint, StreamTap, TapOptions, read_answer};

fn unary(body: &Value) -> Value {
    let answer = answer(Endpoint::Responses, body.to_string().as_bytes());
    assert_eq!(answer.status, 200);
    assert!(read_answer(Endpoint::Responses, &answer.chunks[0]).is_ok());
    serde_json::from_slice(&answer.chunks[0]).unwrap()
}

fn events(body: &Value) -> Vec<Value> {
    let mut body = body.clone();
    body["stream"] = true.into();
    let answer = answer(Endpoint::Responses, body.to_string().as_bytes());
    let mut tap = StreamTap::new(Endpoint::Responses, TapOptions::default());
    let mut events = Vec::new();
    for chunk in answer.chunks {
        assert_eq!(tap.push(chunk.clone()).bytes.concat(), chunk);
        let text = std::str::from_utf8(&chunk).unwrap();
        let (name, data) = text.trim_end().split_once("\ndata: ").unwrap();
        let data: Value = serde_json::from_str(data).unwrap();
        assert_eq!(name, format!("event: {}", data["type"].as_str().unwrap()));
        events.push(data);
    }
    assert!(tap.is_finished() && tap.usage().is_some());
    events
}

fn with_tool() -> Value {
    json!({"model": "demo", "input": [{"role": "user", "content": [{"type": "input_text", "text": "use get_weather"}]}],
        "tools": [{"type": "web_search"}, {"type": "function", "name": "get_weather", "parameters":
            {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}]})
}

#[test]
fn text_is_the_same_whole_and_streamed() {
    let body = json!({"model": "demo", "instructions": "be kind", "input": "hello there"});
    let whole = unary(&body);
    let text = whole["output"][0]["content"][0]["text"].as_str().unwrap();
    assert!(text.contains("demo model") && text.ends_with("You said: hello there"));
    assert_eq!(whole["usage"]["input_tokens"], 4);
    let deltas = events(&body);
    let deltas = deltas.iter().filter_map(|event| event["delta"].as_str());
    assert_eq!(deltas.collect::<String>(), text);
}

#[test]
fn fact_8_numbers_ids_and_indexes_agree() {
    let events = events(&with_tool());
    for (number, event) in events.iter().enumerate() {
        assert_eq!(event["sequence_number"], number);
    }
    let last = &events.last().unwrap()["response"]["output"];
    for event in &events {
        let Some(index) = event["output_index"].as_u64() else {
            continue;
        };
        let item = &last[usize::try_from(index).unwrap()];
        let id = event.get("item_id").unwrap_or(&event["item"]["id"]);
        assert_eq!(*id, item["id"], "{event}");
    }
}

#[test]
fn a_tool_is_called_and_its_result_answered() {
    let events = events(&with_tool());
    let kind = "response.function_call_arguments.delta";
    let pieces = events.iter().filter(|event| event["type"] == kind);
    let pieces: Vec<_> = pieces.filter_map(|event| event["delta"].as_str()).collect();
    assert!(pieces.len() > 1, "in fragments");
    assert_eq!(pieces.concat(), r#"{"city":"demo"}"#);
    let body = json!({"model": "demo", "input": [{"role": "user", "content": "x"},
        {"type": "function_call", "call_id": "c", "name": "get_weather", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c", "output": "18 degrees"}]});
    let text = unary(&body)["output"][0]["content"][0]["text"].clone();
    assert!(text.as_str().unwrap().ends_with("answered: 18 degrees"));
}

#[test]
fn a_limit_makes_it_incomplete() {
    let body = json!({"model": "demo", "input": "x", "max_output_tokens": 3});
    let whole = unary(&body);
    assert_eq!(whole["status"], "incomplete");
    assert_eq!(whole["incomplete_details"]["reason"], "max_output_tokens");
    let kinds = events(&body);
    assert_eq!(kinds.last().unwrap()["type"], "response.incomplete");
}

#[test]
fn tokens_are_counted_and_nothing_is_refused() {
    let body = br#"{"model":"demo","input":"one two three"}"#;
    let counted = answer(Endpoint::ResponsesInputTokens, body);
    let counted: Value = serde_json::from_slice(&counted.chunks[0]).unwrap();
    assert_eq!(counted["input_tokens"], 3);
    let refused = answer(Endpoint::Responses, br#"{"model":"demo","input":[]}"#);
    assert_eq!(refused.status, 400);
}
