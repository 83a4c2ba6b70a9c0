use bytes::Bytes;

use crate::{Edits, Endpoint, RequestView, read_request};

fn read(body: &str) -> Result<RequestView, crate::BadRequest> {
    read_request(Endpoint::Responses, body.as_bytes())
}

fn edited(body: &str, edits: &Edits<'_>) -> String {
    let bytes = Bytes::copy_from_slice(body.as_bytes());
    let pieces = read(body).unwrap().apply(&bytes, edits);
    String::from_utf8(pieces.concat()).unwrap()
}

#[test]
fn model_stream_and_maximum_are_read() {
    let view = read(r#"{"input":[],"model":"a\"b","stream":true,"max_output_tokens":16}"#).unwrap();
    assert_eq!(view.model, "a\"b");
    assert_eq!(
        (view.stream, view.max_output, view.choices),
        (true, Some(16), 1)
    );
    let view = read(r#"{"model":"m","max_tokens":7,"n":9,"stream":null}"#).unwrap();
    assert_eq!(
        (view.stream, view.max_output, view.choices),
        (false, None, 1)
    );
    let body = br#"{"model":"m","stream":true,"max_output_tokens":16}"#;
    let view = read_request(Endpoint::ResponsesInputTokens, body).unwrap();
    assert_eq!((view.stream, view.max_output), (false, None));
}

#[test]
fn defaults_are_appended_under_the_names_of_responses() {
    let edits = Edits {
        model: Some("x"),
        ask_usage: true,
        temperature: Some(0.5),
        max_tokens: Some(77),
        ..Edits::default()
    };
    for (before, after) in [
        (
            r#"{"model":"m","stream":true}"#,
            r#"{"model":"x","stream":true,"temperature":0.5,"max_output_tokens":77}"#,
        ),
        (
            r#"{"model":"m","max_output_tokens":null,"temperature":0}"#,
            r#"{"model":"x","max_output_tokens":77,"temperature":0}"#,
        ),
        (
            r#"{"model":"m","reasoning":{"effort":"low"},"max_output_tokens":9}"#,
            r#"{"model":"x","reasoning":{"effort":"low"},"max_output_tokens":9}"#,
        ),
    ] {
        assert_eq!(edited(before, &edits), after);
    }
    let reasons = Edits {
        temperature: Some(0.5),
        ..Edits::default()
    };
    assert_eq!(
        edited(r#"{"model":"gpt-5.2"}"#, &reasons),
        r#"{"model":"gpt-5.2"}"#
    );
}

#[test]
fn ambiguous_and_background_requests_are_refused() {
    for (members, param) in [
        (r#""model":"m","model":"n""#, "model"),
        (r#""model":"m","Input":"n""#, "input"),
        (
            r#""model":"m","max_output_tokens":1,"max_output_token\u0073":9"#,
            "max_output_tokens",
        ),
        (r#""model":"m","tools":[],"tools":[]"#, "tools"),
        (r#""model":"m","background":true"#, "background"),
        (r#""model":"m","background":1"#, "background"),
        (
            r#""model":"m","max_output_tokens":"9""#,
            "max_output_tokens",
        ),
        (r#""model":"m","stream":"yes""#, "stream"),
        (r#""input":"x""#, "model"),
    ] {
        let fault = read(&format!("{{{members}}}")).unwrap_err();
        assert_eq!(fault.param.as_deref(), Some(param), "{members}");
    }
    assert!(read(r#"{"model":"m","background":false}"#).is_ok());
}
