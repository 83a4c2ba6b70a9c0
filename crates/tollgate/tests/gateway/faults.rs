//! The fault table: every way in which a provider was seen to fail, in every
//! dialect, before and after the first byte.

use bytes::Bytes;
use serde_json::Value;
use tollgate_testkit::{Answer, Ending, Gate, Request, Script, SseEvent, Wire};

use crate::house::{DIALECTS, FIRST_KEY, House, SECOND_KEY, WIRES, model};

/// Faults before the first byte: script, fault class in the ledger, and what a
/// caller sees where no other credential is left (Anthropic's own last).
fn before_the_first_byte() -> Vec<(&'static str, Script, &'static str, [u16; 2])> {
    vec![
        (
            "429 rate",
            Script::Status429Rate { retry_after: 7 },
            "rate_limit",
            [429, 429],
        ),
        ("429 quota", Script::Status429Quota, "quota", [429, 429]),
        ("401", Script::Status401, "auth_error", [502, 502]),
        ("403", Script::Status403, "auth_error", [502, 502]),
        ("500", Script::Status500, "server_error", [502, 502]),
        ("529", Script::Status529, "server_error", [503, 529]),
        ("time-out", Script::Timeout, "timeout", [504, 504]),
        (
            "reset before the first byte",
            Script::ResetBeforeFirstByte,
            "connection",
            [502, 502],
        ),
        ("not JSON", Script::NotJson, "bad_answer", [502, 502]),
        (
            "wrong length",
            Script::WrongLength,
            "connection",
            [502, 502],
        ),
        (
            "endless headers",
            Script::EndlessHeaders { mib: 4 },
            "bad_answer",
            [502, 502],
        ),
        (
            "error in 200",
            Script::ErrorIn200,
            "server_error",
            [502, 502],
        ),
        (
            "redirect",
            Script::Redirect {
                location: "http://127.0.0.1:1/".into(),
            },
            "bad_answer",
            [502, 502],
        ),
    ]
}

/// Faults after the first event, and the reason in the ledger.
fn after_the_first_byte() -> Vec<(&'static str, Script, &'static str)> {
    vec![
        ("reset", Script::ResetAfterFirstEvent, "upstream_cut"),
        ("cut", Script::Cut { events: 2 }, "upstream_cut"),
        ("cut within an event", Script::CutMidEvent, "upstream_cut"),
        (
            "stall",
            Script::Stall {
                events: 1,
                gate: Gate::closed(),
            },
            "upstream_stalled",
        ),
        ("bad chunk", Script::BadChunk, "upstream_bad_answer"),
        (
            "bad chunk framing",
            Script::BadChunkEncoding,
            "upstream_cut",
        ),
        (
            "error event",
            Script::ErrorAfterFirstEvent,
            "upstream_error_event",
        ),
        ("invalid UTF-8", Script::InvalidUtf8, "upstream_bad_answer"),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_before_the_first_byte_moves_on_to_the_next_credential() {
    let mut cases = Vec::new();
    for wire in WIRES {
        for stream in [false, true] {
            for (name, script, class, _) in before_the_first_byte() {
                cases.push((wire, stream, name, script, class));
            }
            for (name, script) in [
                ("reset after headers", Script::ResetAfterHeaders),
                (
                    "bad first event",
                    Script::Chunks(vec![Bytes::from_static(b"data: {no\n\n")]),
                ),
            ] {
                if stream {
                    let class = if name == "bad first event" {
                        "bad_answer"
                    } else {
                        "connection"
                    };
                    cases.push((wire, stream, name, script, class));
                }
            }
        }
    }
    // A gateway each: a credential that failed must not be resting already.
    for chunk in cases.chunks(8) {
        let shown = chunk
            .iter()
            .cloned()
            .map(|case| tokio::spawn(moves_on(case)));
        for shown in shown.collect::<Vec<_>>() {
            shown.await.unwrap();
        }
    }
}

async fn moves_on((wire, stream, name, script, class): (Wire, bool, &str, Script, &str)) {
    let house = House::impatient(&[FIRST_KEY, SECOND_KEY]).await;
    // Often enough for a repeat on the same credential.
    for _ in 0..3 {
        house.provider(wire).for_key(FIRST_KEY, script.clone());
    }
    let answer = house.send(&Request::ask(wire, stream, model(wire))).await;
    let case = format!("{wire:?} stream={stream} {name}");
    let class = class_in(wire, stream, name, class);
    assert_eq!(answer.status(), 200, "{case}: {}", answer.text());
    assert_ended_well(wire, stream, &answer, &case);
    let credential = answer.header("x-tollgate-credential").unwrap();
    assert!(credential.ends_with(":2"), "{case}: {credential}");
    let story = house.story_of(&answer).await;
    let text = story.to_string();
    assert_eq!(story["request"]["outcome"], "ok", "{case}: {text}");
    assert!(text.contains(class), "{case}: {text}");
    assert_eq!(
        story["request"]["estimated"],
        may_be_billed(name),
        "{case}: {text}"
    );
}

/// An answer of the wrong length is one object: where a list is streamed, that
/// is seen before its end is missed.
fn class_in<'c>(wire: Wire, stream: bool, fault: &str, class: &'c str) -> &'c str {
    match (wire, stream, fault) {
        (Wire::GeminiArray, true, "wrong length") => "bad_answer",
        _ => class,
    }
}

