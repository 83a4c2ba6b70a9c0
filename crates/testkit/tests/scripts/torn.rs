//! Streams and answers that don't end as they should.

use crate::{WIRES, is_terminated, play, words};
use bytes::Bytes;
use tollgate_testkit::{Client, Ending, FakeProvider, Request, Script, Wire};

#[tokio::test]
async fn cuts_and_resets_end_as_they_say() {
    let table = [
        (Script::Cut { events: 2 }, Ending::Clean, 2),
        (Script::CutMidEvent, Ending::Cut, 1),
        (Script::ResetAfterHeaders, Ending::Reset, 0),
        (Script::ResetAfterFirstEvent, Ending::Reset, 1),
        (Script::BadChunkEncoding, Ending::BadFraming, 1),
    ];
    for wire in WIRES {
        for (script, ending, events) in &table {
            let answer = play(wire, true, script.clone()).await;
            assert_eq!(answer.status(), 200, "{wire:?} {script:?}");
            assert_eq!(answer.ending, *ending, "{wire:?} {script:?}");
            assert_eq!(words(wire, &answer).len(), *events, "{wire:?} {script:?}");
            assert!(!is_terminated(wire, &answer), "{wire:?} {script:?}");
        }
    }
}

#[tokio::test]
async fn a_cut_event_is_half_an_event() {
    for wire in WIRES {
        let answer = play(wire, true, Script::CutMidEvent).await;
        assert!(!answer.text().ends_with("\n\n"));
        assert!(answer.text().contains("word0"));
    }
}

#[tokio::test]
async fn a_reset_before_the_first_byte_leaves_no_head() {
    for wire in WIRES {
        let provider = FakeProvider::speaking(wire)
            .push(Script::ResetBeforeFirstByte)
            .start()
            .await;
        let request = Request::ask(wire, true, "m").to_bytes("h");
        assert!(
            Client::new(provider.url())
                .try_open_raw(&request)
                .await
                .is_none()
        );
        assert_eq!(provider.sent_bytes(), 0);
        assert_eq!(provider.requests().len(), 1);
    }
}

#[tokio::test]
async fn odd_events_stand_between_good_ones() {
    for wire in WIRES {
        for script in [Script::BadChunk, Script::InvalidUtf8] {
            let answer = play(wire, true, script.clone()).await;
            assert_eq!(answer.ending, Ending::Clean);
            assert!(is_terminated(wire, &answer));
            let events = answer.events();
            let odd: Vec<_> = events
                .iter()
                .filter(|event| event.data != "[DONE]")
                .filter(|event| {
                    let data = event
                        .raw
                        .windows(6)
                        .position(|window| window == b"data: ")
                        .unwrap();
                    serde_json::from_slice::<serde_json::Value>(&event.raw[data + 6..]).is_err()
                })
                .collect();
            assert_eq!(odd.len(), 1, "{wire:?} {script:?}");
            let is_text = std::str::from_utf8(&odd[0].raw).is_ok();
            assert_eq!(is_text, matches!(script, Script::BadChunk));
        }
    }
}

#[tokio::test]
async fn errors_come_inside_a_200() {
    for wire in WIRES {
        let first = play(wire, true, Script::ErrorIn200).await;
        let later = play(wire, true, Script::ErrorAfterFirstEvent).await;
        let whole = play(wire, false, Script::ErrorIn200).await;
        for answer in [&first, &later, &whole] {
            assert_eq!((answer.status(), &answer.ending), (200, &Ending::Clean));
        }
        let message =
            |event: &tollgate_testkit::SseEvent| event.json().pointer("/error/message").is_some();
        assert!(message(&first.events()[0]));
        assert!(
            later
                .events()
                .iter()
                .any(|event| event.data != "[DONE]" && message(event))
        );
        assert_eq!(words(wire, &later).len(), 1);
        assert!(whole.json()["error"]["message"].is_string());
        // OpenAI's servers do close such a stream with their terminator
        assert_eq!(is_terminated(wire, &later), wire == Wire::OpenAi);
    }
}

#[tokio::test]
async fn bodies_that_are_not_what_the_head_says() {
    for wire in WIRES {
        let page = play(wire, false, Script::NotJson).await;
        assert_eq!(
            (page.status(), page.header("content-type")),
            (200, Some("text/html"))
        );
        let short = play(wire, false, Script::WrongLength).await;
        assert_eq!(short.ending, Ending::Cut);
        let promised: usize = short.header("content-length").unwrap().parse().unwrap();
        assert_eq!(promised, short.body.len() + 100);
    }
}

#[tokio::test]
async fn raw_bytes_and_chunks_go_out_as_they_are() {
    let raw =
        Bytes::from_static(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\nabc");
    let answer = play(Wire::OpenAi, false, Script::Raw(raw.clone())).await;
    assert_eq!(&answer.head.raw[..], &raw[..raw.len() - 3]);
    let garbage = FakeProvider::openai()
        .push(Script::Raw(Bytes::from_static(b"\0\x01garbage")))
        .start()
        .await;
    assert!(
        Client::new(garbage.url())
            .try_open_raw(&Request::chat("m", "x").to_bytes("h"))
            .await
            .is_none()
    );

    let pieces = vec![
        Bytes::from_static(b": hello\r\n\r"),
        Bytes::from_static(b"\ndata: x\n\n"),
    ];
    let answer = play(Wire::OpenAi, true, Script::Chunks(pieces)).await;
    assert_eq!(answer.text(), ": hello\r\n\r\ndata: x\n\n");
    assert_eq!(answer.ending, Ending::Clean);
}
