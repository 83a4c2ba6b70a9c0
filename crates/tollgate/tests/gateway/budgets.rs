//! Budgets that hold, and agents that are cut off.

use serde_json::{Value, json};
use tollgate_testkit::{Gate, Request, Script};

use crate::house::{FIRST_KEY, House, KEY, WIRES};

/// 14 tokens of input, and as much output as is asked for.
fn ask(max_tokens: u64, stream: bool) -> Request {
    let body = json!({"model": "gpt-4o", "max_tokens": max_tokens, "stream": stream,
        "messages": [{"role": "user", "content": "hello"}]});
    Request::post("/v1/chat/completions", &body).key(KEY)
}

async fn with_budget(tokens: u64) -> House {
    House::with(&format!("budget = {tokens}\n"), &[FIRST_KEY]).await
}

async fn settled(house: &House) -> u64 {
    let budgets = house.control("/control/budgets").await;
    budgets[0]["tokens"]["settled"]
        .as_u64()
        .unwrap_or_else(|| panic!("{budgets}"))
}

#[tokio::test]
async fn a_client_runs_into_its_budget_and_goes_on_when_it_is_raised() {
    let house = with_budget(2000).await;
    house.openai.otherwise(Script::Text { words: 600 });
    let first = house.client().send(&ask(1000, false)).await;
    assert_eq!(first.status(), 200, "{}", first.text());
    let used = settled(&house).await;
    assert_eq!(
        used, 611,
        "what the provider reported, not what was set aside"
    );
    let refused = house.client().send(&ask(1500, false)).await;
    assert_eq!(refused.status(), 429, "{}", refused.text());
    assert_eq!(
        refused.header("x-tollgate-reason"),
        Some("budget_exhausted")
    );
    let text = refused.text();
    assert!(
        text.contains("1389 tokens left") && text.contains("lower max_tokens"),
        "{text}"
    );
    assert_eq!(house.openai.requests().len(), 1, "nothing was sent");
    let why = house
        .gateway
        .command(&["why", refused.header("x-tollgate-request-id").unwrap()])
        .await;
    assert!(why.stdout.contains("1389"), "{why:?}");
    let set = house
        .gateway
        .command(&["budget", "set", "tester", "9000"])
        .await;
    assert_eq!(set.code, Some(0), "{set:?}");
    let again = house.client().send(&ask(1500, false)).await;
    assert_eq!(again.status(), 200, "{}", again.text());
    assert_eq!(settled(&house).await, 1222);
}

