//! Answers as real providers give them, and what is recorded.

use crate::{WIRES, is_terminated, play, words};
use serde_json::{Value, json};
use tollgate_testkit::{Client, Ending, FakeProvider, INPUT_TOKENS, Request, Script, Wire};

#[tokio::test]
async fn text_is_json_or_a_stream_as_asked() {
    for wire in WIRES {
        let answer = play(wire, false, Script::Text { words: 3 }).await;
        assert_eq!((answer.status(), &answer.ending), (200, &Ending::Clean));
        assert_eq!(answer.header("content-type"), Some("application/json"));
        let (text, usage) = match wire {
            Wire::OpenAi => ("/choices/0/message/content", "/usage/prompt_tokens"),
            Wire::Anthropic => ("/content/0/text", "/usage/input_tokens"),
            Wire::Responses => ("/output/0/content/0/text", "/usage/input_tokens"),
            Wire::Gemini | Wire::GeminiArray => (
                "/candidates/0/content/parts/0/text",
                "/usageMetadata/promptTokenCount",
            ),
        };
        assert_eq!(
            answer.json().pointer(text),
            Some(&json!("word0 word1 word2"))
        );
        assert_eq!(answer.json().pointer(usage), Some(&json!(INPUT_TOKENS)));

        let answer = play(wire, true, Script::Text { words: 3 }).await;
        assert_eq!((answer.status(), &answer.ending), (200, &Ending::Clean));
        assert!(
            answer
                .header("content-type")
                .unwrap()
                .starts_with("text/event-stream")
        );
        assert_eq!(words(wire, &answer), ["word0 ", "word1 ", "word2 "]);
        assert!(is_terminated(wire, &answer));
    }
}

#[tokio::test]
async fn openai_streams_carry_usage_only_where_asked() {
    let provider = FakeProvider::openai().start().await;
    let client = Client::new(provider.url());
    let plain = client.send(&Request::chat_stream("m", "x")).await;
    assert!(!plain.text().contains("usage"));

    let body = json!({"model": "m", "messages": [], "stream": true, "stream_options": {"include_usage": true}});
    let asking = Request::post("/v1/chat/completions", &body);
    let answer = client.send(&asking).await;
    let events = answer.events();
    let last = events[events.len() - 2].json();
    assert_eq!(last["choices"], json!([]));
    assert_eq!(last["usage"]["completion_tokens"], 5);

    provider.push(Script::StreamWithoutUsage { events: 2 });
    assert!(!client.send(&asking).await.text().contains("usage"));
}

#[tokio::test]
async fn anthropic_usage_is_cumulative_or_absent() {
    let answer = play(Wire::Anthropic, true, Script::Text { words: 4 }).await;
    let of = |name: &str| {
        answer
            .events()
            .into_iter()
            .find(|event| event.event.as_deref() == Some(name))
            .unwrap()
            .json()
    };
    assert_eq!(
        of("message_start")["message"]["usage"]["input_tokens"],
        INPUT_TOKENS
    );
    assert_eq!(of("message_delta")["usage"]["output_tokens"], 4);
    let silent = play(
        Wire::Anthropic,
        true,
        Script::StreamWithoutUsage { events: 4 },
    )
    .await;
    assert!(!silent.text().contains("usage"));
    assert!(is_terminated(Wire::Anthropic, &silent));
}

