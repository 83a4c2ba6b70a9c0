//! Counting tokens at every provider.

use serde_json::{Value, json};
use tollgate_testkit::{Answer, INPUT_TOKENS, Request, Script, Wire};

use crate::house::{DIALECTS, FIRST_KEY, House, model};

/// The dialects that have an endpoint for it.
const COUNTING: [Wire; 3] = [Wire::Anthropic, Wire::Responses, Wire::Gemini];

fn count(caller: Wire, model: &str) -> Request {
    match caller {
        Wire::Anthropic => {
            let turns = json!([{"role": "user", "content": "How long is this?"}]);
            let body = json!({"model": model, "system": "Be brief.", "messages": turns});
            Request::post("/v1/messages/count_tokens", &body)
                .header("anthropic-version", "2023-06-01")
        }
        Wire::Gemini | Wire::GeminiArray => {
            let contents = json!([{"role": "user", "parts": [{"text": "How long is this?"}]}]);
            let path = format!("/v1beta/models/{model}:countTokens");
            Request::post(&path, &json!({"contents": contents}))
        }
        _ => {
            let body = json!({"model": model, "input": "How long is this?"});
            Request::post("/v1/responses/input_tokens", &body)
        }
    }
}

fn counted(caller: Wire, answer: &Answer) -> Option<u64> {
    let body = answer.json();
    match caller {
        Wire::Gemini | Wire::GeminiArray => body["totalTokens"].as_u64(),
        _ => body["input_tokens"].as_u64(),
    }
}

/// Where the provider was asked, and what stands in what it was sent.
fn asked(to: Wire, house: &House) -> (String, Value) {
    let last = house.provider(to).requests().pop().unwrap();
    (last.target.clone(), last.json())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_dialect_counts_at_every_provider() {
    let house = House::apart().await;
    for caller in COUNTING {
        for to in DIALECTS {
            let case = format!("{caller:?} at {to:?}");
            let answer = house.send(&count(caller, model(to))).await;
            assert_eq!(answer.status(), 200, "{case}: {}", answer.text());
            let tokens = counted(caller, &answer).unwrap();
            let mark = answer.header("x-tollgate-estimate");
            if to == Wire::OpenAi {
                // Chat has no endpoint for it.
                assert_eq!(mark, Some("tokenizer"), "{case}");
                assert!((3..40).contains(&tokens), "{case}: {tokens}");
                assert!(house.openai.requests().is_empty(), "{case}");
                continue;
            }
            assert_eq!((tokens, mark), (INPUT_TOKENS, None), "{case}");
            let (path, sent) = asked(to, &house);
            let (at, text) = match to {
                Wire::Anthropic => ("/v1/messages/count_tokens", "/messages/0/content"),
                Wire::Responses => ("/v1/responses/input_tokens", "/input"),
                _ => (":countTokens", ""),
            };
            assert!(path.ends_with(at), "{case}: {path}");
            let said = sent.pointer(text).unwrap_or(&sent).to_string();
            assert!(said.contains("How long is this?"), "{case}: {sent}");
            for refused in [
                "max_tokens",
                "store",
                "max_output_tokens",
                "generationConfig",
            ] {
                assert_eq!(sent.get(refused), None, "{case}: {sent}");
            }
            let row = house.story_of(&answer).await["request"].clone();
            assert_eq!(row["outcome"], "ok", "{case}: {row}");
            assert_eq!(row["input"], 0, "counting costs nothing: {row}");
        }
    }
}

/// Imitators have no such endpoint; neither has a chat server that is taken
/// for OpenAI itself.
#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_does_not_count_is_counted_for() {
    let house = House::open().await;
    for to in [Wire::OpenAi, Wire::Anthropic, Wire::Responses, Wire::Gemini] {
        for caller in COUNTING {
            house
                .provider(to)
                .push(Script::json(404, r#"{"detail":"Not Found"}"#));
            let answer = house.send(&count(caller, model(to))).await;
            assert_eq!(
                answer.status(),
                200,
                "{caller:?} at {to:?}: {}",
                answer.text()
            );
            assert_eq!(answer.header("x-tollgate-estimate"), Some("tokenizer"));
            assert!(counted(caller, &answer).unwrap() > 3, "{}", answer.text());
            let told = house.story_of(&answer).await.to_string();
            assert!(told.contains("counted here by the tokenizer"), "{told}");
            assert!(told.contains("answered 404"), "{told}");
        }
    }
}

/// Other faults are faults: nothing is made up where a provider could count and
/// does not just now.
#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_fails_to_count_is_a_fault() {
    let house = House::with("", &[FIRST_KEY]).await;
    for to in COUNTING {
        for (script, status) in [(Script::Status400, 400), (Script::Status401, 502)] {
            house.provider(to).push(script);
            let answer = house.send(&count(to, model(to))).await;
            assert_eq!(answer.status(), status, "{to:?}: {}", answer.text());
            assert_eq!(answer.header("x-tollgate-estimate"), None, "{to:?}");
        }
    }
}
