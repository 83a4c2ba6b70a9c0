use serde_json::{Value, json};

use super::Row;

/// A SARIF 2.1.0 log with one run.
pub(super) fn log(rows: &[Row]) -> Value {
    let mut kinds: Vec<&str> = rows.iter().map(|row| row.kind.as_str()).collect();
    kinds.sort_unstable();
    kinds.dedup();
    let rules: Vec<Value> = kinds.iter().map(|kind| json!({"id": kind})).collect();
    let results: Vec<Value> = rows.iter().map(result).collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {"name": "tollgate", "version": env!("CARGO_PKG_VERSION"), "rules": rules}},
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

fn result(row: &Row) -> Value {
    let level = match row.severity {
        "high" | "critical" => "error",
        "medium" => "warning",
        _ => "note",
    };
    json!({
        "ruleId": row.kind,
        "level": level,
        "message": {"text": format!("`{}` found by {}", row.kind, row.detector)},
        "locations": [{"physicalLocation": {
            "artifactLocation": {"uri": reference(&row.path)},
            "region": {
                "startLine": row.line,
                "startColumn": row.column,
                "byteOffset": row.start,
                "byteLength": row.end - row.start,
            },
        }}],
    })
}

/// A path as a relative reference (RFC 3986): blanks and other letters are
/// escaped, and a colon can't be taken for the end of a scheme.
fn reference(path: &str) -> String {
    let path = path.strip_prefix("./").unwrap_or(path);
    let mut out = String::with_capacity(path.len());
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                out.push(byte as char);
            }
            other => out += &format!("%{other:02X}"),
        }
    }
    out
}
