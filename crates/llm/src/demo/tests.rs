use serde_json::json;

use super::*;
use crate::{StreamTap, TapOptions, read_answer};

fn ask(endpoint: Endpoint, body: &Value) -> DemoAnswer {
    answer(endpoint, body.to_string().as_bytes())
}

fn unary_of(endpoint: Endpoint, body: &Value) -> Value {
    let answer = ask(endpoint, body);
    assert_eq!(
        (answer.status, answer.content_type),
        (200, "application/json")
    );
    assert_eq!(answer.chunks.len(), 1);
    assert!(read_answer(endpoint, &answer.chunks[0]).is_ok());
    serde_json::from_slice(&answer.chunks[0]).unwrap()
}

/// The data of every event, and that the gateway's own tap takes the stream.
fn stream_of(endpoint: Endpoint, body: &Value) -> Vec<Value> {
    let answer = ask(endpoint, body);
    assert_eq!(
        (answer.status, answer.content_type),
        (200, "text/event-stream")
    );
    let mut tap = StreamTap::new(endpoint, TapOptions::default());
    let mut data = Vec::new();
    for chunk in answer.chunks {
        assert_eq!(
            tap.push(chunk.clone()).bytes.as_slice(),
            std::slice::from_ref(&chunk)
        );
        let text = std::str::from_utf8(&chunk).unwrap();
        let (_, json) = text.trim_end().split_once("data: ").unwrap();
        data.extend(serde_json::from_str::<Value>(json));
    }
    assert!(tap.is_finished());
    data
}

const WEATHER: &str = "get_weather";

fn openai_tools() -> Value {
    json!([
        {"type": "function", "function": {"name": WEATHER, "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}, "unit": {"enum": ["c", "f"]}, "days": {"type": "integer"}},
            "required": ["city", "unit", "days"]}}},
        {"type": "function", "function": {"name": "now"}},
    ])
}

#[test]
fn every_answer_says_that_it_is_a_demo_and_echoes() {
    let body = json!({"model": "demo", "max_tokens": 100,
        "messages": [{"role": "user", "content": "hello there"}]});
    let chat = unary_of(Endpoint::ChatCompletions, &body);
    let text = chat["choices"][0]["message"]["content"].as_str().unwrap();
    assert_eq!(
        text,
        "This is Tollgate's built-in demo model, not a real one. You said: hello there"
    );
    assert_eq!(
        chat["usage"],
        json!({"prompt_tokens": 2, "completion_tokens": 14, "total_tokens": 16})
    );

    let message = unary_of(Endpoint::Messages, &body);
    assert_eq!(message["content"][0]["text"], text);
    assert_eq!(message["usage"]["output_tokens"], 14);

    let body = json!({"model": "demo", "prompt": "hello there"});
    let completion = unary_of(Endpoint::Completions, &body);
    assert_eq!(completion["choices"][0]["text"], text);
}

#[test]
fn streams_are_the_same_text_word_by_word() {
    let mut body = json!({"model": "demo", "max_tokens": 100, "stream": true,
        "messages": [{"role": "system", "content": "be brief"},
            {"role": "user", "content": [{"type": "text", "text": "hello there"}]}]});
    let chunks = stream_of(Endpoint::ChatCompletions, &body);
    let text: String = chunks
        .iter()
        .filter_map(|chunk| chunk["choices"][0]["delta"]["content"].as_str())
        .collect();
    assert!(text.ends_with("You said: hello there"));
    assert!(chunks.iter().all(|chunk| chunk.get("usage").is_none()));
    assert_eq!(
        chunks.last().unwrap()["choices"][0]["finish_reason"],
        "stop"
    );

    let events = stream_of(Endpoint::Messages, &body);
    let again: String = events
        .iter()
        .filter_map(|event| event["delta"]["text"].as_str())
        .collect();
    assert_eq!(again, text);

    body["stream_options"] = json!({"include_usage": true});
    let chunks = stream_of(Endpoint::ChatCompletions, &body);
    let (last, before) = chunks.split_last().unwrap();
    assert_eq!(last["choices"], json!([]));
    assert_eq!(last["usage"]["prompt_tokens"], 4);
    assert!(before.iter().all(|chunk| chunk["usage"] == Value::Null));
}

