//! What is particular to OpenAI's Responses and to Gemini.

use serde_json::{Value, json};
use tollgate_testkit::{Client, INPUT_TOKENS, Request, Script, Wire};

use crate::house::{FIRST_KEY, House, KEY, control};

const MODEL: &str = "gemini-2.5-flash";

fn contents() -> Value {
    json!([{"role": "user", "parts": [{"text": "hello"}]}])
}

/// Tools and items that are not known here, with odd spacing: all of it passes.
#[tokio::test]
async fn fact_9_unknown_tools_and_items_pass_byte_for_byte() {
    let house = House::open().await;
    let body = r#"{ "model":"resp-1", "store":false,"input":[ {"type":"message","role":"user","content":"hi"},
        {"type":"reasoning","id":"rs_1","summary":[],"encrypted_content":"gAAAA=="},{"type":"item_of_tomorrow","x":1.50}],
        "include":["reasoning.encrypted_content"],"tools":[{"type":"custom","name":"patch","format":{"type":"grammar"}},
        {"type":"tool_search"},{"type":"web_search"},{"type":"namespace","name":"n","tools":[]}] }"#;
    let request = Request::new("POST", "/v1/responses").body(body);
    let answer = house.send(&request).await;
    assert_eq!(answer.status(), 200, "{}", answer.text());
    let received = &house.responses.requests()[0];
    assert_eq!(received.body, body, "fact 10: encrypted reasoning included");
    assert_eq!(received.target, "/v1/responses");
    assert_eq!(received.credential.as_deref(), Some(FIRST_KEY));
}

#[tokio::test]
async fn only_the_model_of_a_response_is_edited() {
    let house = House::open().await;
    let body = r#"{"input":"hi","model" : "responses/resp-1","x":[1.50]}"#;
    let request = Request::new("POST", "/v1/responses").body(body);
    assert_eq!(house.send(&request).await.status(), 200);
    assert_eq!(
        house.responses.requests()[0].body,
        body.replace("responses/resp-1", "resp-1")
    );
}

/// Every event of a stream, known or not, goes out as it came.
#[tokio::test]
async fn fact_7_a_response_streams_to_its_own_end() {
    let house = House::open().await;
    for script in [Script::Text { words: 4 }, Script::ToolCalls] {
        house.responses.push(script.clone());
        let request = Request::ask(Wire::Responses, true, "resp-1");
        let through = house.send(&request).await;
        house.responses.push(script);
        let direct = Client::new(house.responses.url()).send(&request).await;
        assert_eq!(through.text(), direct.text());
        assert!(!through.text().contains("[DONE]"));
        let story = house.story_of(&through).await;
        assert_eq!(story["request"]["outcome"], "ok", "{story}");
        assert_eq!(story["request"]["estimated"], false, "{story}");
        assert_eq!(story["request"]["cache_read"], 3, "{story}");
        assert_eq!(story["request"]["input"], INPUT_TOKENS - 3, "{story}");
    }
}

/// What would be fetched later can't be metered, and what is stored belongs
/// to an account that is not known.
#[tokio::test]
async fn stored_and_background_responses_are_refused_with_a_hint() {
    let house = House::open().await;
    for (method, path) in [
        ("GET", "/v1/responses/resp_1"),
        ("DELETE", "/v1/responses/resp_1"),
        ("POST", "/v1/responses/resp_1/cancel"),
        ("GET", "/v1/responses/resp_1/input_items"),
    ] {
        let answer = house.send(&Request::new(method, path)).await;
        assert_eq!(answer.status(), 501, "{path}: {}", answer.text());
        assert!(answer.text().contains("store"), "{}", answer.text());
    }
    let body = json!({"model": "resp-1", "input": "hi", "background": true});
    let answer = house.send(&Request::post("/v1/responses", &body)).await;
    assert_eq!(answer.status(), 400, "{}", answer.text());
    assert_eq!(answer.json()["error"]["param"], "background");
    assert!(house.responses.requests().is_empty());
}

