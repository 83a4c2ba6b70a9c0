//! Synthetic models: alloys, cascades, dispatchers, fallbacks.

use std::collections::HashMap;

use serde_json::json;
use tollgate_testkit::{Answer, Request, Script, Wire};

use crate::house::{FIRST_KEY, House, SECOND_KEY};

const SYNTHETIC: &str = r#"
[[alloys]]
id = "blend"
constituents = [{ model = "gpt-4o", weight = 3 }, { model = "openai/gpt-4o-mini" }]
[[alloys]]
id = "turns"
strategy = "round_robin"
constituents = [{ model = "openai/one" }, { model = "openai/two" }, { model = "openai/three" }]
[[alloys]]
id = "secret"
strategy = "first_available"
constituents = [{ model = "openai/one" }, { model = "openai/blocked-one" }]
[[cascades]]
id = "long"
models = [{ model = "openai/small", context_window = 6000 }, { model = "fit" }]
[[dispatchers]]
id = "fit"
models = [
  { model = "openai/large", context_window = 100000 },
  { model = "openai/middle", context_window = 20000 },
]
[agents.tester.model]
provider = "openai/first"
fallback = ["turns"]
temperature = 0.25
"#;

async fn house() -> House {
    let more = SYNTHETIC.to_owned();
    let blocked = "blocked_models = [\"blocked-*\"]\n";
    House::with(&format!("{blocked}{more}"), &[FIRST_KEY, SECOND_KEY]).await
}

async fn served(house: &House, model: &str, text: &str) -> Answer {
    house.send(&Request::chat(model, text)).await
}

fn model_of(answer: &Answer) -> &str {
    answer.header("x-tollgate-model").unwrap_or_default()
}

#[tokio::test]
async fn an_alloy_mixes_by_weight_and_falls_back_to_the_rest() {
    let house = house().await;
    let mut counts = HashMap::new();
    for _ in 0..200 {
        let answer = served(&house, "blend", "hello").await;
        assert_eq!(answer.status(), 200, "{}", answer.text());
        *counts.entry(model_of(&answer).to_owned()).or_insert(0) += 1;
    }
    // 150 are due; seven standard deviations either way.
    assert!((107..=193).contains(&counts["gpt-4o"]), "{counts:?}");
    let turns: Vec<_> = [
        served(&house, "turns", "hello").await,
        served(&house, "turns", "hello").await,
        served(&house, "turns", "hello").await,
    ]
    .iter()
    .map(|answer| model_of(answer).to_owned())
    .collect();
    assert_eq!(turns, ["one", "two", "three"]);
    house.openai.push(Script::Status400Context);
    let answer = served(&house, "turns", "hello").await;
    assert_eq!((answer.status(), model_of(&answer)), (200, "two"));
    assert_eq!(answer.header("x-tollgate-attempts"), Some("2"));
}

#[tokio::test]
async fn windows_decide_by_length_first_and_by_tokens_where_they_must() {
    let house = house().await;
    let idle = house.gateway.anonymous_memory();
    let answer = served(&house, "long", "hello").await;
    assert_eq!(model_of(&answer), "small", "{}", answer.text());
    let short = house.gateway.anonymous_memory();
    assert!(short < idle + (8 << 20), "no tokenizer: {idle} {short}");
    // 22 KB of English are some 5,000 tokens: with room for an answer more
    // than 6,000, less than 20,000.
    let text = "The quick brown fox jumps over the lazy dog. ".repeat(500);
    let answer = served(&house, "long", &text).await;
    assert_eq!(model_of(&answer), "middle", "{}", answer.text());
    let used = house.gateway.anonymous_memory();
    assert!(
        used > short + (12 << 20),
        "the tokenizer is there: {short} {used}"
    );
    assert!(used < short + (64 << 20), "{short} {used}");
    let answer = served(&house, "fit", &text.repeat(4)).await;
    assert_eq!(model_of(&answer), "large", "{}", answer.text());
    let answer = served(&house, "fit", &text.repeat(30)).await;
    assert_eq!(answer.status(), 400, "{}", answer.text());
    assert_eq!(answer.json()["error"]["code"], "context_length_exceeded");
    let said = answer.text();
    assert!(
        said.contains("the largest context window of `fit` has 100000"),
        "{said}"
    );
}

#[tokio::test]
async fn an_overflow_goes_on_to_a_larger_window_only() {
    let house = house().await;
    house.openai.push(Script::Status400Context);
    let answer = served(&house, "fit", "hello").await;
    assert_eq!((answer.status(), model_of(&answer)), (200, "large"));
    // The largest was asked first: nobody after it is larger.
    house.openai.push(Script::Status400Context);
    let mut request = json!({"model": "fit", "max_tokens": 30000});
    request["messages"] = json!([{"role": "user", "content": "hello"}]);
    let request = Request::post("/v1/chat/completions", &request);
    let answer = house.send(&request).await;
    assert_eq!(answer.status(), 400, "{}", answer.text());
    let reason = answer.header("x-tollgate-reason");
    assert_eq!(reason, Some("upstream_context_overflow"));
}

#[tokio::test]
async fn an_agent_has_fallbacks_and_defaults_of_its_own() {
    let house = house().await;
    house.openai.push(Script::Status400Context);
    let answer = served(&house, "openai/first", "hello").await;
    assert_eq!(answer.status(), 200, "{}", answer.text());
    assert!(["one", "two", "three"].contains(&model_of(&answer)));
    assert_eq!(answer.header("x-tollgate-attempts"), Some("2"));
    let seen = house.openai.requests();
    assert_eq!(seen.last().unwrap().json()["temperature"], 0.25);
}

#[tokio::test]
async fn access_is_checked_for_every_model_behind_a_name() {
    let house = house().await;
    let answer = served(&house, "secret", "hello").await;
    assert_eq!(answer.status(), 403, "{}", answer.text());
    assert!(
        answer.text().contains("openai/blocked-one"),
        "{}",
        answer.text()
    );
    assert!(house.openai.requests().is_empty());
    let listed = house.send(&Request::get("/v1/models")).await.json();
    let ids: Vec<_> = listed["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["id"].as_str().unwrap())
        .collect();
    assert!(ids.contains(&"blend") && ids.contains(&"fit"), "{ids:?}");
    assert!(!ids.contains(&"secret"), "{ids:?}");
}

#[tokio::test]
async fn what_of_a_mix_speaks_another_dialect_is_left_out() {
    let more = "[[alloys]]\nid = \"both\"\nconstituents = [{ model = \"gpt-4o\" }, { model = \"claude-sonnet-4\" }]\n";
    let house = House::with(more, &[FIRST_KEY]).await;
    for wire in [Wire::OpenAi, Wire::Anthropic] {
        for _ in 0..5 {
            let answer = house.send(&Request::ask(wire, false, "both")).await;
            assert_eq!(answer.status(), 200, "{}", answer.text());
        }
    }
}
