//! The first minute of a new user.

use tollgate_testkit::{Gateway, Request};

use crate::house::{House, program};

#[tokio::test]
async fn without_a_configuration_the_demo_answers_in_both_dialects() {
    let gateway = Gateway::builder(program())
        .args(&["--bind", "127.0.0.1:0"])
        .start()
        .await;
    for request in [
        Request::chat("demo", "hello"),
        Request::chat_stream("demo", "hello"),
        Request::message("demo", "hello"),
        Request::message_stream("demo", "hello"),
    ] {
        let answer = gateway.client().send(&request).await;
        assert_eq!(answer.status(), 200, "{}", answer.text());
        assert!(
            answer.text().to_lowercase().contains("demo"),
            "{}",
            answer.text()
        );
        assert_eq!(answer.header("x-tollgate-provider"), Some("demo"));
    }
    let usage = gateway.command(&["usage", "--json"]).await;
    assert_eq!(usage.json()[0]["key"], "main", "{usage:?}");
    assert_eq!(usage.json()[0]["requests"], 4, "{usage:?}");
}

#[tokio::test]
async fn the_greeting_says_what_was_found_and_how_to_call() {
    let gateway = Gateway::builder(program())
        .args(&["--bind", "127.0.0.1:0"])
        .env("OPENAI_API_KEY", "sk-proj-Zb3Kq8TnV1xR6yWm4LcJ")
        .start()
        .await;
    gateway.wait_for_output("-d '{").await;
    let text = gateway.stdout();
    for word in [
        "OPENAI_API_KEY",
        "openai",
        "demo",
        "ANTHROPIC_BASE_URL",
        "ledger",
    ] {
        assert!(text.contains(word), "`{word}` is missing in:\n{text}");
    }
    assert!(!text.contains("Zb3Kq8TnV1xR6yWm4LcJ"), "{text}");
}

#[tokio::test]
async fn status_and_models_say_how_it_stands() {
    let house = House::open().await;
    let status = house.gateway.command(&["status"]).await;
    assert_eq!(status.code, Some(0), "{status:?}");
    assert!(
        status.stdout.contains("openai") && status.stdout.contains("anthropic"),
        "{status:?}"
    );
    let status = house.gateway.command(&["status", "--json"]).await.json();
    assert_eq!(status["state"], "ready", "{status}");
    let models = house.gateway.command(&["models", "list", "--json"]).await;
    assert!(models.json().is_array(), "{models:?}");
}

#[tokio::test]
async fn commands_without_a_gateway_say_so() {
    let run = Gateway::builder(program())
        .config("[server]\nbind = \"127.0.0.1:1\"\n")
        .run(&["status"])
        .await;
    assert_eq!(run.code, Some(3), "{run:?}");
    assert!(run.stderr.contains("tollgate serve"), "a hint: {run:?}");
}

#[tokio::test]
async fn a_faulty_configuration_does_not_start() {
    let config = "[server]\nbind = \"0.0.0.0:4100\"\n[providers.x]\nwire = \"openia\"\nbase_url = \"https://example.com/v1\"\n";
    let run = Gateway::builder(program())
        .config(config)
        .run(&["serve"])
        .await;
    assert_eq!(run.code, Some(2), "{run:?}");
    for word in ["tollgate.toml:2", "insecure", "tollgate.toml:4", "openai"] {
        assert!(
            run.stderr.contains(word),
            "`{word}` is missing in:\n{}",
            run.stderr
        );
    }
}
