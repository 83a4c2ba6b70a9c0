//! What `WIRE_FACTS` say of translation, one by one; the golden files show the
//! rest.

use bytes::Bytes;
use serde_json::{Value, json};
use tollgate_types::RequestId;

use super::*;
use crate::{Framing, read_request};

const CHAT: Endpoint = Endpoint::ChatCompletions;
const MESSAGES: Endpoint = Endpoint::Messages;

fn frame() -> AnswerFrame {
    AnswerFrame {
        request: RequestId::from_bytes([7; 16]),
        created: 1,
        model: "served".to_owned(),
        rename: false,
        usage_asked: false,
    }
}

fn sent(from: Endpoint, to: Endpoint, body: &Value, model: &str) -> Value {
    let body = body.to_string();
    let view = read_request(from, body.as_bytes()).unwrap();
    let edits = Edits {
        model: Some(model),
        ..Edits::default()
    };
    let strictness = Strictness::Lenient;
    let done = translate_request(from, to, &view, body.as_bytes(), &edits, strictness).unwrap();
    serde_json::from_slice(&done.body).unwrap()
}

/// The data of the events that come out of these.
fn streamed(from: Endpoint, to: Endpoint, events: &[&str]) -> Vec<Value> {
    let mut translator = Translator::new(from, to, Framing::Events, frame());
    let mut out = Vec::new();
    for event in events {
        let forward = translator.push(Bytes::from(format!("data: {event}\n\n")));
        out.extend(forward.bytes.concat());
    }
    let text = String::from_utf8(out).unwrap();
    let data = text.lines().filter_map(|line| line.strip_prefix("data: "));
    data.filter_map(|data| serde_json::from_str(data).ok())
        .collect()
}

