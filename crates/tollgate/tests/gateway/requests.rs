//! What is sent is what was asked, byte for byte but for the documented edits.

use serde_json::json;
use tollgate_testkit::{Request, Wire};

use crate::house::{FIRST_KEY, House, KEY, model};

#[tokio::test]
async fn a_request_passes_byte_for_byte() {
    let house = House::open().await;
    // As Claude Code sends it: a query, betas, cache marks, 80 KB, odd spacing
    // and fields that this version has never heard of.
    let filler = "lorem ipsum \\u00e4 ".repeat(4600);
    let body = format!(
        r#"{{ "model" : "claude-sonnet-4","max_tokens":1024, "stream": true,
 "system":[{{"type":"text","text":"{filler}","cache_control":{{"type":"ephemeral","ttl":"1h"}}}}],
 "messages":[{{"role":"user","content":"hi"}}], "context_management":{{"edits":[]}},"x":1.0e2}}"#
    );
    let request = Request::new("POST", "/v1/messages?beta=true")
        .header("x-api-key", KEY)
        .header("anthropic-version", "2023-06-01")
        .header("anthropic-beta", "one-2025-01-01,two-2025-02-02")
        .header("x-app", "cli")
        .body(body.clone());
    let answer = house.client().send(&request).await;
    assert_eq!(answer.status(), 200, "{}", answer.text());
    let received = &house.anthropic.requests()[0];
    assert_eq!(received.body, body);
    assert!(received.body.len() > 80_000);
    assert_eq!(received.target, "/v1/messages?beta=true");
    assert_eq!(
        received.header("anthropic-beta"),
        Some("one-2025-01-01,two-2025-02-02")
    );
    assert_eq!(received.header("x-app"), Some("cli"));
    assert_eq!(received.credential.as_deref(), Some(FIRST_KEY));
    let head = String::from_utf8_lossy(&received.head).into_owned();
    assert!(!head.contains(KEY), "the caller's key stays here: {head}");
}

#[tokio::test]
async fn answers_pass_byte_for_byte() {
    let house = House::open().await;
    for wire in [Wire::OpenAi, Wire::Anthropic] {
        for stream in [false, true] {
            let request = Request::ask(wire, stream, model(wire));
            let through = house.send(&request).await;
            let sent = house.provider(wire).requests().last().unwrap().body.clone();
            let path = if wire == Wire::OpenAi {
                "/v1/chat/completions"
            } else {
                "/v1/messages"
            };
            let again = Request::new("POST", path).body(sent);
            let direct = tollgate_testkit::Client::new(house.provider(wire).url())
                .send(&again)
                .await;
            let strip = |text: String| -> String {
                // The usage that was asked for on the caller's behalf is taken out again.
                let events = text.split_inclusive("\n\n");
                events
                    .filter(|event| !event.contains("\"choices\":[]"))
                    .collect()
            };
            assert_eq!(
                through.text(),
                strip(direct.text()),
                "{wire:?} stream={stream}"
            );
        }
    }
}

#[tokio::test]
async fn only_the_name_is_edited_where_it_was_explicit() {
    let house = House::open().await;
    let body = r#"{"messages":[],"model":"openai/gpt-4o" , "unknown":{"b":1,"a":[2]}}"#;
    let request = Request::new("POST", "/v1/chat/completions").body(body);
    let answer = house.send(&request).await;
    assert_eq!(answer.status(), 200, "{}", answer.text());
    let received = &house.openai.requests()[0];
    assert_eq!(
        received.body,
        r#"{"messages":[],"model":"gpt-4o" , "unknown":{"b":1,"a":[2]}}"#
    );
    assert_eq!(answer.header("x-tollgate-model"), Some("gpt-4o"));
    assert_eq!(answer.header("x-tollgate-provider"), Some("openai"));
    assert_eq!(answer.header("x-tollgate-attempts"), Some("1"));
}

#[tokio::test]
async fn what_is_judged_is_what_is_served() {
    let house = House::open().await;
    for body in [
        r#"{"model":"gpt-4o","model":"claude-sonnet-4","messages":[]}"#,
        r#"{"mod\u0065l":"gpt-4o","messages":[]}"#,
        r#"{"model":"gpt-4o","stream":false,"stream":true,"messages":[]}"#,
        r#"{"model":"gpt-4o","stream":true,"stream_options":{"include_usage":true,"include_usage":false},"messages":[]}"#,
    ] {
        let answer = house
            .send(&Request::new("POST", "/v1/chat/completions").body(body))
            .await;
        assert_eq!(answer.status(), 400, "{body}: {}", answer.text());
        assert_eq!(
            answer.header("x-tollgate-reason"),
            Some("bad_request"),
            "{body}"
        );
    }
    assert!(house.openai.requests().is_empty(), "nothing of it was sent");
}

