//! What holds for any input.

use bytes::Bytes;
use proptest::prelude::*;
use serde_json::Value;
use tollgate_llm::{Edits, Endpoint, read_request};

use crate::{lanes, paths, spans, sse};

/// Any JSON value, of moderate size.
fn value() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        any::<bool>().prop_map(|bit| bit.to_string()),
        any::<i64>().prop_map(|number| number.to_string()),
        Just("1.50e+3".to_owned()),
        any::<String>().prop_map(|text| Value::from(text).to_string()),
        Just(r#""\u0041\/\ud83d""#.to_owned()),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        let member = ("[a-z]{0,5}|stream|model", inner.clone());
        prop_oneof![
            prop::collection::vec(inner, 0..4).prop_map(|list| format!("[{}]", list.join(" , "))),
            prop::collection::vec(member, 0..4).prop_map(|members| {
                let members: Vec<String> = members
                    .iter()
                    .map(|(key, value)| format!("\"{key}\" :{value}"))
                    .collect();
                format!("{{{}}}", members.join(","))
            }),
        ]
    })
}

/// A request with control members in any order and form, between others.
fn request() -> impl Strategy<Value = String> {
    let members = (
        any::<String>().prop_filter("a name", |name| {
            !name.is_empty() && !name.chars().any(char::is_control) && name.len() < 500
        }),
        prop::option::of(any::<bool>()),
        prop::option::of(prop_oneof![
            Just("null".to_owned()),
            Just("{}".to_owned()),
            Just("{ \"include_usage\" : null, \"x\":[1]}".to_owned()),
            Just("{\"x\":{\"include_usage\":1},\"include_usage\":false}".to_owned()),
            Just("{\"include_usage\":true}".to_owned()),
        ]),
        prop::option::of(prop_oneof![Just("null"), Just("0.25")]),
        prop::option::of(prop_oneof![Just("null"), Just("12"), Just("-1")]),
        prop::collection::btree_map("x_[a-z]{1,6}", value(), 0..5),
        "[ \n\t]{0,2}",
    );
    let ordered = members.prop_flat_map(
        |(model, stream, options, temperature, limit, others, space)| {
            let mut members = vec![format!("\"model\"{space}:{space}{}", Value::from(model))];
            members.extend(stream.map(|stream| format!("\"stream\":{stream}")));
            members.extend(options.map(|options| format!("\"stream_options\":{space}{options}")));
            members.extend(temperature.map(|value| format!("\"temperature\":{value}{space}")));
            members.extend(
                limit.map(|value| format!("\"max_tokens\":{value},\"max_output_tokens\":{value}")),
            );
            members.extend(
                others
                    .iter()
                    .map(|(key, value)| format!("\"{key}\":{value}")),
            );
            (Just(members).prop_shuffle(), Just(space))
        },
    );
    ordered.prop_map(|(members, space)| {
        format!("{space}{{{space}{}{space}}}{space}", members.join(","))
    })
}

/// A stream of likely events, line ends and rubbish.
fn stream() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        8 => prop::sample::select(vec![
            "data: ", "data:", "event: ", ": keepalive", "[DONE]", "{", "}", "\n", "\r", "\r\n", "\n\n", "\r\n\r\n",
            "{\"choices\":[{\"index\":0,\"delta\":{\"content\":\"é€😀\"}}]}",
            "{\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":1}}",
            "{\"choices\":[{\"delta\":{}}],\"usage\":{\"prompt_tokens\":3}}",
            "{\"choices\":\ndata: []}",
            "{\"error\":{\"message\":\"busy\",\"code\":429}}",
            "{\"type\":\"message_start\",\"message\":{\"usage\":{\"input_tokens\":5}}}",
            "{\"type\":\"message_delta\",\"delta\":{},\"usage\":{\"output_tokens\":9}}",
            "{\"type\":\"response.created\",\"sequence_number\":0,\"response\":{}}",
            "{\"type\":\"response.output_text.delta\",\"delta\":\"a\",\"sequence_number\":4}",
            "{\"type\":\"response.completed\",\"response\":{\"usage\":{\"input_tokens\":3,\"output_tokens\":1}}}",
            "{\"type\":\"response.failed\",\"response\":{\"error\":{\"code\":\"server_error\"}}}",
            "[", "]", ",", " ",
            "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"]}\\\"é\"}]},\"index\":1}]}",
            "{\"candidates\":[{\"finishReason\":\"STOP\"}],\"usageMetadata\":{\"promptTokenCount\":3}}",
            "{\"promptFeedback\":{\"blockReason\":\"SAFETY\"}}",
            "[{\"candidates\":[{\"finishReason\":\"STOP\"}]}\n", ",{\"a\":[1,{}]}\r\n", "]\n",
            "{\"type\":\"message_stop\"}", "message_stop", "message_delta", "error", "ping",
            "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":3}}\r\n\r\n",
            "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n",
            "data: {\"error\":\"x\"}\r\n\r\n",
            "event: content_block_delta\rdata: {\"delta\":{\"text\":\"abc\"}}\r\r",
            "data: [DONE]\r\n\r\n", "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
            "\u{feff}",
        ]).prop_map(|text| text.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..6),
    ];
    prop::collection::vec(piece, 0..14).prop_map(|pieces| pieces.concat())
}

