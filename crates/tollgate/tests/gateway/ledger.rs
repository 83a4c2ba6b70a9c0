//! What the ledger holds after good days and bad ones.

use tollgate_testkit::{INPUT_TOKENS, Request, Script, Wire};

use crate::house::{House, KEY, model};

#[tokio::test]
async fn every_request_has_one_row() {
    let house = House::open().await;
    house.send(&Request::chat("gpt-4o", "hi")).await;
    house.send(&Request::chat("no-such-model", "hi")).await;
    house
        .send(&Request::new("POST", "/v1/chat/completions").body("not json"))
        .await;
    house
        .client()
        .send(&Request::message("claude-sonnet-4", "hi"))
        .await;
    house.openai.push(Script::Status400);
    house.send(&Request::chat("gpt-4o", "hi")).await;
    let rows = house.control("/control/requests?limit=10").await;
    let outcomes: Vec<_> = rows
        .as_array()
        .unwrap()
        .iter()
        .map(|row| {
            (
                row["outcome"].as_str().unwrap(),
                row["status"].as_u64().unwrap(),
            )
        })
        .collect();
    let expected = [
        ("failed", 400),
        ("refused", 401),
        ("refused", 400),
        ("refused", 404),
        ("ok", 200),
    ];
    assert_eq!(outcomes, expected);
}

#[tokio::test]
async fn usage_adds_up_by_agent_provider_and_model() {
    let house = House::open().await;
    for wire in [Wire::OpenAi, Wire::Anthropic] {
        for stream in [false, true] {
            for words in [3, 4] {
                house.provider(wire).push(Script::Text { words });
                house.send(&Request::ask(wire, stream, model(wire))).await;
            }
        }
    }
    for (by, key, requests, expected) in
        // OpenAI's count of input contains what came from a cache, Anthropic's doesn't.
        [
            ("agent", "tester", 8, 88 + 12),
            ("provider", "openai", 4, 44),
            ("model", "claude-sonnet-4", 4, 56),
        ]
    {
        let usage = house
            .gateway
            .command(&["usage", "--by", by, "--json"])
            .await;
        assert_eq!(usage.code, Some(0), "{usage:?}");
        let rows = usage.json();
        let row = rows
            .as_array()
            .unwrap()
            .iter()
            .find(|row| row["key"].as_str().unwrap().contains(key));
        let row = row.unwrap_or_else(|| panic!("no {key} in {rows}"));
        assert_eq!(row["requests"], requests, "{rows}");
        let input = row["input"].as_u64().unwrap() + row["cache_read"].as_u64().unwrap();
        assert_eq!(input, expected, "{rows}");
        assert_eq!(row["output"], requests * 7 / 2, "{rows}");
    }
    let usage = house.gateway.command(&["usage"]).await;
    assert!(usage.stdout.contains("tester"), "{usage:?}");
}

