//! What an operator sees: credentials in depth, and models as providers have
//! them.

use serde_json::Value;
use tollgate_testkit::{FakeProvider, Gateway, Request, Script};

use crate::house::{FIRST_KEY, House, KEY, SECOND_KEY, control, program};

#[tokio::test]
async fn a_revoked_and_a_limited_key_are_seen_as_such() {
    let house = House::open().await;
    house.openai.for_key(FIRST_KEY, Script::Status401);
    house
        .openai
        .for_key(SECOND_KEY, Script::Status429Rate { retry_after: 120 });
    let answer = house.send(&Request::chat("gpt-4o", "hello")).await;
    assert_ne!(answer.status(), 200);

    let status = house.control("/control/status?deep=1").await;
    let profiles = status["profiles"].as_array().unwrap();
    let of = |id: &str| profiles.iter().find(|it| it["profileId"] == id).unwrap();
    let (revoked, limited, unused) = (of("openai:1"), of("openai:2"), of("anthropic:1"));
    assert_eq!(revoked["standing"], "invalid");
    assert_eq!(revoked["lastFault"], "auth_error");
    assert_eq!(limited["standing"], "cooling");
    assert_eq!(limited["lastFault"], "rate_limit");
    assert!(
        limited["cooldownLeftMs"].as_u64() > Some(60_000),
        "{limited}"
    );
    assert!(limited["lastFaultAt"].as_u64() >= limited["lastUsedAt"].as_u64());
    assert_eq!(limited["weight"], 100);
    assert_eq!(
        (&revoked["priority"], &limited["priority"]),
        (&1.into(), &2.into())
    );
    assert_eq!(unused["standing"], "ready");

    // The five names that scripts rely on are always there.
    for profile in house.control("/control/profiles").await.as_array().unwrap() {
        for name in [
            "profileId",
            "requestsCount",
            "lastUsedAt",
            "cooldownUntil",
            "failureCount",
        ] {
            assert!(profile.get(name).is_some(), "{name}: {profile}");
        }
        assert!(!profile.to_string().contains("sk-"), "{profile}");
    }

    let shown = house.gateway.command(&["status", "--deep"]).await;
    let text = shown.stdout;
    for words in [
        "invalid",
        "until a reload",
        "cooling",
        "auth_error",
        "rate_limit",
        " ago",
    ] {
        assert!(text.contains(words), "`{words}` is not in:\n{text}");
    }
    assert!(!text.contains('\u{1b}'), "no colours into a pipe:\n{text}");
    assert!(!text.contains(FIRST_KEY) && !text.contains(SECOND_KEY));
    let json = house.gateway.command(&["status", "--deep", "--json"]).await;
    assert_eq!(json.json()["profiles"].as_array().map(Vec::len), Some(8));
    let metrics = Request::get("/metrics").key(&house.gateway.operator_token());
    let metrics = house.client().send(&metrics).await.text();
    let line = "tollgate_credentials{provider=\"openai\",state=\"invalid\"} 1";
    assert!(metrics.contains(line), "{metrics}");
}

#[tokio::test]
async fn models_are_asked_of_every_provider_at_once_and_none_holds_up_another() {
    let openai = FakeProvider::openai()
        .models(["gpt-4o", "brand-new"])
        .start()
        .await;
    let silent = FakeProvider::anthropic()
        .for_key(FIRST_KEY, Script::Timeout)
        .start()
        .await;
    let revoked = FakeProvider::openai()
        .for_key(SECOND_KEY, Script::Status401)
        .start()
        .await;
    let nobody = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap()
    };
    let config = format!(
        r#"[server]
bind = "127.0.0.1:0"
[providers.openai]
wire = "openai"
base_url = "{}"
api_key = "{FIRST_KEY}"
models = ["gpt-4o*"]
[providers.silent]
wire = "anthropic"
base_url = "{}"
api_key = "{FIRST_KEY}"
[providers.revoked]
wire = "openai"
base_url = "{}"
api_key = "{SECOND_KEY}"
[providers.gone]
wire = "openai"
base_url = "http://{nobody}/v1"
[[model_shortcuts]]
alias = "fast"
model = "openai/gpt-4o-mini"
[agents.tester]
keys = ["{KEY}"]
"#,
        openai.base_url(),
        silent.base_url(),
        revoked.base_url(),
    );
    let gateway = Gateway::builder(program()).config(config).start().await;

    let known = control(&gateway, "/control/models").await;
    let mini = row(&known, "gpt-4o-mini");
    assert_eq!(mini["provider"], "openai");
    assert!(mini["context_window"].as_u64() > Some(10_000), "{mini}");
    assert!(mini["input_usd_per_million"].as_f64() > Some(0.0), "{mini}");
    assert!(mini.get("live").is_none());

    let listing = gateway
        .command(&["models", "list", "--live", "--json"])
        .await;
    let live = listing.json();
    assert_eq!(row(&live, "gpt-4o")["live"], "served");
    assert_eq!(row(&live, "fast")["live"], "not_listed");
    assert_eq!(row(&live, "openai/brand-new")["live"], "served");
    for (provider, words) in [
        ("silent", "no answer in"),
        ("revoked", "401 auth_error"),
        ("gone", "connect to"),
    ] {
        let row = row(&live, provider);
        assert_eq!(
            (&row["kind"], &row["live"]),
            (&"provider".into(), &"failed".into())
        );
        assert!(row["error"].as_str().unwrap().contains(words), "{row}");
        assert!(row["probe_ms"].is_u64(), "{row}");
        assert!(!row.to_string().contains("sk-"), "{row}");
    }
    // A probe counts nowhere and cools nobody down.
    for profile in control(&gateway, "/control/profiles")
        .await
        .as_array()
        .unwrap()
    {
        let counted = (&profile["requestsCount"], &profile["standing"]);
        assert_eq!(counted, (&0.into(), &"ready".into()), "{profile}");
    }
    let one = ["models", "list", "--live", "--provider", "openai"];
    let text = gateway.command(&one).await.stdout;
    assert!(
        text.contains("brand-new") && !text.contains("silent"),
        "{text}"
    );
    let none = gateway
        .command(&["models", "list", "--provider", "nobody"])
        .await;
    assert_eq!(none.code, Some(1));
    assert!(
        none.stderr.contains("no provider `nobody`"),
        "{}",
        none.stderr
    );
    assert!(
        none.stderr.contains("openai, silent, revoked, gone"),
        "{}",
        none.stderr
    );
}

fn row<'v>(models: &'v Value, id: &str) -> &'v Value {
    let rows = models.as_array().unwrap();
    let found = rows.iter().find(|row| row["id"] == id);
    found.unwrap_or_else(|| panic!("no `{id}` in {models:#}"))
}

#[tokio::test]
async fn the_ring_of_recent_requests_is_as_large_as_it_was_made() {
    let house = House::with("[monitoring]\nring_buffer_size = 3\n", &[FIRST_KEY]).await;
    for number in 0..5 {
        house
            .send(&Request::chat("gpt-4o", &number.to_string()))
            .await;
    }
    let recent = house.control("/control/requests?limit=3").await;
    let ids: Vec<_> = recent
        .as_array()
        .unwrap()
        .iter()
        .map(|it| &it["id"])
        .collect();
    assert_eq!(ids.len(), 3);
    // What no longer stands in memory comes from the ledger.
    let all = house.control("/control/requests?limit=100").await;
    let all = all.as_array().unwrap();
    assert_eq!(all.len(), 5);
    assert!(
        all.iter().zip(&ids).all(|(row, id)| row["id"] == **id),
        "newest first"
    );
}
