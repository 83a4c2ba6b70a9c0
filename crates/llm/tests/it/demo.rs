//! The demo model through the gateway's own reading.

use bytes::Bytes;
use serde_json::{Value, json};
use tollgate_llm::{Edits, Endpoint, StreamTap, TapOptions, demo, read_request};

/// As Claude Code asks: system blocks with cache marks, reminders beside the
/// user's words, metadata, tools, thinking, a large body.
#[test]
fn fact_17_a_request_in_claude_codes_shape_is_streamed() {
    let filler = "All work and no play makes a long system prompt.\n".repeat(1700);
    let body = json!({
        "model": "demo",
        "max_tokens": 32000,
        "stream": true,
        "thinking": {"type": "enabled", "budget_tokens": 10000},
        "metadata": {"user_id": "user_1_account__session_2"},
        "system": [
            {"type": "text", "text": "You are a coding agent.", "cache_control": {"type": "ephemeral"}},
            {"type": "text", "text": filler, "cache_control": {"type": "ephemeral"}},
        ],
        "messages": [{"role": "user", "content": [
            {"type": "text", "text": "<system-reminder>\nUse Bash rarely.\n</system-reminder>"},
            {"type": "text", "text": "please run Bash", "cache_control": {"type": "ephemeral"}},
        ]}],
        "tools": [{"name": "Bash", "description": "Runs a command", "input_schema": {
            "$schema": "http://json-schema.org/draft-07/schema#", "type": "object",
            "properties": {"command": {"type": "string"}, "timeout": {"type": "number"}},
            "required": ["command"], "additionalProperties": false}}],
    });
    let body = Bytes::from(body.to_string());
    assert!(body.len() > 80 * 1024);
    let view = read_request(Endpoint::Messages, &body).unwrap();
    let defaults = Edits {
        ask_usage: true,
        temperature: Some(0.7),
        max_tokens: Some(9),
        ..Edits::default()
    };
    assert_eq!(
        view.apply(&body, &defaults).as_slice(),
        std::slice::from_ref(&body)
    );

    let answer = demo::answer(Endpoint::Messages, &body);
    let mut tap = StreamTap::new(Endpoint::Messages, TapOptions::default());
    for event in &answer.chunks {
        assert_eq!(
            tap.push(event.clone()).bytes.as_slice(),
            std::slice::from_ref(event)
        );
    }
    assert_eq!(tap.end().fault, None);
    let all = String::from_utf8(answer.chunks.concat()).unwrap();
    assert!(all.contains("tool_use") && all.contains("Tollgate's "));
    assert!(tap.usage().unwrap().input > 10_000);
}

#[test]
fn the_gateway_asks_the_demo_for_usage_and_keeps_it_to_itself() {
    let body = Bytes::from_static(
        br#"{"model":"fast","stream":true,"messages":[{"role":"user","content":"hi"}]}"#,
    );
    let view = read_request(Endpoint::ChatCompletions, &body).unwrap();
    let edits = Edits {
        model: Some(demo::MODEL),
        ask_usage: true,
        ..Edits::default()
    };
    let sent = view.apply(&body, &edits).concat();
    let answer = demo::answer(Endpoint::ChatCompletions, &sent);
    let strip_usage = !view.usage_asked;
    let mut tap = StreamTap::new(
        Endpoint::ChatCompletions,
        TapOptions {
            strip_usage,
            ..TapOptions::default()
        },
    );
    let mut out = Vec::new();
    for event in answer.chunks {
        out.extend(tap.push(event).bytes.concat());
    }
    assert!(tap.is_finished());
    assert_eq!(tap.usage().unwrap().input, 1);
    let out = String::from_utf8(out).unwrap();
    let usages = out.split("\n\n").filter_map(|event| {
        let data = event.strip_prefix("data: {")?;
        let chunk: Value = serde_json::from_str(&format!("{{{data}")).unwrap();
        chunk.get("usage").cloned()
    });
    assert!(usages.into_iter().all(|usage| usage.is_null()));
}