#[tokio::test]
async fn tool_calls_interleave_in_a_stream_and_add_up() {
    for wire in [Wire::OpenAi, Wire::Anthropic, Wire::Responses] {
        let streamed = play(wire, true, Script::ToolCalls).await;
        let mut arguments = [String::new(), String::new()];
        let mut order = Vec::new();
        for data in streamed
            .events()
            .iter()
            .filter_map(|event| serde_json::from_str::<Value>(&event.data).ok())
        {
            let call = data.pointer("/choices/0/delta/tool_calls/0");
            let (index, piece) = match wire {
                Wire::OpenAi => (
                    call.map(|call| &call["index"]),
                    call.and_then(|call| call.pointer("/function/arguments")),
                ),
                Wire::Anthropic => (Some(&data["index"]), data.pointer("/delta/partial_json")),
                _ => (Some(&data["output_index"]), data.get("delta")),
            };
            let (Some(index), Some(piece)) =
                (index.and_then(Value::as_u64), piece.and_then(Value::as_str))
            else {
                continue;
            };
            if !piece.is_empty() {
                arguments[usize::try_from(index).unwrap()].push_str(piece);
                order.push(index);
            }
        }
        assert_eq!(order, [0, 1, 0, 1], "{wire:?}");
        assert_eq!(arguments, ["{\"city\":\"Zürich\"}", "{\"zone\":\"CET\"}"]);
        assert!(is_terminated(wire, &streamed));

        let whole = play(wire, false, Script::ToolCalls).await.json();
        match wire {
            Wire::OpenAi => {
                let call = whole
                    .pointer("/choices/0/message/tool_calls/1/function")
                    .unwrap();
                assert_eq!(
                    *call,
                    json!({"name": "get_time", "arguments": "{\"zone\":\"CET\"}"})
                );
            }
            Wire::Anthropic => assert_eq!(
                whole.pointer("/content/1/input"),
                Some(&json!({"zone": "CET"}))
            ),
            _ => assert_eq!(
                whole.pointer("/output/1/arguments"),
                Some(&json!("{\"zone\":\"CET\"}"))
            ),
        }
    }
}

#[tokio::test]
async fn the_other_endpoints_answer() {
    let openai = FakeProvider::openai()
        .models(["gpt-a", "gpt-b"])
        .otherwise(Script::Status500)
        .start()
        .await;
    let anthropic = FakeProvider::anthropic().models(["claude-a"]).start().await;
    let ask = async |provider: &FakeProvider, request: Request| {
        Client::new(provider.url()).send(&request).await.json()
    };

    assert_eq!(
        ask(&openai, Request::get("/v1/models")).await["data"][1]["id"],
        "gpt-b"
    );
    assert_eq!(
        ask(&anthropic, Request::get("/v1/models?limit=20")).await["data"][0]["display_name"],
        "claude-a"
    );
    for _ in 0..2 {
        openai.push(Script::Text { words: 1 });
    }
    let input = json!({"model": "e", "input": "x"});
    assert_eq!(
        ask(&openai, Request::post("/v1/embeddings", &input)).await["data"][0]["object"],
        "embedding"
    );
    let prompt = json!({"model": "t", "prompt": "x"});
    assert_eq!(
        ask(&openai, Request::post("/v1/completions", &prompt)).await["choices"][0]["text"],
        "word0"
    );
    let count = Request::post(
        "/v1/messages/count_tokens",
        &json!({"model": "c", "messages": []}),
    );
    assert_eq!(ask(&anthropic, count).await["input_tokens"], INPUT_TOKENS);
    assert_eq!(openai.base_url(), format!("{}/v1", openai.url()));
    assert_eq!(anthropic.base_url(), anthropic.url());
}

#[tokio::test]
async fn requests_are_kept_byte_for_byte() {
    let provider = FakeProvider::anthropic().start().await;
    let body = b"{ \"model\":\"m\" ,\n \"messages\" : [], \"x\": 1.0e5 }";
    let request = Request::message("m", "x")
        .body(&body[..])
        .header("X-Api-Key", "sk-one")
        .header("anthropic-beta", "a,b");
    let bytes = String::from_utf8(request.to_bytes("example.com"))
        .unwrap()
        .replace("/v1/messages ", "/v1/messages?beta=true&q=%2F ");
    Client::new(provider.url())
        .open_raw(bytes.as_bytes())
        .await
        .finish()
        .await;

    let chunked = b"POST /v1/messages HTTP/1.1\r\nhost: h\r\nauthorization: Bearer sk-two\r\ntransfer-encoding: chunked\r\n\r\n5\r\n{\"mod\r\n7\r\nel\":\"m\"\r\n1\r\n}\r\n0\r\n\r\n";
    Client::new(provider.url())
        .open_raw(chunked)
        .await
        .finish()
        .await;

    let seen = provider.wait_for_requests(2).await;
    assert_eq!(seen[0].target, "/v1/messages?beta=true&q=%2F");
    assert_eq!(seen[0].path(), "/v1/messages");
    assert_eq!(&seen[0].body[..], &body[..]);
    assert_eq!(seen[0].credential.as_deref(), Some("sk-one"));
    assert_eq!(seen[0].header("Anthropic-Beta"), Some("a,b"));
    assert!(
        String::from_utf8_lossy(&seen[0].head).contains("X-Api-Key: sk-one\r\n"),
        "names keep their case"
    );
    assert_eq!(seen[1].json(), json!({"model": "m"}));
    assert_eq!(seen[1].credential.as_deref(), Some("sk-two"));
}

