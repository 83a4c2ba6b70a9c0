use proptest::prelude::*;

use super::*;

/// All pieces of `text`, which comes in as many parts as `cuts` says, joined; and how
/// it ended.
fn read(mut body: BodyReader, text: &[u8], cuts: &[usize]) -> (Vec<u8>, Result<bool, BodyFault>) {
    let (mut buffer, mut rest, mut all) = (BytesMut::new(), text, Vec::new());
    let mut cuts = cuts.iter().copied();
    loop {
        match body.next(&mut buffer) {
            Ok(Piece::Data(data)) => {
                assert!(!data.is_empty());
                all.extend_from_slice(&data);
            }
            Ok(Piece::End) => return (all, Ok(buffer.is_empty() && rest.is_empty())),
            Ok(Piece::Missing) if rest.is_empty() => {
                let closed = body.closed();
                return (all, closed.map(|()| true));
            }
            Ok(Piece::Missing) => {
                let (now, later) = rest.split_at(cuts.next().unwrap_or(rest.len()).min(rest.len()));
                buffer.extend_from_slice(now);
                rest = later;
            }
            Err(fault) => return (all, Err(fault)),
        }
    }
}

fn chunked(text: &str) -> (Vec<u8>, Result<bool, BodyFault>) {
    read(BodyReader::chunked(), text.as_bytes(), &[])
}

#[test]
fn a_length_is_kept_to() {
    let length = |length| read(BodyReader::length(length), b"hello", &[2]);
    assert_eq!(length(5), (b"hello".to_vec(), Ok(true)));
    assert_eq!(length(4), (b"hell".to_vec(), Ok(false)));
    assert_eq!(length(6), (b"hello".to_vec(), Err(BodyFault::Cut)));
    assert_eq!(length(0).1, Ok(false));
}

#[test]
fn without_a_length_the_end_is_the_connections() {
    let body = BodyReader::until_close();
    assert!(!body.is_over());
    assert_eq!(read(body, b"hello", &[1, 1]), (b"hello".to_vec(), Ok(true)));
}

#[test]
fn chunks_are_joined_and_what_is_beside_them_is_dropped() {
    for text in [
        "5\r\nhello\r\n0\r\n\r\n",
        "2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
        "005;a=\"b\";c\r\nhello\r\n0;x\r\n\r\n",
        "5 \t\r\nhello\r\n0\r\nx-sum: 1\r\ny: 2\r\n\r\n",
        "5 ; x\r\nhello\r\n00\r\n\r\n",
    ] {
        assert_eq!(chunked(text), (b"hello".to_vec(), Ok(true)), "{text}");
    }
    let hexadecimal = format!("1A\r\n{}\r\n0\r\n\r\n", "x".repeat(26));
    assert_eq!(chunked(&hexadecimal).0.len(), 26);
}

#[test]
fn what_is_no_chunk_is_refused() {
    let table = [
        ("", BodyFault::Cut),
        ("5\r\nhel", BodyFault::Cut),
        ("5\r\nhello", BodyFault::Cut),
        ("5\r\nhello\r\n", BodyFault::Cut),
        ("0\r\n", BodyFault::Cut),
        ("0\r\nx: y\r\n", BodyFault::Cut),
        ("\r\n", BodyFault::Size),
        ("zz\r\n", BodyFault::Size),
        ("-5\r\nhello\r\n", BodyFault::Size),
        ("0x5\r\nhello\r\n", BodyFault::Size),
        ("5\nhello\r\n", BodyFault::Size),
        ("5\rhello\r\n", BodyFault::Size),
        ("5 5\r\nhello\r\n", BodyFault::Size),
        ("5;a\nb\r\nhello\r\n", BodyFault::Size),
        ("11111111111111111\r\n", BodyFault::Size),
        ("5\r\nhello!\r\n", BodyFault::End),
        ("5\r\nhello\n0\r\n\r\n", BodyFault::End),
        ("0\r\nx: y\n\r\n", BodyFault::Trailers),
    ];
    for (text, fault) in table {
        assert_eq!(chunked(text).1, Err(fault), "{text:?}");
    }
}

#[test]
fn what_is_beside_the_chunks_has_its_bounds() {
    let long = format!("1;{}", "x".repeat(LINE_LIMIT));
    assert_eq!(chunked(&long).1, Err(BodyFault::Extensions));
    let many = format!("1;{}\r\n.\r\n", "x".repeat(1000)).repeat(17);
    assert_eq!(chunked(&many).1, Err(BodyFault::Extensions));
    let long = format!("0\r\nx: {}", "y".repeat(TRAILER_LIMIT));
    assert_eq!(chunked(&long).1, Err(BodyFault::Trailers));
    let many = format!("0\r\n{}", "x: y\r\n".repeat(TRAILER_LIMIT / 6 + 1));
    assert_eq!(chunked(&many).1, Err(BodyFault::Trailers));
    // Small chunks cost nothing of it.
    let small = "1\r\n.\r\n".repeat(LINE_LIMIT);
    assert_eq!(chunked(&format!("{small}0\r\n\r\n")).1, Ok(true));
}

#[test]
fn garbage_is_seen_before_its_line_ends() {
    let mut body = BodyReader::chunked();
    assert_eq!(body.next(&mut BytesMut::from("not")), Err(BodyFault::Size));
}

proptest! {
    #[test]
    fn any_cutting_gives_the_same_body(
        parts in prop::collection::vec("[a-z\\r\\n]{1,40}", 0..8),
        cuts in prop::collection::vec(1..30_usize, 0..80),
        trailer in "(x-y: z\r\n)?",
    ) {
        let mut text = String::new();
        for part in &parts {
            text.push_str(&format!("{:x};e=1\r\n{part}\r\n", part.len()));
        }
        text.push_str(&format!("0\r\n{trailer}\r\n"));
        let (body, ended) = read(BodyReader::chunked(), text.as_bytes(), &cuts);
        prop_assert_eq!(body, parts.concat().into_bytes());
        prop_assert_eq!(ended, Ok(true));
    }

    #[test]
    fn any_cutting_of_any_bytes_gives_the_same_verdict(
        text in "([0-9a-f]{1,2}(;[a-z]*)?\r?\n|[a-z]{1,9}|\r\n){0,12}",
        cuts in prop::collection::vec(1..9_usize, 0..80),
    ) {
        let whole = read(BodyReader::chunked(), text.as_bytes(), &[]);
        let cut = read(BodyReader::chunked(), text.as_bytes(), &cuts);
        prop_assert_eq!(whole, cut);
    }
}
