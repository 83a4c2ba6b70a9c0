use bytes::Bytes;
use tollgate_types::{FaultClass, ReasonCode, RequestId, TokenUsage};

use crate::{CallerError, Endpoint, Forward, StreamFault, StreamTap, TapOptions};

fn event(number: u32, kind: &str, more: &str) -> String {
    format!("event: {kind}\ndata: {{\"type\":\"{kind}\",\"sequence_number\":{number}{more}}}\n\n")
}

fn begun() -> String {
    event(
        0,
        "response.created",
        r#","response":{"id":"r","usage":null}"#,
    ) + &event(1, "response.output_text.delta", r#","delta":"four""#)
}

fn run(stream: &str) -> (String, Option<StreamFault>, StreamTap) {
    let mut tap = StreamTap::new(Endpoint::Responses, TapOptions::default());
    let mut out = Vec::new();
    let mut take = |forward: Forward| {
        out.extend(forward.bytes.concat());
        forward.fault
    };
    let fault = take(tap.push(Bytes::copy_from_slice(stream.as_bytes())));
    let fault = fault.or_else(|| take(tap.end()));
    (String::from_utf8(out).unwrap(), fault, tap)
}

#[test]
fn fact_7_it_ends_with_completed_or_incomplete_and_no_done() {
    for kind in ["response.completed", "response.incomplete"] {
        let usage = r#","response":{"usage":{"input_tokens":9,"output_tokens":2}}"#;
        let stream = begun() + &event(2, kind, usage);
        let (out, fault, tap) = run(&format!("{stream}data: [DONE]\n\n"));
        assert_eq!((out, fault), (stream, None), "{kind}");
        assert!(tap.is_finished());
        let tokens = TokenUsage {
            input: 9,
            output: 2,
            ..TokenUsage::default()
        };
        assert_eq!((tap.usage(), tap.output_bytes()), (Some(tokens), 4));
    }
    for end in ["", "data: [DONE]\n\n"] {
        let (out, fault, _) = run(&(begun() + end));
        assert_eq!((out, fault), (begun(), Some(StreamFault::Cut)));
    }
}

#[test]
fn fact_8_the_gateways_own_error_takes_the_next_number() {
    let (_, _, tap) = run(&begun());
    let error = CallerError {
        status: 502,
        reason: ReasonCode::UpstreamCut,
        message: "cut",
        hint: None,
        param: None,
        request: RequestId::from_bytes([7; 16]),
    };
    let end = String::from_utf8(tap.error_end(&error).to_vec()).unwrap();
    assert!(end.contains(r#""sequence_number":2"#), "{end}");
    let (_, _, untold) = run("");
    let end = String::from_utf8(untold.error_end(&error).to_vec()).unwrap();
    assert!(end.contains(r#""sequence_number":0"#), "{end}");
}

#[test]
fn fact_10_encrypted_reasoning_passes_and_is_no_text() {
    let item = r#","item":{"type":"reasoning","encrypted_content":"gAAAAABo+/w==","x":1.50}"#;
    let stream = begun()
        + &event(2, "response.output_item.done", item)
        + &event(3, "response.completed", r#","response":{}"#);
    let (out, fault, tap) = run(&stream);
    assert_eq!((out, fault), (stream, None));
    assert_eq!((tap.usage(), tap.output_bytes()), (None, 4));
}

#[test]
fn fact_23_errors_come_in_three_shapes() {
    for (kind, more, class) in [
        (
            "error",
            r#","code":"server_error","message":"busy","param":null"#,
            FaultClass::ServerError,
        ),
        (
            "error",
            r#","error":{"type":"too_many_requests","code":"rate_limit_exceeded","message":"busy"}"#,
            FaultClass::RateLimit,
        ),
        (
            "response.failed",
            r#","response":{"status":"failed","error":{"code":"insufficient_quota","message":"busy"}}"#,
            FaultClass::Quota,
        ),
        (
            "response.failed",
            r#","response":{"status":"failed","error":{"code":"invalid_prompt","message":"busy"}}"#,
            FaultClass::BadRequest,
        ),
    ] {
        let stream = begun() + &event(2, kind, more);
        let (out, fault, tap) = run(&stream);
        let message = "busy".to_owned();
        assert_eq!(fault, Some(StreamFault::ErrorEvent { class, message }));
        assert_eq!(out, stream, "the provider's own words go on");
        assert!(!tap.is_finished());
    }
}

#[test]
fn usage_of_a_failed_response_is_kept() {
    let failed = r#","response":{"error":{"code":"server_error"},"usage":{"input_tokens":5,"output_tokens":1}}"#;
    let (_, _, tap) = run(&(begun() + &event(2, "response.failed", failed)));
    assert_eq!(tap.usage().unwrap().input, 5);
}

#[test]
fn an_end_whose_response_failed_is_no_clean_one() {
    for status in ["failed", "cancelled"] {
        let response = format!(
            r#","response":{{"status":"{status}","error":{{"code":"server_error","message":"boom"}}}}"#
        );
        let (_, fault, tap) = run(&(begun() + &event(2, "response.completed", &response)));
        assert!(
            matches!(fault, Some(StreamFault::ErrorEvent { .. })),
            "{fault:?}"
        );
        assert!(!tap.is_finished());
    }
}
