//! `/passthrough/{provider}/…`: as it is, and under the same budgets.

use serde_json::json;
use tollgate_llm::{Dialect, Endpoint};
use tollgate_testkit::{Request, Script};

use crate::house::{DIALECTS, FIRST_KEY, House, KEY};

const FILES: &str = r#"
[[providers.openai.passthrough]]
method = "POST"
path = "/files/*"
tokens = 300
usd = 0.25
[[providers.openai.passthrough]]
method = "DELETE"
path = "/files/*"
tokens = 0
"#;

async fn house(agent: &str) -> House {
    House::with(&format!("{agent}{FILES}"), &[FIRST_KEY]).await
}

fn post(target: &str, body: &str) -> Request {
    let json = "application/json";
    let request = Request::new("POST", target).header("content-type", json);
    request.body(body.to_owned()).key(KEY)
}

async fn settled(house: &House) -> u64 {
    let budgets = house.control("/control/budgets").await;
    budgets[0]["tokens"]["settled"].as_u64().unwrap()
}

#[tokio::test]
async fn a_known_endpoint_goes_through_byte_for_byte_and_is_metered() {
    let house = house("budget = 2000\n").await;
    house.openai.otherwise(Script::Text { words: 600 });
    house.anthropic.otherwise(Script::Text { words: 600 });
    let body = "{ \"max_tokens\":700 ,\"model\":\"gpt-4o\", \"messages\":[ ], \"x\":1.50}";
    for stream in ["", ",\"stream\":true"] {
        let body = body.replace(",\"model\"", &format!("{stream},\"model\""));
        let target = "/passthrough/openai/chat/completions?a=b%2F..&c";
        let answer = house.client().send(&post(target, &body)).await;
        assert_eq!(answer.status(), 200, "{}", answer.text());
        let seen = house.openai.requests().pop().unwrap();
        assert_eq!(seen.target, "/v1/chat/completions?a=b%2F..&c");
        assert_eq!(String::from_utf8_lossy(&seen.body), body);
        assert_eq!(seen.credential.as_deref(), Some(FIRST_KEY));
        let story = house.story_of(&answer).await;
        assert_eq!(story["request"]["endpoint"], "/passthrough", "{story}");
        assert_eq!(story["request"]["model_asked"], "openai/gpt-4o", "{story}");
        house.control("/control/budgets").await;
    }
    let used = settled(&house).await;
    assert!(used >= 611 * 2, "{used}");
    let refused = house
        .client()
        .send(&post("/passthrough/openai/chat/completions", body))
        .await;
    assert_eq!(refused.status(), 429, "{}", refused.text());
    assert_eq!(
        refused.header("x-tollgate-reason"),
        Some("budget_exhausted")
    );
    let body = r#"{"model":"claude-sonnet-4","messages":[]}"#;
    let target = "/passthrough/anthropic/v1/messages/count_tokens";
    let counted = house.client().send(&post(target, body)).await;
    assert_eq!(counted.status(), 200, "{}", counted.text());
    assert_eq!(
        house.anthropic.requests()[0].path(),
        "/v1/messages/count_tokens"
    );
}