#[tokio::test]
async fn an_unknown_model_names_its_neighbours() {
    let more = "[[model_shortcuts]]\nalias = \"fast\"\nmodel = \"openai/gpt-4o-mini\"\n";
    let house = House::with(more, &[FIRST_KEY]).await;
    let answer = house.send(&Request::chat("fsat", "hello")).await;
    assert_eq!(answer.status(), 404);
    assert!(answer.text().contains("fast"), "{}", answer.text());
    let answer = house.send(&Request::message("fsat", "hello")).await;
    assert_eq!(answer.json()["error"]["type"], "not_found_error");
    let answer = house.send(&Request::chat("fast", "hello")).await;
    assert_eq!(answer.status(), 200, "{}", answer.text());
    assert_eq!(house.openai.requests()[0].json()["model"], "gpt-4o-mini");
}

#[tokio::test]
async fn routes_win_over_globs() {
    let more = "[[model_routes]]\npattern = \"gpt-4o*\"\nprovider = \"other\"\n[providers.other]\nwire = \"openai\"\n";
    let other = tollgate_testkit::FakeProvider::openai().start().await;
    let more = format!("{more}base_url = \"{}\"\n", other.base_url());
    let house = House::with(&more, &[FIRST_KEY]).await;
    let answer = house.send(&Request::chat("gpt-4o", "hello")).await;
    assert_eq!(
        answer.header("x-tollgate-provider"),
        Some("other"),
        "{}",
        answer.text()
    );
    assert!(
        other.requests()[0].credential.is_none(),
        "a provider without keys gets none"
    );
}

#[tokio::test]
async fn a_provider_of_another_dialect_is_a_clear_error() {
    let house = House::open().await;
    let body = serde_json::json!({"model": "claude-sonnet-4", "input": "hello"});
    let answer = house.send(&Request::post("/v1/embeddings", &body)).await;
    assert_eq!(answer.status(), 400);
    assert_eq!(
        answer.header("x-tollgate-reason"),
        Some("unsupported_dialect")
    );
    assert!(
        answer.json()["error"]["message"]
            .as_str()
            .unwrap()
            .contains("anthropic")
    );
    let body = serde_json::json!({"model": "gpt-4o", "messages": []});
    let answer = house
        .send(&Request::post("/v1/messages/count_tokens", &body))
        .await;
    assert_eq!(answer.json()["type"], "error");
}

#[tokio::test]
async fn the_fallback_of_the_default_model_is_used() {
    let more = "[agents.defaults.model]\nprovider = \"openai/gpt-4o\"\nfallback = [\"openai/gpt-4o-mini\"]\ntemperature = 0.5\n";
    let house = House::with(more, &[FIRST_KEY]).await;
    house.openai.push(tollgate_testkit::Script::Status429Quota);
    let mut second = house.send(&Request::chat("openai/gpt-4o", "hello")).await;
    if second.status() == 503 {
        // One pool serves both models: its only credential is benched.
        second = house.send(&Request::chat("openai/gpt-4o", "hello")).await;
    }
    let first = house.openai.requests()[0].json();
    assert_eq!(
        first["temperature"], 0.5,
        "used where the request says nothing"
    );
    assert!(matches!(second.status(), 429 | 503), "{}", second.text());
}

#[tokio::test]
async fn the_other_endpoints_pass_too() {
    let house = House::open().await;
    let legacy = json!({"model": "gpt-3.5-turbo-instruct", "prompt": "hello"});
    let answer = house.send(&Request::post("/v1/completions", &legacy)).await;
    assert_eq!(answer.status(), 200, "{}", answer.text());
    let embeddings = json!({"model": "gpt-embed", "input": ["hello"]});
    let answer = house
        .send(&Request::post("/v1/embeddings", &embeddings))
        .await;
    assert_eq!(answer.status(), 200, "{}", answer.text());
    let story = house.story_of(&answer).await;
    assert!(story["request"]["input"].as_u64().unwrap() > 0, "{story}");
    let count =
        json!({"model": "claude-sonnet-4", "messages": [{"role": "user", "content": "hi"}]});
    let answer = house
        .send(&Request::post("/v1/messages/count_tokens", &count))
        .await;
    assert!(answer.json()["input_tokens"].is_u64(), "{}", answer.text());
    let story = house.story_of(&answer).await;
    assert_eq!(
        story["request"]["input"], 0,
        "counting uses no tokens: {story}"
    );
}

