use proptest::prelude::*;

use super::*;
use crate::Piece;
use crate::fields::MOST_FIELDS;

fn read(text: &str) -> Result<Option<Head>, HeadFault> {
    HeadReader::default().read(&mut BytesMut::from(text), false)
}

fn head(text: &str) -> Head {
    read(text).unwrap().unwrap()
}

fn fault(text: &str) -> HeadFault {
    read(text).unwrap_err()
}

#[test]
fn a_head_is_taken_off_and_its_body_stays() {
    let text = "HTTP/1.1 200 Fine\r\nContent-Type: application/json\r\nx-a: 1\r\nX-A:  2 \r\ncontent-length: 2\r\n\r\n{}HTTP";
    let mut buffer = BytesMut::from(text);
    let mut head = HeadReader::default()
        .read(&mut buffer, false)
        .unwrap()
        .unwrap();
    assert_eq!((head.status, head.keeps), (StatusCode::OK, true));
    let fields: Vec<_> = head
        .headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_bytes()))
        .collect();
    let expected: [(&str, &[u8]); 4] = [
        ("content-type", b"application/json"),
        ("x-a", b"1"),
        ("x-a", b"2"),
        ("content-length", b"2"),
    ];
    assert_eq!(fields, expected);
    assert_eq!(head.body.next(&mut buffer), Ok(Piece::Data("{}".into())));
    assert_eq!(head.body.next(&mut buffer), Ok(Piece::End));
    assert_eq!(buffer, "HTTP");
}

#[test]
fn framing_follows_the_specification() {
    let chunked = BodyReader::chunked;
    let table = [
        ("content-length: 5", BodyReader::length(5), true),
        (
            "content-length: 5, 5\r\ncontent-length: 5",
            BodyReader::length(5),
            true,
        ),
        ("transfer-encoding: chunked", chunked(), true),
        ("transfer-encoding: gzip, Chunked ", chunked(), true),
        (
            "transfer-encoding: gzip\r\ntransfer-encoding: chunked",
            chunked(),
            true,
        ),
        (
            "transfer-encoding: chunked\r\ncontent-length: 5",
            chunked(),
            false,
        ),
        (
            "transfer-encoding: chunked, gzip",
            BodyReader::until_close(),
            true,
        ),
        ("x: y", BodyReader::until_close(), true),
        (
            "content-length: 5\r\nconnection: close",
            BodyReader::length(5),
            false,
        ),
        (
            "content-length: 5\r\nconnection: x, Close\r\nconnection: keep-alive",
            BodyReader::length(5),
            false,
        ),
    ];
    for (fields, body, keeps) in table {
        let head = head(&format!("HTTP/1.1 200 OK\r\n{fields}\r\n\r\n"));
        assert_eq!((head.body, head.keeps), (body, keeps), "{fields}");
    }
    for (status, keeps) in [(204, true), (304, true), (101, false)] {
        let head = head(&format!(
            "HTTP/1.1 {status} X\r\ntransfer-encoding: chunked\r\n\r\n"
        ));
        assert_eq!(
            (head.body, head.keeps),
            (BodyReader::length(0), keeps),
            "{status}"
        );
    }
    let old = head("HTTP/1.0 200 OK\r\ncontent-length: 5\r\n\r\n");
    assert!(!old.keeps);
    let old = head("HTTP/1.0 200 OK\r\nconnection: keep-alive\r\ncontent-length: 5\r\n\r\n");
    assert!(old.keeps);
    let text = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n";
    let answer = HeadReader::default().read(&mut BytesMut::from(text), true);
    assert_eq!(answer.unwrap().unwrap().body, BodyReader::length(0));
}

#[test]
fn what_could_be_read_as_two_things_is_refused() {
    for length in [
        "5, 6",
        "",
        "+5",
        "-1",
        "0x5",
        "5 5",
        "99999999999999999999",
        "5\r\ncontent-length: 6",
    ] {
        let text = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n");
        assert_eq!(fault(&text), HeadFault::Length, "{length}");
    }
    let old = "HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    assert_eq!(fault(old), HeadFault::Coding);
    for text in [
        "garbage that is no answer\r\n\r\n",
        "HTTP/2 200 OK\r\n\r\n",
        "HTTP/1.1 2x0 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        "HTTP/1.1 200 OK\r\nname : space\r\n\r\n",
        "HTTP/1.1 200 OK\r\nx: 1\r\n folded\r\n\r\n",
        "HTTP/1.1 200 OK\r\nx: \0\r\n\r\n",
    ] {
        assert!(matches!(fault(text), HeadFault::Malformed(_)), "{text}");
    }
    assert_eq!(fault("HTTP/1.1 099 OK\r\n\r\n"), HeadFault::Invalid);
}

#[test]
fn interim_answers_are_skipped_and_not_for_ever() {
    let interim = "HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n";
    let last = "HTTP/1.1 204 No Content\r\n\r\n";
    let head = head(&format!("HTTP/1.1 100 Continue\r\n\r\n{interim}{last}"));
    assert_eq!(head.status, StatusCode::NO_CONTENT);
    assert!(head.headers.is_empty());
    assert_eq!(
        fault(&format!("{}{last}", interim.repeat(17))),
        HeadFault::Interim
    );
}

#[test]
fn heads_without_end_are_given_up() {
    let mut reader = HeadReader::default();
    let mut buffer = BytesMut::from("HTTP/1.1 200 OK\r\n");
    loop {
        buffer.extend_from_slice(b"x-filler: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n");
        match reader.read(&mut buffer, false) {
            Ok(None) => assert!(buffer.len() < HEAD_LIMIT),
            other => {
                assert_eq!(other.unwrap_err(), HeadFault::TooLarge);
                break;
            }
        }
    }
    assert!(buffer.len() < HEAD_LIMIT + 100);
    let many = "x: y\r\n".repeat(MOST_FIELDS + 1);
    let many = fault(&format!("HTTP/1.1 200 OK\r\n{many}\r\n"));
    assert_eq!(many, HeadFault::Malformed(httparse::Error::TooManyHeaders));
}

proptest! {
    #[test]
    fn any_cutting_gives_the_same_head(cuts in prop::collection::vec(1..40_usize, 0..80), bare in any::<bool>()) {
        let text = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 429 Slow Down\r\nretry-after: 7\r\nset-cookie: a\r\nset-cookie: b\r\n\r\n";
        let text = if bare { text.replace('\r', "") } else { text.to_owned() };
        let (mut reader, mut buffer, mut rest) = (HeadReader::default(), BytesMut::new(), text.as_bytes());
        let mut cuts = cuts.into_iter();
        let head = loop {
            prop_assert!(!rest.is_empty());
            let (now, later) = rest.split_at(cuts.next().unwrap_or(rest.len()).min(rest.len()));
            buffer.extend_from_slice(now);
            rest = later;
            if let Some(head) = reader.read(&mut buffer, false).unwrap() {
                break head;
            }
        };
        prop_assert!(rest.is_empty() && buffer.is_empty());
        prop_assert_eq!(head.status, StatusCode::TOO_MANY_REQUESTS);
        prop_assert_eq!(head.headers.len(), 3);
    }

    #[test]
    fn no_bytes_break_it(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let mut buffer = BytesMut::from(&b"HTTP/1.1 200 OK\r\n"[..]);
        buffer.extend_from_slice(&bytes);
        let whole = buffer.len();
        if let Ok(None) = HeadReader::default().read(&mut buffer, false) {
            prop_assert_eq!(buffer.len(), whole);
        }
    }
}
