//! Bad input: bounded memory, the right status in the caller's dialect, one
//! ledger row.

use tollgate_testkit::{Request, Wire};

use crate::house::{FIRST_KEY, House, KEY};

fn raw(wire: Wire, body: impl Into<bytes::Bytes>) -> Request {
    let path = if wire == Wire::OpenAi {
        "/v1/chat/completions"
    } else {
        "/v1/messages"
    };
    Request::new("POST", path).key(KEY).body(body)
}

#[tokio::test]
async fn bodies_that_are_no_requests_are_400() {
    let house = House::open().await;
    let deep = format!(
        "{{\"model\":\"gpt-4o\",\"x\":{}{}}}",
        "[".repeat(5000),
        "]".repeat(5000)
    );
    for wire in [Wire::OpenAi, Wire::Anthropic] {
        for body in [
            "not json",
            "",
            "[]",
            "{\"model\":7}",
            "{\"messages\":[]}",
            "{\"model\":\"\"}",
            "{\"model\":\"gpt-4o\",\"stream\":\"yes\"}",
            "{\"model\":\"gpt-4o\"",
            "{\"model\":\"gpt-4o\"} trailing",
            deep.as_str(),
        ] {
            let answer = house.client().send(&raw(wire, body.to_owned())).await;
            let shown: String = body.chars().take(40).collect();
            assert_eq!(answer.status(), 400, "{wire:?} {shown}: {}", answer.text());
            assert!(answer.json()["error"]["message"].is_string());
            let story = house.story_of(&answer).await;
            assert_eq!(story["request"]["outcome"], "refused", "{shown}: {story}");
        }
        let answer = house
            .client()
            .send(&raw(
                wire,
                &b"{\"model\":\"gpt-4o\",\"x\":\"\xff\xfe\"}"[..],
            ))
            .await;
        assert_eq!(answer.status(), 400, "invalid UTF-8: {}", answer.text());
    }
    assert!(house.openai.requests().is_empty() && house.anthropic.requests().is_empty());
}

#[tokio::test]
async fn bodies_at_and_past_the_limit() {
    let openai = tollgate_testkit::FakeProvider::openai().start().await;
    let anthropic = tollgate_testkit::FakeProvider::anthropic().start().await;
    let config = crate::house::config(&openai, &anthropic, &[FIRST_KEY])
        .replace("[server]", "[server]\nmax_body_mb = 1");
    let gateway = tollgate_testkit::Gateway::builder(crate::house::program())
        .config(config)
        .start()
        .await;
    let sized = |size: usize| {
        let head = "{\"model\":\"gpt-4o\",\"messages\":[],\"pad\":\"";
        format!("{head}{}\"}}", "x".repeat(size - head.len() - 2))
    };
    let at = gateway
        .client()
        .send(&raw(Wire::OpenAi, sized(1 << 20)))
        .await;
    assert_eq!(at.status(), 200, "{}", at.text());
    assert_eq!(openai.requests()[0].body.len(), 1 << 20);
    let past = gateway
        .client()
        .send(&raw(Wire::OpenAi, sized((1 << 20) + 1)))
        .await;
    assert_eq!(past.status(), 413, "{}", past.text());
    let past = gateway
        .client()
        .send(&raw(Wire::Anthropic, sized((1 << 20) + 1)))
        .await;
    assert_eq!(
        past.json()["error"]["type"],
        "request_too_large",
        "{}",
        past.text()
    );
    // Without a length the limit holds all the same.
    let chunked = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {KEY}\r\ntransfer-encoding: chunked\r\n\r\n"
    );
    let mut bytes = chunked.into_bytes();
    for _ in 0..20 {
        bytes.extend_from_slice(b"10000\r\n");
        bytes.extend_from_slice(&vec![b'x'; 0x10000]);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(b"0\r\n\r\n");
    let stream = gateway.client().open_raw(&bytes).await;
    assert_eq!(stream.head.status, 413);
}

#[tokio::test]
async fn a_flood_of_headers_is_431() {
    let house = House::open().await;
    let mut many = Request::chat("gpt-4o", "hi").key(KEY);
    for at in 0..90 {
        many = many.header(&format!("x-flood-{at}"), "1");
    }
    let answer = house.client().send(&many).await;
    assert_eq!(answer.status(), 431, "{}", answer.text());
    assert!(
        answer.json()["error"]["message"]
            .as_str()
            .unwrap()
            .contains("fields")
    );
    let large = Request::message("claude-sonnet-4", "hi")
        .key(KEY)
        .header("x-large", &"y".repeat(80_000));
    let answer = house.client().send(&large).await;
    assert_eq!(answer.status(), 431, "{}", answer.text());
    assert_eq!(answer.json()["type"], "error");
    // Beyond what is read at all the connection itself says no.
    let mut flood = Request::chat("gpt-4o", "hi").key(KEY);
    for at in 0..2000 {
        flood = flood.header(&format!("x-flood-{at}"), "1");
    }
    let authority = house.gateway.url().trim_start_matches("http://").to_owned();
    let stream = house.client().open_raw(&flood.to_bytes(&authority)).await;
    assert_eq!(stream.head.status, 431);
    let row = house.newest(|row| row["endpoint"] == "(unreadable)").await;
    assert_eq!(row["status"], 431, "{row}");
    let huge = Request::chat("gpt-4o", "hi")
        .key(KEY)
        .header("x-huge", &"z".repeat(2 << 20));
    let authority = house.gateway.url().trim_start_matches("http://").to_owned();
    if let Some(stream) = house
        .client()
        .try_open_raw(&huge.to_bytes(&authority))
        .await
    {
        assert_eq!(stream.head.status, 431);
    }
    assert!(house.openai.requests().is_empty());
}

