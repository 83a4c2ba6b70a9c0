//! Bottles as scopes of budgets: what is used in one counts there and in those
//! that it stands in.

use serde_json::{Value, json};
use tollgate_testkit::{Request, Script};

use crate::house::{FIRST_KEY, House, KEY};

const BOTTLES: &str = r#"bottle = "dev"
[bottles.base]
budget = 1000
[bottles.dev]
extends = "base"
[bottles.small]
extends = ["base"]
budget = 100
"#;

async fn house(more: &str) -> House {
    let house = House::with(&format!("{BOTTLES}{more}"), &[FIRST_KEY]).await;
    house.openai.otherwise(Script::Text { words: 600 });
    house
}

fn ask(max_tokens: u64, key: &str) -> Request {
    let body = json!({"model": "gpt-4o", "max_tokens": max_tokens,
        "messages": [{"role": "user", "content": "hello"}]});
    Request::post("/v1/chat/completions", &body).key(key)
}

async fn settled(house: &House, scope: &str) -> u64 {
    let budgets = house.control("/control/budgets").await;
    let found = budgets.as_array().unwrap().iter();
    let mut found = found.filter(|budget| budget["scope"] == scope);
    found.next().unwrap()["tokens"]["settled"].as_u64().unwrap()
}

#[tokio::test]
async fn what_is_used_in_a_bottle_counts_in_those_that_it_stands_in() {
    let mut house = house("").await;
    let first = house.client().send(&ask(700, KEY)).await;
    assert_eq!(first.status(), 200, "{}", first.text());
    assert_eq!(settled(&house, "bottle:base").await, 611);
    let refused = house.client().send(&ask(700, KEY)).await;
    assert_eq!(refused.status(), 429, "{}", refused.text());
    assert!(
        refused.text().contains("budget \\\"base\\\" has 389"),
        "{}",
        refused.text()
    );
    let usage = house.control("/control/usage?by=bottle").await;
    assert_eq!(usage["rows"][0]["key"], "dev", "{usage}");
    assert_eq!(usage["rows"][0]["requests"], 2, "{usage}");
    let listed = house
        .gateway
        .command(&["usage", "--by", "bottle", "--json"])
        .await;
    assert_eq!(listed.json()[0]["bottle"], "dev", "{listed:?}");
    house.gateway.kill9().await;
    house.gateway.restart().await;
    assert_eq!(settled(&house, "bottle:base").await, 611);
}

#[tokio::test]
async fn a_run_may_stand_in_a_bottle_of_its_own() {
    let house = house("").await;
    let begin = async |wanted: Value| {
        let token = house.gateway.operator_token();
        let request = Request::post("/control/runs", &wanted).key(&token);
        house.client().send(&request).await
    };
    let unknown = begin(json!({"agent": "tester", "bottle": "big", "command": "sh"})).await;
    assert_eq!(unknown.status(), 400, "{}", unknown.text());
    assert!(unknown.text().contains("no bottle `big`"));
    let begun = begin(json!({"agent": "tester", "bottle": "small", "command": "sh"})).await;
    assert_eq!(begun.status(), 201, "{}", begun.text());
    let begun = begun.json();
    let key = begun["key"].as_str().unwrap();
    let refused = house.client().send(&ask(700, key)).await;
    assert_eq!(refused.status(), 429, "{}", refused.text());
    assert!(
        refused.text().contains("budget \\\"small\\\""),
        "{}",
        refused.text()
    );
    let story = house.story_of(&refused).await;
    assert_eq!(story["steps"][4]["step"], "reserved", "{story}");
    let usage = house.control("/control/usage?by=bottle").await;
    assert_eq!(usage["rows"][0]["key"], "small", "{usage}");
}

#[tokio::test]
async fn rules_know_the_bottle() {
    let rule = "[policy]\nfiles = [\"bottle.star\"]\n";
    let mut house = house("").await;
    let text = r#"
rule(verdict = "deny", where = {"context.bottle": "dev"}, reason = "not from this bottle")

def evaluate(tool, args, context):
    return "allow"
"#;
    std::fs::write(house.gateway.home().join("bottle.star"), text).unwrap();
    let config = std::fs::read_to_string(house.gateway.home().join("tollgate.toml")).unwrap();
    house.gateway.write_config(config + rule);
    let token = house.gateway.operator_token();
    let reload = Request::post("/control/reload", &json!({})).key(&token);
    let reloaded = house.client().send(&reload).await;
    assert_eq!(reloaded.status(), 200, "{}", reloaded.text());
    let denied = house.client().send(&ask(10, KEY)).await;
    assert_eq!(denied.status(), 403, "{}", denied.text());
    assert!(denied.text().contains("not from this bottle"));
}