#[tokio::test]
async fn nothing_is_edited_into_what_goes_through_so_it_must_be_bounded() {
    let more =
        "budget = 5000\n[budget]\nclamp_max_tokens = true\n[models.defaults]\nmax_output = 10\n";
    let house = house(more).await;
    let target = "/passthrough/openai/chat/completions";
    let endless = post(target, r#"{"model":"gpt-made-up","messages":[]}"#);
    let refused = house.client().send(&endless).await;
    assert_eq!(refused.status(), 400, "{}", refused.text());
    let long = post(
        target,
        r#"{"model":"gpt-4o","max_tokens":9000,"messages":[]}"#,
    );
    let refused = house.client().send(&long).await;
    assert_eq!(refused.status(), 429, "{}", refused.text());
    assert_eq!(house.openai.requests().len(), 0);
}

#[tokio::test]
async fn what_is_stated_counts_and_lists_are_free() {
    let house = house("budget = 500\n").await;
    house.openai.otherwise(Script::json(200, "{\"ok\": 1 }"));
    let list = Request::get("/passthrough/openai/models/gpt-4o").key(KEY);
    let answer = house.client().send(&list).await;
    assert_eq!(answer.status(), 200, "{}", answer.text());
    let seen = house.openai.requests().pop().unwrap();
    assert_eq!((&*seen.target, seen.body.len()), ("/v1/models/gpt-4o", 0));
    assert_eq!(seen.header("content-length"), None);
    assert_eq!(settled(&house).await, 0);
    let upload = post("/passthrough/openai/files/a", "not json \u{7f}");
    let answer = house.client().send(&upload).await;
    assert_eq!(answer.status(), 200, "{}", answer.text());
    assert_eq!(house.openai.requests()[1].body, "not json \u{7f}");
    let budgets = house.control("/control/budgets").await;
    assert_eq!(budgets[0]["tokens"]["settled"], 300, "{budgets}");
    assert_eq!(budgets[0]["usd"]["settled"], "0.25", "{budgets}");
    let story = house.story_of(&answer).await;
    assert_eq!(story["request"]["input"], 300, "{story}");
    let refused = house.client().send(&upload).await;
    assert_eq!(refused.status(), 429, "{}", refused.text());
    let remove = Request::new("DELETE", "/passthrough/openai/files/a").key(KEY);
    assert_eq!(house.client().send(&remove).await.status(), 200);
    let seen = house.openai.requests().pop().unwrap();
    assert_eq!((&*seen.method, &*seen.target), ("DELETE", "/v1/files/a"));
    assert_eq!(house.openai.requests().len(), 3);
}

#[tokio::test]
async fn what_is_not_on_the_list_is_refused_with_what_is() {
    let house = house("allowed_models = [\"openai/gpt-*\"]\n").await;
    let send = async |method: &str, target: &str| {
        let request = Request::new(method, target).key(KEY);
        house.client().send(&request).await
    };
    let refused = send("POST", "/passthrough/openai/fine_tuning/jobs").await;
    assert_eq!(refused.status(), 403, "{}", refused.text());
    for listed in ["POST /chat/completions", "GET /models/*", "POST /files/*"] {
        assert!(refused.text().contains(listed), "{}", refused.text());
    }
    let other = send("POST", "/passthrough/anthropic/v1/batches").await;
    assert_eq!(other.json()["type"], "error", "its own dialect");
    assert_eq!(
        send("GET", "/passthrough/nobody/models").await.status(),
        404
    );
    // The agent may use gpt models, and nothing else of the provider.
    assert_eq!(
        send("GET", "/passthrough/openai/models").await.status(),
        403
    );
    let stranger = Request::get("/passthrough/nobody/models").key("tg-not-known-here");
    assert_eq!(house.client().send(&stranger).await.status(), 401);
    assert_eq!(house.openai.requests().len(), 0);
    let row = house.newest(|row| row["status"] == 401).await;
    assert_eq!(row["endpoint"], "/passthrough", "{row}");
}

#[tokio::test]
async fn no_spelling_of_a_path_leaves_the_base_url() {
    let house = house("").await;
    for target in [
        "/passthrough/openai/../admin",
        "/passthrough/openai/files/../../admin",
        "/passthrough/openai/files/..",
        "/passthrough/openai/files/%2e%2e/admin",
        "/passthrough/openai/files%2f..%2fadmin",
        "/passthrough/openai/files/..%5cadmin",
        "/passthrough/openai//admin",
        "/passthrough/openai/files//a",
        "/passthrough/openai/files/./a",
        "/passthrough/openai@evil/files/a",
        "/passthrough/openai%2ffiles/a",
        "/passthrough/../passthrough/openai/admin",
        "/passthrough//openai/files/a",
        "/passthrough/openai",
        "/passthrough/",
        "/passthrough",
        "/passthrough/openai/files/a;b",
        "/passthrough/OpenAI/files/a",
    ] {
        let answer = house.client().send(&post(target, "{}")).await;
        assert!(
            matches!(answer.status(), 403 | 404),
            "{target}: {}",
            answer.status()
        );
    }
    let authority = house.gateway.url().trim_start_matches("http://").to_owned();
    let absolute = format!(
        "POST http://evil.example/passthrough/openai/files/a HTTP/1.1\r\nhost: {authority}\r\nauthorization: Bearer {KEY}\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{{}}"
    );
    let answer = house
        .client()
        .open_raw(absolute.as_bytes())
        .await
        .finish()
        .await;
    assert!(
        matches!(answer.status(), 200 | 400 | 403 | 404),
        "{}",
        answer.status()
    );
    for seen in house.openai.requests() {
        assert_eq!(seen.target, "/v1/files/a", "where it said, at the provider");
    }
}

/// Whatever a caller asks for under a budget of nothing costs nothing.
#[tokio::test]
async fn no_route_goes_round_the_budget() {
    let house = house("budget = 0\n").await;
    for endpoint in Endpoint::ALL {
        let (provider, model) = match endpoint.dialect() {
            Dialect::OpenAi => ("openai", "gpt-4o"),
            Dialect::Anthropic => ("anthropic", "claude-sonnet-4"),
            Dialect::Gemini => ("google", "gemini-2.5-flash"),
        };
        let path = endpoint.path().replace("{model}", model);
        let below = endpoint.upstream_path(&path, model).unwrap();
        for target in [path.clone(), format!("/passthrough/{provider}{below}")] {
            for stream in [false, true] {
                let mut body = json!({"max_tokens": 1, "max_output_tokens": 1, "contents": [],
                    "input": "x", "prompt": "x", "stream": stream, "messages": []});
                if endpoint.dialect() != Dialect::Gemini {
                    body["model"] = model.into();
                }
                let answer = house.client().send(&post(&target, &body.to_string())).await;
                assert_ne!(answer.status(), 500, "{target}: {}", answer.text());
            }
        }
    }
    for target in [
        "/v1/responses",
        "/v1/audio/speech",
        "/v1/audio/transcriptions",
        "/v1/images/generations",
        "/v1/batches",
        "/v1/engines/gpt-4o/completions",
        "/v1/chat/completions/",
        "/v1//chat/completions",
        "/v1/./chat/completions",
        "/v1/chat%2Fcompletions",
        "/V1/chat/completions",
        "/chat/completions",
        "/v1beta/models/gpt-4o:generateContent",
        "/v1beta/models/openai%2Fgpt-4o:streamGenerateContent",
        "/v1beta/models/gemini-2.5-flash:batchGenerateContent",
        "/v1beta/tunedModels/x:generateContent",
        "/v1beta/cachedContents",
        "/v1beta/files",
        "/v1/responses/resp_1",
        "/v1/responses/compact",
        "/passthrough/google/v1beta/models/gemini-2.5-flash:predict",
        "/passthrough/google/v1beta/files",
        "/passthrough/openai/files/a",
        "/passthrough/openai/batches",
        "/passthrough/openai/responses",
        "/passthrough/openai/models",
    ] {
        for method in ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"] {
            let body = json!({"model": "gpt-4o", "max_tokens": 1, "input": "x", "messages": []});
            let request = Request::new(method, target).body(body.to_string()).key(KEY);
            house.client().send(&request).await;
        }
    }
    for wire in DIALECTS {
        for seen in house.provider(wire).requests() {
            let said = (&*seen.method, seen.path());
            let counts = [
                "/v1/messages/count_tokens",
                "/v1/responses/input_tokens",
                "/v1beta/models/gemini-2.5-flash:countTokens",
            ];
            let free = said.0 == "POST" && counts.contains(&said.1);
            let listed = seen.method == "GET" && seen.path().contains("/models");
            let removed = said == ("DELETE", "/v1/files/a");
            assert!(free || listed || removed, "{said:?}");
        }
    }
    assert_eq!(settled(&house).await, 0);
}
