use bytes::Bytes;

use super::*;

fn read(body: &str) -> Result<RequestView, BadRequest> {
    read_request(Endpoint::ChatCompletions, body.as_bytes())
}

fn edited(endpoint: Endpoint, body: &str, edits: &Edits<'_>) -> String {
    let body = Bytes::copy_from_slice(body.as_bytes());
    let pieces = read_request(endpoint, &body).unwrap().apply(&body, edits);
    String::from_utf8(pieces.concat()).unwrap()
}

#[test]
fn control_values_are_read_and_the_rest_is_not() {
    let view = read(
        r#" {"messages":[{"role":"user","content":"\ud83d"}],"stream":true, "model" : "a\"b","stream_options":{"x":1,"include_usage":true},"max_tokens":10,"max_completion_tokens":20,"n":3,"x_model":7} "#,
    )
    .unwrap();
    assert_eq!(view.model, "a\"b");
    assert!(view.stream && view.usage_asked);
    assert_eq!((view.max_output, view.choices), (Some(20), 3));

    let view = read(r#"{"model":"m","stream":null,"n":null,"max_tokens":null}"#).unwrap();
    assert!(!view.stream && !view.usage_asked);
    assert_eq!((view.max_output, view.choices), (None, 1));
}

#[test]
fn each_endpoint_reads_its_own_keys() {
    let body = br#"{"model":"m","n":2,"best_of":5,"max_tokens":7,"max_completion_tokens":9}"#;
    for (endpoint, limit, choices) in [
        (Endpoint::ChatCompletions, Some(9), 2),
        (Endpoint::Completions, Some(7), 5),
        (Endpoint::Messages, Some(7), 1),
        (Endpoint::Embeddings, None, 1),
        (Endpoint::CountTokens, None, 1),
    ] {
        let view = read_request(endpoint, body).unwrap();
        assert_eq!(
            (view.max_output, view.choices),
            (limit, choices),
            "{endpoint:?}"
        );
    }
}

#[test]
fn limits_are_read_as_clients_write_them() {
    for (value, limit) in [
        ("-1", None),
        ("4096.0", Some(4096)),
        ("0", Some(0)),
        ("1e3", Some(1000)),
    ] {
        let view = read(&format!(r#"{{"model":"m","max_tokens":{value}}}"#)).unwrap();
        assert_eq!(view.max_output, limit, "{value}");
    }
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    for (body, message) in [
        ("", "body: found nothing, expected a JSON object"),
        (" \n", "body: found nothing, expected a JSON object"),
        ("[1]", "body: found a list, expected a JSON object"),
        ("12", "body: found a single value, expected a JSON object"),
        (
            "model=x",
            "body: found `m` at line 1 column 1, expected a value",
        ),
        (
            r#"{"a":]}"#,
            "body: found `]` at line 1 column 6, expected a value",
        ),
        (
            "{\"a\":1,\n\"b\" 2}",
            "body: found `2` at line 2 column 5, expected `:`",
        ),
        (
            r#"{"a":1 "b":2}"#,
            "body: found `\"` at line 1 column 8, expected `,` or `}`",
        ),
        (
            r#"{"a":[1 2]}"#,
            "body: found `2` at line 1 column 9, expected `,` or `]`",
        ),
        (
            r#"{"a":1,}"#,
            "body: found a trailing comma at line 1 column 8, expected a value",
        ),
        (
            r"{a:1}",
            "body: found `a` at line 1 column 2, expected a key in double quotes",
        ),
        (
            r#"{"a":nul}"#,
            "body: found `}` at line 1 column 9, expected `true`, `false` or `null`",
        ),
        (
            r#"{"a":"b"#,
            "body: found its end at line 1 column 7, expected the rest of the JSON",
        ),
        (
            r#"{"a":01}"#,
            "body: found a malformed number at line 1 column 7, expected a number",
        ),
        (
            "{\"a\":\"\n\"}",
            "body: found a raw control character in a string at line 1 column 6, expected it escaped, as `\\n`",
        ),
        (
            r#"{"a":"\x"}"#,
            "body: found an unknown escape at line 1 column 8, expected one of JSON's escapes",
        ),
        (
            r#"{"model":"m"} x"#,
            "body: found `x` at line 1 column 15, expected nothing after the object",
        ),
    ] {
        assert_eq!(read(body).unwrap_err().message, message, "{body}");
    }
    let fault = read_request(Endpoint::Messages, b"{\"a\":\"\n\xff\"}").unwrap_err();
    assert_eq!(
        fault.message,
        "body: found bytes that are not UTF-8 at line 2 column 1, expected JSON in UTF-8"
    );
}

#[test]
fn control_values_of_the_wrong_kind_name_their_path() {
    for (members, param, message) in [
        (
            r#""x":1"#,
            "model",
            "model: found nothing, expected the name of a model",
        ),
        (
            r#""model":7"#,
            "model",
            "model: found a number, expected the name of a model",
        ),
        (
            r#""model":"""#,
            "model",
            "model: found an empty string, expected the name of a model",
        ),
        (
            r#""model":"a\nb""#,
            "model",
            "model: found control characters, expected the name of a model",
        ),
        (
            r#""model":"m","stream":"yes""#,
            "stream",
            "stream: found a string, expected `true` or `false`",
        ),
        (
            r#""model":"m","stream_options":true"#,
            "stream_options",
            "stream_options: found a boolean, expected an object",
        ),
        (
            r#""model":"m","stream_options":{"include_usage":1}"#,
            "stream_options.include_usage",
            "stream_options.include_usage: found a number, expected `true` or `false`",
        ),
        (
            r#""model":"m","max_tokens":"9""#,
            "max_tokens",
            "max_tokens: found a string, expected a whole number",
        ),
        (
            r#""model":"m","max_tokens":1.5"#,
            "max_tokens",
            "max_tokens: found a fraction, expected a whole number",
        ),
        (
            r#""model":"m","n":0"#,
            "n",
            "n: found `0`, expected 1 or more",
        ),
    ] {
        let fault = read(&format!("{{{members}}}")).unwrap_err();
        assert_eq!(fault.param.as_deref(), Some(param));
        assert_eq!(fault.message, message);
    }
    let long = format!(r#"{{"model":"{}"}}"#, "m".repeat(513));
    assert!(read(&long).unwrap_err().message.contains("found 513 bytes"));
    let fault = read_request(Endpoint::Embeddings, br#"{"model":"m","stream":true}"#).unwrap_err();
    assert_eq!(
        fault.message,
        "stream: found `true`, /v1/embeddings does not stream"
    );
}

/// Attack: a second, escaped or differently cased key that the provider's
/// parser prefers, so that another model is served than was judged.
#[test]
fn ambiguous_control_keys_are_refused() {
    for members in [
        r#""model":"m","model":"n""#,
        r#""model":"m","mode\u006c":"n""#,
        r#""mode\u006c":"n""#,
        r#""model":"m","Model":"n""#,
        r#""model":"m","MODEL":"n""#,
        r#""model":"m","stream":true,"stream":false"#,
        r#""model":"m","ſtream":true"#,
        r#""model":"m","max_toKens":9"#,
        r#""model":"m","messages":[],"messages":[]"#,
        r#""model":"m","stream_options":{"include_usage":true,"include_usage":false}"#,
        r#""model":"m","stream_options":{"include_us\u0061ge":false}"#,
        r#""model":"m","stream_options":{"Include_usage":false}"#,
        r#""model":"m","stream_options":{},"stream_options":null"#,
    ] {
        let fault = read(&format!("{{{members}}}")).unwrap_err();
        assert!(fault.param.is_some(), "{members}");
    }
    // Nested keys of the same names are content, and other keys are free.
    assert!(read(r#"{"model":"m","x":{"model":1,"model":2},"y\u0061":1,"Y":2,"y":3}"#).is_ok());
}

#[test]
fn a_value_is_never_shown() {
    for body in [
        r#"{"model":"m","api_key":"hunter2"#,
        r#"{"model":"m","api_key":"hunter2"x}"#,
        r#"{"api_key":"hunter2"}"#,
        r#"{"model":["hunter2"]}"#,
        r#"{"model":"m","stream":"hunter2"}"#,
        r#"{"model":"m","stream_options":"hunter2"}"#,
        r#"{"model":"m","max_tokens":"hunter2"}"#,
    ] {
        let fault = read(body).unwrap_err();
        assert!(!format!("{fault:?}").contains("hunter2"), "{body}");
    }
}

#[test]
fn fact_30_an_edit_leaves_every_other_byte_alone() {
    let body = r#" {"b" : 1.50, "model":"fast", "a":"\u0041\/","z":[ ]} "#;
    let model = Edits {
        model: Some("gpt-\"x\""),
        ..Edits::default()
    };
    assert_eq!(
        edited(Endpoint::ChatCompletions, body, &model),
        r#" {"b" : 1.50, "model":"gpt-\"x\"", "a":"\u0041\/","z":[ ]} "#
    );
    let whole = Bytes::from(body);
    let view = read(body).unwrap();
    for edits in [
        Edits::default(),
        Edits {
            model: Some("fast"),
            ask_usage: true,
            ..Edits::default()
        },
    ] {
        let pieces = view.apply(&whole, &edits);
        assert_eq!(pieces.len(), 1);
        assert_eq!(
            pieces[0].as_ptr(),
            whole.as_ptr(),
            "the body itself, not a copy"
        );
    }
}

#[test]
fn fact_2_usage_is_asked_for_in_every_stream() {
    let ask = Edits {
        ask_usage: true,
        ..Edits::default()
    };
    for (before, after) in [
        (
            r#"{"model":"m","stream":true}"#,
            r#"{"model":"m","stream":true,"stream_options":{"include_usage":true}}"#,
        ),
        (
            r#"{"stream_options":null,"model":"m","stream":true}"#,
            r#"{"stream_options":{"include_usage":true},"model":"m","stream":true}"#,
        ),
        (
            r#"{"stream_options":{},"model":"m","stream":true}"#,
            r#"{"stream_options":{"include_usage":true},"model":"m","stream":true}"#,
        ),
        (
            r#"{"stream_options":{ "x":1},"model":"m","stream":true}"#,
            r#"{"stream_options":{"include_usage":true, "x":1},"model":"m","stream":true}"#,
        ),
        (
            r#"{"stream_options":{"include_usage": false},"model":"m","stream":true}"#,
            r#"{"stream_options":{"include_usage": true},"model":"m","stream":true}"#,
        ),
        (
            r#"{"stream_options":{"include_usage":null},"model":"m","stream":true}"#,
            r#"{"stream_options":{"include_usage":true},"model":"m","stream":true}"#,
        ),
        (
            r#"{"stream_options":{"include_usage":true},"model":"m","stream":true}"#,
            r#"{"stream_options":{"include_usage":true},"model":"m","stream":true}"#,
        ),
        (
            r#"{"model":"m","stream":false}"#,
            r#"{"model":"m","stream":false}"#,
        ),
    ] {
        assert_eq!(edited(Endpoint::ChatCompletions, before, &ask), after);
        assert_eq!(edited(Endpoint::Completions, before, &ask), after);
        assert_eq!(edited(Endpoint::Messages, before, &ask), before);
    }
}

#[test]
fn defaults_are_used_only_where_the_request_says_nothing() {
    let edits = Edits {
        temperature: Some(0.7),
        max_tokens: Some(4096),
        ..Edits::default()
    };
    for (endpoint, before, after) in [
        (
            Endpoint::ChatCompletions,
            r#"{"model":"m" }"#,
            r#"{"model":"m" ,"temperature":0.7,"max_tokens":4096}"#,
        ),
        (
            Endpoint::ChatCompletions,
            r#"{"model":"m","temperature":0,"max_completion_tokens":1}"#,
            "",
        ),
        (
            Endpoint::ChatCompletions,
            r#"{"temperature":null,"model":"m","max_tokens":null}"#,
            r#"{"temperature":0.7,"model":"m","max_tokens":4096}"#,
        ),
        (
            Endpoint::ChatCompletions,
            r#"{"max_completion_tokens":null,"model":"m","top_p":1}"#,
            r#"{"max_completion_tokens":4096,"model":"m","top_p":1}"#,
        ),
        (
            Endpoint::ChatCompletions,
            r#"{"model":"openai/o3-mini"}"#,
            r#"{"model":"openai/o3-mini","max_completion_tokens":4096}"#,
        ),
        (
            Endpoint::Messages,
            r#"{"model":"m","max_tokens":1,"thinking":{"type":"enabled"}}"#,
            "",
        ),
        (
            Endpoint::Messages,
            r#"{"model":"m"}"#,
            r#"{"model":"m","temperature":0.7,"max_tokens":4096}"#,
        ),
        (Endpoint::Embeddings, r#"{"model":"m"}"#, ""),
        (Endpoint::CountTokens, r#"{"model":"m"}"#, ""),
    ] {
        let expected = if after.is_empty() { before } else { after };
        assert_eq!(edited(endpoint, before, &edits), expected, "{endpoint:?}");
    }
}

#[test]
fn fact_33_foreign_model_names_are_rewritten_wherever_they_stand() {
    let edits = Edits {
        model: Some("default_model"),
        ask_usage: true,
        ..Edits::default()
    };
    let body = r#"{"stream":true,"stream_options":null,"model":"local/x"}"#;
    assert_eq!(
        edited(Endpoint::ChatCompletions, body, &edits),
        r#"{"stream":true,"stream_options":{"include_usage":true},"model":"default_model"}"#
    );
}

#[test]
fn deep_nesting_is_refused_before_it_is_parsed() {
    let deep = format!(
        r#"{{"model":"m","x":{}{}}}"#,
        "[".repeat(200_000),
        "]".repeat(200_000)
    );
    let fault = read(&deep).unwrap_err();
    assert_eq!(
        fault.message,
        "body: found nesting deeper than 128 levels at line 1 column 145"
    );
    let fine = format!(
        r#"{{"model":"m","x":{}{}}}"#,
        "[".repeat(127),
        "]".repeat(127)
    );
    assert!(read(&fine).is_ok());
}

#[test]
fn fact_17_a_body_of_32_megabytes_is_read() {
    let text = "x\\n".repeat(11_500_000);
    let body = format!(r#"{{"messages":[{{"role":"user","content":"{text}"}}],"model":"m"}}"#);
    assert!(body.len() > 32 << 20);
    assert_eq!(read(&body).unwrap().model, "m");
}

#[test]
fn a_maximum_is_lowered_where_it_stands_and_never_raised() {
    let lower = Edits {
        max_tokens: Some(300),
        lower_to: Some(300),
        ..Edits::default()
    };
    for (endpoint, before, after) in [
        (
            Endpoint::ChatCompletions,
            r#"{"model":"m","max_tokens": 5000 }"#,
            r#"{"model":"m","max_tokens": 300 }"#,
        ),
        (
            Endpoint::ChatCompletions,
            r#"{"max_completion_tokens":5e3,"model":"m","max_tokens":100}"#,
            r#"{"max_completion_tokens":300,"model":"m","max_tokens":100}"#,
        ),
        (
            Endpoint::ChatCompletions,
            r#"{"max_completion_tokens":null,"model":"m","max_tokens":-1}"#,
            r#"{"max_completion_tokens":null,"model":"m","max_tokens":300}"#,
        ),
        (
            Endpoint::ChatCompletions,
            r#"{"model":"o3"}"#,
            r#"{"model":"o3","max_completion_tokens":300}"#,
        ),
        (
            Endpoint::Messages,
            r#"{"max_tokens":300.0,"model":"m"}"#,
            r#"{"max_tokens":300.0,"model":"m"}"#,
        ),
        // Not a field of this endpoint: what it means there is not known.
        (
            Endpoint::Messages,
            r#"{"max_tokens":9000,"max_completion_tokens":9000,"model":"m"}"#,
            r#"{"max_tokens":300,"max_completion_tokens":9000,"model":"m"}"#,
        ),
    ] {
        assert_eq!(edited(endpoint, before, &lower), after);
    }
}

/// What is judged is what is served: a list of models that a router behind the
/// provider may take instead is none.
#[test]
fn no_other_model_can_be_asked_for_beside_the_one_that_is_judged() {
    for endpoint in [
        Endpoint::ChatCompletions,
        Endpoint::Completions,
        Endpoint::Messages,
        Endpoint::Responses,
    ] {
        for (more, refused) in [
            (r#""models":["secret"]"#, true),
            (r#""fallbacks":[{"model":"secret"}]"#, true),
            (r#""models":"secret""#, true),
            (r#""mod\u0065ls":["secret"]"#, true),
            (r#""models":[]"#, false),
            (r#""fallbacks":null"#, false),
        ] {
            let body = format!(r#"{{"model":"m",{more}}}"#);
            let read = read_request(endpoint, body.as_bytes());
            assert_eq!(read.is_err(), refused, "{endpoint:?}: {body}");
        }
    }
}