/// Whether the provider may have worked on it before it failed.
fn may_be_billed(fault: &str) -> bool {
    [
        "time-out",
        "reset before the first byte",
        "not JSON",
        "wrong length",
        "endless headers",
        "reset after headers",
        "bad first event",
    ]
    .contains(&fault)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_with_nobody_left_is_an_error_of_the_callers_dialect() {
    let mut cases = Vec::new();
    for wire in WIRES {
        for (name, script, class, statuses) in before_the_first_byte() {
            cases.push((wire, name, script, class, statuses));
        }
    }
    for chunk in cases.chunks(8) {
        let shown = chunk
            .iter()
            .cloned()
            .map(|case| tokio::spawn(nobody_left(case)));
        for shown in shown.collect::<Vec<_>>() {
            shown.await.unwrap();
        }
    }
}

async fn nobody_left((wire, name, script, class, statuses): (Wire, &str, Script, &str, [u16; 2])) {
    let house = House::impatient(&[FIRST_KEY]).await;
    house.provider(wire).otherwise(script);
    let answer = house.send(&Request::ask(wire, true, model(wire))).await;
    let case = format!("{wire:?} {name}");
    let class = class_in(wire, true, name, class);
    let expected = statuses[usize::from(wire == Wire::Anthropic)];
    assert_eq!(answer.status(), expected, "{case}: {}", answer.text());
    assert_error_body(wire, &answer.json(), &case);
    let reason = answer.header("x-tollgate-reason").unwrap();
    assert!(reason.starts_with("upstream_"), "{case}: {reason}");
    if name == "429 rate" {
        assert_eq!(answer.header("retry-after"), Some("7"), "{case}");
    }
    let story = house.story_of(&answer).await;
    assert_eq!(story["request"]["outcome"], "failed", "{case}: {story}");
    assert_eq!(story["request"]["status"], expected, "{case}: {story}");
    assert!(story.to_string().contains(class), "{case}: {story}");
    let booked = story["request"]["input"].as_u64().unwrap();
    assert_eq!(booked > 0, may_be_billed(name), "{case}: {story}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_after_the_first_byte_is_an_error_event() {
    let cases = WIRES.into_iter().flat_map(|wire| {
        after_the_first_byte()
            .into_iter()
            .map(move |(name, script, reason)| (wire, name, script, reason))
    });
    let cases: Vec<_> = cases.collect();
    for chunk in cases.chunks(8) {
        let shown = chunk
            .iter()
            .cloned()
            .map(|case| tokio::spawn(ends_in_an_error(case)));
        for shown in shown.collect::<Vec<_>>() {
            shown.await.unwrap();
        }
    }
}

async fn ends_in_an_error((wire, name, script, reason): (Wire, &str, Script, &str)) {
    let house = House::impatient(&[FIRST_KEY, SECOND_KEY]).await;
    house.provider(wire).push(script);
    let answer = house.send(&Request::ask(wire, true, model(wire))).await;
    let case = format!("{wire:?} {name}");
    assert_eq!(answer.status(), 200, "{case}");
    assert_eq!(
        answer.ending,
        Ending::Clean,
        "{case}: the error event must arrive"
    );
    let events = answer.events();
    if wire == Wire::GeminiArray {
        assert_array_ends_in_an_error(&answer, &case);
    } else {
        assert_events_end_in_an_error(wire, &events, &case);
    }
    let text = answer.text();
    for terminator in [
        "[DONE]",
        "message_stop",
        "response.completed",
        "finishReason",
    ] {
        assert!(!text.contains(terminator), "{case}: {text}");
    }
    assert_eq!(
        house.provider(wire).requests().len(),
        1,
        "{case}: never repeated after the first byte"
    );
    let story = house.story_of(&answer).await;
    assert_eq!(story["request"]["outcome"], "failed", "{case}: {story}");
    assert_eq!(story["request"]["reason"], reason, "{case}: {story}");
    assert!(
        story["request"]["input"].as_u64().unwrap() > 0,
        "{case}: booked: {story}"
    );
}

fn assert_events_end_in_an_error(wire: Wire, events: &[SseEvent], case: &str) {
    assert!(
        events.len() >= 2,
        "{case}: the first event went out: {events:?}"
    );
    for event in events {
        let whole = event.raw.ends_with(b"\n\n") || event.raw.ends_with(b"\r\n\r\n");
        assert!(whole, "{case}: whole events only: {event:?}");
    }
    let (last, before) = events.split_last().unwrap();
    assert_error_body(wire, &last.json(), case);
    let named = matches!(wire, Wire::Anthropic | Wire::Responses);
    assert_eq!(last.event.as_deref(), named.then_some("error"), "{case}");
    if wire == Wire::Responses {
        let number = |event: &SseEvent| event.json()["sequence_number"].as_u64().unwrap();
        let numbers: Vec<_> = before.iter().map(number).collect();
        let expected: Vec<_> = (0..before.len() as u64).collect();
        assert_eq!(numbers, expected, "{case}");
        assert_eq!(number(last), before.len() as u64, "{case}");
    }
}

/// The JSON stays valid: parts that came, and the error as the last element.
fn assert_array_ends_in_an_error(answer: &Answer, case: &str) {
    let elements = answer.json();
    let elements = elements.as_array().unwrap();
    let (last, before) = elements.split_last().unwrap();
    assert!(!before.is_empty(), "{case}: the first part went out");
    assert!(
        before.iter().all(|it| it["candidates"].is_array()),
        "{case}"
    );
    assert_error_body(Wire::GeminiArray, last, case);
}

#[tokio::test]
async fn what_is_wrong_with_the_request_the_provider_says_itself() {
    let house = House::impatient(&[FIRST_KEY, SECOND_KEY]).await;
    for wire in DIALECTS {
        house.provider(wire).push(Script::Status400);
        let answer = house.send(&Request::ask(wire, false, model(wire))).await;
        assert_eq!(answer.status(), 400, "{wire:?}");
        assert!(
            answer.text().contains("field X is wrong"),
            "{wire:?}: {}",
            answer.text()
        );
        assert_eq!(
            house.provider(wire).requests().len(),
            1,
            "{wire:?}: not repeated"
        );
    }
}

#[tokio::test]
async fn a_full_context_is_said_at_once() {
    let house = House::impatient(&[FIRST_KEY, SECOND_KEY]).await;
    for wire in DIALECTS {
        house.provider(wire).push(Script::Status400Context);
        let answer = house.send(&Request::ask(wire, false, model(wire))).await;
        assert_eq!(answer.status(), 400, "{wire:?}: {}", answer.text());
        let reason = answer.header("x-tollgate-reason");
        assert_eq!(reason, Some("upstream_context_overflow"), "{wire:?}");
        assert_eq!(
            house.provider(wire).requests().len(),
            1,
            "{wire:?}: another key has the same window"
        );
    }
}

#[tokio::test]
async fn a_compressed_answer_is_a_fault() {
    let house = House::impatient(&[FIRST_KEY]).await;
    let raw = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-encoding: gzip\r\ncontent-length: 2\r\n\r\n\x1f\x8b";
    house.openai.otherwise(Script::Raw(Bytes::from_static(raw)));
    let answer = house.send(&Request::chat("gpt-4o", "hello")).await;
    assert_eq!(answer.status(), 502, "{}", answer.text());
    assert!(answer.text().contains("compressed"), "{}", answer.text());
}

#[tokio::test]
async fn a_huge_line_is_refused_within_bounded_memory() {
    let house = House::impatient(&[FIRST_KEY]).await;
    house.openai.otherwise(Script::HugeLine { mib: 64 });
    let answer = house.send(&Request::chat_stream("gpt-4o", "hello")).await;
    assert_eq!(answer.status(), 502, "{}", answer.text());
    let memory = house.gateway.anonymous_memory();
    assert!(
        memory < 64 << 20,
        "{} MiB anonymous after a 64 MiB line",
        memory >> 20
    );
}

fn assert_ended_well(wire: Wire, stream: bool, answer: &Answer, case: &str) {
    assert_eq!(answer.ending, Ending::Clean, "{case}");
    let end = match (wire, stream) {
        (Wire::OpenAi, true) => "data: [DONE]",
        (Wire::Anthropic, true) => "message_stop",
        (Wire::OpenAi, false) => "\"choices\"",
        (Wire::Anthropic, false) => "\"content\"",
        (Wire::Responses, true) => "event: response.completed",
        (Wire::Responses, false) => "\"completed\"",
        (Wire::Gemini | Wire::GeminiArray, _) => "\"finishReason\":\"STOP\"",
    };
    assert!(answer.text().contains(end), "{case}: {}", answer.text());
}

fn assert_error_body(wire: Wire, body: &Value, case: &str) {
    let message = &body["error"]["message"];
    assert!(
        message.as_str().is_some_and(|text| !text.is_empty()),
        "{case}: {body}"
    );
    match wire {
        Wire::OpenAi | Wire::Responses => {
            assert!(body["error"]["type"].is_string(), "{case}: {body}");
        }
        Wire::Gemini | Wire::GeminiArray => {
            assert!(body["error"]["code"].is_u64(), "{case}: {body}");
            assert!(body["error"]["status"].is_string(), "{case}: {body}");
        }
        Wire::Anthropic => assert_eq!(body["type"], "error", "{case}: {body}"),
    }
}
