//! What must hold of a translation, whatever is translated. Runs under the
//! fuzzer and, so that it is exercised on a stable compiler, in the tests of
//! `tollgate-llm`.

use bytes::Bytes;
use serde_json::Value;
use tollgate_llm::{
    AnswerFrame, Edits, Endpoint, Framing, StreamFault, Strictness, Translator, read_request_at,
    translate_answer, translate_request,
};
use tollgate_types::RequestId;

const ALL: [Endpoint; 4] = [
    Endpoint::ChatCompletions,
    Endpoint::Messages,
    Endpoint::StreamGenerateContent,
    Endpoint::Responses,
];

/// `from` is the caller of requests and the provider of answers. The first
/// byte chooses the other side and the framing, the next eight the chunks'
/// sizes, the rest is all three: a request, an answer and a stream.
pub(crate) fn check(from: Endpoint, input: &[u8]) {
    let Some((head, body)) = input.split_at_checked(9) else {
        return;
    };
    let to = ALL[usize::from(head[0] & 3)];
    let framing = match head[0] & 4 {
        0 => Framing::Events,
        _ => Framing::Array,
    };
    request(from, to, body);
    answer(from, to, body);
    stream(from, to, framing, &head[1..], body);
}

fn path(endpoint: Endpoint) -> String {
    endpoint.path().replace("{model}", "model")
}

/// What is translated can be read again, and strictness only refuses more.
fn request(from: Endpoint, to: Endpoint, body: &[u8]) {
    let Ok(view) = read_request_at(from, &path(from), Some("alt=sse"), body) else {
        return;
    };
    let edits = Edits {
        model: Some("model"),
        ..Edits::default()
    };
    let with = |strictness| translate_request(from, to, &view, body, &edits, strictness);
    let lenient = with(Strictness::Lenient);
    match (&lenient, with(Strictness::Strict)) {
        (Ok(lenient), Ok(strict)) => assert_eq!(lenient.body, strict.body),
        (Err(_), Ok(_)) => panic!("strict takes what lenient refuses"),
        _ => {}
    }
    match lenient {
        Ok(done) => {
            assert!(done.drops.len() <= 32);
            let again = read_request_at(to, &path(to), Some("alt=sse"), &done.body);
            let again = again.unwrap_or_else(|fault| panic!("{fault}: {:?}", done.body));
            assert_eq!(
                again.stream,
                view.stream || to == Endpoint::StreamGenerateContent
            );
        }
        Err(fault) => assert!(!fault.message.is_empty()),
    }
}

fn answer(from: Endpoint, to: Endpoint, body: &[u8]) {
    if let Ok(done) = translate_answer(from, to, body, &frame()) {
        let written: Result<Value, _> = serde_json::from_slice(&done.body);
        let written = written.unwrap_or_else(|fault| {
            // Half a surrogate pair passes as it came, as everywhere.
            assert!(has_surrogates(body), "{fault}: {:?}", done.body);
            Value::Object(serde_json::Map::new())
        });
        assert!(written.is_object());
    }
}

fn has_surrogates(body: &[u8]) -> bool {
    String::from_utf8_lossy(body)
        .to_ascii_lowercase()
        .contains("\\ud")
}

fn stream(from: Endpoint, to: Endpoint, framing: Framing, sizes: &[u8], body: &[u8]) {
    let whole = run(from, to, framing, body, &[u8::MAX]);
    assert_eq!(whole, run(from, to, framing, body, sizes));
    assert_eq!(whole, run(from, to, framing, body, &[0]));
    let (out, fault, finished) = whole;
    let text = String::from_utf8(out).expect("text stays text");
    let ended = match to {
        Endpoint::Messages => text.contains("event: message_stop"),
        Endpoint::Responses => {
            text.contains("event: response.completed")
                || text.contains("event: response.incomplete")
        }
        Endpoint::ChatCompletions => text.ends_with("data: [DONE]\n\n"),
        _ => return,
    };
    if fault.is_none() {
        assert!(
            finished && ended,
            "a clean end without a terminator: {text}"
        );
    } else if to != Endpoint::ChatCompletions {
        assert!(!ended, "a terminator in a stream that failed: {text}");
    }
}

fn run(
    from: Endpoint,
    to: Endpoint,
    framing: Framing,
    stream: &[u8],
    sizes: &[u8],
) -> (Vec<u8>, Option<StreamFault>, bool) {
    let mut translator = Translator::new(from, to, framing, frame());
    let mut out = Vec::new();
    let mut rest = stream;
    let mut sizes = sizes.iter().cycle();
    while !rest.is_empty() {
        let size = usize::from(*sizes.next().unwrap_or(&1)) + 1;
        let (chunk, after) = rest.split_at(size.min(rest.len()));
        rest = after;
        let forward = translator.push(Bytes::copy_from_slice(chunk));
        out.extend(forward.bytes.concat());
        if forward.fault.is_some() {
            return (out, forward.fault, false);
        }
    }
    let forward = translator.end();
    out.extend(forward.bytes.concat());
    (out, forward.fault, translator.is_finished())
}

fn frame() -> AnswerFrame {
    AnswerFrame {
        request: RequestId::from_bytes([7; 16]),
        created: 1,
        model: "model".to_owned(),
        rename: false,
        usage_asked: true,
    }
}