#[tokio::test]
async fn tokens_of_a_response_are_counted_for_nothing() {
    let house = House::open().await;
    let body = json!({"model": "resp-1", "input": "hi"});
    let request = Request::post("/v1/responses/input_tokens", &body);
    let answer = house.send(&request).await;
    assert_eq!(answer.json()["input_tokens"], INPUT_TOKENS);
    let story = house.story_of(&answer).await;
    assert_eq!(story["request"]["input"], 0, "{story}");
    assert_eq!(story["request"]["estimated"], false, "{story}");
}

#[tokio::test]
async fn fact_19_the_path_names_the_model_in_every_spelling() {
    let house = House::with(
        "[[model_shortcuts]]\nalias = \"fast\"\nmodel = \"google/gemini-2.5-flash\"\n",
        &[FIRST_KEY],
    )
    .await;
    for (path, sent) in [
        (
            "/v1beta/models/gemini-2.5-flash",
            "/v1beta/models/gemini-2.5-flash",
        ),
        ("/v1/models/gemini-2.5-flash", "/v1/models/gemini-2.5-flash"),
        (
            "/v1beta/models/google/gemini-2.5-flash",
            "/v1beta/models/gemini-2.5-flash",
        ),
        (
            "/v1beta/models/google%2Fgemini-2.5-flash",
            "/v1beta/models/gemini-2.5-flash",
        ),
        ("/v1beta/models/fast", "/v1beta/models/gemini-2.5-flash"),
    ] {
        for method in ["generateContent", "streamGenerateContent", "countTokens"] {
            let body = format!("{{ \"contents\":{} }}", contents());
            let request = Request::new("POST", &format!("{path}:{method}"));
            let answer = house.send(&request.body(body.clone())).await;
            assert_eq!(answer.status(), 200, "{path}: {}", answer.text());
            let received = house.gemini.requests().pop().unwrap();
            assert_eq!(received.target, format!("{sent}:{method}"));
            assert_eq!(received.body, body, "nothing to edit, nothing edited");
            assert_eq!(answer.header("x-tollgate-model"), Some(MODEL));
        }
    }
}

/// The caller's key comes in either way of Gemini's clients, and neither goes
/// on, nor into the log.
#[tokio::test]
async fn a_key_in_the_query_is_taken_out_of_it() {
    let house = House::open().await;
    let body = json!({"contents": contents()});
    let path = format!("/v1beta/models/{MODEL}:streamGenerateContent");
    for target in [
        format!("{path}?alt=sse&key={KEY}"),
        format!("{path}?key={KEY}&alt=sse"),
        format!("{path}?k%65y={KEY}&alt=sse"),
    ] {
        let answer = house.client().send(&Request::post(&target, &body)).await;
        assert_eq!(answer.status(), 200, "{}", answer.text());
    }
    let header = Request::post(&format!("{path}?alt=sse"), &body).header("x-goog-api-key", KEY);
    assert_eq!(house.client().send(&header).await.status(), 200);
    for received in house.gemini.requests() {
        assert_eq!(received.target, format!("{path}?alt=sse"));
        assert_eq!(received.header("x-goog-api-key"), Some(FIRST_KEY));
        assert_eq!(received.header("authorization"), None);
        assert!(!String::from_utf8_lossy(&received.head).contains(KEY));
    }
    let wrong = format!("{path}?key=tg-00000000-wrong");
    let answer = house.client().send(&Request::post(&wrong, &body)).await;
    assert_eq!(answer.status(), 401);
    assert_eq!(answer.json()["error"]["status"], "UNAUTHENTICATED");
    let said = house.gateway.stdout() + &house.gateway.stderr();
    assert!(!said.contains(KEY) && !said.contains("tg-00000000-wrong"));
    let rows = house.control("/control/requests?limit=9").await;
    assert!(!rows.to_string().contains(KEY));
}