#[tokio::test]
async fn a_budget_that_is_used_up_cuts_off_until_it_is_raised() {
    let house = with_budget(1000).await;
    // More than was asked for: the truth is booked all the same.
    house.openai.otherwise(Script::Text { words: 1100 });
    assert_eq!(house.client().send(&ask(500, false)).await.status(), 200);
    let refused = house.client().send(&ask(1, false)).await;
    assert_eq!(refused.status(), 403, "{}", refused.text());
    assert_eq!(refused.header("x-tollgate-reason"), Some("cut_off"));
    let set = house
        .gateway
        .command(&["budget", "set", "tester", "9000"])
        .await;
    assert_eq!(set.code, Some(0), "{set:?}");
    assert_eq!(house.client().send(&ask(1, false)).await.status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn sixty_four_at_once_never_pass_the_budget_and_use_most_of_it() {
    // Each may use up to some 600 tokens; ten fit.
    let limit = 6000;
    let house = with_budget(limit).await;
    house.openai.otherwise(Script::Text { words: 489 });
    let mut answered = 0;
    for _ in 0..2 {
        let client = house.client();
        let all = (0..64).map(|at| {
            let client = client.clone();
            tokio::spawn(async move { client.send(&ask(489, at % 2 == 0)).await })
        });
        for answer in all.collect::<Vec<_>>() {
            let answer = answer.await.unwrap();
            match answer.status() {
                200 => answered += 1,
                status => assert!(matches!(status, 429 | 403), "{}", answer.text()),
            }
        }
    }
    let reported = answered * 500;
    assert_eq!(house.openai.requests().len() as u64, answered);
    assert!(reported <= limit, "{reported} of {limit}");
    assert!(
        reported * 4 >= limit * 3,
        "{reported} of {limit}: too careful"
    );
    assert_eq!(settled(&house).await, reported);
}

#[tokio::test]
async fn what_was_used_is_known_after_a_kill() {
    let mut house = with_budget(2000).await;
    house.openai.otherwise(Script::Text { words: 600 });
    assert_eq!(house.client().send(&ask(700, false)).await.status(), 200);
    house.control("/control/usage?by=agent").await;
    house.gateway.kill9().await;
    house.gateway.restart().await;
    assert_eq!(settled(&house).await, 611);
    let refused = house.client().send(&ask(1900, false)).await;
    assert_eq!(refused.status(), 429, "{}", refused.text());
}

#[tokio::test]
async fn the_host_counts_what_every_agent_uses() {
    let house = House::open().await;
    let set = house
        .gateway
        .command(&["budget", "set", "host", "--provider", "anthropic", "100"])
        .await;
    assert_eq!(set.code, Some(0), "{set:?}");
    let refused = house.send(&Request::message("claude-sonnet-4", "hi")).await;
    assert_eq!(refused.status(), 429, "{}", refused.text());
    assert_eq!(refused.json()["error"]["type"], "rate_limit_error");
    let other = house.send(&Request::chat("gpt-4o", "hi")).await;
    assert_eq!(other.status(), 200, "another provider: {}", other.text());
}

#[tokio::test]
async fn a_cutoff_ends_streams_and_refuses_until_it_is_undone() {
    let house = House::open().await;
    for wire in WIRES {
        let gate = Gate::closed();
        let script = Script::Stream {
            events: 9,
            gate: Some(gate.clone()),
        };
        house.provider(wire).push(script);
        gate.release(1);
        let request = Request::ask(wire, true, crate::house::model(wire)).key(KEY);
        let mut stream = house.client().open(&request).await;
        stream.next_bytes().await.expect("the first event is out");
        let cut = house.gateway.command(&["cutoff", "tester", "--json"]).await;
        assert_eq!(cut.code, Some(0), "{cut:?}");
        let id = stream
            .head
            .header("x-tollgate-request-id")
            .unwrap()
            .to_owned();
        let rest = stream.finish().await;
        assert!(rest.text().contains("cut off"), "{}", rest.text());
        for end in ["[DONE]", "message_stop", "response.completed", "STOP"] {
            assert!(!rest.text().contains(end), "{wire:?}: {}", rest.text());
        }
        let story = house.story(&id).await;
        assert_eq!(story["request"]["reason"], "cut_off", "{story}");
        let refused = house.client().send(&request).await;
        assert_eq!(refused.status(), 403, "{}", refused.text());
        assert_eq!(refused.header("x-tollgate-reason"), Some("cut_off"));
        let undone = house.gateway.command(&["cutoff", "tester", "--undo"]).await;
        assert_eq!(undone.code, Some(0), "{undone:?}");
        assert_eq!(house.client().send(&request).await.status(), 200);
    }
}

#[tokio::test]
async fn what_can_not_be_bounded_is_refused_where_a_budget_holds() {
    let house = with_budget(100_000).await;
    let body = json!({"model": "gpt-made-up", "messages": [{"role": "user", "content": "hi"}]});
    let request = Request::post("/v1/chat/completions", &body).key(KEY);
    let refused = house.client().send(&request).await;
    assert_eq!(refused.status(), 400, "{}", refused.text());
    assert!(refused.text().contains("max_tokens"), "{}", refused.text());
    let shown: Value = house
        .gateway
        .command(&["budget", "show", "--json"])
        .await
        .json();
    assert_eq!(shown[0]["tokens"]["limit"], 100_000, "{shown}");
}

/// A tier that costs more than the model's price says is no way around a budget of money.
#[tokio::test]
async fn a_dearer_service_has_no_price() {
    let house = House::with("budget = { usd = 5.0 }\n", &[FIRST_KEY]).await;
    let ask = |tier: &str| {
        let body = json!({"model": "gpt-4o", "max_tokens": 50, "service_tier": tier,
            "messages": [{"role": "user", "content": "hi"}]});
        Request::post("/v1/chat/completions", &body).key(KEY)
    };
    let refused = house.client().send(&ask("priority")).await;
    assert_eq!(refused.status(), 429, "{}", refused.text());
    let text = refused.text();
    assert!(text.contains("the service tier asked for"), "{text}");
    assert_eq!(house.openai.requests().len(), 0, "nothing was sent");
    let ordinary = house.client().send(&ask("flex")).await;
    assert_eq!(ordinary.status(), 200, "{}", ordinary.text());
}

#[tokio::test]
async fn a_limit_that_is_none_is_refused_in_every_way_of_saying_it() {
    let house = with_budget(2000).await;
    for bad in [
        "-5",
        "10GB",
        "1.5",
        "99999999999999999999",
        "1000000000000001",
    ] {
        let set = house
            .gateway
            .command(&["budget", "set", "tester", bad])
            .await;
        assert_eq!(set.code, Some(2), "{bad}: {set:?}");
        assert!(set.stderr.contains("expected whole tokens"), "{set:?}");
        let body = format!(r#"{{"scope":"agent:tester","tokens":{bad}}}"#);
        let request = Request::post("/control/budgets", &json!({}))
            .body(body)
            .key(&house.gateway.operator_token());
        let told = house.client().send(&request).await;
        assert!(matches!(told.status(), 400 | 422), "{bad}: {}", told.text());
    }
    for bad in [
        json!({"scope": "agent:tester", "usd": "-1"}),
        json!({"scope": "agent:tester", "usd": "1e400"}),
        json!({"scope": "agent:tester", "tokens": 5, "per": "week"}),
        json!({"scope": "planet", "tokens": 5, "unit": "bytes"}),
        json!({"scope": "agent:tester", "tokens": 5, "time_zone": "Mars/Phobos"}),
        json!({"scope": "host"}),
        json!({"scope": "agent:nobody", "tokens": 5}),
        json!({"scope": "bottle:nowhere", "tokens": 5}),
    ] {
        let request = Request::post("/control/budgets", &bad);
        let request = request.key(&house.gateway.operator_token());
        let told = house.client().send(&request).await;
        assert!(matches!(told.status(), 400 | 422), "{bad}: {}", told.text());
        assert!(told.json()["error"]["message"].is_string());
    }
    let budgets = house.control("/control/budgets").await;
    assert_eq!(budgets[0]["tokens"]["limit"], 2000, "{budgets}");
}
