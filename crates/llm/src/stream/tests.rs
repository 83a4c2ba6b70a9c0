use super::*;

const CHAT: Endpoint = Endpoint::ChatCompletions;
const STRIP: TapOptions = TapOptions {
    strip_usage: true,
    framing: Framing::Events,
};
const KEEP: TapOptions = TapOptions {
    strip_usage: false,
    framing: Framing::Events,
};
const DONE: &str = "data: [DONE]\n\n";

fn text(n: u32) -> String {
    format!(
        "data: {{\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"w{n}\"}}}}],\"usage\":null}}\n\n"
    )
}

const USAGE: &str = "data: {\"object\":\"chat.completion.chunk\",\"choices\":[],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":2,\"total_tokens\":11}}\n\n";

/// What goes on of a stream that comes in chunks of `size` bytes.
fn run(
    endpoint: Endpoint,
    options: TapOptions,
    stream: &[u8],
    size: usize,
) -> (Vec<u8>, Option<StreamFault>, StreamTap) {
    let mut tap = StreamTap::new(endpoint, options);
    let mut out = Vec::new();
    for chunk in stream.chunks(size) {
        let forward = tap.push(Bytes::copy_from_slice(chunk));
        out.extend(forward.bytes.concat());
        if forward.fault.is_some() {
            assert_eq!(tap.push(Bytes::from(text(9))), Forward::default());
            assert_eq!(tap.end(), Forward::default());
            return (out, forward.fault, tap);
        }
    }
    let forward = tap.end();
    out.extend(forward.bytes.concat());
    (out, forward.fault, tap)
}

/// The result, which must be the same however the stream is cut.
fn outcome(
    endpoint: Endpoint,
    options: TapOptions,
    stream: &str,
) -> (String, Option<StreamFault>, StreamTap) {
    let (whole, fault, tap) = run(endpoint, options, stream.as_bytes(), usize::MAX);
    for size in [1, 2, 3, 7] {
        let (out, again, other) = run(endpoint, options, stream.as_bytes(), size);
        assert_eq!((&out, &again), (&whole, &fault), "in chunks of {size}");
        assert_eq!(other.usage(), tap.usage());
        assert_eq!(other.output_bytes(), tap.output_bytes());
    }
    (String::from_utf8(whole).unwrap(), fault, tap)
}

fn tokens(input: u64, output: u64) -> Option<TokenUsage> {
    Some(TokenUsage {
        input,
        output,
        ..TokenUsage::default()
    })
}

#[test]
fn fact_1_the_last_chunk_carries_the_usage() {
    let stream = format!("{}{}{USAGE}{DONE}", text(1), text(2));
    let (out, fault, tap) = outcome(CHAT, KEEP, &stream);
    assert_eq!((out, fault), (stream, None));
    assert_eq!((tap.usage(), tap.output_bytes()), (tokens(9, 2), 4));
    assert!(tap.is_finished());
}

#[test]
fn fact_2_usage_that_the_client_did_not_ask_for_is_left_out() {
    let stream = format!("{}{USAGE}{DONE}", text(1));
    let (out, fault, tap) = outcome(CHAT, STRIP, &stream);
    assert_eq!((out, fault), (format!("{}{DONE}", text(1)), None));
    assert_eq!(tap.usage(), tokens(9, 2));
    // Beside a choice it stays, and so does a chunk that only lacks choices.
    let beside = USAGE.replace(
        "[]",
        "[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]",
    );
    let filter = "data: {\"choices\":[],\"prompt_filter_results\":[],\"usage\":null}\n\n";
    let stream = format!("{filter}{beside}{DONE}");
    let (out, _, tap) = outcome(CHAT, STRIP, &stream);
    assert_eq!(out, stream);
    assert_eq!(tap.usage(), tokens(9, 2));
}

#[test]
fn a_stripped_event_takes_its_torn_line_end_along() {
    let stream = format!("{}{USAGE}{DONE}", text(1)).replace('\n', "\r\n");
    let (out, _, _) = outcome(CHAT, STRIP, &stream);
    assert_eq!(out, format!("{}{DONE}", text(1)).replace('\n', "\r\n"));
}

#[test]
fn fact_3_done_ends_a_stream() {
    for done in [
        "data: [DONE]\n\n",
        "data:[DONE]\r\n\r\n",
        "data: [DONE] \r\r",
    ] {
        let (_, fault, tap) = outcome(CHAT, KEEP, &format!("{}{done}", text(1)));
        assert_eq!(fault, None, "{done:?}");
        assert!(tap.is_finished());
    }
    // What follows it does not go on.
    let (out, fault, _) = outcome(CHAT, KEEP, &format!("{DONE}{}garbage", text(1)));
    assert_eq!((out.as_str(), fault), (DONE, None));
}