#[tokio::test]
async fn fact_20_usage_of_gemini_is_booked_once() {
    let house = House::open().await;
    for (wire, stream) in [
        (Wire::Gemini, false),
        (Wire::Gemini, true),
        (Wire::GeminiArray, true),
    ] {
        let answer = house.send(&Request::ask(wire, stream, MODEL)).await;
        let story = house.story_of(&answer).await;
        let read = |key: &str| story["request"][key].as_u64().unwrap();
        assert_eq!(read("input"), INPUT_TOKENS - 3, "{story}");
        assert_eq!((read("cache_read"), read("output")), (3, 5), "{story}");
        assert_eq!(story["request"]["estimated"], false, "{story}");
        assert_eq!(story["request"]["dialect"], "gemini", "{story}");
    }
}

#[tokio::test]
async fn counting_and_embedding_answer() {
    let house = House::open().await;
    let ask = |method: &str, body: &Value| {
        Request::post(&format!("/v1beta/models/google/{MODEL}:{method}"), body)
    };
    let count = ask("countTokens", &json!({"contents": contents()}));
    let answer = house.send(&count).await;
    assert_eq!(answer.json()["totalTokens"], INPUT_TOKENS);
    assert_eq!(house.story_of(&answer).await["request"]["input"], 0);

    // The body names the model as well, and is edited with the path.
    let content = json!({"parts": [{"text": "hello"}]});
    let named = json!({"model": format!("models/google/{MODEL}"), "content": content});
    let answer = house.send(&ask("embedContent", &named)).await;
    assert_eq!(answer.json()["embedding"]["values"][0], 0.25);
    let received = house.gemini.requests().pop().unwrap();
    assert_eq!(received.json()["model"], format!("models/{MODEL}"));
    let story = house.story_of(&answer).await;
    assert_eq!(story["request"]["estimated"], true, "{story}");

    let answer = house
        .send(&ask(
            "batchEmbedContents",
            &json!({"requests": [named, named]}),
        ))
        .await;
    assert_eq!(answer.status(), 200, "{}", answer.text());
    let received = house.gemini.requests().pop().unwrap().json();
    assert_eq!(received["requests"][1]["model"], format!("models/{MODEL}"));
}

/// Attack: another model, or another answer, than what was judged.
#[tokio::test]
async fn what_was_judged_is_what_is_served() {
    let house = House::open().await;
    let body = json!({"contents": contents()});
    let other = json!({"contents": contents(), "model": "models/gemini-2.5-pro"});
    let batch = json!({"requests": [{"model": "models/gemini-embedding-001"}]});
    let both = json!({"generationConfig": {"maxOutputTokens": 1, "max_output_tokens": 9999}});
    let twice = json!({"generationConfig": {"maxOutputTokens": 1}, "generation_config": {}});
    for (target, body) in [
        ("generateContent", &other),
        ("batchEmbedContents", &batch),
        ("countTokens", &json!({"generateContentRequest": other})),
        ("generateContent", &both),
        ("generateContent", &twice),
        ("generateContent?fields=candidates", &body),
        ("generateContent?%24fields=candidates", &body),
        ("generateContent?callback=x", &body),
        ("generateContent?access_token=x", &body),
        ("streamGenerateContent?alt=sse&alt=json", &body),
        ("streamGenerateContent?alt=proto", &body),
    ] {
        let request = Request::post(&format!("/v1beta/models/{MODEL}:{target}"), body);
        let answer = house.send(&request).await;
        assert_eq!(answer.status(), 400, "{target}: {}", answer.text());
        assert_eq!(
            answer.json()["error"]["status"],
            "INVALID_ARGUMENT",
            "{target}"
        );
    }
    for name in [
        "gemini-%",
        "gemini-%ff",
        "google/gemini-2.5-flash/../../other",
    ] {
        let request = Request::post(&format!("/v1beta/models/{name}:generateContent"), &body);
        let answer = house.send(&request).await;
        assert!(answer.status() >= 400, "{name}: {}", answer.text());
    }
    assert!(house.gemini.requests().is_empty());
    let masked = Request::post(&format!("/v1beta/models/{MODEL}:generateContent"), &body)
        .header("x-goog-fieldmask", "candidates")
        .header("x-http-method-override", "GET")
        .header("x-goog-user-project", "someone-else");
    assert_eq!(house.send(&masked).await.status(), 200);
    let head = String::from_utf8_lossy(&house.gemini.requests()[0].head).to_lowercase();
    for name in ["fieldmask", "override", "user-project"] {
        assert!(!head.contains(name), "{head}");
    }
}

