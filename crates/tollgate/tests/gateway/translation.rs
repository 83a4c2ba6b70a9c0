//! A caller of any dialect at a provider of any other one.

use serde_json::json;
use tollgate_testkit::{INPUT_TOKENS, Request, Script, Wire};

use crate::house::{FIRST_KEY, House, WIRES, model};
use crate::matrix::heard::{calls, objects, said};

/// Whom each dialect can be translated to.
const PROVIDERS: [Wire; 3] = [Wire::OpenAi, Wire::Anthropic, Wire::Gemini];

/// Every pair of a caller and a provider of another wire.
fn pairs() -> Vec<(Wire, Wire)> {
    let all = WIRES
        .iter()
        .flat_map(|caller| PROVIDERS.map(|to| (*caller, to)));
    all.filter(|(caller, to)| caller.as_str() != to.as_str())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn text_reaches_every_caller_from_every_provider() {
    let house = House::open().await;
    for (caller, to) in pairs() {
        for stream in [false, true] {
            let case = format!("{caller:?} at {to:?}, stream {stream}");
            let request = Request::ask(caller, stream, model(to));
            let answer = house.send(&request).await;
            assert_eq!(answer.status(), 200, "{case}: {}", answer.text());
            let direct = house.send(&Request::ask(to, false, model(to))).await;
            let expected = said(to, false, &direct);
            assert_eq!(
                said(caller, stream, &answer).trim_end(),
                expected,
                "{case}: {}",
                answer.text()
            );
            assert_eq!(answer.header("x-tollgate-model"), Some(model(to)), "{case}");
            let story = house.story_of(&answer).await;
            let row = &story["request"];
            assert_eq!(row["outcome"], "ok", "{case}: {story}");
            assert_eq!(row["estimated"], false, "{case}: {story}");
            let mut input = row["input"].as_u64().unwrap();
            // Anthropic counts what was cached beside the input.
            if to != Wire::Anthropic {
                input += row["cache_read"].as_u64().unwrap_or(0);
            }
            assert_eq!(input, INPUT_TOKENS, "{case}: {story}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tool_calls_reach_every_caller_from_every_provider() {
    let house = House::open().await;
    let expected = [
        ("get_weather".to_owned(), json!({"city": "Zürich"})),
        ("get_time".to_owned(), json!({"zone": "CET"})),
    ];
    for (caller, to) in pairs() {
        for stream in [false, true] {
            let case = format!("{caller:?} at {to:?}, stream {stream}");
            house.provider(to).push(Script::ToolCalls);
            let request = Request::ask(caller, stream, model(to));
            let answer = house.send(&request).await;
            let calls = calls(caller, stream, &answer);
            assert_eq!(calls, expected, "{case}: {}", answer.text());
        }
    }
}

/// A stream that the provider breaks ends with an error in the caller's
/// dialect, and never with the caller's terminator.
#[tokio::test(flavor = "multi_thread")]
async fn a_cut_or_an_error_is_an_error_in_the_callers_way() {
    let house = House::open().await;
    for (caller, to) in pairs() {
        for script in [
            Script::Cut { events: 2 },
            Script::ErrorAfterFirstEvent,
            Script::BadChunk,
        ] {
            let case = format!("{caller:?} at {to:?}, {script:?}");
            house.provider(to).push(script);
            let request = Request::ask(caller, true, model(to));
            let answer = house.send(&request).await;
            assert_eq!(answer.status(), 200, "{case}");
            let text = answer.text();
            let last = objects(caller, true, &answer).pop().unwrap();
            assert!(last.get("error").is_some(), "{case}: {text}");
            for terminator in ["[DONE]", "message_stop", "response.completed", "\"STOP\""] {
                assert!(!text.contains(terminator), "{case}: {text}");
            }
            let story = house.story_of(&answer).await;
            assert_eq!(story["request"]["outcome"], "failed", "{case}: {story}");
        }
    }
}

/// What a provider says of the request comes in the caller's dialect.
#[tokio::test(flavor = "multi_thread")]
async fn an_error_before_the_first_byte_is_the_callers() {
    let house = House::with("", &[FIRST_KEY]).await;
    for (caller, to) in pairs() {
        house.provider(to).push(Script::Status400);
        let answer = house.send(&Request::ask(caller, false, model(to))).await;
        assert_eq!(answer.status(), 400, "{caller:?} at {to:?}");
        let body = answer.json();
        let message = body["error"]["message"].as_str().unwrap();
        assert!(message.contains("field X is wrong"), "{message}");
        match caller {
            Wire::Anthropic => assert_eq!(body["type"], "error"),
            Wire::Gemini | Wire::GeminiArray => assert_eq!(body["error"]["code"], 400),
            Wire::OpenAi | Wire::Responses => assert!(body["error"].get("param").is_some()),
        }
    }
}

/// Three providers of three dialects: the first two are dead.
#[tokio::test(flavor = "multi_thread")]
async fn a_fallback_over_three_dialects_survives_two_dead_providers() {
    let more = "[agents.defaults.model]\nprovider = \"openai/gpt-4o\"\nfallback = [\"anthropic/claude-sonnet-4\", \"google/gemini-2.5-flash\"]\n";
    let house = House::with(more, &[FIRST_KEY]).await;
    for stream in [false, true] {
        house.openai.push(Script::ResetBeforeFirstByte);
        house.openai.push(Script::ResetBeforeFirstByte);
        house.anthropic.push(Script::Status529);
        house.anthropic.push(Script::Status529);
        let request = Request::ask(Wire::OpenAi, stream, "openai/gpt-4o");
        let answer = house.send(&request).await;
        assert_eq!(answer.status(), 200, "{}", answer.text());
        assert_eq!(answer.header("x-tollgate-provider"), Some("google"));
        assert!(!said(Wire::OpenAi, stream, &answer).is_empty());
        assert_eq!(answer.text().contains("[DONE]"), stream);
    }
}

/// Everything that a conversation has goes over: what the provider gets.
#[tokio::test]
async fn a_conversation_with_tools_pictures_and_a_schema_goes_over() {
    let house = House::open().await;
    let schema = json!({"type": "object", "properties": {"z": {"type": "string"}, "a": {"type": "string"}}, "required": ["z", "a"], "additionalProperties": false});
    let body = json!({
        "model": "claude-sonnet-4", "seed": 7, "max_tokens": 50,
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": [{"type": "text", "text": "What?"}, {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}]},
            {"role": "assistant", "content": null, "tool_calls": [{"id": "call_1", "type": "function", "function": {"name": "look", "arguments": "{\"a\":1.50}"}}]},
            {"role": "tool", "tool_call_id": "call_1", "content": "a cat"},
        ],
        "tools": [{"type": "function", "function": {"name": "look", "parameters": schema}}],
        "response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}},
        "reasoning_effort": "low",
    });
    let request = Request::post("/v1/chat/completions", &body)
        .header("openai-beta", "x")
        .header("anthropic-beta", "tools-of-tomorrow");
    let answer = house.send(&request).await;
    assert_eq!(answer.status(), 200, "{}", answer.text());
    let received = &house.anthropic.requests()[0];
    assert_eq!(received.target, "/v1/messages");
    assert_eq!(received.credential.as_deref(), Some(FIRST_KEY));
    assert_eq!(received.header("anthropic-version"), Some("2023-06-01"));
    assert_eq!(received.header("openai-beta"), None);
    assert_eq!(received.header("anthropic-beta"), None);
    let sent = received.json();
    assert_eq!(sent["system"][0]["text"], "Be brief.");
    assert_eq!(sent["messages"][0]["content"][1]["source"]["data"], "AAAA");
    assert_eq!(
        sent["messages"][1]["content"][0]["input"].to_string(),
        r#"{"a":1.50}"#
    );
    assert_eq!(sent["messages"][2]["content"][0]["tool_use_id"], "call_1");
    assert_eq!(sent["output_config"]["format"]["schema"], schema);
    let story = house.story_of(&answer).await;
    let told = story.to_string();
    assert!(told.contains("`seed` dropped"), "{told}");
    assert!(told.contains("`reasoning_effort` dropped"), "{told}");
}

/// What the provider's dialect has no place for is named, before anything is
/// sent; another candidate that can say it gets its turn.
#[tokio::test]
async fn what_has_no_place_is_refused_with_its_path() {
    let more = "[agents.defaults.model]\nprovider = \"anthropic/claude-sonnet-4\"\nfallback = [\"openai/gpt-4o\"]\n";
    let house = House::with(more, &[FIRST_KEY]).await;
    let mut body = json!({
        "model": "claude-sonnet-4",
        "messages": [{"role": "user", "content": "hi"}, {"role": "user", "content": [{"type": "video"}]}],
    });
    for (field, value, path) in [
        (
            "messages",
            body["messages"].clone(),
            "messages[1].content[0].type",
        ),
        (
            "messages",
            json!([{"role": "tool", "tool_call_id": "x", "content": "y"}]),
            "messages[0]",
        ),
        (
            "messages",
            json!([{"role": "user", "content": ""}]),
            "messages[0].content",
        ),
        ("web_search_options", json!({}), "web_search_options"),
    ] {
        body["messages"] = json!([{"role": "user", "content": "hi"}]);
        body[field] = value;
        let answer = house
            .send(&Request::post("/v1/chat/completions", &body))
            .await;
        assert_eq!(answer.status(), 400, "{path}: {}", answer.text());
        assert_eq!(answer.json()["error"]["param"], path);
    }
    assert!(house.anthropic.requests().is_empty());
    body["model"] = json!("anthropic/claude-sonnet-4");
    let answer = house
        .send(&Request::post("/v1/chat/completions", &body))
        .await;
    assert_eq!(answer.status(), 200, "{}", answer.text());
    assert_eq!(answer.header("x-tollgate-provider"), Some("openai"));
    let story = house.story_of(&answer).await.to_string();
    assert!(story.contains("not sent: web_search_options"), "{story}");
}

/// Strictly, a hint without a place is a refusal.
#[tokio::test]
async fn strictly_nothing_is_left_out() {
    let house = House::strict().await;
    let body = json!({"model": "claude-sonnet-4", "seed": 7, "messages": [{"role": "user", "content": "hi"}]});
    let answer = house
        .send(&Request::post("/v1/chat/completions", &body))
        .await;
    assert_eq!(answer.status(), 400, "{}", answer.text());
    assert_eq!(answer.json()["error"]["param"], "seed");
}

/// A conversation that is too long for one provider goes to a larger one of
/// another dialect, and is written anew for it.
#[tokio::test(flavor = "multi_thread")]
async fn an_overflow_goes_on_at_a_larger_model_of_another_dialect() {
    let more = r#"
[[cascades]]
id = "long"
models = [
  { model = "anthropic/claude-sonnet-4", context_window = 6000 },
  { model = "google/gemini-2.5-flash", context_window = 8000 },
  { model = "openai/gpt-4o", context_window = 100000 },
]
"#;
    for stream in [false, true] {
        let house = House::with(more, &[FIRST_KEY]).await;
        house.anthropic.push(Script::Status400Context);
        house.gemini.push(Script::Status400Context);
        let request = Request::ask(Wire::Anthropic, stream, "long");
        let answer = house.send(&request).await;
        assert_eq!(answer.status(), 200, "{}", answer.text());
        assert_eq!(answer.header("x-tollgate-provider"), Some("openai"));
        assert_eq!(answer.header("x-tollgate-attempts"), Some("3"));
        assert!(said(Wire::Anthropic, stream, &answer).starts_with("word0"));
        let sent = house.gemini.requests()[0].json();
        assert_eq!(sent["contents"][0]["parts"][0]["text"], "hello", "{sent}");
        let sent = house.openai.requests()[0].json();
        assert_eq!(sent["messages"][0]["content"], "hello", "{sent}");
    }
}

/// A source that the caller's API has no place for is told to the operator.
#[tokio::test(flavor = "multi_thread")]
async fn citations_reach_the_caller_or_the_story() {
    const PAGE: &str = "https://example.com/z";
    let house = House::open().await;
    let cited = json!({"type": "url_citation", "url_citation": {"start_index": 0, "end_index": 4, "url": PAGE, "title": "Z"}});
    let message = json!({"role": "assistant", "content": "Here it is.", "annotations": [cited]});
    let usage = json!({"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7});
    let whole = json!({"id": "c", "object": "chat.completion", "created": 1, "model": "gpt-4o",
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}], "usage": usage});
    let chunk = json!({"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "gpt-4o",
        "choices": [{"index": 0, "delta": message, "finish_reason": "stop"}], "usage": usage});
    let chunks = [format!("data: {chunk}\n\n"), "data: [DONE]\n\n".to_owned()];
    for stream in [false, true] {
        for (caller, carried) in [(Wire::Anthropic, false), (Wire::Gemini, true)] {
            house.openai.push(match stream {
                true => Script::Chunks(chunks.iter().map(|it| it.clone().into()).collect()),
                false => Script::json(200, whole.to_string()),
            });
            let answer = house
                .send(&Request::ask(caller, stream, model(Wire::OpenAi)))
                .await;
            let case = format!("{caller:?}, stream {stream}: {}", answer.text());
            assert_eq!(answer.text().contains(PAGE), carried, "{case}");
            let story = house.story_of(&answer).await.to_string();
            let told = story.contains("dropped from the answer");
            assert_eq!(told, !carried, "{case}: {story}");
        }
    }
}