#[test]
fn fact_4_a_named_tool_is_called_in_fragments() {
    let body = json!({"model": "demo", "stream": true, "tools": openai_tools(),
        "messages": [{"role": "user", "content": "use get_weather and now, please"}]});
    let chunks = stream_of(Endpoint::ChatCompletions, &body);
    let mut arguments = [String::new(), String::new()];
    for call in chunks
        .iter()
        .map(|chunk| &chunk["choices"][0]["delta"]["tool_calls"][0])
    {
        if let Some(index) = call["index"].as_u64() {
            let index = usize::try_from(index).unwrap();
            let first = arguments[index].is_empty() && call.get("id").is_some();
            assert_eq!(call.get("type").is_some(), first);
            arguments[index] += call["function"]["arguments"].as_str().unwrap();
        }
    }
    let read: Value = serde_json::from_str(&arguments[0]).unwrap();
    assert_eq!(read, json!({"city": "demo", "unit": "c", "days": 1}));
    assert_eq!(arguments[1], "{}");
    assert_eq!(
        chunks.last().unwrap()["choices"][0]["finish_reason"],
        "tool_calls"
    );
}

#[test]
fn fact_15_a_tool_is_the_block_after_the_text() {
    let body = json!({"model": "demo", "max_tokens": 5, "stream": true,
        "tools": [{"name": "Bash", "input_schema": {"type": "object",
            "properties": {"command": {"type": "string"}}, "required": ["command"]}},
            {"type": "web_search_20250305", "name": "web_search"}],
        "tool_choice": {"type": "any"},
        "messages": [{"role": "user", "content": "web_search something"}]});
    let events = stream_of(Endpoint::Messages, &body);
    let input: String = events
        .iter()
        .filter_map(|event| event["delta"]["partial_json"].as_str())
        .collect();
    assert_eq!(input, r#"{"command":"demo"}"#);
    let started = events
        .iter()
        .find(|event| event["content_block"]["type"] == "tool_use")
        .unwrap();
    assert_eq!(
        (&started["index"], &started["content_block"]["name"]),
        (&json!(1), &json!("Bash"))
    );
    let unary = unary_of(Endpoint::Messages, &{
        let mut body = body.clone();
        body["stream"] = false.into();
        body
    });
    assert_eq!(unary["stop_reason"], "tool_use");
    assert_eq!(unary["content"][1]["input"], json!({"command": "demo"}));
}

#[test]
fn a_tools_result_is_answered_in_text() {
    let body = json!({"model": "demo", "tools": openai_tools(), "tool_choice": "required", "messages": [
        {"role": "user", "content": "get_weather"},
        {"role": "assistant", "tool_calls": []},
        {"role": "tool", "tool_call_id": "x", "content": "18 degrees"}]});
    let chat = unary_of(Endpoint::ChatCompletions, &body);
    let text = chat["choices"][0]["message"]["content"].as_str().unwrap();
    assert!(text.ends_with("The tool answered: 18 degrees"));

    let body = json!({"model": "demo", "max_tokens": 99, "messages": [
        {"role": "user", "content": "Bash"},
        {"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": "x", "content": [{"type": "text", "text": "a b"}]},
            {"type": "text", "text": "<system-reminder>be kind</system-reminder>"}]}]});
    let message = unary_of(Endpoint::Messages, &body);
    let text = message["content"][0]["text"].as_str().unwrap();
    assert!(text.ends_with("The tool answered: a b"));
}

