//! What must hold of any body whose texts are looked at. Runs under the fuzzer
//! and, so that it is exercised on a stable compiler, in the tests of
//! `tollgate-llm`.

use serde_json::Value;
use tollgate_llm::{Endpoint, Texts, Unescaped, segments};

/// Any bytes: where they are a JSON object, every string in it is read, and
/// each can be replaced where it stands.
pub(crate) fn check(body: &[u8]) {
    let cut = segments(body);
    let mut end = 0;
    for segment in &cut {
        assert!(segment.span.start >= end && segment.span.end <= body.len());
        assert!(segment.member.end <= body.len());
        end = segment.span.end;
    }
    let (mut texts, mut plain) = (Texts::default(), Unescaped::default());
    let (mut read, mut spans) = (Vec::new(), Vec::new());
    for segment in &cut {
        let part = &body[segment.span.clone()];
        for text in texts.read(Endpoint::Messages, part) {
            let raw = &part[text.span.clone()];
            assert!(text.from <= text.span.start);
            plain.read(b"", raw);
            let place = plain.place(0, 0..plain.text().len());
            assert!(place.end <= raw.len());
            assert_eq!(text.escaped, raw.contains(&b'\\'));
            read.push(plain.text().to_vec());
            let start = segment.span.start;
            spans.push(start + text.span.start..start + text.span.end);
        }
    }
    let Ok(Value::Object(members)) = serde_json::from_slice(body) else {
        return;
    };
    let mut strings = Vec::new();
    members
        .values()
        .for_each(|value| gather(value, &mut strings));
    for string in &strings {
        let known = read.iter().any(|text| text == string.as_bytes());
        assert!(known, "{string:?} was not read");
    }
    let mut edited = body.to_vec();
    spans.sort_by_key(|span| std::cmp::Reverse(span.start));
    for span in spans {
        edited.splice(span, *b"[redacted:kind:0f0f]");
    }
    let edited: Result<Value, _> = serde_json::from_slice(&edited);
    assert!(edited.is_ok(), "the edited body is no JSON");
}

fn gather<'v>(value: &'v Value, into: &mut Vec<&'v str>) {
    match value {
        Value::String(text) => into.push(text),
        Value::Array(list) => list.iter().for_each(|value| gather(value, into)),
        Value::Object(members) => members.values().for_each(|value| gather(value, into)),
        _ => {}
    }
}
