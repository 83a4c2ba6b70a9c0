//! Heads of requests that are odd, and paths that are nobody's.

use tollgate_testkit::{Request, Wire};

use crate::house::{House, KEY, model};

const BODY: &str = r#"{"model":"gpt-4o","messages":[{"role":"user","content":"hi"}]}"#;

/// A chat request with these fields beside its key, and its body as it is.
fn raw(version: &str, fields: &[&str], body: &str) -> Vec<u8> {
    let mut head =
        format!("POST /v1/chat/completions {version}\r\nauthorization: Bearer {KEY}\r\n");
    for field in fields {
        head += field;
        head += "\r\n";
    }
    (head + "\r\n" + body).into_bytes()
}

fn chunked(body: &str) -> String {
    format!(
        "{:x};a=\"b\"\r\n{body}\r\n0\r\nx-more: 1\r\n\r\n",
        body.len()
    )
}

#[tokio::test]
async fn a_head_that_two_readers_could_take_for_two_things_is_refused() {
    let house = House::open().await;
    let sized = format!("content-length: {}", BODY.len());
    let chunks = chunked(BODY);
    let cases: [(&str, &[&str], &str); 9] = [
        ("no host", &[&sized], BODY),
        ("two hosts", &["host: a", "host: b", &sized], BODY),
        (
            "two lengths",
            &["host: x", &sized, "content-length: 3"],
            BODY,
        ),
        (
            "a coding that is passed by",
            &["host: x", "transfer-encoding: gzip, chunked"],
            &chunks,
        ),
        (
            "chunks in chunks",
            &[
                "host: x",
                "transfer-encoding: chunked",
                "transfer-encoding: chunked",
            ],
            &chunks,
        ),
        (
            "chunked, and then not",
            &["host: x", "transfer-encoding: chunked, identity"],
            &chunks,
        ),
        ("a folded field", &["host: x", "x-a: b\r\n c", &sized], BODY),
        (
            "a coding behind another",
            &[
                "host: x",
                "content-encoding: identity",
                "content-encoding: gzip",
                &sized,
            ],
            BODY,
        ),
        (
            "chunks without carriage returns",
            &["host: x", "transfer-encoding: chunked"],
            "2\n{}\n0\n\n",
        ),
    ];
    for (case, fields, body) in cases {
        let stream = house
            .client()
            .open_raw(&raw("HTTP/1.1", fields, body))
            .await;
        let status = stream.head.status;
        assert!(matches!(status, 400 | 415), "{case}: {status}");
    }
    assert!(house.openai.requests().is_empty());
}

#[tokio::test]
async fn an_odd_head_that_says_one_thing_is_served() {
    let house = House::open().await;
    let sized = format!("CONTENT-LENGTH: {}", BODY.len());
    let chunks = chunked(BODY);
    let cases: [(&str, &str, &[&str], &str); 6] = [
        ("upper case", "HTTP/1.1", &["HOST: x", &sized], BODY),
        ("HTTP/1.0 without a host", "HTTP/1.0", &[&sized], BODY),
        (
            "chunks with extensions and trailers",
            "HTTP/1.1",
            &["host: x", "Transfer-Encoding: Chunked"],
            &chunks,
        ),
        (
            "no coding at all",
            "HTTP/1.1",
            &["host: x", "content-encoding:", &sized],
            BODY,
        ),
        (
            "conditions",
            "HTTP/1.1",
            &["host: x", "if-none-match: *", "range: bytes=0-4", &sized],
            BODY,
        ),
        (
            "a length said twice",
            "HTTP/1.1",
            &["host: x", &sized, &sized],
            BODY,
        ),
    ];
    for (case, version, fields, body) in cases {
        let answer = house.client().open_raw(&raw(version, fields, body)).await;
        assert_eq!(answer.head.status, 200, "{case}");
        let sent = house.openai.requests().pop().unwrap();
        assert_eq!(sent.body, BODY.as_bytes(), "{case}");
        assert_eq!(sent.header("transfer-encoding"), None, "{case}");
    }
}