#[tokio::test]
async fn a_wrong_length_never_smuggles_a_second_request() {
    let house = House::open().await;
    let body = r#"{"model":"gpt-4o","messages":[]}"#;
    for head in [
        format!(
            "content-length: {0}\r\ncontent-length: {1}\r\n",
            body.len(),
            body.len() + 1
        ),
        format!(
            "content-length: {}\r\ntransfer-encoding: chunked\r\n",
            body.len()
        ),
        "content-length: -1\r\n".to_owned(),
    ] {
        let bytes = format!(
            "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {KEY}\r\n{head}\r\n{body}"
        );
        if let Some(stream) = house.client().try_open_raw(bytes.as_bytes()).await {
            assert!(stream.head.status >= 400, "{head}: {}", stream.head.status);
        }
    }
    assert!(house.openai.requests().is_empty());
}

#[tokio::test]
async fn other_methods_and_paths_are_named() {
    let house = House::open().await;
    let answer = house
        .client()
        .send(&Request::get("/v1/chat/completions").key(KEY))
        .await;
    assert_eq!(answer.status(), 405, "{}", answer.text());
    let answer = house
        .client()
        .send(&Request::get("/v1/nothing").key(KEY))
        .await;
    assert_eq!(answer.status(), 404);
    let answer = house
        .client()
        .send(&Request::new("POST", "/v1/audio/speech").key(KEY))
        .await;
    assert_eq!(answer.status(), 501);
}

#[tokio::test]
async fn a_body_that_does_not_come_is_408() {
    let openai = tollgate_testkit::FakeProvider::openai().start().await;
    let anthropic = tollgate_testkit::FakeProvider::anthropic().start().await;
    let config = crate::house::config(&openai, &anthropic, &[FIRST_KEY])
        .replace("[server]", "[server]\nbody_idle_seconds = 1");
    let gateway = tollgate_testkit::Gateway::builder(crate::house::program())
        .config(config)
        .start()
        .await;
    for (path, named) in [
        ("/v1/chat/completions", "slow_client"),
        ("/v1/messages", "\"type\":\"error\""),
    ] {
        let bytes = format!(
            "POST {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {KEY}\r\ncontent-length: 100\r\n\r\n{{\"model\""
        );
        let answer = gateway
            .client()
            .open_raw(bytes.as_bytes())
            .await
            .finish()
            .await;
        assert_eq!(answer.status(), 408, "{}", answer.text());
        assert!(answer.text().contains(named), "{}", answer.text());
    }
}

#[tokio::test]
async fn bodies_in_flight_share_one_budget() {
    let openai = tollgate_testkit::FakeProvider::openai().start().await;
    let anthropic = tollgate_testkit::FakeProvider::anthropic().start().await;
    let config = crate::house::config(&openai, &anthropic, &[FIRST_KEY]).replace(
        "[server]",
        "[server]\nmax_body_mb = 2\nbodies_in_flight_mb = 3",
    );
    let gateway = tollgate_testkit::Gateway::builder(crate::house::program())
        .config(config)
        .start()
        .await;
    let head = |length: usize| {
        format!(
            "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {KEY}\r\ncontent-length: {length}\r\n\r\n{{"
        )
    };
    // Announced and not sent: 2 of 3 MiB are set aside.
    let mut first = gateway.client().connect().await;
    first.write(head(2 << 20).as_bytes()).await.unwrap();
    tollgate_testkit::within("the first to be in flight", async {
        while crate::house::control(&gateway, "/control/status").await["in_flight"] != 1 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    let second = gateway.client().open_raw(head(3 << 19).as_bytes()).await;
    assert_eq!(second.head.status, 503);
    assert_eq!(second.head.header("x-tollgate-reason"), Some("overloaded"));
    assert_eq!(second.head.header("retry-after"), Some("1"));
}

#[tokio::test]
async fn what_can_not_be_read_as_it_is_says_how_to_send_it() {
    let house = House::open().await;
    for wire in [Wire::OpenAi, Wire::Anthropic] {
        let packed = raw(wire, &b"\x1f\x8b\x08"[..]).header("content-encoding", "gzip");
        let answer = house.client().send(&packed).await;
        assert_eq!(answer.status(), 415, "{}", answer.text());
        assert!(answer.text().contains("`content-encoding: gzip`"));
        let story = house.story_of(&answer).await;
        assert_eq!(story["request"]["outcome"], "refused", "{story}");
    }
    let slip = Request::new("POST", "/v1/v1/messages").key(KEY).body("{}");
    let answer = house.client().send(&slip).await;
    assert_eq!(answer.status(), 404);
    assert!(
        answer.text().contains("`/v1/messages`"),
        "{}",
        answer.text()
    );
}
