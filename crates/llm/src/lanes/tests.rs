use super::*;

fn texts(endpoint: Endpoint, body: &str) -> Vec<(String, Text)> {
    let mut reader = Texts::default();
    let found = reader.read(endpoint, body.as_bytes());
    found
        .map(|text| (body[text.span.clone()].to_owned(), text))
        .collect()
}

fn of(endpoint: Endpoint, body: &str, wanted: &str) -> Text {
    let found = texts(endpoint, body).into_iter();
    found
        .filter(|(text, _)| text == wanted)
        .map(|(_, text)| text)
        .next()
        .unwrap_or_else(|| panic!("{wanted} in {body}"))
}

#[test]
fn a_body_is_cut_where_a_conversation_grows() {
    let body = r#" {"model":"m","messages":[ {"role":"user","content":"a,]"} , "b",3], "tools":[],"x":{"y":[1]}} "#;
    let cut: Vec<_> = segments(body.as_bytes())
        .into_iter()
        .map(|it| (&body[it.span], &body[it.member], it.index))
        .collect();
    assert_eq!(
        cut,
        [
            (r#""model":"m""#, "model", None),
            (r#"{"role":"user","content":"a,]"}"#, "messages", Some(0)),
            (r#""b""#, "messages", Some(1)),
            ("3", "messages", Some(2)),
            (r#""x":{"y":[1]}"#, "x", None),
        ]
    );
    for odd in ["", "[1]", "--form\r\n\"a\"", "{\"a\" 1}", "{\"a\":1} x"] {
        let all = segments(odd.as_bytes());
        assert_eq!((all.len(), all[0].span.clone()), (1, 0..odd.len()), "{odd}");
    }
}

#[test]
fn what_a_tool_brought_is_foreign_wherever_a_dialect_puts_it() {
    for (endpoint, body) in [
        (
            Endpoint::ChatCompletions,
            r#"{"content":"x1","tool_call_id":"c","role":"tool"}"#,
        ),
        (
            Endpoint::Messages,
            r#"{"role":"user","content":[{"tool_use_id":"t","content":[{"type":"text","text":"x1"}],"type":"tool_result"}]}"#,
        ),
        (
            Endpoint::Responses,
            r#"{"type":"function_call_output","call_id":"c","output":"x1"}"#,
        ),
        (
            Endpoint::GenerateContent,
            r#"{"parts":[{"functionResponse":{"name":"f","response":{"page":"x1"}}}]}"#,
        ),
    ] {
        assert!(of(endpoint, body, "x1").foreign, "{body}");
    }
    let body = r#"{"role":"user","content":[{"type":"tool_result","content":"a"},{"type":"text","text":"x1"}]}"#;
    assert!(!of(Endpoint::Messages, body, "x1").foreign);
}

#[test]
fn seals_names_and_media_are_told_from_what_somebody_wrote() {
    let body = r#"{"type":"thinking","thinking":"hm","signature":"c2ln"}"#;
    let thought = of(Endpoint::Messages, body, "hm");
    assert_eq!(thought.kind, TextKind::Signed);
    assert_eq!(of(Endpoint::Messages, body, "c2ln").kind, TextKind::Sealed);
    let picture = format!("iVBORw0KGgo{}", "A".repeat(80));
    for (body, kind) in [
        (
            format!(r#"{{"type":"base64","data":"{picture}","media_type":"image/png"}}"#),
            TextKind::Media,
        ),
        (
            format!(r#"{{"media_type":"text/plain","data":"{picture}"}}"#),
            TextKind::Free,
        ),
        (
            format!(r#"{{"mimeType":"image/png","data":"QUtJQQ{picture}"}}"#),
            TextKind::Free,
        ),
    ] {
        let found = texts(Endpoint::Messages, &body);
        let data = found.iter().find(|(_, text)| text.key == "data").unwrap();
        assert_eq!(data.1.kind, kind, "{body}");
    }
    let address = format!("data:image/png;base64,{picture}");
    let body = format!(r#"{{"image_url":{{"url":"{address}"}}}}"#);
    assert_eq!(
        of(Endpoint::ChatCompletions, &body, &address).kind,
        TextKind::Media
    );
}

#[test]
fn a_key_of_the_callers_own_stands_before_its_value() {
    let body = r#"{"input":{"password":"p1","list":["p2"],"text":"p3"}}"#;
    let from = |wanted| {
        let text = of(Endpoint::Messages, body, wanted);
        body[text.from..text.span.end].to_owned()
    };
    assert_eq!(from("p1"), r#""password":"p1"#);
    assert_eq!((from("p2"), from("p3")), ("p2".into(), "p3".into()));
    let body = r#"{"sk_live_a_key_as_a_key":{"a":1}}"#;
    assert_eq!(texts(Endpoint::Messages, body).len(), 1);
}

#[test]
fn deltas_of_one_text_share_a_lane() {
    let lane = |endpoint, body: &str, wanted| {
        let text = of(endpoint, body, wanted);
        assert!(text.delta, "{body}");
        (text.lane, text.key)
    };
    let chat = Endpoint::ChatCompletions;
    let first = lane(
        chat,
        r#"{"choices":[{"delta":{"content":"a"},"index":1}]}"#,
        "a",
    );
    let next = lane(
        chat,
        r#"{"choices":[{"index":1,"delta":{"content":"b"}}]}"#,
        "b",
    );
    let other = lane(
        chat,
        r#"{"choices":[{"index":0,"delta":{"content":"b"}}]}"#,
        "b",
    );
    let thought = r#"{"choices":[{"index":1,"delta":{"reasoning_content":"b"}}]}"#;
    let thought = lane(chat, thought, "b");
    assert_eq!(first, next);
    assert!(first != other && first != thought);
    let event = "event: x\ndata: {\"type\":\"response.output_text.delta\",\"output_index\":0,\"content_index\":1,\"delta\":\"q\"}\n\n";
    lane(Endpoint::Responses, event, "q");
    let done = r#"{"type":"response.output_text.done","text":"q"}"#;
    assert!(!of(Endpoint::Responses, done, "q").delta);
}

#[test]
fn a_place_without_escapes_is_brought_back_to_where_it_was() {
    let raw = r"a\n\u00e9x\ud83d\ude00\ud83dz\\";
    let mut plain = Unescaped::default();
    plain.read(b"", raw.as_bytes());
    let text = std::str::from_utf8(plain.text()).unwrap();
    assert_eq!(text, "a\n\u{e9}x\u{1f600}\u{fffd}z\\");
    for (start, letter) in text.char_indices() {
        let place = plain.place(0, start..start + letter.len_utf8());
        let mut alone = Unescaped::default();
        alone.read(b"", raw[place.clone()].as_bytes());
        assert_eq!(alone.text(), letter.to_string().as_bytes(), "{place:?}");
    }
    assert_eq!(plain.place(0, 0..text.len()), 0..raw.len());
    plain.read(b"key:", br"x\ny");
    assert_eq!(
        (plain.text(), plain.place(4, 5..7)),
        (&b"key:x\ny"[..], 1..4)
    );
}
