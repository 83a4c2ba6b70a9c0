//! Streams that end well, and callers that leave.

use tollgate_testkit::{Gate, INPUT_TOKENS, Request, Script, Wire};

use crate::house::{DIALECTS, House, KEY, WIRES, model};
use crate::matrix::heard::{is_whole, said};

#[tokio::test]
async fn events_go_out_as_they_come() {
    let house = House::open().await;
    for wire in WIRES {
        let gate = Gate::closed();
        house.provider(wire).push(Script::Stream {
            events: 3,
            gate: Some(gate.clone()),
        });
        let request = Request::ask(wire, true, model(wire)).key(KEY);
        gate.release(1);
        let mut stream = house.client().open(&request).await;
        // The second event is still held at the provider.
        let first = stream.next_bytes().await.expect("the first event is out");
        assert!(!first.is_empty());
        gate.open();
        let rest = stream.finish().await.text();
        let ends = ["[DONE]", "message_stop", "response.completed", "STOP"];
        assert!(
            ends.iter().any(|end| rest.contains(end)),
            "{wire:?}: {rest}"
        );
    }
}

#[tokio::test]
async fn usage_is_asked_for_and_stripped() {
    let house = House::open().await;
    let answer = house.send(&Request::chat_stream("gpt-4o", "hello")).await;
    let received = &house.openai.requests()[0];
    assert!(received.wants_usage(), "asked for on the caller's behalf");
    for event in answer
        .events()
        .iter()
        .filter(|event| event.data != "[DONE]")
    {
        assert!(event.json()["usage"].is_null(), "stripped: {}", event.data);
        assert_ne!(event.json()["choices"].as_array().map(Vec::len), Some(0));
    }
    let story = house.story_of(&answer).await;
    let read = |key: &str| story["request"][key].as_u64().unwrap();
    assert_eq!(read("input") + read("cache_read"), INPUT_TOKENS);
    assert_eq!(story["request"]["output"], 5);
    assert_eq!(story["request"]["estimated"], false);
}

#[tokio::test]
async fn usage_that_the_caller_asked_for_stays() {
    let house = House::open().await;
    let body = serde_json::json!({"model": "gpt-4o", "stream": true, "messages": [],
        "stream_options": {"include_usage": true}});
    let answer = house
        .send(&Request::post("/v1/chat/completions", &body))
        .await;
    let received = &house.openai.requests()[0];
    assert_eq!(
        received.body,
        body.to_string(),
        "nothing to edit, nothing edited"
    );
    let usage = answer
        .events()
        .iter()
        .any(|event| event.data.contains("prompt_tokens"));
    assert!(usage, "{}", answer.text());
}

#[tokio::test]
async fn a_stream_without_usage_is_estimated_and_marked() {
    let house = House::open().await;
    for wire in WIRES {
        house
            .provider(wire)
            .push(Script::StreamWithoutUsage { events: 4 });
        let answer = house.send(&Request::ask(wire, true, model(wire))).await;
        let story = house.story_of(&answer).await;
        assert_eq!(story["request"]["outcome"], "ok", "{wire:?}: {story}");
        assert_eq!(story["request"]["estimated"], true, "{wire:?}: {story}");
        assert!(
            story["request"]["output"].as_u64().unwrap() > 0,
            "{wire:?}: {story}"
        );
    }
}

#[tokio::test]
async fn a_caller_that_leaves_is_booked() {
    let house = House::open().await;
    for wire in WIRES {
        let gate = Gate::closed();
        house.provider(wire).push(Script::Stream {
            events: 50,
            gate: Some(gate.clone()),
        });
        gate.release(2);
        let request = Request::ask(wire, true, model(wire)).key(KEY);
        let mut stream = house.client().open(&request).await;
        stream.next_bytes().await.expect("the first event is out");
        let id = stream
            .head
            .header("x-tollgate-request-id")
            .unwrap()
            .to_owned();
        drop(stream);
        house.provider(wire).wait_for_disconnect().await;
        let story = house.story(&id).await;
        assert_eq!(
            story["request"]["outcome"], "client_left",
            "{wire:?}: {story}"
        );
        assert!(
            story["request"]["input"].as_u64().unwrap() > 0,
            "{wire:?}: {story}"
        );
    }
}

#[tokio::test]
async fn a_caller_that_leaves_before_the_answer_cancels_it() {
    let house = House::open().await;
    house.openai.push(Script::Timeout);
    let mut socket = house.client().connect().await;
    let request = Request::chat("gpt-4o", "hello").key(KEY);
    let authority = house.gateway.url().trim_start_matches("http://");
    socket.write(&request.to_bytes(authority)).await.unwrap();
    house.openai.wait_for_requests(1).await;
    drop(socket);
    house.openai.wait_for_disconnect().await;
    let row = house.newest(|_| true).await;
    assert_eq!(row["outcome"], "client_left", "{row}");
}

#[tokio::test]
async fn parallel_tool_calls_pass_as_fragments() {
    let house = House::open().await;
    for wire in WIRES {
        house.provider(wire).push(Script::ToolCalls);
        let through = house.send(&Request::ask(wire, true, model(wire))).await;
        house.provider(wire).push(Script::ToolCalls);
        let url = house.provider(wire).url();
        let direct = tollgate_testkit::Client::new(url)
            .send(&Request::ask(wire, true, model(wire)))
            .await;
        assert_eq!(through.text(), direct.text(), "{wire:?}: byte for byte");
    }
}

/// SDKs take JSON for a stream without any events, and end it cleanly.
#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_does_not_stream_is_streamed_for() {
    let house = House::apart().await;
    for to in DIALECTS {
        let direct = house.send(&Request::ask(to, false, model(to))).await;
        let expected = said(to, false, &direct);
        // Of Gemini's own array one object is no list, and told as such.
        let listed = |caller: &Wire| (*caller, to) == (Wire::GeminiArray, Wire::Gemini);
        for caller in WIRES.into_iter().filter(|caller| !listed(caller)) {
            house.provider(to).push(Script::json(200, direct.text()));
            let answer = house.send(&Request::ask(caller, true, model(to))).await;
            let case = format!("{caller:?} at {to:?}: {}", answer.text());
            assert_eq!(answer.status(), 200, "{case}");
            assert_eq!(said(caller, true, &answer).trim_end(), expected, "{case}");
            assert!(is_whole(caller, &answer), "{case}");
            let kind = answer.header("content-type").unwrap();
            assert_eq!(
                kind.starts_with("text/event-stream"),
                caller != Wire::GeminiArray,
                "{kind}"
            );
            let story = house.story_of(&answer).await.to_string();
            assert!(story.contains("although a stream was asked for"), "{story}");
            assert!(story.contains("\"estimated\":false"), "{story}");
        }
    }
}
