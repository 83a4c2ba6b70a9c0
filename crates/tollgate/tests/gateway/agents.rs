//! Who may call, and how that is known.

use tollgate_testkit::{Gateway, Request};

use crate::house::{FIRST_KEY, House, KEY, program};

#[tokio::test]
async fn keys_name_the_agent_and_nothing_else_does() {
    let house = House::open().await;
    let answers = [
        Request::chat("gpt-4o", "hi").key(KEY),
        Request::chat("gpt-4o", "hi").header("x-api-key", KEY),
        Request::chat("gpt-4o", "hi").header("x-goog-api-key", KEY),
        Request::new("POST", &format!("/v1/chat/completions?key={KEY}"))
            .body(r#"{"model":"gpt-4o","messages":[]}"#),
        // A caller that says it is somebody else is still who its key says.
        Request::chat("gpt-4o", "hi")
            .key(KEY)
            .header("x-tollgate-agent", "root"),
    ];
    for request in answers {
        let answer = house.client().send(&request).await;
        assert_eq!(answer.status(), 200, "{}", answer.text());
        assert_eq!(house.story_of(&answer).await["request"]["agent"], "tester");
    }
    for received in house.openai.requests() {
        let head = String::from_utf8_lossy(&received.head).into_owned();
        assert!(!head.contains(KEY), "{head}");
    }
}

#[tokio::test]
async fn an_unknown_key_is_refused_in_both_dialects() {
    let house = House::open().await;
    for key in ["tg-00000000-nobody", "sk-something", ""] {
        let answer = house
            .client()
            .send(&Request::chat("gpt-4o", "hi").key(key))
            .await;
        assert_eq!(answer.status(), 401, "{key}");
        assert_eq!(answer.json()["error"]["type"], "authentication_error");
        let answer = house
            .client()
            .send(&Request::message("claude-sonnet-4", "hi").key(key))
            .await;
        assert_eq!(answer.status(), 401, "{key}");
        assert_eq!(answer.json()["type"], "error");
    }
    assert!(house.openai.requests().is_empty() && house.anthropic.requests().is_empty());
}

#[tokio::test]
async fn two_different_keys_are_refused() {
    let house = House::open().await;
    let request = Request::chat("gpt-4o", "hi")
        .key(KEY)
        .header("x-api-key", "tg-other");
    assert_eq!(house.client().send(&request).await.status(), 401);
}

#[tokio::test]
async fn agents_come_and_go_through_the_running_server() {
    let house = House::open().await;
    let added = house
        .gateway
        .command(&["agents", "add", "ci-bot", "--allow", "gpt-4o*", "--json"])
        .await;
    assert_eq!(added.code, Some(0), "{added:?}");
    let key = added.json()["key"].as_str().unwrap().to_owned();
    assert!(key.starts_with("tg-"), "{key}");
    let ask = |model: &str| Request::chat(model, "hi").key(&key);
    assert_eq!(house.client().send(&ask("gpt-4o")).await.status(), 200);
    let denied = house.client().send(&ask("gpt-5")).await;
    assert_eq!(denied.status(), 403, "{}", denied.text());
    assert_eq!(denied.header("x-tollgate-reason"), Some("policy_denied"));
    let text = denied.text();
    assert!(text.contains("gpt-5") && text.contains("ci-bot"), "{text}");
    let listed = house
        .gateway
        .command(&["agents", "list", "--json"])
        .await
        .json();
    assert!(listed.to_string().contains("ci-bot"), "{listed}");
    assert!(!listed.to_string().contains(&key), "the key is shown once");
    let again = house.gateway.command(&["agents", "add", "ci-bot"]).await;
    assert_eq!(again.code, Some(1), "{again:?}");
    let removed = house.gateway.command(&["agents", "remove", "ci-bot"]).await;
    assert_eq!(removed.code, Some(0), "{removed:?}");
    assert_eq!(house.client().send(&ask("gpt-4o")).await.status(), 401);
}

#[tokio::test]
async fn an_agent_from_the_ledger_survives_a_restart() {
    let mut house = House::open().await;
    let added = house
        .gateway
        .command(&["agents", "add", "ci-bot", "--json"])
        .await
        .json();
    let key = added["key"].as_str().unwrap().to_owned();
    house.gateway.sigterm().await;
    house.gateway.restart().await;
    let answer = house
        .client()
        .send(&Request::chat("gpt-4o", "hi").key(&key))
        .await;
    assert_eq!(answer.status(), 200, "{}", answer.text());
}

#[tokio::test]
async fn blocked_models_are_checked_for_every_concrete_name() {
    let more = format!(
        "[[model_shortcuts]]\nalias = \"fast\"\nmodel = \"openai/gpt-4o-mini\"\n[agents.careful]\nkeys = [\"{OTHER}\"]\nblocked_models = [\"openai/gpt-4o-mini\"]\n"
    );
    let house = House::with(&more, &[FIRST_KEY]).await;
    let ask = |model: &str| Request::chat(model, "hi").key(OTHER);
    assert_eq!(house.client().send(&ask("gpt-4o")).await.status(), 200);
    for name in ["fast", "openai/gpt-4o-mini", "gpt-4o-mini"] {
        let answer = house.client().send(&ask(name)).await;
        assert_eq!(answer.status(), 403, "{name}: {}", answer.text());
    }
}

const OTHER: &str = "tg-0a1b2c3d-vT6yHn3KqW9xZb2RfLs8MpUd5GcJe1oAi7XkYw4EtQr";

#[tokio::test]
async fn anonymous_is_for_processes_not_for_web_pages() {
    let gateway = Gateway::builder(program())
        .args(&["--bind", "127.0.0.1:0"])
        .start()
        .await;
    let ask = || Request::chat("demo", "hello");
    let send = async |request: Request| gateway.client().send(&request).await.status();
    assert_eq!(send(ask()).await, 200);
    assert_eq!(
        send(ask().key("sk-made-up")).await,
        200,
        "SDKs insist on some key"
    );
    assert_eq!(send(ask().key("tg-00000000-nobody")).await, 401);
    assert_eq!(
        send(ask().header("origin", "https://evil.example")).await,
        401
    );
    assert_eq!(send(ask().header("origin", "null")).await, 401);
    assert_eq!(
        send(ask().header("sec-fetch-site", "cross-site")).await,
        401
    );
    assert_eq!(send(ask().header("host", "evil.example:4100")).await, 401);
    // Never for the operator's side.
    for path in ["/control/status", "/metrics", "/control/agents"] {
        assert_eq!(send(Request::get(path)).await, 401, "{path}");
    }
}
