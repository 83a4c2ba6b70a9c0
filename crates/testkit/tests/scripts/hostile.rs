//! Floods: as large as they say, and over when the peer has had enough.

use crate::{WIRES, play};
use tollgate_testkit::{Client, Ending, FakeProvider, Request, Script, Wire};

#[tokio::test]
async fn a_huge_line_has_no_newline_and_no_end() {
    for wire in WIRES {
        let answer = play(wire, true, Script::HugeLine { mib: 2 }).await;
        assert_eq!(answer.ending, Ending::Cut);
        assert!(
            answer.body.len() > 2 << 20 && answer.body.len() < 3 << 20,
            "{}",
            answer.body.len()
        );
        let line_end = answer
            .body
            .iter()
            .rposition(|byte| *byte == b'\n')
            .unwrap_or_default();
        assert!(line_end < 100, "only Anthropic's event line ends");
    }
}

#[tokio::test]
async fn headers_flood_up_to_their_bound() {
    let provider = FakeProvider::openai()
        .push(Script::EndlessHeaders { mib: 1 })
        .start()
        .await;
    let request = Request::chat("m", "x").to_bytes("h");
    assert!(
        Client::new(provider.url())
            .try_open_raw(&request)
            .await
            .is_none(),
        "the head never ends"
    );
    provider.wait_for_answers(1).await;
    assert!(provider.sent_bytes() > 1 << 20);
}

#[tokio::test]
async fn floods_stop_when_the_peer_leaves() {
    let mib = 512;
    for script in [Script::EndlessHeaders { mib }, Script::HugeLine { mib }] {
        let provider = FakeProvider::speaking(Wire::OpenAi)
            .push(script)
            .start()
            .await;
        let mut socket = Client::new(provider.url()).connect().await;
        socket
            .write(&Request::chat_stream("m", "x").to_bytes("h"))
            .await
            .unwrap();
        let mut some = bytes::BytesMut::with_capacity(4096);
        socket.read(&mut some).await.unwrap();
        drop(socket);
        provider.wait_for_disconnect().await;
        assert!(
            provider.sent_bytes() < 64 << 20,
            "sent {} bytes to nobody",
            provider.sent_bytes()
        );
    }
}