#[test]
fn tools_are_called_only_where_that_is_meant() {
    for (said, choice, parallel, calls) in [
        ("tell me", json!("auto"), true, 0),
        ("get_weather_now", json!("auto"), true, 0),
        ("get_weather", json!("none"), true, 0),
        ("tell me", json!("required"), true, 1),
        (
            "tell me",
            json!({"type": "function", "function": {"name": "now"}}),
            true,
            1,
        ),
        ("(get_weather) `now`", json!("auto"), true, 2),
        ("get_weather now", json!("auto"), false, 1),
    ] {
        let body = json!({"model": "demo", "tools": openai_tools(), "tool_choice": choice,
            "parallel_tool_calls": parallel, "messages": [{"role": "user", "content": said}]});
        let chat = unary_of(Endpoint::ChatCompletions, &body);
        let called = chat["choices"][0]["message"]["tool_calls"]
            .as_array()
            .map_or(0, Vec::len);
        assert_eq!(called, calls, "{said} {choice}");
    }
}

#[test]
fn a_limit_cuts_and_says_so() {
    let body = json!({"model": "demo", "max_tokens": 3, "n": 2, "messages": [{"role": "user", "content": "hi"}]});
    let chat = unary_of(Endpoint::ChatCompletions, &body);
    assert_eq!(
        chat["choices"][1]["message"]["content"],
        "This is Tollgate's "
    );
    assert_eq!(chat["choices"][1]["finish_reason"], "length");
    assert_eq!(chat["usage"]["completion_tokens"], 6);
    let message = unary_of(Endpoint::Messages, &body);
    assert_eq!(message["stop_reason"], "max_tokens");
}

#[test]
fn counting_and_embedding_are_answered() {
    let body = json!({"model": "demo", "system": [{"type": "text", "text": "be kind"}],
        "messages": [{"role": "user", "content": "one two three"}]});
    assert_eq!(
        unary_of(Endpoint::CountTokens, &body),
        json!({"input_tokens": 5})
    );

    let body = json!({"model": "demo", "input": ["a b", "c"], "dimensions": 4});
    let list = unary_of(Endpoint::Embeddings, &body);
    assert_eq!(list["data"][1]["embedding"].as_array().unwrap().len(), 4);
    assert_eq!(list["usage"]["prompt_tokens"], 3);
    let body = json!({"model": "demo", "input": [1, 2, 3], "encoding_format": "base64"});
    let list = unary_of(Endpoint::Embeddings, &body);
    assert_eq!(list["data"][0]["embedding"].as_str().unwrap().len(), 44);
}

#[test]
fn the_same_body_gets_the_same_bytes() {
    let body = br#"{"model":"demo","messages":[{"role":"user","content":"x"}],"stream":true}"#;
    let first = answer(Endpoint::ChatCompletions, body);
    assert_eq!(first, answer(Endpoint::ChatCompletions, body));
    assert!(first.chunks.len() > 10);
}

#[test]
fn bad_requests_are_refused_in_the_dialect() {
    for (endpoint, body, word) in [
        (Endpoint::ChatCompletions, r#"{"model":"demo"}"#, "messages"),
        (
            Endpoint::ChatCompletions,
            r#"{"model":"demo","n":17,"messages":[{}]}"#,
            "n: found 17",
        ),
        (
            Endpoint::ChatCompletions,
            r#"{"model":"demo","messages":["\ud800"]}"#,
            "surrogate",
        ),
        (Endpoint::Completions, r#"{"model":"demo"}"#, "prompt"),
        (
            Endpoint::Messages,
            r#"{"model":"demo","messages":[{}]}"#,
            "max_tokens",
        ),
        (
            Endpoint::Embeddings,
            r#"{"model":"demo","input":[null]}"#,
            "input",
        ),
        (
            Endpoint::Embeddings,
            r#"{"model":"demo","input":"a","dimensions":0}"#,
            "dimensions",
        ),
        (Endpoint::CountTokens, "[", "body"),
    ] {
        let answer = answer(endpoint, body.as_bytes());
        assert_eq!(answer.status, 400, "{body}");
        let error: Value = serde_json::from_slice(&answer.chunks[0]).unwrap();
        let message = error["error"]["message"].as_str().unwrap();
        assert!(
            message.starts_with("demo: ") && message.contains(word),
            "{message}"
        );
        assert_eq!(
            error.get("request_id").is_some(),
            endpoint.dialect() == Dialect::Anthropic
        );
    }
}
