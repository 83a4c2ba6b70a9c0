//! Scripts that hold still until the test lets them go on.

use crate::{WIRES, is_terminated};
use tollgate_testkit::{Client, FakeProvider, Gate, Request, Script, Wire};

#[tokio::test]
async fn a_gated_stream_gives_one_event_a_pass() {
    for wire in WIRES {
        let gate = Gate::closed();
        let provider = FakeProvider::speaking(wire)
            .push(Script::Stream {
                events: 3,
                gate: Some(gate.clone()),
            })
            .start()
            .await;
        let mut stream = Client::new(provider.url())
            .open(&Request::ask(wire, true, "m"))
            .await;
        assert_eq!(stream.head.status, 200, "the head does not wait");
        let head_bytes = provider.sent_bytes();
        for index in 0..3 {
            gate.release(1);
            let word = format!("word{index} ");
            while !stream
                .next_event()
                .await
                .expect("the stream goes on")
                .data
                .contains(&word)
            {}
        }
        assert!(provider.sent_bytes() > head_bytes);
        gate.open();
        let rest = stream.finish().await;
        assert!(is_terminated(wire, &rest), "{}", rest.text());
        provider.wait_for_answers(1).await;
        assert_eq!(provider.disconnects(), 0);
    }
}

#[tokio::test]
async fn a_client_that_leaves_is_noticed() {
    for wire in WIRES {
        let held = Script::Stream {
            events: 3,
            gate: Some(Gate::closed()),
        };
        let stall = Script::Stall {
            events: 1,
            gate: Gate::closed(),
        };
        let provider = FakeProvider::speaking(wire)
            .push(held)
            .push(stall)
            .start()
            .await;
        let client = Client::new(provider.url());
        let open = client.open(&Request::ask(wire, true, "m")).await;
        assert_eq!(provider.disconnects(), 0);
        drop(open);
        provider.wait_for_disconnect().await;

        let mut stalled = client.open(&Request::ask(wire, true, "m")).await;
        while !stalled
            .next_event()
            .await
            .expect("one event comes")
            .data
            .contains("word0")
        {}
        drop(stalled);
        provider.wait_for_disconnects(2).await;
    }
}

#[tokio::test]
async fn a_stall_goes_on_when_released() {
    for wire in WIRES {
        let gate = Gate::closed();
        let script = Script::Stall {
            events: 2,
            gate: gate.clone(),
        };
        let provider = FakeProvider::speaking(wire).push(script).start().await;
        let mut stream = Client::new(provider.url())
            .open(&Request::ask(wire, true, "m"))
            .await;
        while !stream
            .next_event()
            .await
            .expect("two events come")
            .data
            .contains("word1")
        {}
        gate.release(1);
        assert!(is_terminated(wire, &stream.finish().await));
    }
}

#[tokio::test]
async fn a_time_out_takes_the_request_and_says_nothing() {
    let provider = FakeProvider::openai().push(Script::Timeout).start().await;
    let mut socket = Client::new(provider.url()).connect().await;
    socket
        .write(&Request::chat("m", "x").to_bytes("h"))
        .await
        .unwrap();
    provider.wait_for_requests(1).await;
    drop(socket);
    provider.wait_for_disconnect().await;
    assert_eq!(provider.sent_bytes(), 0);
}

#[tokio::test]
async fn any_script_can_be_held_back() {
    let gate = Gate::closed();
    let provider = FakeProvider::openai()
        .push(Script::After(gate.clone(), Box::new(Script::Status500)))
        .start()
        .await;
    let client = Client::new(provider.url());
    let answer = tokio::spawn(async move { client.send(&Request::chat("m", "x")).await.status() });
    provider.wait_for_requests(1).await;
    assert_eq!(provider.sent_bytes(), 0);
    assert!(!answer.is_finished());
    gate.release(1);
    assert_eq!(answer.await.unwrap(), 500);
}

#[tokio::test]
async fn a_dropped_provider_is_gone() {
    let provider = FakeProvider::openai()
        .push(Script::Stream {
            events: 1,
            gate: Some(Gate::closed()),
        })
        .start()
        .await;
    let client = Client::new(provider.url());
    let open = client.open(&Request::ask(Wire::OpenAi, true, "m")).await;
    drop(provider);
    let answer = open.finish().await;
    assert_ne!(answer.ending, tollgate_testkit::Ending::Clean);
    assert!(!client.can_connect().await);
}
