//! Answers that pass what was set aside for them, and requests that are
//! shortened so that they don't have to be refused.

use serde_json::json;
use tollgate_testkit::{Gate, Request, Script, Wire};

use crate::house::{DIALECTS, FIRST_KEY, House, KEY, model};

fn ask(wire: Wire, max_tokens: u64, stream: bool) -> Request {
    let body = match wire {
        Wire::OpenAi | Wire::Anthropic => {
            json!({"model": model(wire), "max_tokens": max_tokens, "stream": stream,
                "messages": [{"role": "user", "content": "hello"}]})
        }
        Wire::Responses => {
            json!({"model": model(wire), "max_output_tokens": max_tokens, "stream": stream,
                "input": "hello"})
        }
        Wire::Gemini | Wire::GeminiArray => {
            json!({"contents": [{"role": "user", "parts": [{"text": "hello"}]}],
                "generationConfig": {"maxOutputTokens": max_tokens}})
        }
    };
    Request::ask(wire, stream, model(wire))
        .body(body.to_string())
        .key(KEY)
}

/// How a good stream of each dialect ends.
const ENDS: [&str; 4] = ["[DONE]", "message_stop", "response.completed", "STOP"];

async fn with_budget(budget: &str) -> House {
    House::with(budget, &[FIRST_KEY]).await
}

async fn settled(house: &House) -> u64 {
    let budgets = house.control("/control/budgets").await;
    budgets[0]["tokens"]["settled"].as_u64().unwrap()
}

/// What the fake providers report: Anthropic's cached tokens come on top.
fn reported(wire: Wire, words: u64) -> u64 {
    match wire {
        Wire::Anthropic => words + 14,
        _ => words + 11,
    }
}

#[tokio::test]
async fn a_stream_that_passes_its_reservation_is_cut_in_its_own_dialect() {
    for wire in DIALECTS {
        let house = with_budget("budget = 400\n").await;
        let gate = Gate::closed();
        // Ten times what was asked for, and more than the budget has.
        house.provider(wire).otherwise(Script::Stream {
            events: 5000,
            gate: Some(gate.clone()),
        });
        gate.release(2000);
        let mut stream = house.client().open(&ask(wire, 50, true)).await;
        stream.next_event().await.expect("the beginning");
        let id = stream.head.header("x-tollgate-request-id").unwrap();
        let id = id.to_owned();
        let rest = stream.finish().await;
        let (text, events) = (rest.text(), rest.events());
        assert!(text.contains("longer than the"), "{text}");
        for end in ENDS {
            assert!(!text.contains(end), "{wire:?}: {text}");
        }
        let last = events.last().unwrap();
        assert!(last.json()["error"]["message"].is_string(), "{last:?}");
        if matches!(wire, Wire::Anthropic | Wire::Responses) {
            assert_eq!(last.event.as_deref(), Some("error"), "{last:?}");
            assert_eq!(last.json()["type"], "error");
        }
        assert!(events.len() < 450, "{} events", events.len());
        house.provider(wire).wait_for_disconnect().await;
        let story = house.story(&id).await;
        assert_eq!(story["request"]["reason"], "budget_exhausted", "{story}");
        assert_eq!(story["request"]["outcome"], "failed", "{story}");
        // Gemini tells its figures with every part.
        let estimated = !wire.is_gemini();
        assert_eq!(story["request"]["estimated"], estimated, "{story}");
        let used = settled(&house).await;
        // The event that passes it has come already.
        assert!((200..=402).contains(&used), "{used} of 400");
    }
}

#[tokio::test]
async fn an_answer_that_passes_its_reservation_goes_on_where_there_is_room() {
    for wire in DIALECTS {
        let house = with_budget("budget = 100000\n").await;
        house.provider(wire).otherwise(Script::Text { words: 900 });
        let answer = house.client().send(&ask(wire, 50, true)).await;
        let end = answer.text();
        assert!(ENDS.iter().any(|it| end.contains(it)), "{wire:?}: {end}");
        let story = house.story_of(&answer).await;
        assert_eq!(story["request"]["outcome"], "ok", "{story}");
        assert_eq!(settled(&house).await, reported(wire, 900));
        let steps = story["steps"].to_string();
        assert!(steps.contains("of budget `tester`"), "{steps}");
    }
}

#[tokio::test]
async fn a_whole_answer_beyond_its_reservation_is_booked_as_it_is() {
    for wire in DIALECTS {
        let house = with_budget("budget = 400\n").await;
        house.provider(wire).otherwise(Script::Text { words: 900 });
        let answer = house.client().send(&ask(wire, 50, false)).await;
        assert_eq!(answer.status(), 200, "{}", answer.text());
        assert_eq!(settled(&house).await, reported(wire, 900));
        let refused = house.client().send(&ask(wire, 1, false)).await;
        assert_eq!(refused.header("x-tollgate-reason"), Some("cut_off"));
        let story = house.story_of(&refused).await;
        let stopped = &story["steps"][4];
        assert_eq!(stopped["step"], "reserved", "{story}");
        assert!(
            stopped["detail"].as_str().unwrap().contains("\"tester\""),
            "{story}"
        );
    }
}

