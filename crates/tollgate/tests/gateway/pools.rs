//! Pools of credentials: shares, servers that are down, callers' own
//! credentials, and conversations that stay where they are.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use bytes::Bytes;
use serde_json::{Value, json};
use tollgate_testkit::{Answer, FakeProvider, Gateway, Request, Script, Wire};

use crate::house::{FIRST_KEY, House, KEY, SECOND_KEY, program};

const THIRD_KEY: &str = "sk-third-Vb2Nm6QaZx8WsEd4RfTg1YhUj";
const OWN_KEY: &str = "sk-own-Pk3Lo9MiJu7NhBg5VfCd2XsZa";

fn credential(answer: &Answer) -> &str {
    answer.header("x-tollgate-credential").unwrap_or_default()
}

/// A provider with the tokens given, and an agent.
async fn gateway(provider: &FakeProvider, tokens: &str) -> Gateway {
    let config = format!(
        "[server]\nbind = \"127.0.0.1:0\"\n[providers.openai]\nwire = \"openai\"\nbase_url = \"{}\"\nmodels = [\"gpt-*\"]\n{tokens}\n[agents.tester]\nkeys = [\"{KEY}\"]\n",
        provider.base_url()
    );
    Gateway::builder(program()).config(config).start().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_requests_are_shared_sixty_to_forty_and_the_second_tier_waits() {
    let provider = FakeProvider::openai().start().await;
    let tokens = format!(
        "tokens = [{{ key = \"{FIRST_KEY}\", weight = 60 }}, {{ key = \"{SECOND_KEY}\", weight = 40 }}, {{ key = \"{THIRD_KEY}\", priority = 2 }}]"
    );
    let gateway = gateway(&provider, &tokens).await;
    let tasks = (0..10).map(|_| {
        let client = gateway.client();
        tokio::spawn(async move {
            let mut counts = HashMap::new();
            for _ in 0..100 {
                let answer = client
                    .send(&Request::chat("gpt-4o", "hello").key(KEY))
                    .await;
                assert_eq!(answer.status(), 200, "{}", answer.text());
                *counts.entry(credential(&answer).to_owned()).or_insert(0) += 1;
            }
            counts
        })
    });
    let mut counts: HashMap<String, i32> = HashMap::new();
    for task in tasks.collect::<Vec<_>>() {
        for (credential, count) in task.await.unwrap() {
            *counts.entry(credential).or_insert(0) += count;
        }
    }
    assert!((580..=620).contains(&counts["openai:1"]), "{counts:?}");
    assert!((380..=420).contains(&counts["openai:2"]), "{counts:?}");
    assert_eq!(counts.len(), 2, "{counts:?}");
    // The first tier is out: the second serves, and at the end all are named.
    provider.for_key(FIRST_KEY, Script::Status401);
    provider.for_key(SECOND_KEY, Script::Status429Quota);
    let send = || async {
        gateway
            .client()
            .send(&Request::chat("gpt-4o", "hello").key(KEY))
            .await
    };
    let answer = send().await;
    assert_eq!((answer.status(), credential(&answer)), (200, "openai:3"));
    provider.for_key(THIRD_KEY, Script::Status429Rate { retry_after: 250 });
    let answer = send().await;
    assert_eq!(answer.status(), 429, "{}", answer.text());
    assert_eq!(answer.header("retry-after"), Some("250"));
    let answer = send().await;
    assert_eq!(answer.status(), 503, "{}", answer.text());
    assert!(
        answer.text().contains("1 rate limited")
            && answer.text().contains("1 rejected by the provider"),
        "{}",
        answer.text()
    );
    assert!(
        answer.text().contains("1 out of quota"),
        "{}",
        answer.text()
    );
}

#[tokio::test]
async fn a_server_that_is_down_is_passed_by_until_it_is_back() {
    let down = FakeProvider::openai().start().await;
    let up = FakeProvider::openai().start().await;
    let config = format!(
        r#"[server]
bind = "127.0.0.1:0"
[providers.one]
wire = "openai"
base_url = "{}"
api_key = "{FIRST_KEY}"
[providers.two]
wire = "openai"
base_url = "{}"
api_key = "{SECOND_KEY}"
[[alloys]]
id = "pair"
strategy = "first_available"
constituents = [{{ model = "one/a" }}, {{ model = "two/b" }}]
[agents.tester]
keys = ["{KEY}"]
"#,
        down.base_url(),
        up.base_url()
    );
    let gateway = Gateway::builder(program()).config(config).start().await;
    let send = || async {
        gateway
            .client()
            .send(&Request::chat("pair", "hello").key(KEY))
            .await
    };
    down.otherwise(Script::Status500);
    for _ in 0..5 {
        let answer = send().await;
        assert_eq!((answer.status(), credential(&answer)), (200, "two:1"));
    }
    let asked = down.requests().len();
    // Passed by: no attempt is made there any more.
    let answer = send().await;
    assert_eq!(answer.header("x-tollgate-attempts"), Some("1"));
    assert_eq!(down.requests().len(), asked);
    // Whoever has no other candidate asks it all the same, and so sees that it
    // is back.
    down.otherwise(Script::Text { words: 3 });
    let answer = gateway
        .client()
        .send(&Request::chat("one/a", "hello").key(KEY))
        .await;
    assert_eq!(answer.status(), 200, "{}", answer.text());
    assert_eq!(credential(&send().await), "one:1");
    // Down again; after its pause one request tries it.
    down.otherwise(Script::Status500);
    for _ in 0..5 {
        send().await;
    }
    down.otherwise(Script::Text { words: 3 });
    let begin = Instant::now();
    tollgate_testkit::within("the trial", async {
        while credential(&send().await) != "one:1" {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert!(
        begin.elapsed() > Duration::from_millis(500),
        "{:?}",
        begin.elapsed()
    );
}

#[tokio::test]
async fn a_server_that_loads_its_model_is_asked_again() {
    let house = House::with(
        "[[alloys]]\nid = \"local\"\nstrategy = \"first_available\"\nconstituents = [{ model = \"gpt-4o\" }]\n",
        &[FIRST_KEY],
    )
    .await;
    let loading =
        json!({"error": {"message": "Loading model", "type": "unavailable_error", "code": 503}});
    house.openai.push(Script::json(503, loading.to_string()));
    // The only candidate: it is asked again until it is there.
    let answer = house.send(&Request::chat("local", "hello")).await;
    assert_eq!(answer.status(), 200, "{}", answer.text());
}

fn client_house(first: &FakeProvider, second: &FakeProvider) -> String {
    format!(
        r#"[server]
bind = "127.0.0.1:0"
[providers.own]
wire = "openai"
base_url = "{}"
auth = "client"
[providers.pooled]
wire = "openai"
base_url = "{}"
api_key = "{FIRST_KEY}"
[[alloys]]
id = "pair"
strategy = "first_available"
constituents = [{{ model = "own/a" }}, {{ model = "pooled/b" }}]
[agents.tester]
keys = ["{KEY}"]
"#,
        first.base_url(),
        second.base_url()
    )
}

#[tokio::test]
async fn a_callers_own_credential_goes_to_its_provider_and_nowhere_else() {
    let (own, pooled) = (
        FakeProvider::openai().start().await,
        FakeProvider::openai().start().await,
    );
    let config = client_house(&own, &pooled);
    let gateway = Gateway::builder(program()).config(config).start().await;
    let with_own = |model: &str| {
        Request::chat(model, "hello")
            .key(OWN_KEY)
            .header("x-tollgate-key", KEY)
    };
    let answer = gateway.client().send(&with_own("own/a")).await;
    assert_eq!((answer.status(), credential(&answer)), (200, "own:client"));
    assert_eq!(own.requests()[0].credential.as_deref(), Some(OWN_KEY));
    // In fallback the pool's key is sent, and the caller's is not.
    own.push(Script::Status401);
    let answer = gateway.client().send(&with_own("pair")).await;
    assert_eq!((answer.status(), credential(&answer)), (200, "pooled:1"));
    let seen = pooled.requests();
    assert_eq!(seen[0].credential.as_deref(), Some(FIRST_KEY));
    for request in &seen {
        let head = String::from_utf8_lossy(&request.head);
        assert!(!head.contains(OWN_KEY) && !head.contains(KEY), "{head}");
    }
    for request in own.requests() {
        let head = String::from_utf8_lossy(&request.head);
        assert!(!head.contains(KEY) && !head.contains(FIRST_KEY), "{head}");
    }
    // One caller's bad key bars nobody: the next goes out, and the provider's
    // own answer comes back, without the key that it repeats.
    own.push(Script::EchoCredential);
    let answer = gateway.client().send(&with_own("own/a")).await;
    assert_eq!(answer.status(), 401, "{}", answer.text());
    assert!(!answer.text().contains(OWN_KEY), "{}", answer.text());
    let answer = gateway.client().send(&with_own("own/a")).await;
    assert_eq!(answer.status(), 200, "{}", answer.text());
}

#[tokio::test]
async fn a_tollgate_key_is_never_taken_for_the_callers_own() {
    let (own, pooled) = (
        FakeProvider::openai().start().await,
        FakeProvider::openai().start().await,
    );
    let config = client_house(&own, &pooled);
    let gateway = Gateway::builder(program()).config(config).start().await;
    for request in [
        Request::chat("own/a", "hello").key(KEY),
        Request::chat("own/a", "hello").header("x-tollgate-key", KEY),
        Request::chat("own/a", "hello")
            .key(KEY)
            .header("x-tollgate-key", KEY),
    ] {
        let answer = gateway.client().send(&request).await;
        assert_eq!(answer.status(), 401, "{}", answer.text());
        assert!(
            answer.text().contains("x-tollgate-key"),
            "{}",
            answer.text()
        );
    }
    assert!(own.requests().is_empty());
    // Where a pooled model stands behind it, that one serves.
    let answer = gateway
        .client()
        .send(&Request::chat("pair", "hello").key(KEY))
        .await;
    assert_eq!((answer.status(), credential(&answer)), (200, "pooled:1"));
}

fn turns(text: &str, more: &[Value], extra: &Value) -> Value {
    let mut body = json!({"model": "claude-sonnet-4", "max_tokens": 50, "messages": [{"role": "user", "content": text}]});
    let messages = body["messages"].as_array_mut().unwrap();
    messages.extend(more.iter().cloned());
    let whole = body.as_object_mut().unwrap();
    whole.extend(extra.as_object().unwrap().clone());
    body
}

fn signed() -> Vec<Value> {
    vec![
        json!({"role": "assistant", "content": [{"type": "thinking", "thinking": "…", "signature": "EqQB"}]}),
        json!({"role": "user", "content": "go on"}),
    ]
}

#[tokio::test]
async fn fact_32_a_conversation_with_signatures_stays_with_its_credential() {
    let provider = FakeProvider::anthropic().start().await;
    let keys = [FIRST_KEY, SECOND_KEY, THIRD_KEY];
    let tokens: Vec<_> = keys
        .iter()
        .map(|key| format!("{{ key = \"{key}\" }}"))
        .collect();
    let config = format!(
        "[server]\nbind = \"127.0.0.1:0\"\n[providers.anthropic]\nwire = \"anthropic\"\nbase_url = \"{}\"\nmodels = [\"claude-*\"]\ntokens = [{}]\n[agents.tester]\nkeys = [\"{KEY}\"]\n",
        provider.base_url(),
        tokens.join(", ")
    );
    let gateway = Gateway::builder(program()).config(config).start().await;
    let send = |body: Value| {
        let client = gateway.client();
        async move {
            let answer = client
                .send(&Request::post("/v1/messages", &body).key(KEY))
                .await;
            assert_eq!(answer.status(), 200, "{}", answer.text());
            credential(&answer).to_owned()
        }
    };
    let thinking = json!({"thinking": {"type": "enabled", "budget_tokens": 1024}});
    let nothing = json!({});
    // Three conversations begin; each of the keys serves one.
    let mut first = Vec::new();
    for text in ["one", "two", "three"] {
        first.push((text, send(turns(text, &[], &thinking)).await));
    }
    let distinct: std::collections::HashSet<_> = first.iter().map(|(_, it)| it).collect();
    assert_eq!(distinct.len(), 3, "{first:?}");
    for _ in 0..4 {
        for (text, served) in &first {
            assert_eq!(send(turns(text, &signed(), &nothing)).await, *served);
        }
        // A plain request in between takes its turn.
        send(turns("plain", &[], &nothing)).await;
    }
    // The same beginning once more is a new conversation: it is not pinned.
    let mut again = std::collections::HashSet::new();
    for _ in 0..3 {
        again.insert(send(turns("one", &[], &nothing)).await);
    }
    assert_eq!(again.len(), 3, "{again:?}");
    // The credential is out: the conversation moves, and stays where it went.
    let (text, served) = &first[0];
    let at: usize = served.rsplit(':').next().unwrap().parse().unwrap();
    for _ in 0..2 {
        provider.for_key(keys[at - 1], Script::Status401);
    }
    let moved = send(turns(text, &signed(), &nothing)).await;
    assert_ne!(moved, *served);
    for _ in 0..5 {
        assert_eq!(send(turns(text, &signed(), &nothing)).await, moved);
    }
}

#[tokio::test]
async fn a_stored_response_is_continued_where_it_was_made() {
    let provider = FakeProvider::speaking(Wire::Responses).start().await;
    let tokens = format!(
        "tokens = [{{ key = \"{FIRST_KEY}\" }}, {{ key = \"{SECOND_KEY}\" }}, {{ key = \"{THIRD_KEY}\" }}]"
    );
    let gateway = gateway(&provider, &tokens).await;
    for stream in [false, true] {
        let id = format!("resp_of_{stream}");
        let whole = json!({"id": id, "object": "response", "status": "completed", "model": "gpt-4o", "output": [], "usage": {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2}});
        let events = ["response.created", "response.completed"].map(|kind| {
            let data = json!({"type": kind, "sequence_number": 0, "response": whole});
            Bytes::from(format!("event: {kind}\ndata: {data}\n\n"))
        });
        provider.push(match stream {
            true => Script::Chunks(events.to_vec()),
            false => Script::json(200, whole.to_string()),
        });
        let ask = |more: Value| {
            let mut body = json!({"model": "gpt-4o", "stream": stream, "input": "hello"});
            body.as_object_mut()
                .unwrap()
                .extend(more.as_object().unwrap().clone());
            let client = gateway.client();
            async move {
                let answer = client
                    .send(&Request::post("/v1/responses", &body).key(KEY))
                    .await;
                assert_eq!(answer.status(), 200, "{}", answer.text());
                credential(&answer).to_owned()
            }
        };
        let served = ask(json!({})).await;
        for _ in 0..4 {
            let again = ask(json!({"previous_response_id": id})).await;
            assert_eq!(again, served, "stream={stream}");
        }
    }
}

/// A conversation with proofs whose provider is out goes on at another one of
/// the same dialect, without them, and stays without.
#[tokio::test]
async fn fact_32_a_conversation_that_must_move_leaves_what_is_bound_behind() {
    let providers = [
        FakeProvider::anthropic().start().await,
        FakeProvider::anthropic().start().await,
    ];
    let mut config = "[server]\nbind = \"127.0.0.1:0\"\n".to_owned();
    for (id, provider) in ["one", "two"].iter().zip(&providers) {
        let url = provider.base_url();
        config += &format!(
            "[providers.{id}]\nwire = \"anthropic\"\nbase_url = \"{url}\"\napi_key = \"{FIRST_KEY}{id}\"\n"
        );
    }
    config += &format!(
        "[agents.defaults.model]\nprovider = \"one/claude-a\"\nfallback = [\"two/claude-b\"]\n[agents.tester]\nkeys = [\"{KEY}\"]\n"
    );
    let gateway = Gateway::builder(program()).config(config).start().await;
    let send = |body: Value| {
        let client = gateway.client();
        let mut body = body;
        body["model"] = "one/claude-a".into();
        async move {
            let request = Request::post("/v1/messages", &body).key(KEY);
            let answer = client.send(&request).await;
            assert_eq!(answer.status(), 200, "{}", answer.text());
            answer
        }
    };
    let thinking = json!({"thinking": {"type": "enabled", "budget_tokens": 1024}});
    send(turns("hello", &[], &thinking)).await;
    send(turns("hello", &signed(), &thinking)).await;
    let kept = providers[0].requests()[1].json();
    assert_eq!(kept["messages"][1]["content"][0]["signature"], "EqQB");
    for _ in 0..2 {
        providers[0].push(Script::Status529);
    }
    let answer = send(turns("hello", &signed(), &thinking)).await;
    assert_eq!(answer.header("x-tollgate-provider"), Some("two"));
    for _ in 0..2 {
        let sent = providers[1].requests().pop().unwrap();
        assert!(!sent.json().to_string().contains("EqQB"), "{}", sent.json());
        assert_eq!(sent.json()["messages"][0]["content"], "hello");
        send(turns("hello", &signed(), &thinking)).await;
    }
    let id = answer.header("x-tollgate-request-id").unwrap();
    let why = Request::get(&format!("/control/requests/{id}")).key(&gateway.operator_token());
    let story = tollgate_testkit::within("the row", async {
        loop {
            let answer = gateway.client().send(&why).await;
            if answer.status() == 200 {
                return answer.text();
            }
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert!(
        story.contains("signatures of the provider that the conversation moved from"),
        "{story}"
    );
}
