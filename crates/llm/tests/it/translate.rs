//! Golden files: what every case of one dialect is in every other one.
//!
//! A folder holds a caller's `request.json` of its dialect, or what a provider
//! of it answers (`response.json`, `stream.sse`), or both. Beside them stands
//! what the others see: `to_X.json` is the request as endpoint X gets it, with
//! what was left out, or the refusal; `for_X.json` and `for_X.sse` the answer
//! as a caller of X gets it. `UPDATE=1` writes them.

use std::fs;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use serde_json::{Value, json};
use tollgate_llm::{
    AnswerFrame, Edits, Endpoint, Framing, Strictness, Translator, read_request_at,
    translate_answer, translate_request,
};
use tollgate_types::RequestId;

/// What a caller speaks, the folder of its cases, and a model of its provider.
const ENDPOINTS: [(Endpoint, &str, &str); 4] = [
    (Endpoint::ChatCompletions, "chat", "gpt-4o"),
    (Endpoint::Messages, "messages", "claude-sonnet-4-5"),
    (Endpoint::StreamGenerateContent, "gemini", "gemini-3-pro"),
    (Endpoint::Responses, "responses", "gpt-4o"),
];

#[test]
fn every_case_of_every_pair() {
    for (from, name, _) in ENDPOINTS {
        let cases = cases(name);
        assert!(cases.len() > 6, "{name}: {} cases", cases.len());
        for case in cases {
            let others = ENDPOINTS.iter();
            for (to, target, model) in others.filter(|(to, ..)| *to != from) {
                request(&case, from, *to, target, model);
                answer(&case, from, *to, target);
                stream(&case, from, *to, target);
            }
        }
    }
}

fn cases(dialect: &str) -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/translate");
    let list = fs::read_dir(root.join(dialect)).unwrap();
    let mut cases: Vec<PathBuf> = list.map(|entry| entry.unwrap().path()).collect();
    cases.sort();
    cases
}

fn request(case: &Path, from: Endpoint, to: Endpoint, target: &str, model: &str) {
    let Ok(body) = fs::read(case.join("request.json")) else {
        return;
    };
    let path = |endpoint: Endpoint| endpoint.path().replace("{model}", "model");
    let read = |endpoint: Endpoint, body: &[u8]| {
        read_request_at(endpoint, &path(endpoint), Some("alt=sse"), body).unwrap()
    };
    let view = read(from, &body);
    let edits = Edits {
        model: Some(model),
        ..Edits::default()
    };
    let done = translate_request(from, to, &view, &body, &edits, Strictness::Lenient);
    let found = match done {
        Ok(done) => {
            let drops: Vec<String> = done.drops.iter().map(ToString::to_string).collect();
            let sent = std::str::from_utf8(&done.body).unwrap();
            // What is sent must be a request that its own reader takes.
            read(to, &done.body);
            if drops.is_empty() {
                let strict = translate_request(from, to, &view, &body, &edits, Strictness::Strict);
                assert_eq!(strict.unwrap().body, done.body, "{case:?}");
            }
            format!("{sent}\n{}", json!({"left_out": drops}))
        }
        Err(fault) => json!({"refused": fault.param, "message": fault.message}).to_string(),
    };
    expect(&case.join(format!("to_{target}.json")), &(found + "\n"));
}

fn answer(case: &Path, from: Endpoint, to: Endpoint, target: &str) {
    let Ok(body) = fs::read(case.join("response.json")) else {
        return;
    };
    let done = translate_answer(from, to, &body, &frame()).unwrap();
    let again: Value = serde_json::from_slice(&done.body).unwrap();
    assert!(again.is_object());
    let mut out = std::str::from_utf8(&done.body).unwrap().to_owned();
    if !done.lost.is_empty() {
        out += &format!("\n{}", json!({"lost": done.lost}));
    }
    expect(
        &case.join(format!("for_{target}.json")),
        &format!("{out}\n"),
    );
}

fn stream(case: &Path, from: Endpoint, to: Endpoint, target: &str) {
    let Ok(stream) = fs::read(case.join("stream.sse")) else {
        return;
    };
    let whole = relay(from, to, &stream, stream.len().max(1));
    for size in [1, 2, 3, 7, 64] {
        assert_eq!(relay(from, to, &stream, size), whole, "{case:?} in {size}s");
    }
    expect(&case.join(format!("for_{target}.sse")), &whole);
}

/// What a caller gets, and behind it how it ended and what was booked.
pub(crate) fn relay(from: Endpoint, to: Endpoint, stream: &[u8], size: usize) -> String {
    let mut translator = Translator::new(from, to, Framing::Events, frame());
    let mut out = Vec::new();
    let mut fault = None;
    for chunk in stream.chunks(size) {
        if fault.is_none() {
            let forward = translator.push(Bytes::copy_from_slice(chunk));
            out.extend(forward.bytes.concat());
            fault = forward.fault;
        }
    }
    if fault.is_none() {
        let forward = translator.end();
        out.extend(forward.bytes.concat());
        fault = forward.fault;
    }
    let fault = fault.map(|fault| fault.to_string());
    let booked = json!({
        "fault": fault,
        "finished": translator.is_finished(),
        "usage": translator.usage(),
    });
    let lost = match translator.lost() {
        [] => String::new(),
        lost => format!(": {}\n", json!({"lost": lost})),
    };
    format!("{}: {booked}\n{lost}", String::from_utf8(out).unwrap())
}

pub(crate) fn frame() -> AnswerFrame {
    AnswerFrame {
        request: RequestId::from_bytes([7; 16]),
        created: 1_700_000_000,
        model: "served".to_owned(),
        rename: false,
        usage_asked: true,
    }
}

fn expect(path: &Path, found: &str) {
    if std::env::var_os("UPDATE").is_some() {
        fs::write(path, found).unwrap();
    }
    let expected = fs::read_to_string(path).unwrap_or_default();
    assert_eq!(found, expected, "{}", path.display());
}