#[tokio::test]
async fn who_leaves_a_stream_pays_for_what_came() {
    for wire in DIALECTS {
        let house = with_budget("budget = 100000\n").await;
        let gate = Gate::closed();
        house.provider(wire).otherwise(Script::Stream {
            events: 500,
            gate: Some(gate.clone()),
        });
        gate.release(40);
        let mut stream = house.client().open(&ask(wire, 1000, true)).await;
        for _ in 0..20 {
            stream.next_event().await.expect("an event");
        }
        drop(stream);
        let row = house.newest(|row| row["outcome"] == "client_left").await;
        assert_eq!(row["estimated"], true, "{row}");
        assert!(row["output"].as_u64().unwrap() >= 15, "{row}");
        assert!(row["input"].as_u64().unwrap() > 0, "{row}");
    }
}

/// What the gateway may set aside of a budget for the output of this body.
fn left(budget: u64, body: &str) -> u64 {
    budget - body.len() as u64 - 64
}

#[tokio::test]
async fn a_request_is_shortened_to_what_is_left_and_else_untouched() {
    let budget = "budget = 1000\n[budget]\nclamp_max_tokens = true\n";
    let messages = r#""messages": [ {"role":"user","content":"a\u00e9 b"} ]"#;
    for (wire, before) in [
        (
            Wire::OpenAi,
            format!(r#"{{"model":"gpt-4o","max_tokens" : 5000, {messages}}}"#),
        ),
        (
            Wire::OpenAi,
            format!(r#"{{"max_completion_tokens":5e3,"model":"gpt-4o",{messages}, "user":"x"}}"#),
        ),
        (Wire::OpenAi, format!(r#"{{"model":"gpt-4o",{messages} }}"#)),
        (
            Wire::OpenAi,
            format!(r#"{{"model":"gpt-4o","max_tokens":null,{messages}}}"#),
        ),
        (
            Wire::OpenAi,
            format!(
                r#"{{"model":"gpt-4o","max_tokens":100,"max_completion_tokens":5000,{messages}}}"#
            ),
        ),
        (
            Wire::Anthropic,
            format!(r#"{{"max_tokens":5000,"model":"claude-sonnet-4",{messages}}}"#),
        ),
        (
            Wire::Responses,
            r#"{"model":"resp-1", "input":"a\u00e9 b","max_output_tokens" : 5000}"#.to_owned(),
        ),
        (
            Wire::Gemini,
            r#"{"contents":[],"generationConfig":{"seed":1, "maxOutputTokens":5000}}"#.to_owned(),
        ),
        (
            Wire::Gemini,
            r#"{"generation_config":{"max_output_tokens":"5000"} }"#.to_owned(),
        ),
    ] {
        let house = with_budget(budget).await;
        let number = left(1000, &before).to_string();
        let after = if before.contains("null") {
            before.replace("null", &number)
        } else if before.contains("\"5000\"") {
            before.replace("\"5000\"", &number)
        } else if before.contains("5000") {
            before.replace("5000", &number)
        } else if before.contains("5e3") {
            before.replace("5e3", &number)
        } else {
            let open = before.strip_suffix(" }").unwrap();
            format!("{open} ,\"max_tokens\":{number}}}")
        };
        let path = ask(wire, 16, false);
        let answer = house.client().send(&path.body(before)).await;
        assert_eq!(answer.status(), 200, "{}", answer.text());
        let seen = house.provider(wire).requests();
        assert_eq!(String::from_utf8_lossy(&seen[0].body), after);
    }
}

#[tokio::test]
async fn a_request_that_fits_is_not_shortened_and_a_short_answer_is_refused() {
    let budget = "budget = 1000\n[budget]\nclamp_max_tokens = true\nclamp_floor = 700\n";
    let house = with_budget(budget).await;
    house.openai.otherwise(Script::Text { words: 200 });
    let fits = ask(Wire::OpenAi, 300, false);
    assert_eq!(house.client().send(&fits).await.status(), 200);
    assert_eq!(house.openai.requests()[0].json()["max_tokens"], 300);
    let refused = house.client().send(&ask(Wire::OpenAi, 5000, false)).await;
    assert_eq!(refused.status(), 429, "{}", refused.text());
    assert!(refused.text().contains("below 700"), "{}", refused.text());
    // A maximum that a part of the request depends on stays.
    let body = json!({"model": "claude-sonnet-4", "max_tokens": 5000,
        "thinking": {"type": "enabled", "budget_tokens": 4000}, "messages": []});
    let thinks = ask(Wire::Anthropic, 1, false).body(body.to_string());
    let refused = house.client().send(&thinks).await;
    assert_eq!(refused.status(), 429, "{}", refused.text());
    assert_eq!(house.anthropic.requests().len(), 0);
}

#[tokio::test]
async fn a_request_without_any_bound_is_let_through_with_one() {
    let budget = "budget = 1000\n[budget]\nclamp_max_tokens = true\n";
    let house = with_budget(budget).await;
    let body = r#"{"model":"gpt-made-up","max_tokens":-1,"messages":[]}"#;
    let request = ask(Wire::OpenAi, 1, false).body(body);
    let answer = house.client().send(&request).await;
    assert_eq!(answer.status(), 200, "{}", answer.text());
    let seen = house.openai.requests()[0].json();
    assert_eq!(seen["max_tokens"], left(1000, body));
}
