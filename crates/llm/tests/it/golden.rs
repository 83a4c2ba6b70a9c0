//! One folder a case: `golden/<dialect>/<case>/`.
//!
//! * `request.json`: what the client sends; `upstream_request.json`: what goes
//!   on to the provider, with the model renamed and usage asked for.
//! * `stream.sse`, `stream.json` (Gemini's array) or `response.json`: what the
//!   provider answers; `forwarded.sse` or `.json`: what the client gets, where
//!   that differs.
//! * `usage.json`: what the gateway books.
//!
//! `UPDATE=1` writes the last three anew; read the difference before you keep
//! it.

use std::fs;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use serde_json::{Value, json};
use tollgate_llm::{Edits, Endpoint, StreamTap, TapOptions, read_answer, read_request_at};

#[test]
fn every_case_is_as_written() {
    let mut count = 0;
    for dialect in ["openai", "anthropic", "responses", "gemini"] {
        let cases = folders(dialect);
        assert!(cases.len() >= 8, "{dialect} has {} cases", cases.len());
        for case in cases {
            check(dialect, &case);
            count += 1;
        }
    }
    assert!(count >= 32);
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
    let endpoint = endpoint(dialect, case, &request);
    let query = case.join("stream.sse").exists().then_some("alt=sse");
    let path = endpoint.path().replace("{model}", "asked-model");
    let view = read_request_at(endpoint, &path, query, &request).unwrap();
    if dialect == "gemini" {
        let upstream = endpoint.upstream_path(&path, "upstream-model").unwrap();
        assert!(upstream.starts_with("/v1beta/models/upstream-model:"));
    }
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
            let (stream, kind) = match fs::read(case.join("stream.sse")) {
                Ok(stream) => (stream, "sse"),
                Err(_) => (fs::read(case.join("stream.json")).unwrap(), "json"),
            };
            let options = TapOptions {
                strip_usage: !view.usage_asked,
                framing: view.framing,
            };
            let (booked, out) = relay(endpoint, options, &stream, stream.len());
            for size in [1, 5, 64] {
                let again = relay(endpoint, options, &stream, size);
                assert_eq!(again, (booked.clone(), out.clone()), "{case:?} in {size}s");
            }
            let forwarded = format!("forwarded.{kind}");
            if out != stream {
                expect(case, &forwarded, &out);
            } else {
                assert!(!case.join(forwarded).exists(), "{case:?}");
            }
            booked
        }
    };
    let booked = serde_json::to_string_pretty(&booked).unwrap() + "\n";
    expect(case, "usage.json", booked.as_bytes());
}

fn endpoint(dialect: &str, case: &Path, request: &[u8]) -> Endpoint {
    let request: Value = serde_json::from_slice(request).unwrap();
    let has = |key: &str| request.get(key).is_some();
    match dialect {
        "anthropic" => Endpoint::Messages,
        "responses" => Endpoint::Responses,
        "gemini" if has("requests") => Endpoint::BatchEmbedContents,
        "gemini" if has("content") => Endpoint::EmbedContent,
        "gemini" if has("generateContentRequest") => Endpoint::GeminiCountTokens,
        "gemini" if case.join("response.json").exists() => Endpoint::GenerateContent,
        "gemini" => Endpoint::StreamGenerateContent,
        _ if has("input") => Endpoint::Embeddings,
        _ if has("prompt") => Endpoint::Completions,
        _ => Endpoint::ChatCompletions,
    }
}

fn relay(endpoint: Endpoint, options: TapOptions, stream: &[u8], size: usize) -> (Value, Vec<u8>) {
    let mut tap = StreamTap::new(endpoint, options);
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
