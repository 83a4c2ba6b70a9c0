//! Reload and drain.

use tollgate_testkit::{Gate, Request, Script};

use crate::house::{FIRST_KEY, House, KEY, config, control};

fn with_alias(house: &House, alias: &str) -> String {
    config(&house.openai, &house.anthropic, &[FIRST_KEY])
        + &format!("[[model_shortcuts]]\nalias = \"{alias}\"\nmodel = \"openai/gpt-4o\"\n")
}

async fn version(house: &House) -> u64 {
    house.control("/control/status").await["config_version"]
        .as_u64()
        .unwrap()
}

#[tokio::test]
async fn a_changed_file_a_signal_and_the_api_reload() {
    let mut house = House::open().await;
    let text = with_alias(&house, "one");
    house.gateway.write_config(text);
    wait_for_version(&house, 2).await;
    assert_eq!(house.send(&Request::chat("one", "hi")).await.status(), 200);

    house.gateway.sighup();
    wait_for_version(&house, 3).await;

    let token = house.gateway.operator_token();
    let reload = Request::post("/control/reload", &serde_json::json!({})).key(&token);
    let answer = house.client().send(&reload).await;
    assert_eq!(answer.status(), 200, "{}", answer.text());
    assert_eq!(version(&house).await, 4);
}

#[tokio::test]
async fn a_bad_file_keeps_the_last_good_one() {
    let mut house = House::open().await;
    house
        .gateway
        .write_config("[server]\nbnid = \"127.0.0.1:0\"\n");
    house.gateway.wait_for_output("bnid").await;
    assert_eq!(
        house.send(&Request::chat("gpt-4o", "hi")).await.status(),
        200
    );
    let status = house.control("/control/status").await;
    assert!(
        status["config_fault"]
            .as_str()
            .is_some_and(|fault| fault.contains("bnid")),
        "{status}"
    );
    let token = house.gateway.operator_token();
    let reload = Request::post("/control/reload", &serde_json::json!({})).key(&token);
    let answer = house.client().send(&reload).await;
    assert_eq!(answer.status(), 422, "{}", answer.text());
    assert!(
        answer.text().contains("bind"),
        "the near key: {}",
        answer.text()
    );
}

#[tokio::test]
async fn a_request_keeps_the_configuration_that_it_began_with() {
    let mut house = House::open().await;
    let gate = Gate::closed();
    house.openai.push(Script::Stream {
        events: 2,
        gate: Some(gate.clone()),
    });
    gate.release(1);
    let mut stream = house
        .client()
        .open(&Request::chat_stream("gpt-4o", "hi").key(KEY))
        .await;
    stream.next_event().await.unwrap();
    let text = with_alias(&house, "two");
    house.gateway.write_config(text);
    wait_for_version(&house, 2).await;
    gate.open();
    let id = stream
        .head
        .header("x-tollgate-request-id")
        .unwrap()
        .to_owned();
    assert!(stream.finish().await.text().contains("[DONE]"));
    assert_eq!(house.story(&id).await["config_version"], 1);
}

#[tokio::test]
async fn a_drain_lets_streams_finish_and_takes_nothing_new() {
    let mut house = House::open().await;
    let gate = Gate::closed();
    house.openai.push(Script::Stream {
        events: 2,
        gate: Some(gate.clone()),
    });
    gate.release(1);
    let mut stream = house
        .client()
        .open(&Request::chat_stream("gpt-4o", "hi").key(KEY))
        .await;
    stream.next_event().await.unwrap();
    house.gateway.begin_sigterm();
    house.gateway.wait_for_output("draining").await;
    tollgate_testkit::within("the listener to close", async {
        while house.client().can_connect().await {
            tokio::task::yield_now().await;
        }
    })
    .await;
    gate.open();
    assert!(stream.finish().await.text().contains("[DONE]"));
    assert!(house.gateway.exit().await.success());
}

async fn wait_for_version(house: &House, expected: u64) {
    tollgate_testkit::within("the reload", async {
        while control(&house.gateway, "/control/status").await["config_version"] != expected {
            tokio::task::yield_now().await;
        }
    })
    .await;
}