#[test]
fn fact_4_and_5_tool_fragments_go_on_at_once_and_unread() {
    let mut tap = StreamTap::new(CHAT, STRIP);
    for (index, piece) in [(0, "{\\\"ci"), (1, "{\\\"b"), (0, "ty\\\":"), (1, "")] {
        let event = Bytes::from(format!(
            "data: {{\"choices\":[{{\"index\":0,\"delta\":{{\"tool_calls\":[{{\"index\":{index},\"function\":{{\"arguments\":\"{piece}\"}}}}]}}}}]}}\n\n"
        ));
        let forward = tap.push(event.clone());
        assert_eq!(forward.bytes.len(), 1);
        assert_eq!(
            forward.bytes[0].as_ptr(),
            event.as_ptr(),
            "the chunk itself, not a copy"
        );
        assert_eq!(forward.fault, None);
    }
    assert_eq!(tap.output_bytes(), 5 + 4 + 5);
}

#[test]
fn fact_6_unknown_fields_and_events_pass() {
    let stream = format!(
        "event: odd\nid: 7\nretry: 10\ndata: {{\"choices\":[{{\"index\":0,\"delta\":{{\"reasoning_content\":\"abc\",\"reasoning_details\":[{{\"type\":\"reasoning.text\",\"text\":\"de\",\"signature\":\"xxxx\"}}],\"new\":{{}}}}}}],\"new\":[[1]]}}\n\n{DONE}"
    );
    let (out, fault, tap) = outcome(CHAT, STRIP, &stream);
    assert_eq!((out, fault, tap.output_bytes()), (stream, None, 5));
}

fn message(event: &str, data: &str) -> String {
    format!("event: {event}\ndata: {{\"type\":\"{event}\"{data}}}\n\n")
}

fn start() -> String {
    message(
        "message_start",
        r#","message":{"id":"msg_1","model":"m","content":[],"usage":{"input_tokens":25,"cache_read_input_tokens":1000,"cache_creation_input_tokens":50,"output_tokens":1}}"#,
    )
}

