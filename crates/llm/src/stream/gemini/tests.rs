use bytes::Bytes;
use tollgate_types::{FaultClass, TokenUsage};

use crate::{Endpoint, Framing, StreamFault, StreamTap, TapOptions};

const ENDPOINT: Endpoint = Endpoint::StreamGenerateContent;
const TEXT: &str = r#"{"candidates":[{"content":{"parts":[{"text":"four"}],"role":"model"}}],"usageMetadata":{"promptTokenCount":9,"candidatesTokenCount":1}}"#;
const LAST: &str = r#"{"candidates":[{"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":9,"candidatesTokenCount":2}}"#;

fn events(parts: &[&str]) -> String {
    let event = |part: &&str| format!("data: {part}\r\n\r\n");
    parts.iter().map(event).collect()
}

fn run(framing: Framing, stream: &str) -> (String, Option<StreamFault>, StreamTap) {
    let mut all = [1, 3, usize::MAX].map(|size| {
        let options = TapOptions {
            framing,
            ..TapOptions::default()
        };
        let mut tap = StreamTap::new(ENDPOINT, options);
        let mut out = Vec::new();
        let mut fault = None;
        for chunk in stream.as_bytes().chunks(size) {
            let forward = tap.push(Bytes::copy_from_slice(chunk));
            out.extend(forward.bytes.concat());
            fault = fault.or(forward.fault);
        }
        let forward = tap.end();
        out.extend(forward.bytes.concat());
        let out = String::from_utf8(out).unwrap();
        (out, fault.or(forward.fault), Some(tap))
    });
    let [(out, fault, _), (other, again, _), (whole, last, tap)] = &mut all;
    assert_eq!((&*out, &*fault), (&*other, &*again));
    assert_eq!((&*out, &*fault), (&*whole, &*last));
    (out.clone(), fault.clone(), tap.take().unwrap())
}

#[test]
fn fact_27_the_reason_of_the_end_is_the_end() {
    let stream = events(&[TEXT, LAST]);
    let (out, fault, tap) = run(Framing::Events, &stream);
    assert_eq!((out, fault), (stream, None));
    let tokens = TokenUsage {
        input: 9,
        output: 2,
        ..TokenUsage::default()
    };
    assert_eq!((tap.usage(), tap.output_bytes()), (Some(tokens), 4));
    let (out, fault, tap) = run(Framing::Events, &events(&[TEXT]));
    assert_eq!((out, fault), (events(&[TEXT]), Some(StreamFault::Cut)));
    assert!(!tap.is_finished());
}

/// The last event may lack its blank line; it goes on with that added.
#[test]
fn an_end_without_a_blank_line_is_mended() {
    let stream = format!("{}data: {LAST}", events(&[TEXT]));
    let (out, fault, tap) = run(Framing::Events, &stream);
    assert_eq!((out, fault), (format!("{stream}\n\n"), None));
    assert!(tap.is_finished());
}

#[test]
fn every_candidate_has_to_end() {
    let other = r#"{"candidates":[{"index":1,"content":{"parts":[{"text":"b"}]}}]}"#;
    let (_, fault, _) = run(Framing::Events, &events(&[other, LAST]));
    assert_eq!(fault, Some(StreamFault::Cut));
    let ended = r#"{"candidates":[{"index":1,"finishReason":"SAFETY"}]}"#;
    let (_, fault, _) = run(Framing::Events, &events(&[other, LAST, ended]));
    assert_eq!(fault, None);
    let unspecified = r#"{"candidates":[{"finishReason":"FINISH_REASON_UNSPECIFIED"}]}"#;
    let (_, fault, _) = run(Framing::Events, &events(&[unspecified]));
    assert_eq!(fault, Some(StreamFault::Cut));
}

#[test]
fn fact_18_and_21_arguments_are_objects_and_signatures_are_no_text() {
    let call = r#"{"candidates":[{"content":{"parts":[{"functionCall":{"name":"f","args":{"a":"bc","n":1.50}},"thoughtSignature":"CiQBVKhc7rM+/w=="}]}}]}"#;
    let stream = events(&[call, LAST]);
    let (out, fault, tap) = run(Framing::Events, &stream);
    assert_eq!((out, fault), (stream, None), "byte for byte");
    assert_eq!(tap.output_bytes(), 3, "the name and the argument");
}

#[test]
fn fact_19_an_array_is_read_element_by_element() {
    for stream in [
        format!("[{TEXT}\n,\r\n{LAST}\n]\n"),
        format!(" [ {TEXT},{LAST} ] \r\n"),
    ] {
        let (out, fault, tap) = run(Framing::Array, &stream);
        assert_eq!((out, fault), (stream, None));
        assert_eq!((tap.output_bytes(), tap.usage().unwrap().output), (4, 2));
        assert!(tap.is_finished());
    }
}

#[test]
fn fact_19_a_cut_array_can_still_be_ended() {
    for (stream, out) in [
        (format!("[{TEXT},{}", &LAST[..20]), format!("[{TEXT}")),
        (format!("[{TEXT},"), format!("[{TEXT}")),
        (format!("[{TEXT}]"), format!("[{TEXT}")),
        (format!("[{TEXT},{LAST}"), format!("[{TEXT},{LAST}")),
        ("[]".to_owned(), String::new()),
    ] {
        let (found, fault, _) = run(Framing::Array, &stream);
        assert_eq!((found, fault), (out, Some(StreamFault::Cut)), "{stream}");
    }
}

#[test]
fn what_is_no_array_is_told_and_not_forwarded() {
    for stream in [
        format!("[{TEXT}{TEXT}]"),
        format!("[{TEXT},,{TEXT}]"),
        format!("[{TEXT},7]"),
        format!("[{TEXT},{{\"a\":}}]"),
    ] {
        let (out, fault, _) = run(Framing::Array, &stream);
        assert_eq!(out, format!("[{TEXT}"), "{stream}");
        assert!(matches!(fault, Some(StreamFault::BadEvent(_))), "{stream}");
    }
    let (_, fault, _) = run(Framing::Array, TEXT);
    let note = "found one object, expected a list".to_owned();
    assert_eq!(fault, Some(StreamFault::BadEvent(note)));
}

#[test]
fn fact_23_an_error_element_ends_the_array() {
    let error = r#"{"error":{"code":503,"message":"busy","status":"UNAVAILABLE"}}"#;
    let told = StreamFault::ErrorEvent {
        class: FaultClass::ServerError,
        message: "busy".to_owned(),
    };
    let (out, fault, _) = run(Framing::Array, &format!("[{TEXT},{error}]"));
    assert_eq!(
        (out, fault),
        (format!("[{TEXT},{error}\n]\n"), Some(told.clone()))
    );
    let (out, fault, _) = run(Framing::Events, &events(&[TEXT, error]));
    assert_eq!((out, fault), (events(&[TEXT, error]), Some(told)));
}

/// Attack: an element without end must not be gathered without bound.
#[test]
fn an_element_is_bounded() {
    let options = TapOptions {
        framing: Framing::Array,
        ..TapOptions::default()
    };
    let mut tap = StreamTap::new(ENDPOINT, options);
    assert_eq!(tap.push(Bytes::from_static(b"[{\"a\":\"")).fault, None);
    let chunk = Bytes::from(vec![b'x'; 1 << 20]);
    let faults = (0..9).filter_map(|_| tap.push(chunk.clone()).fault);
    assert_eq!(faults.collect::<Vec<_>>(), [StreamFault::EventTooLarge]);
}