#[tokio::test]
async fn why_tells_the_story_of_a_fallback() {
    let house = House::open().await;
    house.openai.push(Script::Status429Rate { retry_after: 9 });
    let answer = house.send(&Request::chat("gpt-4o", "hi")).await;
    let id = answer.header("x-tollgate-request-id").unwrap();
    let why = house.gateway.command(&["why", id]).await;
    assert_eq!(why.code, Some(0), "{why:?}");
    for word in [
        "tester",
        "gpt-4o",
        "openai:1",
        "rate_limit",
        "429",
        "openai:2",
    ] {
        assert!(
            why.stdout.contains(word),
            "`{word}` is missing in:\n{}",
            why.stdout
        );
    }
    let last = house.gateway.command(&["why"]).await;
    assert_eq!(last.stdout, why.stdout);
    let unknown = house
        .gateway
        .command(&["why", "req_00000000000000000000000000000000"])
        .await;
    assert_eq!(unknown.code, Some(1), "{unknown:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn kill_9_loses_the_last_batch_at_most() {
    let mut house = House::open().await;
    let total = 1500;
    let client = house.client();
    let mut sent = 0;
    while sent < total {
        let burst = (0..50).map(|_| {
            let client = client.clone();
            tokio::spawn(async move { client.send(&Request::chat("gpt-4o", "hi").key(KEY)).await })
        });
        for answer in burst.collect::<Vec<_>>() {
            assert_eq!(answer.await.unwrap().status(), 200);
            sent += 1;
        }
    }
    house.gateway.kill9().await;
    let upstream = house.openai.requests().len() as u64;
    assert_eq!(upstream, total);
    house.gateway.restart().await;
    let usage = house.control("/control/usage?by=agent").await;
    let rows = &usage["rows"];
    let counted = rows[0]["requests"].as_u64().unwrap_or(0);
    assert!(counted <= upstream, "{rows}");
    assert!(
        counted + 512 >= upstream,
        "{counted} of {upstream}: more than one batch is gone"
    );
    let each = INPUT_TOKENS + 5;
    assert_eq!(rows[0]["total"], counted * each, "rows are whole: {rows}");
}

#[tokio::test]
async fn a_drain_writes_everything() {
    let mut house = House::open().await;
    for _ in 0..20 {
        house.send(&Request::chat("gpt-4o", "hi")).await;
    }
    assert!(house.gateway.sigterm().await.success());
    house.gateway.restart().await;
    let usage = house.control("/control/usage?by=agent").await;
    assert_eq!(usage["rows"][0]["requests"], 20, "{usage}");
}

#[tokio::test]
async fn metrics_count_without_naming_what_callers_make_up() {
    let house = House::open().await;
    house.send(&Request::chat("gpt-4o", "hi")).await;
    house
        .send(&Request::chat("made-up-by-the-caller", "hi"))
        .await;
    house.control("/control/requests?limit=1").await;
    let metrics = Request::get("/metrics").key(&house.gateway.operator_token());
    let text = house.client().send(&metrics).await.text();
    assert!(text.contains("tollgate_requests_total{"), "{text}");
    assert!(text.contains("provider=\"openai\""), "{text}");
    assert!(!text.contains("made-up-by-the-caller"), "{text}");
}

#[tokio::test]
async fn the_record_is_whole_and_a_change_of_it_is_named() {
    let mut house = House::open().await;
    for _ in 0..3 {
        house.send(&Request::chat("gpt-4o", "hi")).await;
    }
    house.gateway.command(&["agents", "add", "ci-bot"]).await;
    let tail = house.gateway.command(&["audit", "tail", "--json"]).await;
    let kinds = tail.json().to_string();
    assert!(
        kinds.contains("agent.added") && kinds.contains("request.finished"),
        "{kinds}"
    );
    let whole = house.gateway.command(&["audit", "verify"]).await;
    assert_eq!(whole.code, Some(0), "{whole:?}");
    house.gateway.sigterm().await;
    let whole = house.gateway.command(&["audit", "verify", "--json"]).await;
    assert_eq!(whole.json()["whole"], true, "{whole:?}");
    assert!(
        whole.json()["checkpoints"].as_u64().unwrap() > 0,
        "{whole:?}"
    );
    // Somebody with the file and a tool makes an answer cheaper.
    let file = house.gateway.home().join("ledger.db");
    let change = std::process::Command::new("python3")
        .arg("-c")
        .arg("import sqlite3,sys;c=sqlite3.connect(sys.argv[1]);[c.execute('DROP TRIGGER '+n) for (n,) in c.execute(\"SELECT name FROM sqlite_master WHERE type='trigger'\").fetchall()];c.execute('UPDATE request SET output=0 WHERE seq=(SELECT min(seq) FROM request)');c.commit()")
        .arg(&file)
        .status()
        .expect("python3 with sqlite3 is installed");
    assert!(change.success());
    let changed = house.gateway.command(&["audit", "verify"]).await;
    assert_eq!(changed.code, Some(1), "{changed:?}");
    assert!(changed.stdout.contains("fault:"), "{changed:?}");
}

#[tokio::test]
async fn old_records_are_pruned_and_the_record_stays_whole() {
    let mut house = House::open().await;
    house.send(&Request::chat("gpt-4o", "hi")).await;
    // Whoever reads makes the writer write first.
    house.control("/control/usage").await;
    let nothing = house
        .gateway
        .command(&["audit", "prune", "--before", "7d"])
        .await;
    assert_eq!(nothing.code, Some(0), "{nothing:?}");
    assert!(
        nothing.stdout.contains("nothing is older than"),
        "{nothing:?}"
    );
    // All of it is older than now.
    let pruned = house
        .gateway
        .command(&["audit", "prune", "--before", "0s", "--json"])
        .await;
    assert_eq!(pruned.code, Some(0), "{pruned:?}");
    assert!(pruned.json()["requests"].as_u64() >= Some(1), "{pruned:?}");
    let future = house
        .gateway
        .command(&["audit", "prune", "--before", "2999-01-01"])
        .await;
    assert_eq!(future.code, Some(1), "{future:?}");
    house.gateway.sigterm().await;
    let whole = house.gateway.command(&["audit", "verify", "--json"]).await;
    assert_eq!(whole.json()["whole"], true, "{whole:?}");
    assert!(
        whole.json()["pruned"]["through"].as_u64() >= Some(1),
        "{whole:?}"
    );
    let export = house.gateway.command(&["audit", "export"]).await;
    assert!(
        export.stdout.contains("\"kind\":\"audit.pruned\""),
        "{export:?}"
    );
    // Whoever takes the kept checkpoint away does not go unnoticed.
    std::fs::remove_file(house.gateway.home().join("audit.head")).unwrap();
    let without = house.gateway.command(&["audit", "verify"]).await;
    assert_eq!(without.code, Some(1), "{without:?}");
    let key = house.gateway.command(&["audit", "key"]).await;
    assert!(key.stdout.starts_with("ed25519:"), "{key:?}");
}
