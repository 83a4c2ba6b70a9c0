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

/// Nothing is spent on a ledger that can't be kept, and the start says what to
/// do about it.
#[tokio::test]
async fn a_ledger_that_can_not_be_used_stops_the_start() {
    let mut house = House::open().await;
    assert_eq!(
        house.send(&Request::chat("gpt-4o", "hi")).await.status(),
        200
    );
    house.gateway.sigterm().await;
    let file = house.gateway.home().join("ledger.db");
    let good = std::fs::read(&file).unwrap();
    let newer = |bytes: &mut Vec<u8>| bytes[60..64].copy_from_slice(&99_u32.to_be_bytes());
    let damaged = |bytes: &mut Vec<u8>| bytes[100..4096].fill(0xff);
    let foreign = |bytes: &mut Vec<u8>| bytes.fill(b'x');
    type Change<'c> = &'c dyn Fn(&mut Vec<u8>);
    let changes: [(Change<'_>, &str); 3] = [
        (&newer, "has schema version 99, this program knows up to"),
        (&damaged, "damaged"),
        (&foreign, "not a database"),
    ];
    for (change, words) in changes {
        let mut bytes = good.clone();
        change(&mut bytes);
        std::fs::write(&file, &bytes).unwrap();
        let started = house.gateway.command(&["serve"]).await;
        assert_ne!(started.code, Some(0), "{started:?}");
        assert!(started.stderr.contains(words), "{started:?}");
        assert!(started.stderr.contains("hint: "), "{started:?}");
        assert_eq!(std::fs::read(&file).unwrap(), bytes, "left as it was");
    }
    std::fs::write(&file, &good).unwrap();
    house.gateway.restart().await;
    assert_eq!(
        house.send(&Request::chat("gpt-4o", "hi")).await.status(),
        200
    );
}
