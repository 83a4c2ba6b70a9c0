use std::io::{BufRead, Write};

use serde::{Deserialize, Serialize};
use tollgate_scan::Verdict;

use super::Both;
use crate::cli::failure::Failure;

/// Longest line, in bytes.
const LONGEST: u64 = 64 << 20;

#[derive(Deserialize)]
struct Asked {
    id: serde_json::Value,
    text: String,
    direction: String,
}

#[derive(Serialize)]
struct Answer {
    id: serde_json::Value,
    verdict: &'static str,
    findings: Vec<Found>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

#[derive(Serialize)]
struct Found {
    detector: &'static str,
    kind: String,
    severity: &'static str,
    start: usize,
    end: usize,
}

/// A line in, a line out, in order, until the input ends.
pub(super) fn run(
    both: &Both,
    mut input: impl BufRead,
    out: &mut impl Write,
) -> Result<(), Failure> {
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = std::io::Read::take(&mut input, LONGEST)
            .read_until(b'\n', &mut line)
            .map_err(Failure::failed)?;
        if read == 0 {
            return Ok(());
        }
        if line.trim_ascii().is_empty() {
            continue;
        }
        let answer = answer(both, &line);
        let text = serde_json::to_string(&answer).map_err(Failure::failed)?;
        let written = writeln!(out, "{text}").and_then(|()| out.flush());
        if written.is_err() {
            // Whoever asked has gone.
            return Ok(());
        }
    }
}

/// What can't be read is for review: an answer comes to every line.
fn answer(both: &Both, line: &[u8]) -> Answer {
    let refused = |id, error: String| Answer {
        id,
        verdict: Verdict::Review.as_str(),
        findings: Vec::new(),
        error: Some(error),
    };
    let asked: Asked = match serde_json::from_slice(line) {
        Ok(asked) => asked,
        Err(error) => {
            let id = serde_json::from_slice::<serde_json::Value>(line)
                .ok()
                .and_then(|value| value.get("id").cloned());
            return refused(
                id.unwrap_or_default(),
                format!("the line is no request: {error}"),
            );
        }
    };
    let inbound = match asked.direction.as_str() {
        "inbound" => true,
        "outbound" => false,
        _ => {
            return refused(
                asked.id,
                "direction is neither `outbound` nor `inbound`".to_owned(),
            );
        }
    };
    let report = both.look(asked.text.as_bytes(), inbound);
    let found = report.findings.iter().map(|finding| Found {
        detector: finding.detector.as_str(),
        kind: finding.kind.to_string(),
        severity: finding.severity.as_str(),
        start: finding.start,
        end: finding.end,
    });
    Answer {
        id: asked.id,
        verdict: report.verdict().as_str(),
        findings: found.collect(),
        error: None,
    }
}