#[tokio::test]
async fn a_method_that_is_not_taken_says_which_is() {
    let house = House::open().await;
    for (method, path, allowed) in [
        ("GET", "/v1/chat/completions", "POST"),
        ("HEAD", "/v1/messages", "POST"),
        ("OPTIONS", "/v1/responses", "POST"),
        (
            "PUT",
            "/v1beta/models/gemini-2.5-flash:generateContent",
            "POST",
        ),
        ("POST", "/v1/models", "GET, HEAD"),
        ("DELETE", "/v1/models/gpt-4o", "GET, HEAD"),
        ("POST", "/health", "GET, HEAD"),
    ] {
        let answer = house.send(&Request::new(method, path)).await;
        assert_eq!(answer.status(), 405, "{method} {path}");
        assert_eq!(answer.header("allow"), Some(allowed), "{method} {path}");
        if method != "HEAD" {
            let told = answer.json()["error"]["message"].to_string();
            assert!(told.contains(&format!("`{path}`")), "{told}");
        }
    }
}

#[tokio::test]
async fn a_path_that_is_nobodys_is_404_in_the_callers_shape() {
    let house = House::open().await;
    let anthropic = ("anthropic-version", "2023-06-01");
    for (method, path, field, shape) in [
        ("GET", "/v1/files", None, Wire::OpenAi),
        ("POST", "/v1/responses/", None, Wire::OpenAi),
        ("GET", "/v1/files", Some(anthropic), Wire::Anthropic),
        ("POST", "/v1/messages/batches", None, Wire::Anthropic),
        ("GET", "/v1beta/nothing", None, Wire::Gemini),
        (
            "POST",
            "/v1beta/models/gemini-2.5-flash:predict",
            None,
            Wire::Gemini,
        ),
        (
            "POST",
            "/v1/models/gemini-2.5-flash:generateContent/",
            None,
            Wire::Gemini,
        ),
    ] {
        let mut request = Request::new(method, path);
        if let Some((name, value)) = field {
            request = request.header(name, value);
        }
        let answer = house.send(&request).await;
        let body = answer.json();
        assert_eq!(answer.status(), 404, "{method} {path}: {body}");
        assert_eq!(
            answer.header("x-tollgate-reason"),
            Some("not_found"),
            "{path}"
        );
        let told = body["error"]["message"].to_string();
        assert!(told.contains(&format!("`{path}`")), "{told}");
        match shape {
            Wire::Anthropic => assert_eq!(body["error"]["type"], "not_found_error", "{body}"),
            Wire::Gemini => assert_eq!(body["error"]["status"], "NOT_FOUND", "{body}"),
            _ => assert_eq!(body["error"]["code"], "not_found", "{body}"),
        }
    }
}

/// What is behind a request on its connection is the next one, whatever
/// became of it.
#[tokio::test]
async fn requests_that_come_at_once_are_answered_in_order() {
    let house = House::open().await;
    let sized = format!("content-length: {}", BODY.len());
    let good = raw("HTTP/1.1", &["host: x", &sized], BODY);
    let unknown = BODY.replace("gpt-4o", "none-x");
    let bad = raw("HTTP/1.1", &["host: x", &sized], &unknown);
    let mut bytes = [good.clone(), bad, good].concat();
    bytes.extend_from_slice(b"GET /health HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    let mut socket = house.client().connect().await;
    socket.write(&bytes).await.unwrap();
    let mut came = bytes::BytesMut::new();
    while socket.read(&mut came).await.unwrap() > 0 {}
    let text = String::from_utf8_lossy(&came);
    let statuses: Vec<&str> = text.matches("HTTP/1.1 200").collect();
    assert_eq!(statuses.len(), 3, "{text}");
    assert_eq!(text.matches("HTTP/1.1 404").count(), 1, "{text}");
    assert!(text.ends_with(r#"{"status":"ok"}"#), "{text}");
    assert_eq!(house.openai.requests().len(), 2);
    let usual = Request::ask(Wire::OpenAi, false, model(Wire::OpenAi));
    assert_eq!(house.send(&usual).await.status(), 200);
}