#[tokio::test]
async fn lists_and_health_answer() {
    let more = "[[model_shortcuts]]\nalias = \"fast\"\nmodel = \"openai/gpt-4o-mini\"\n";
    let house = House::with(more, &[FIRST_KEY]).await;
    for request in [Request::new("HEAD", "/"), Request::get("/health")] {
        assert_eq!(house.client().send(&request).await.status(), 200);
    }
    let list = house.send(&Request::get("/v1/models")).await.json();
    assert_eq!(list["object"], "list");
    assert!(
        list["data"]
            .as_array()
            .unwrap()
            .iter()
            .any(|model| model["id"] == "fast"),
        "{list}"
    );
    let list = Request::get("/v1/models").header("anthropic-version", "2023-06-01");
    let list = house.send(&list).await.json();
    assert!(list["has_more"].is_boolean(), "{list}");
    assert_eq!(
        house.send(&Request::get("/v1/models/fast")).await.json()["id"],
        "fast"
    );
    assert_eq!(
        house.send(&Request::get("/v1/models/none")).await.status(),
        404
    );
    assert_eq!(
        house
            .client()
            .send(&Request::get("/v1/models"))
            .await
            .status(),
        401
    );
    let tools = house
        .client()
        .send(&Request::get("/v1/tools/manifest").key(KEY))
        .await;
    assert_eq!(tools.status(), 200, "{}", tools.text());
    assert_eq!(tools.json(), json!({"tools": []}), "nothing is configured");
    let unknown = Request::get("/v1/tools/manifest").key("tg-nobody");
    assert_eq!(house.client().send(&unknown).await.status(), 401);
}

#[tokio::test]
async fn the_asked_name_can_be_restored() {
    let openai = tollgate_testkit::FakeProvider::openai().start().await;
    let anthropic = tollgate_testkit::FakeProvider::anthropic().start().await;
    let config = crate::house::config(&openai, &anthropic, &[FIRST_KEY])
        .replace("[server]", "[server]\nanswer_model = \"asked\"");
    let config = config
        + "[[model_shortcuts]]\nalias = \"fast\"\nmodel = \"openai/gpt-4o\"\n[[model_shortcuts]]\nalias = \"slow\"\nmodel = \"anthropic/claude-sonnet-4\"\n";
    let gateway = tollgate_testkit::Gateway::builder(crate::house::program())
        .config(config)
        .start()
        .await;
    for (wire, name) in [(Wire::OpenAi, "fast"), (Wire::Anthropic, "slow")] {
        for stream in [false, true] {
            let request = Request::ask(wire, stream, name).key(KEY);
            let answer = gateway.client().send(&request).await;
            let text = answer.text();
            assert_eq!(answer.status(), 200, "{text}");
            assert!(
                text.contains(&format!("\"{name}\"")),
                "stream={stream}: {text}"
            );
            assert!(
                !text.contains(&format!("\"{}\"", model(wire))),
                "stream={stream}: {text}"
            );
        }
    }
}

#[tokio::test]
async fn a_provider_behind_tls_is_reached_and_its_certificate_checked() {
    let trusted = tollgate_testkit::FakeProvider::openai().tls().start().await;
    let stranger = tollgate_testkit::FakeProvider::openai().tls().start().await;
    let provider = |name: &str, url: String| {
        format!(
            "[providers.{name}]\nwire = \"openai\"\nbase_url = \"{url}\"\napi_key = \"{FIRST_KEY}\"\ntimeout_seconds = 2\n"
        )
    };
    let config = format!(
        "[server]\nbind = \"127.0.0.1:0\"\n{}{}[agents.tester]\nkeys = [\"{KEY}\"]\n",
        provider("trusted", trusted.base_url()),
        provider("stranger", stranger.base_url()),
    );
    let gateway = tollgate_testkit::Gateway::builder(crate::house::program())
        .config(config)
        .env(
            "SSL_CERT_FILE",
            &trusted.ca_pem_path().display().to_string(),
        )
        .start()
        .await;
    for stream in [false, true] {
        let request = Request::ask(Wire::OpenAi, stream, "trusted/gpt-4o").key(KEY);
        let answer = gateway.client().send(&request).await;
        assert_eq!(answer.status(), 200, "{}", answer.text());
    }
    let request = Request::chat("stranger/gpt-4o", "hi").key(KEY);
    let answer = gateway.client().send(&request).await;
    assert_eq!(answer.status(), 502, "{}", answer.text());
    assert!(answer.text().contains("TLS"), "{}", answer.text());
    assert!(stranger.requests().is_empty(), "the key never left");
}