#[tokio::test]
async fn connections_are_kept_alive() {
    let provider = FakeProvider::openai().push(Script::Status401).start().await;
    let client = Client::new(provider.url());
    let request = Request::chat("m", "x").to_bytes("h");
    let (refused, mut socket) = client.open_raw(&request).await.finish_keeping().await;
    assert_eq!(refused.status(), 401);
    socket.write(&request).await.unwrap();
    let mut answer = bytes::BytesMut::new();
    socket.read(&mut answer).await.unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 200"));
    assert_eq!(provider.connections(), 1);
    assert!(
        provider
            .requests()
            .iter()
            .all(|request| request.connection == 0)
    );
}

#[tokio::test]
async fn scripts_go_by_key_then_by_queue_then_by_default() {
    let provider = FakeProvider::openai()
        .for_key("sk-bad", Script::Status401)
        .push(Script::Status500)
        .otherwise(Script::json(418, "{}"))
        .start()
        .await;
    let client = Client::new(provider.url());
    let status = async |key: &str| {
        client
            .send(&Request::chat("m", "x").key(key))
            .await
            .status()
    };
    assert_eq!(status("sk-bad").await, 401);
    assert_eq!(status("sk-good").await, 500);
    assert_eq!(status("sk-good").await, 418);
    assert_eq!(status("sk-bad").await, 401);
}

#[tokio::test]
async fn tls_is_real() {
    let provider = FakeProvider::openai().tls().start().await;
    assert!(provider.url().starts_with("https://"));
    let client = Client::new(provider.url()).trusting(provider.ca_pem_path());
    let answer = client.send(&Request::chat_stream("m", "x")).await;
    assert!(is_terminated(Wire::OpenAi, &answer));

    let other = tollgate_testkit::Authority::new();
    assert!(
        !Client::new(provider.url())
            .trusting(other.pem_path())
            .can_connect()
            .await
    );

    provider.push(Script::ResetAfterFirstEvent);
    let torn = client.send(&Request::chat_stream("m", "x")).await;
    assert_eq!(torn.ending, Ending::Reset);
}

#[tokio::test]
async fn gemini_streams_an_array_unless_events_are_asked_for() {
    let provider = FakeProvider::gemini().start().await;
    let client = Client::new(provider.url());
    let ask = Request::ask(Wire::GeminiArray, true, "m");
    let answer = client.send(&ask).await;
    let kind = answer.header("content-type").unwrap();
    assert!(kind.starts_with("application/json"), "{kind}");
    let elements = answer.json();
    assert_eq!(elements.as_array().unwrap().len(), 6);
    assert_eq!(elements[5]["candidates"][0]["finishReason"], "STOP");
    assert_eq!(elements[5]["usageMetadata"]["candidatesTokenCount"], 5);

    provider.push(Script::ErrorAfterFirstEvent);
    let torn = client.send(&ask).await.json();
    assert_eq!(torn[1]["error"]["status"], "INTERNAL");

    provider.push(Script::ToolCalls);
    let whole = Request::ask(Wire::Gemini, false, "m");
    let whole = client.send(&whole).await.json();
    let parts = &whole["candidates"][0]["content"]["parts"];
    assert_eq!(parts[1]["functionCall"]["args"]["zone"], "CET");
    assert!(parts[0]["thoughtSignature"].is_string());
    assert!(parts[1]["thoughtSignature"].is_null());

    for (method, pointer) in [
        ("countTokens", "/totalTokens"),
        ("embedContent", "/embedding/values/0"),
        ("batchEmbedContents", "/embeddings/0/values/0"),
    ] {
        let answer = client.send(&Request::gemini("m", method, "x")).await;
        assert!(answer.json().pointer(pointer).is_some(), "{method}");
    }
}