fn chunk(delta: &str) -> String {
    format!(r#"{{"choices":[{{"index":0,"delta":{delta},"finish_reason":null}}]}}"#)
}

#[test]
fn fact_2_usage_goes_to_callers_that_asked_only() {
    for asked in [false, true] {
        let frame = AnswerFrame {
            usage_asked: asked,
            ..frame()
        };
        let mut translator = Translator::new(MESSAGES, CHAT, Framing::Events, frame);
        let stream = concat!(
            "data: {\"type\":\"message_start\",\"message\":{\"usage\":{\"input_tokens\":3}}}\n\n",
            "data: {\"type\":\"message_stop\"}\n\n"
        );
        let out = translator.push(stream.into()).bytes.concat();
        let text = String::from_utf8(out).unwrap();
        assert_eq!(text.contains("\"usage\""), asked, "{text}");
        assert!(text.ends_with("data: [DONE]\n\n"), "{text}");
    }
}

#[test]
fn fact_5_fragments_go_on_at_once_and_unread() {
    let start =
        chunk(r#"{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":""}}]}"#);
    let piece = chunk(r#"{"tool_calls":[{"index":0,"function":{"arguments":"{\"a\\u00"}}]}"#);
    let out = streamed(CHAT, MESSAGES, &[&start, &piece]);
    let last = out.last().unwrap();
    assert_eq!(last["delta"]["partial_json"], r#"{"a\u00"#);
}

#[test]
fn fact_5_a_tool_without_arguments_is_called_with_an_object() {
    let start = r#"{"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"a","name":"f","input":{}}}"#;
    let stop = r#"{"type":"content_block_stop","index":0}"#;
    let out = streamed(MESSAGES, CHAT, &[start, stop]);
    let call = &out.last().unwrap()["choices"][0]["delta"]["tool_calls"][0];
    assert_eq!(call["function"]["arguments"], "{}");
    let body = json!({"model": "m", "messages": [
        {"role": "user", "content": "x"},
        {"role": "assistant", "tool_calls": [{"id": "a", "type": "function", "function": {"name": "f", "arguments": ""}}]},
        {"role": "tool", "tool_call_id": "a", "content": "y"}]});
    let there = sent(CHAT, MESSAGES, &body, "claude-sonnet-4-5");
    assert_eq!(there["messages"][1]["content"][0]["input"], json!({}));
}

#[test]
fn fact_8_numbers_and_ids_agree() {
    let out = streamed(
        CHAT,
        Endpoint::Responses,
        &[
            &chunk(r#"{"content":"a"}"#),
            &chunk(r#"{"content":"b"}"#),
            &chunk(
                r#"{"tool_calls":[{"index":3,"id":"x","function":{"name":"f","arguments":"{}"}}]}"#,
            ),
            "[DONE]",
        ],
    );
    for (at, event) in out.iter().enumerate() {
        assert_eq!(event["sequence_number"], at, "{event}");
    }
    let added = out
        .iter()
        .filter(|it| it["type"] == "response.output_item.added");
    for item in added {
        let (id, at) = (&item["item"]["id"], &item["output_index"]);
        let inner = out.iter().filter(|it| it["item_id"] == *id);
        assert!(inner.clone().count() >= 2);
        assert!(inner.into_iter().all(|it| it["output_index"] == *at));
        let last = &out.last().unwrap()["response"]["output"];
        assert_eq!(last[at.as_u64().unwrap() as usize]["id"], *id);
    }
}

#[test]
fn fact_12_cumulative_figures_are_told_once() {
    let events = [
        r#"{"type":"message_start","message":{"usage":{"input_tokens":25,"output_tokens":1}}}"#,
        r#"{"type":"message_delta","delta":{},"usage":{"output_tokens":15}}"#,
        r#"{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":40}}"#,
        r#"{"type":"message_stop"}"#,
    ];
    let out = streamed(MESSAGES, Endpoint::Responses, &events);
    let usage = &out.last().unwrap()["response"]["usage"];
    assert_eq!(usage["input_tokens"], 25);
    assert_eq!(usage["output_tokens"], 40);
}

#[test]
fn fact_13_cached_tokens_are_counted_once_either_way() {
    let body = r#"{"content":[],"usage":{"input_tokens":3,"cache_read_input_tokens":20,"cache_creation_input_tokens":5,"output_tokens":1}}"#;
    let done = translate_answer(MESSAGES, CHAT, body.as_bytes(), &frame()).unwrap();
    let there: Value = serde_json::from_slice(&done.body).unwrap();
    assert_eq!(there["usage"]["prompt_tokens"], 28);
    assert_eq!(there["usage"]["prompt_tokens_details"]["cached_tokens"], 20);
    let back = translate_answer(CHAT, MESSAGES, &done.body, &frame()).unwrap();
    let back: Value = serde_json::from_slice(&back.body).unwrap();
    assert_eq!(back["usage"]["input_tokens"], 3);
    assert_eq!(back["usage"]["cache_read_input_tokens"], 20);
    assert_eq!(back["usage"]["cache_creation_input_tokens"], 5);
}

#[test]
fn fact_14_proofs_come_back_byte_for_byte_to_their_maker() {
    let body = r#"{"content":[{"type":"thinking","thinking":"h\u006d","signature":"Eq+/="},{"type":"redacted_thinking","data":"Zm9v"},{"type":"tool_use","id":"a","name":"f","input":{}}],"stop_reason":"tool_use"}"#;
    let done = translate_answer(MESSAGES, CHAT, body.as_bytes(), &frame()).unwrap();
    let answer: Value = serde_json::from_slice(&done.body).unwrap();
    let turn = &answer["choices"][0]["message"];
    let next = json!({"model": "m", "messages": [
        {"role": "user", "content": "x"}, turn,
        {"role": "tool", "tool_call_id": "a", "content": "y"}]});
    let there = sent(CHAT, MESSAGES, &next, "claude-sonnet-4-5");
    let blocks = &there["messages"][1]["content"];
    assert_eq!(
        blocks[0],
        json!({"type": "thinking", "thinking": "hm", "signature": "Eq+/="})
    );
    assert_eq!(
        blocks[1],
        json!({"type": "redacted_thinking", "data": "Zm9v"})
    );
    assert_eq!(blocks[2]["type"], "tool_use");
}

#[test]
fn fact_15_block_numbers_become_tool_numbers() {
    let events: Vec<String> = (0..3)
        .map(|index| {
            let block = match index {
                0 => json!({"type": "text", "text": "x"}),
                _ => json!({"type": "tool_use", "id": index.to_string(), "name": "f", "input": {}}),
            };
            json!({"type": "content_block_start", "index": index, "content_block": block})
                .to_string()
        })
        .collect();
    let events: Vec<&str> = events.iter().map(String::as_str).collect();
    let out = streamed(MESSAGES, CHAT, &events);
    let calls = out.iter().filter_map(|it| {
        let call = &it["choices"][0]["delta"]["tool_calls"][0];
        call["id"]
            .as_str()
            .map(|id| (id.to_owned(), call["index"].as_u64()))
    });
    let calls: Vec<_> = calls.collect();
    assert_eq!(
        calls,
        [("1".to_owned(), Some(0)), ("2".to_owned(), Some(1))]
    );
}

#[test]
fn fact_18_calls_without_ids_are_answered_by_name_and_in_order() {
    let body = json!({"contents": [
        {"role": "user", "parts": [{"text": "x"}]},
        {"role": "model", "parts": [{"functionCall": {"name": "f", "args": {"n": 1}}}, {"functionCall": {"name": "f", "args": {"n": 2}}}]},
        {"role": "user", "parts": [{"functionResponse": {"name": "f", "response": {"output": "one"}}}, {"functionResponse": {"name": "f", "response": {"output": "two"}}}]}]})
    .to_string();
    let from = Endpoint::GenerateContent;
    let view = crate::read_request_at(
        from,
        "/v1beta/models/m:generateContent",
        None,
        body.as_bytes(),
    );
    let edits = Edits::default();
    let done = translate_request(
        from,
        CHAT,
        &view.unwrap(),
        body.as_bytes(),
        &edits,
        Strictness::Strict,
    );
    let there: Value = serde_json::from_slice(&done.unwrap().body).unwrap();
    let messages = &there["messages"];
    for (call, answer) in [(0, 2), (1, 3)] {
        assert_eq!(
            messages[1]["tool_calls"][call]["id"],
            messages[answer]["tool_call_id"]
        );
    }
    assert_eq!(messages[2]["content"], "one");
}

#[test]
fn fact_21_signatures_of_thoughts_come_back_and_missing_ones_are_filled() {
    let body = r#"{"candidates":[{"content":{"parts":[{"functionCall":{"name":"f","args":{}},"thoughtSignature":"c2ln"},{"functionCall":{"name":"g","args":{}}}]},"finishReason":"STOP"}]}"#;
    let from = Endpoint::GenerateContent;
    let done = translate_answer(from, CHAT, body.as_bytes(), &frame()).unwrap();
    let answer: Value = serde_json::from_slice(&done.body).unwrap();
    let mut turn = answer["choices"][0]["message"].clone();
    for signed in [true, false] {
        if !signed {
            turn["tool_calls"][0]
                .as_object_mut()
                .unwrap()
                .remove("extra_content");
        }
        let answers = turn["tool_calls"].as_array().unwrap().iter();
        let answers =
            answers.map(|call| json!({"role": "tool", "tool_call_id": call["id"], "content": "y"}));
        let mut messages = vec![json!({"role": "user", "content": "x"}), turn.clone()];
        messages.extend(answers);
        let next = json!({"model": "m", "messages": messages});
        let there = sent(CHAT, from, &next, "gemini-3-pro");
        let parts = &there["contents"][1]["parts"];
        let expected = if signed {
            "c2ln"
        } else {
            "skip_thought_signature_validator"
        };
        assert_eq!(parts[0]["thoughtSignature"], expected);
        assert_eq!(parts[1].get("thoughtSignature"), None);
        let older = sent(CHAT, from, &next, "gemini-2.5-pro");
        let first = &older["contents"][1]["parts"][0];
        assert_eq!(first.get("thoughtSignature").is_some(), signed);
    }
}

#[test]
fn memory_is_flat_for_a_stream_of_any_length() {
    let mut translator = Translator::new(CHAT, MESSAGES, Framing::Events, frame());
    let event = format!("data: {}\n\n", chunk(r#"{"content":"word"}"#));
    let mut longest = 0;
    for at in 0..20_000 {
        let out = translator.push(Bytes::from(event.clone())).bytes.concat();
        if at > 0 {
            longest = longest.max(out.len());
        }
    }
    assert!(longest < 200, "each event costs what it says: {longest}");
}