#[test]
fn fact_11_unknown_events_and_pings_pass_anywhere() {
    let stream = [
        start(),
        "event: ping\ndata: {\"type\": \"ping\"}\n\n".to_owned(),
        "event: ping\ndata:\n\n".to_owned(),
        "event: brand_new\ndata: not even JSON\n\n".to_owned(),
        message("content_block_start", r#","index":0,"content_block":{"type":"text","text":""}"#),
        message("content_block_delta", r#","index":0,"delta":{"type":"text_delta","text":"four"}"#),
        message("content_block_stop", r#","index":0"#),
        message("message_delta", r#","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":15}"#),
        message("message_stop", ""),
    ]
    .concat();
    let (out, fault, tap) = outcome(Endpoint::Messages, STRIP, &stream);
    assert_eq!((out, fault), (stream, None));
    assert!(tap.is_finished());
    assert_eq!(tap.output_bytes(), 4);
}

#[test]
fn fact_12_usage_in_message_delta_is_cumulative() {
    let delta = |tokens: u32| {
        message(
            "message_delta",
            &format!(r#","delta":{{}},"usage":{{"output_tokens":{tokens}}}"#),
        )
    };
    let stream = [start(), delta(5), delta(15), message("message_stop", "")].concat();
    let (_, _, tap) = outcome(Endpoint::Messages, KEEP, &stream);
    let usage = tap.usage().unwrap();
    assert_eq!(
        (
            usage.input,
            usage.cache_read,
            usage.cache_write,
            usage.output
        ),
        (25, 1000, 50, 15)
    );
}

#[test]
fn fact_14_signatures_pass_byte_for_byte_and_are_no_text() {
    let stream = [
        message(
            "content_block_delta",
            r#","index":0,"delta":{"type":"thinking_delta","thinking":"hm\u00e9"}"#,
        ),
        message(
            "content_block_delta",
            r#","index":0,"delta":{"type":"signature_delta","signature":"EqQBCg\/+=="}"#,
        ),
        message(
            "content_block_start",
            r#","index":1,"content_block":{"type":"redacted_thinking","data":"EmwKAhgB"}"#,
        ),
        message("message_stop", ""),
    ]
    .concat();
    let (out, fault, tap) = outcome(Endpoint::Messages, KEEP, &stream);
    assert_eq!((out, fault, tap.output_bytes()), (stream, None, 8));
}

#[test]
fn events_without_a_name_are_known_by_their_type() {
    let stream = format!("{}{}", start(), message("message_stop", "")).replace("event:", ": was");
    let (_, fault, tap) = outcome(Endpoint::Messages, KEEP, &stream);
    assert_eq!(fault, None);
    assert!(tap.is_finished() && tap.usage().is_some());
}

#[test]
fn fact_23_an_error_in_a_stream_goes_on_and_is_the_last() {
    for (endpoint, event, class) in [
        (
            CHAT,
            "data: {\"error\":{\"message\":\"busy\",\"code\":429}}\n\n",
            FaultClass::RateLimit,
        ),
        (
            CHAT,
            "data: {\"error\":\"busy\",\"choices\":[{\"finish_reason\":\"error\"}]}\r\n\r\n",
            FaultClass::ServerError,
        ),
        (
            CHAT,
            "data: {\"object\":\"error\",\"message\":\"busy\",\"code\":500}\n\n",
            FaultClass::ServerError,
        ),
        (
            CHAT,
            "event: error\ndata: {\"message\":\"busy\"}\n\n",
            FaultClass::ServerError,
        ),
        (
            Endpoint::Messages,
            "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"busy\"}}\n\n",
            FaultClass::ServerError,
        ),
        (
            Endpoint::Messages,
            "data: {\"type\":\"error\",\"error\":{\"type\":\"rate_limit_error\",\"message\":\"busy\"}}\n\n",
            FaultClass::RateLimit,
        ),
    ] {
        let before = ": hello\n\n";
        let (out, fault, tap) = outcome(endpoint, KEEP, &format!("{before}{event}{DONE}"));
        assert_eq!(out, format!("{before}{event}"));
        let message = "busy".to_owned();
        assert_eq!(fault, Some(StreamFault::ErrorEvent { class, message }));
        assert!(!tap.is_finished());
    }
    for no_error in ["null", "false", "{}", "\"\""] {
        let stream = format!("data: {{\"error\":{no_error},\"choices\":[]}}\n\n{DONE}");
        assert_eq!(outcome(CHAT, KEEP, &stream).1, None);
    }
}

#[test]
fn an_error_event_ends_with_its_whole_line_end_however_it_is_torn() {
    let event = "data: {\"error\":\"x\"}";
    let (out, _, _) = outcome(CHAT, KEEP, &format!("{event}\r\n\r\n"));
    assert_eq!(out, format!("{event}\r\n\r\n"));
    // Lone CRs: the added LF only completes the last line end.
    let (out, _, _) = outcome(CHAT, KEEP, &format!("{event}\r\r"));
    assert_eq!(out, format!("{event}\r\r\n"));
}

#[test]
fn fact_26_every_framing_passes_byte_for_byte() {
    let stream = format!(
        "\u{feff}: keepalive\n: again\r\n\r\ndata: {{\"choices\":[{{\"delta\":\ndata: {{\"content\":\"é€😀\"}}}}]}}\n\n:\n{}data: [DONE]\r\r",
        text(1).replace('\n', "\r")
    );
    let (out, fault, tap) = outcome(CHAT, STRIP, &stream);
    assert_eq!((out, fault), (stream, None));
    assert_eq!(tap.output_bytes(), 9 + 2);
}

#[test]
fn fact_27_a_stream_without_its_terminator_failed() {
    let finished =
        "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n";
    for stream in [
        String::new(),
        text(1),
        format!("{}{finished}", text(1)),
        format!("{finished}{USAGE}"),
    ] {
        let (out, fault, tap) = outcome(CHAT, KEEP, &stream);
        assert_eq!((out, fault), (stream, Some(StreamFault::Cut)));
        assert!(!tap.is_finished());
    }
    let (_, fault, _) = outcome(Endpoint::Messages, KEEP, &start());
    assert_eq!(fault, Some(StreamFault::Cut));
}

#[test]
fn the_last_event_may_lack_its_blank_line() {
    for tail in [
        "data: [DONE]",
        "data: [DONE]\n",
        "data: [DONE]\r\n",
        "data: [DONE]\r",
    ] {
        let (out, fault, tap) = outcome(CHAT, KEEP, &format!("{}{tail}", text(1)));
        assert_eq!(fault, None, "{tail:?}");
        assert!(tap.is_finished() && out.contains("[DONE]"));
        let mut lines = crate::sse::Splitter::default();
        let start = text(1).len();
        assert_eq!(
            lines.unit_end(&out.as_bytes()[start..]),
            Some(out.len() - start),
            "{out:?}"
        );
    }
    // A whole event goes on before the cut is told, half of one does not.
    let (out, fault, _) = outcome(CHAT, KEEP, text(1).trim_end());
    assert_eq!((out, fault), (text(1), Some(StreamFault::Cut)));
    for half in [
        "data: {\"choices\":[{",
        "data: 12",
        "dat",
        ": keep",
        "data: {\"choices\":[]}\ndata: {",
    ] {
        let (out, fault, _) = outcome(CHAT, KEEP, &format!("{}{half}", text(1)));
        assert_eq!((out, fault), (text(1), Some(StreamFault::Cut)), "{half}");
    }
    let (out, fault, _) = outcome(CHAT, KEEP, "data: {\"error\":\"x\"}\n");
    assert_eq!(out, "data: {\"error\":\"x\"}\n\n");
    assert!(matches!(fault, Some(StreamFault::ErrorEvent { .. })));
}

#[test]
fn broken_events_do_not_go_on_and_are_told_without_content() {
    for (data, note) in [
        ("{\"secret\":", "its JSON breaks off"),
        ("{\"secret\" 1}", "not JSON from byte 11 on"),
        ("secret", "not JSON from byte 1 on"),
        ("[1]", "found a list, expected an object"),
        ("{} {}", "not JSON from byte 4 on"),
        ("<html>", "not JSON from byte 1 on"),
    ] {
        let (out, fault, _) = outcome(CHAT, KEEP, &format!("{}data: {data}\n\n{DONE}", text(1)));
        assert_eq!(out, text(1), "{data}");
        assert_eq!(
            fault,
            Some(StreamFault::BadEvent(note.to_owned())),
            "{data}"
        );
    }
    let (out, fault, _) = run(CHAT, KEEP, b"data: {\"a\":\"\xff\"}\n\n", 3);
    assert_eq!(
        (out, fault),
        (vec![], Some(StreamFault::BadEvent("not UTF-8".to_owned())))
    );
    let (_, fault, _) = outcome(
        Endpoint::Messages,
        KEEP,
        "event: message_delta\ndata: {\n\n",
    );
    assert!(matches!(fault, Some(StreamFault::BadEvent(_))));
}

#[test]
fn half_a_surrogate_pair_is_the_providers_business() {
    let stream =
        format!("data: {{\"choices\":[{{\"delta\":{{\"content\":\"\\ud83d\"}}}}]}}\n\n{DONE}");
    let (out, fault, _) = outcome(CHAT, KEEP, &stream);
    assert_eq!((out, fault), (stream, None));
}

#[test]
fn fact_29_no_usage_is_none_and_zero_is_zero() {
    let (_, _, tap) = outcome(CHAT, KEEP, &format!("{}{DONE}", text(1)));
    assert_eq!(tap.usage(), None);
    let zero = USAGE
        .replace("9,", "0,")
        .replace("2,", "0,")
        .replace("11", "0");
    let (_, _, tap) = outcome(CHAT, KEEP, &format!("{zero}{DONE}"));
    assert_eq!(tap.usage(), tokens(0, 0));
}

#[test]
fn fact_28_what_was_used_so_far_is_known_when_the_client_leaves() {
    let mut tap = StreamTap::new(Endpoint::Messages, KEEP);
    let forward = tap.push(Bytes::from(start()));
    assert_eq!(forward.fault, None);
    assert_eq!(tap.usage().unwrap().input, 25);
    let delta = message(
        "content_block_delta",
        r#","index":0,"delta":{"type":"text_delta","text":"abc"}"#,
    );
    assert_eq!(tap.push(Bytes::from(delta)).fault, None);
    assert_eq!(tap.output_bytes(), 3);
}

#[test]
fn fact_31_nothing_whole_is_ever_held_back() {
    let mut tap = StreamTap::new(CHAT, STRIP);
    let (one, two) = (text(1), text(2));
    let chunk = format!("{one}{}", &two[..10]);
    assert_eq!(tap.push(Bytes::from(chunk)).bytes.concat(), one.as_bytes());
    let chunk = format!("{}{one}", &two[10..]);
    assert_eq!(
        tap.push(Bytes::from(chunk)).bytes.concat(),
        format!("{two}{one}").as_bytes()
    );
    // A lone comment line goes on without its blank line.
    let comment = Bytes::from_static(b": keepalive\n");
    assert_eq!(tap.push(comment.clone()).bytes[..], [comment]);
}

#[test]
fn fact_33_mlx_begins_with_comments_and_ends_with_a_completion() {
    let usage = USAGE.replace("chat.completion.chunk", "chat.completion");
    let stream = format!(
        ": keepalive 1/10\n\n: keepalive 10/10\n\n{}{usage}{DONE}",
        text(1)
    );
    let (out, fault, tap) = outcome(CHAT, STRIP, &stream);
    assert_eq!((out, fault), (stream.replace(&usage, ""), None));
    assert_eq!(tap.usage(), tokens(9, 2));
}

#[test]
fn groq_tells_usage_in_a_field_of_its_own() {
    let stream = format!(
        "data: {{\"choices\":[{{\"delta\":{{}}}}],\"x_groq\":{{\"usage\":{{\"prompt_tokens\":4,\"completion_tokens\":1}}}}}}\n\n{DONE}"
    );
    let (out, _, tap) = outcome(CHAT, STRIP, &stream);
    assert_eq!((out, tap.usage()), (stream, tokens(4, 1)));
}

/// Attack: a line without end, to fill the gateway's memory.
#[test]
fn what_is_held_back_is_bounded() {
    for beginning in ["data: ", ": ", "data: x\ndata: "] {
        let mut tap = StreamTap::new(CHAT, KEEP);
        assert_eq!(
            tap.push(Bytes::copy_from_slice(beginning.as_bytes())).fault,
            None
        );
        let chunk = Bytes::from(vec![b'x'; 64 * 1024]);
        let mut pushed = 0;
        let fault = loop {
            pushed += chunk.len();
            if let Some(fault) = tap.push(chunk.clone()).fault {
                break fault;
            }
            assert!(pushed <= MAX_EVENT && tap.held.len() <= MAX_EVENT);
        };
        assert_eq!(fault, StreamFault::EventTooLarge);
        assert_eq!(tap.held.capacity(), 0);
    }
    // Lone comments are no event that grows.
    let mut tap = StreamTap::new(CHAT, KEEP);
    let comments = Bytes::from(": keepalive\n".repeat(1000));
    for _ in 0..2 * MAX_EVENT / comments.len() {
        assert_eq!(tap.push(comments.clone()).fault, None);
        assert!(tap.held.is_empty());
    }
}

#[test]
fn the_largest_event_is_the_same_however_it_comes() {
    for (extra, end, fits) in [
        (0, "\n\n", true),
        (1, "\n\n", false),
        (0, "\r\r", true),
        (1, "\r\n\r\n", false),
    ] {
        let frame = "data: {\"a\":\"\"}".len() + end.len() - usize::from(end.len() == 4);
        let text = "x".repeat(MAX_EVENT - frame + extra);
        let stream = format!("data: {{\"a\":\"{text}\"}}{end}");
        for size in [usize::MAX, 1 << 20, stream.len() - 1] {
            let (out, fault, _) = run(CHAT, KEEP, stream.as_bytes(), size);
            let expected = if fits {
                StreamFault::Cut
            } else {
                StreamFault::EventTooLarge
            };
            assert_eq!(fault, Some(expected), "{extra} {end:?} {size}");
            assert_eq!(out.len(), if fits { stream.len() } else { 0 });
        }
    }
}

/// A torn event must not be searched again from its start with every byte:
/// a quadratic search of these would take minutes.
#[test]
fn work_is_linear_in_bytes() {
    let stream = format!("data: {{\"a\":\"{}\"}}\n\n{DONE}", "x".repeat(1_000_000));
    let (out, fault, _) = run(CHAT, KEEP, stream.as_bytes(), 1);
    assert_eq!((out.len(), fault), (stream.len(), None));
}

#[test]
fn what_was_produced_is_counted_from_below() {
    let mut tap = StreamTap::new(Endpoint::ChatCompletions, TapOptions::default());
    let event = |text: &str| {
        let text = serde_json::Value::from(text);
        let event = format!("data: {{\"choices\":[{{\"delta\":{{\"content\":{text}}}}}]}}\n\n");
        Bytes::from(event)
    };
    tap.push(Bytes::from_static(
        b"data: {\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}\n\n",
    ));
    assert_eq!(tap.produced(), 0, "a role is no token");
    for _ in 0..5 {
        tap.push(event("a"));
    }
    assert_eq!(tap.produced(), 5, "an event has one token at least");
    tap.push(event(&"x".repeat(800)));
    assert_eq!(tap.produced(), 100, "a long text has more");
    tap.push(Bytes::from_static(
        b"data: {\"choices\":[],\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":700}}\n\n",
    ));
    assert_eq!(tap.produced(), 700, "the provider knows best");
}
