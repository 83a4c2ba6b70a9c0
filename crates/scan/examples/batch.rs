//! The batch form of `tollgate scan --json`, without the rest of the program.

#![allow(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a tool for development"
)]

use std::io::{BufRead, Write};

use tollgate_scan::{Inbound, Injections, Outbound, Scanner};

fn main() {
    let scanner = Scanner::shipped().expect("shipped rules");
    let injections = Injections::shipped().expect("shipped concepts");
    let mut out = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let line = line.expect("stdin");
        let asked: serde_json::Value = serde_json::from_str(&line).expect("json");
        let text = asked["text"].as_str().unwrap_or_default();
        let report = match asked["direction"].as_str() {
            Some("inbound") => injections.inbound(text.as_bytes(), Inbound::default()),
            _ => scanner.outbound(text.as_bytes(), None, Outbound::PATTERNS),
        };
        let findings: Vec<_> = report
            .findings
            .iter()
            .map(|finding| serde_json::json!({"detector": finding.detector.as_str(), "kind": &*finding.kind, "severity": finding.severity.as_str(), "start": finding.start, "end": finding.end}))
            .collect();
        writeln!(out, "{}", serde_json::json!({"id": asked["id"], "verdict": report.verdict().as_str(), "findings": findings})).expect("stdout");
    }
}
