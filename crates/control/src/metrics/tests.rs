use smallvec::smallvec;
use tollgate_types::{FaultClass, ReasonCode, RequestId, TokenUsage, UnixMillis, Usage, Versions};

use super::*;

fn record(model: &str) -> RequestRecord {
    RequestRecord {
        id: RequestId::from_bytes([0; 16]),
        at: UnixMillis(0),
        principal: None,
        dialect: "anthropic",
        endpoint: "/v1/messages",
        stream: true,
        provider: Some("claude".into()),
        model_asked: Some(model.into()),
        model_served: Some(model.into()),
        credential: Some("claude:1".into()),
        usage: Usage {
            tokens: TokenUsage {
                input: 10,
                cache_read: 20,
                cache_write: 0,
                output: 5,
            },
            source: UsageSource::Reported,
        },
        attempts: smallvec![attempt(Some(FaultClass::RateLimit)), attempt(None),],
        status: 200,
        outcome: Outcome::Ok,
        reason: None,
        message: "".into(),
        rule: None,
        budget: None,
        reserved_tokens: 0,
        cost_nanos: Some(1_500_000),
        versions: Versions::default(),
        latency_micros: 1_500_000,
        first_byte_micros: Some(30_000),
        overhead_micros: 50,
        findings: Vec::new(),
        trace: None,
    }
}

fn attempt(fault: Option<FaultClass>) -> Attempt {
    Attempt {
        provider: "claude".into(),
        model: "sonnet".into(),
        credential: "claude:1".into(),
        status: None,
        fault,
        note: "".into(),
        micros: 1,
    }
}

fn refused(asked: &str) -> RequestRecord {
    RequestRecord {
        provider: None,
        model_asked: Some(asked.into()),
        model_served: None,
        usage: Usage::default(),
        attempts: smallvec![],
        outcome: Outcome::Refused,
        reason: Some(ReasonCode::UnknownModel),
        ..record(asked)
    }
}

#[test]
fn the_whole_text() {
    let metrics = Metrics::new("0.1.0");
    metrics.observe(&record("sonnet"));
    metrics.observe(&record("sonnet"));
    metrics.observe(&refused("made-up"));
    let live = Live {
        in_flight: 3,
        ledger_queued: 2,
        ledger_lost: 0,
        ledger_failing: false,
        config_failing: true,
        credentials: ["ready", "ready", "cooling"]
            .map(|state| ("anthropic".to_owned(), state.to_owned()))
            .into(),
    };
    insta::assert_snapshot!(in_order(&metrics.text(&live).unwrap()));
}

/// The series of a metric come in any order: sorted, bucket by bucket left as
/// they are.
fn in_order(text: &str) -> String {
    let mut lines: Vec<&str> = text.lines().collect();
    let is_series = |line: &&str| !line.starts_with('#') && !line.contains("_seconds_");
    for block in lines.chunk_by_mut(|a, b| is_series(a) && is_series(b)) {
        block.sort_unstable();
    }
    lines.join("\n")
}

#[test]
fn a_name_that_a_caller_made_up_never_becomes_a_label() {
    let metrics = Metrics::new("0.1.0");
    for number in 0..2 * MOST_MODELS {
        metrics.observe(&refused(&format!("refused-{number}")));
        metrics.observe(&RequestRecord {
            outcome: Outcome::Failed,
            ..record(&format!("failed-{number}"))
        });
    }
    let text = metrics.text(&Live::default()).unwrap();
    assert!(
        !text.contains("refused-") && !text.contains("failed-"),
        "{text}"
    );
    assert!(text.contains(r#"model="other""#), "{text}");
}

#[test]
fn a_provider_that_serves_any_name_fills_no_more_than_its_room() {
    let metrics = Metrics::new("0.1.0");
    for number in 0..2 * MOST_MODELS {
        metrics.observe(&record(&format!("any-{number}")));
    }
    let text = metrics.text(&Live::default()).unwrap();
    let inputs = text
        .lines()
        .filter(|line| line.contains(r#"kind="input""#))
        .count();
    assert_eq!(inputs, MOST_MODELS + 1); // and `other`
    let sum: u64 = text
        .lines()
        .filter(|line| line.contains(r#"kind="input""#))
        .map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap())
        .sum();
    assert_eq!(sum, 10 * 2 * MOST_MODELS as u64);
}
