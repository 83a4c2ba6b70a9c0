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
            "artifactLocation": {"uri": row.path},
            "region": {"startLine": row.line, "startColumn": row.column},
        }}],
    })
}