/// Path, query and body of a request of Gemini's, likely and not.
fn path() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "gemini-x",
        "a",
        "/",
        "..",
        ".",
        "%2F",
        "%2e%2e",
        "%25",
        "%",
        "?",
        "#",
        ":",
        "%3A",
        "é",
        "\\",
        " ",
        "models/",
        ":generateContent",
        "%00",
    ]);
    let query = prop::sample::select(vec![
        "",
        "alt=sse",
        "alt=json&alt=sse",
        "%61lt=sse",
        "key=tg-1",
        "fields=x",
    ]);
    let method = prop::sample::select(vec![
        "generateContent",
        "streamGenerateContent",
        "countTokens",
        "x",
    ]);
    let version = prop::sample::select(vec!["/v1beta/models/", "/v1/models/", "/v1beta/", "/v1/"]);
    let model = prop::collection::vec(piece, 0..6).prop_map(|pieces| pieces.concat());
    (version, model, method, query).prop_map(|(version, model, method, query)| {
        format!("{version}{model}:{method}\n{query}\n{{}}")
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, ..ProptestConfig::default() })]

    #[test]
    fn any_chunking_gives_the_same_stream(head in any::<[u8; 9]>(), stream in stream()) {
        sse::check(&[&head[..], &stream].concat());
    }

    #[test]
    fn a_path_leads_to_the_model_that_was_judged(path in path()) {
        paths::check(path.as_bytes());
    }

    #[test]
    fn edits_change_nothing_else(head in any::<[u8; 2]>(), body in request()) {
        prop_assert!(read_request(Endpoint::ChatCompletions, body.as_bytes()).is_ok(), "{}", body);
        spans::check(&[&head[..], body.as_bytes()].concat());
    }

    #[test]
    fn fact_30_unedited_bytes_are_identical(body in request()) {
        let body = Bytes::from(body);
        let view = read_request(Endpoint::ChatCompletions, &body).unwrap();
        let edits = Edits { model: Some("x"), ask_usage: true, temperature: Some(1.0), max_tokens: Some(2), lower_to: None };
        let pieces = view.apply(&body, &edits);
        // The pieces that are slices of the body stand in it in order.
        let place = |piece: &Bytes| {
            let offset = (piece.as_ptr().addr()).wrapping_sub(body.as_ptr().addr());
            (offset <= body.len() && !piece.is_empty()).then_some((offset, piece.len()))
        };
        let mut last = 0;
        let mut kept = 0;
        for (offset, length) in pieces.iter().filter_map(place) {
            prop_assert!(offset >= last);
            last = offset + length;
            kept += length;
        }
        // At most the model, two nulls, and one stream option are replaced.
        prop_assert!(kept + view.model.len() * 6 + 2 + 3 * 5 >= body.len());
        prop_assert_eq!(last, body.len());
    }

    #[test]
    fn every_text_of_a_body_is_read_and_can_be_replaced(
        members in prop::collection::vec(("[ -~]{0,30}", value()), 0..5),
        garbage in prop::collection::vec(any::<u8>(), 0..80),
    ) {
        let members: Vec<String> = members
            .iter()
            .map(|(key, value)| format!("{}: {value}", Value::from(key.as_str())))
            .collect();
        let body = format!(" {{{}}}", members.join(" ,"));
        lanes::check(body.as_bytes());
        lanes::check(&[body.as_bytes(), &garbage].concat());
        lanes::check(&garbage);
        let at = body.floor_char_boundary(garbage.len().min(body.len()));
        lanes::check(&body.as_bytes()[..at]);
    }

    #[test]
    fn rubbish_is_refused_and_nothing_panics(endpoint in 0..Endpoint::ALL.len(), body in prop::collection::vec(any::<u8>(), 0..200)) {
        let _refused = read_request(Endpoint::ALL[endpoint], &body);
        spans::check(&body);
        sse::check(&body);
        let demo = tollgate_llm::demo::answer(Endpoint::ALL[endpoint], &body);
        prop_assert!(serde_json::from_slice::<Value>(&body).is_ok() || demo.status == 400);
    }

    #[test]
    fn broken_json_is_refused_with_a_place(body in request(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut bytes = body.into_bytes();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        let read = read_request(Endpoint::ChatCompletions, &bytes);
        let raw = serde_json::from_slice::<&serde_json::value::RawValue>(&bytes);
        if raw.is_err() {
            let fault = read.unwrap_err();
            prop_assert!(fault.message.starts_with("body: ") && fault.message.len() < 200, "{}", fault);
        }
    }
}
