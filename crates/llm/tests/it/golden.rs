//! One folder a case: `golden/<dialect>/<case>/`.
//!
//! * `request.json`: what the client sends; `upstream_request.json`: what goes
//!   on to the provider, with the model renamed and usage asked for.
//! * `stream.sse` or `response.json`: what the provider answers;
//!   `forwarded.sse`: what the client gets, where that differs.
//! * `usage.json`: what the gateway books.
//!
//! `UPDATE=1` writes the last three anew; read the difference before you keep
//! it.

use std::fs;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use serde_json::{Value, json};
use tollgate_llm::{Edits, Endpoint, StreamTap, TapOptions, read_answer, read_request};

#[test]
fn every_case_is_as_written() {
    let mut count = 0;
    for dialect in ["openai", "anthropic"] {
        let cases = folders(dialect);
        assert!(cases.len() >= 8, "{dialect} has {} cases", cases.len());
        for case in cases {
            check(dialect, &case);
            count += 1;
        }
    }
    assert!(count >= 16);
}

fn folders(dialect: &str) -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(dialect);
    let entries = fs::read_dir(root).unwrap();
    let mut folders: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    folders
}

fn check(dialect: &str, case: &Path) {
    let request = Bytes::from(fs::read(case.join("request.json")).unwrap());
    let endpoint = endpoint(dialect, &request);
    let view = read_request(endpoint, &request).unwrap();
    let edits = Edits {
        model: Some("upstream-model"),
        ask_usage: true,
        ..Edits::default()
    };
    let sent = view.apply(&request, &edits).concat();
    expect(case, "upstream_request.json", &sent);

    let answer = fs::read(case.join("response.json"));
    let booked = match answer {
        Ok(body) => match read_answer(endpoint, &body) {
            Ok(answer) => json!({
                "usage": answer.usage,
                "output_bytes": answer.output_bytes,
                "model": answer.model.map(|span| String::from_utf8_lossy(&body[span]).into_owned()),
            }),
            Err(fault) => json!({"fault": fault.to_string()}),
        },
        Err(_) => {
            let stream = fs::read(case.join("stream.sse")).unwrap();
            let strip_usage = !view.usage_asked;
            let (booked, out) = relay(endpoint, strip_usage, &stream, stream.len());
            for size in [1, 5, 64] {
                let again = relay(endpoint, strip_usage, &stream, size);
                assert_eq!(again, (booked.clone(), out.clone()), "{case:?} in {size}s");
            }
            if out != stream {
                expect(case, "forwarded.sse", &out);
            } else {
                assert!(!case.join("forwarded.sse").exists(), "{case:?}");
            }
            booked
        }
    };
    let booked = serde_json::to_string_pretty(&booked).unwrap() + "\n";
    expect(case, "usage.json", booked.as_bytes());
}

fn endpoint(dialect: &str, request: &[u8]) -> Endpoint {
    let request: Value = serde_json::from_slice(request).unwrap();
    match dialect {
        "anthropic" => Endpoint::Messages,
        _ if request.get("input").is_some() => Endpoint::Embeddings,
        _ if request.get("prompt").is_some() => Endpoint::Completions,
        _ => Endpoint::ChatCompletions,
    }
}

fn relay(endpoint: Endpoint, strip_usage: bool, stream: &[u8], size: usize) -> (Value, Vec<u8>) {
    let mut tap = StreamTap::new(endpoint, TapOptions { strip_usage });
    let mut out = Vec::new();
    let mut fault = None;
    for chunk in stream.chunks(size) {
        let forward = tap.push(Bytes::copy_from_slice(chunk));
        out.extend(forward.bytes.concat());
        fault = fault.or(forward.fault);
    }
    let forward = tap.end();
    out.extend(forward.bytes.concat());
    let fault = fault.or(forward.fault).map(|fault| fault.to_string());
    let booked = json!({
        "usage": tap.usage(),
        "output_bytes": tap.output_bytes(),
        "finished": tap.is_finished(),
        "fault": fault,
    });
    (booked, out)
}

fn expect(case: &Path, file: &str, found: &[u8]) {
    let path = case.join(file);
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&path, found).unwrap();
    }
    let expected = fs::read(&path).unwrap_or_default();
    assert_eq!(
        String::from_utf8_lossy(found),
        String::from_utf8_lossy(&expected),
        "{}",
        path.display()
    );
}