/// A blocked prompt has no candidate and is whole all the same; a candidate
/// without its reason is not.
#[tokio::test]
async fn a_blocked_prompt_is_an_answer() {
    let house = House::open().await;
    let blocked = r#"{"promptFeedback":{"blockReason":"SAFETY"},"usageMetadata":{"promptTokenCount":9,"totalTokenCount":9}}"#;
    for (wire, chunks) in [
        (Wire::Gemini, vec![format!("data: {blocked}\r\n\r\n")]),
        (
            Wire::GeminiArray,
            vec![format!("[{blocked}"), "\n]".to_owned()],
        ),
    ] {
        let chunks: Vec<bytes::Bytes> = chunks.into_iter().map(Into::into).collect();
        let expected = chunks.concat();
        house.gemini.push(Script::Chunks(chunks));
        let answer = house.send(&Request::ask(wire, true, MODEL)).await;
        assert_eq!(answer.body, expected, "{wire:?}");
        let story = house.story_of(&answer).await;
        assert_eq!(story["request"]["outcome"], "ok", "{story}");
        assert_eq!(story["request"]["input"], 9, "{story}");
    }
}

#[tokio::test]
async fn models_are_listed_in_geminis_shape() {
    let more = "[[model_shortcuts]]\nalias = \"fast\"\nmodel = \"google/gemini-2.5-flash\"\n";
    let house = House::with(more, &[FIRST_KEY]).await;
    let list = house
        .send(&Request::get("/v1beta/models?pageSize=50"))
        .await
        .json();
    let names: Vec<_> = list["models"].as_array().unwrap().iter().collect();
    assert!(
        names.iter().any(|row| row["name"] == "models/fast"),
        "{list}"
    );
    let older = Request::get("/v1/models").header("x-goog-api-key", KEY);
    let older = house.client().send(&older).await.json();
    assert_eq!(older, list);
    for path in [
        "/v1beta/models/fast",
        "/v1beta/models/google%2Fgemini-2.5-flash",
    ] {
        let one = house.send(&Request::get(path)).await.json();
        assert!(
            one["supportedGenerationMethods"].is_array(),
            "{path}: {one}"
        );
    }
    let unknown = house.send(&Request::get("/v1beta/models/nothing")).await;
    assert_eq!(unknown.status(), 404);
    assert_eq!(unknown.json()["error"]["status"], "NOT_FOUND");
}

#[tokio::test]
async fn errors_are_in_the_callers_dialect() {
    let house = House::open().await;
    for (path, status, name) in [
        ("/v1beta/models/nothing:generateContent", 404, "NOT_FOUND"),
        (
            "/v1beta/models/gpt-4o:embedContent",
            400,
            "INVALID_ARGUMENT",
        ),
        ("/v1beta/models/gemini-2.5-flash:predict", 404, "NOT_FOUND"),
        ("/v1beta/files", 404, "NOT_FOUND"),
    ] {
        let request = Request::post(path, &json!({"contents": contents()}));
        let answer = house.send(&request).await;
        assert_eq!(answer.status(), status, "{path}: {}", answer.text());
        let error = &answer.json()["error"];
        assert_eq!(
            (&error["code"], &error["status"]),
            (&json!(status), &json!(name))
        );
    }
    let body = json!({"model": "gemini-2.5-flash", "input": "hi"});
    let request = Request::post("/v1/embeddings", &body);
    let answer = house.send(&request).await;
    assert_eq!(answer.status(), 400, "another wire: {}", answer.text());
    assert_eq!(answer.json()["error"]["code"], "unsupported_dialect");
}

