use proptest::prelude::*;

use super::*;

fn read(text: &str) -> Result<Option<Call>, HeadFault> {
    CallReader::default().read(&mut BytesMut::from(text))
}

fn call(text: &str) -> Call {
    read(text).unwrap().unwrap()
}

#[test]
fn a_request_is_taken_off_and_what_follows_stays() {
    let text =
        "POST /v1/x?y=z HTTP/1.1\r\nHost: a\r\nx-a: 1\r\nX-A: 2\r\ncontent-length: 2\r\n\r\n{}GET";
    let mut buffer = BytesMut::from(text);
    let call = CallReader::default().read(&mut buffer).unwrap().unwrap();
    assert_eq!(
        (call.parts.method, call.parts.version),
        (Method::POST, Version::HTTP_11)
    );
    assert_eq!(call.parts.uri, "/v1/x?y=z");
    assert_eq!(call.parts.headers.get_all("x-a").iter().count(), 2);
    assert_eq!(
        (call.body, call.keeps, call.waits),
        (BodyReader::length(2), true, false)
    );
    assert_eq!(buffer, "{}GET");
}

#[test]
fn framing_is_stricter_than_the_specification() {
    let of = |fields: &str| read(&format!("POST / HTTP/1.1\r\n{fields}\r\n\r\n"));
    for (fields, body) in [
        ("x: y", BodyReader::length(0)),
        ("content-length: 7", BodyReader::length(7)),
        (
            "content-length: 7\r\ncontent-length: 7",
            BodyReader::length(7),
        ),
        ("transfer-encoding: chunked", BodyReader::chunked()),
        ("Transfer-Encoding: Chunked", BodyReader::chunked()),
        ("transfer-encoding: gzip, chunked", BodyReader::chunked()),
    ] {
        assert_eq!(of(fields).unwrap().unwrap().body, body, "{fields}");
    }
    for (fields, fault) in [
        ("content-length: 7\r\ncontent-length: 8", HeadFault::Length),
        ("content-length: 7, 8", HeadFault::Length),
        ("content-length: -1", HeadFault::Length),
        ("content-length: +7", HeadFault::Length),
        ("content-length:", HeadFault::Length),
        (
            "transfer-encoding: chunked\r\ncontent-length: 7",
            HeadFault::Coding,
        ),
        (
            "content-length: 7\r\ntransfer-encoding: chunked",
            HeadFault::Coding,
        ),
        ("transfer-encoding: gzip", HeadFault::Coding),
        ("transfer-encoding: chunked, gzip", HeadFault::Coding),
        ("transfer-encoding: xchunked", HeadFault::Coding),
    ] {
        assert_eq!(of(fields).unwrap_err(), fault, "{fields}");
    }
    let old = read("POST / HTTP/1.0\r\ntransfer-encoding: chunked\r\n\r\n");
    assert_eq!(old.unwrap_err(), HeadFault::Coding);
}

#[test]
fn a_caller_says_whether_it_stays_and_whether_it_waits() {
    for (head, keeps) in [
        ("GET / HTTP/1.1\r\n", true),
        ("GET / HTTP/1.1\r\nconnection: x, close\r\n", false),
        ("GET / HTTP/1.0\r\n", false),
        ("GET / HTTP/1.0\r\nconnection: Keep-Alive\r\n", true),
    ] {
        assert_eq!(call(&format!("{head}\r\n")).keeps, keeps, "{head}");
    }
    let with_body = "POST / HTTP/1.1\r\nexpect: 100-Continue\r\ncontent-length: 1\r\n\r\n";
    assert!(call(with_body).waits);
    assert!(!call("GET / HTTP/1.1\r\nexpect: 100-continue\r\n\r\n").waits);
}

#[test]
fn what_is_no_request_has_its_status() {
    let many = format!("GET / HTTP/1.1\r\n{}\r\n", "x: y\r\n".repeat(101));
    let long = format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(LONGEST_TARGET));
    for (text, status) in [
        ("GET / HTTP/2\r\n\r\n", 400),
        ("no request\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nname : x\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nx: 1\r\n folded\r\n\r\n", 400),
        ("GET http:// HTTP/1.1\r\n\r\n", 400),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
        (many.as_str(), 431),
        (long.as_str(), 414),
    ] {
        let fault = read(text).unwrap_err();
        assert_eq!(fault.status(), status, "{fault}: {:.40}", text);
    }
    let mut reader = CallReader::default();
    let mut buffer = BytesMut::from("GET / HTTP/1.1\r\nx: ");
    buffer.resize(CALL_LIMIT - 1, b'x');
    assert!(reader.read(&mut buffer).unwrap().is_none());
    buffer.resize(CALL_LIMIT, b'x');
    assert_eq!(reader.read(&mut buffer).unwrap_err().status(), 431);
}

proptest! {
    #[test]
    fn any_cutting_gives_the_same_request(cuts in prop::collection::vec(1..40_usize, 0..80)) {
        let text = "\r\nPOST /v1/messages?beta=true HTTP/1.1\r\nhost: a\r\nx-api-key: k\r\ncontent-length: 3\r\n\r\n";
        let (mut reader, mut buffer, mut rest) = (CallReader::default(), BytesMut::new(), text.as_bytes());
        let mut cuts = cuts.into_iter();
        let call = loop {
            prop_assert!(!rest.is_empty());
            let (now, later) = rest.split_at(cuts.next().unwrap_or(rest.len()).min(rest.len()));
            buffer.extend_from_slice(now);
            rest = later;
            if let Some(call) = reader.read(&mut buffer).unwrap() {
                break call;
            }
        };
        prop_assert!(rest.is_empty() && buffer.is_empty());
        prop_assert_eq!(call.parts.headers.len(), 3);
        prop_assert_eq!(call.body, BodyReader::length(3));
    }

    #[test]
    fn no_bytes_break_it(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let mut buffer = BytesMut::from(&b"POST / HTTP/1.1\r\n"[..]);
        buffer.extend_from_slice(&bytes);
        let whole = buffer.len();
        if let Ok(None) = CallReader::default().read(&mut buffer) {
            prop_assert_eq!(buffer.len(), whole);
        }
    }
}