/// Defaults of the agent and the maximum that a budget counts on go where each
/// dialect has them.
#[tokio::test]
async fn defaults_stand_where_the_dialect_has_them() {
    let house = House::with(
        "[agents.defaults.model]\ntemperature = 0.5\nmax_tokens = 77\n",
        &[FIRST_KEY],
    )
    .await;
    house.send(&Request::response("resp-1", "hi", false)).await;
    let sent = house.responses.requests()[0].json();
    assert_eq!(
        (&sent["max_output_tokens"], &sent["temperature"]),
        (&json!(77), &json!(0.5))
    );
    for (config, expected) in [
        (None, json!({"temperature": 0.5, "maxOutputTokens": 77})),
        (
            Some(json!({})),
            json!({"temperature": 0.5, "maxOutputTokens": 77}),
        ),
        (
            Some(json!({"max_output_tokens": 5, "seed": 1})),
            json!({"temperature": 0.5, "max_output_tokens": 5, "seed": 1}),
        ),
        (
            Some(json!({"topP": 1, "maxOutputTokens": 5})),
            json!({"topP": 1, "maxOutputTokens": 5}),
        ),
    ] {
        let mut body = json!({"contents": contents()});
        if let Some(config) = config {
            body["generationConfig"] = config;
        }
        let request = Request::post(&format!("/v1beta/models/{MODEL}:generateContent"), &body);
        assert_eq!(house.send(&request).await.status(), 200);
        let sent = house.gemini.requests().pop().unwrap().json();
        assert_eq!(sent["generationConfig"], expected);
        assert_eq!(sent["contents"], contents());
    }
}

/// No route goes round a budget: what fits is settled to what was used, what
/// does not fit or can't be bounded is refused.
#[tokio::test]
async fn budgets_hold_in_both_dialects() {
    let more = "budget = 5000\n";
    let house = House::with(more, &[FIRST_KEY]).await;
    let used = async || {
        let shown = control(&house.gateway, "/control/budgets").await;
        shown[0]["tokens"]["settled"].as_u64().unwrap()
    };
    let gemini = |config: Value| {
        let body = json!({"contents": contents(), "generationConfig": config});
        Request::post(&format!("/v1beta/models/{MODEL}:generateContent"), &body)
    };
    let response = |more: Value| {
        let mut body = json!({"model": "resp-1", "input": "hi", "max_output_tokens": 50});
        body.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        Request::post("/v1/responses", &body)
    };
    for (request, settled) in [
        (gemini(json!({"maxOutputTokens": 50})), 16),
        (response(json!({})), 32),
    ] {
        let answer = house.send(&request).await;
        assert_eq!(answer.status(), 200, "{}", answer.text());
        assert_eq!(used().await, settled);
    }
    for (request, status) in [
        (gemini(json!({"maxOutputTokens": 5000})), 429),
        (
            gemini(json!({"maxOutputTokens": 1000, "candidateCount": 8})),
            429,
        ),
        (response(json!({"max_output_tokens": 5000})), 429),
        (response(json!({"tools": [{"type": "web_search"}]})), 400),
        (response(json!({"previous_response_id": "resp_0"})), 400),
    ] {
        let answer = house.send(&request).await;
        assert_eq!(answer.status(), status, "{}", answer.text());
        assert_eq!(answer.header("x-tollgate-reason"), Some("budget_exhausted"));
    }
    assert_eq!(used().await, 32);
}
