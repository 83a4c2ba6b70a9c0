use std::collections::HashSet;
use std::sync::atomic::Ordering;
use std::time::Instant;

use smallvec::smallvec;
use tollgate_types::{
    Attempt, FaultClass, Outcome, TokenUsage, Trace, TraceParent, UnixMillis, Usage, UsageSource,
    Versions,
};

use super::*;

fn attempt(fault: Option<FaultClass>) -> Attempt {
    Attempt {
        provider: "openai".into(),
        model: "gpt-4o".into(),
        credential: "openai:1".into(),
        status: Some(if fault.is_some() { 500 } else { 200 }),
        fault,
        note: "".into(),
        micros: 1_000,
    }
}

fn record() -> RequestRecord {
    RequestRecord {
        id: RequestId::fresh(),
        at: UnixMillis(1_700_000_000_000),
        principal: None,
        dialect: "openai",
        endpoint: "/v1/chat/completions",
        stream: true,
        provider: Some("openai".into()),
        model_asked: Some("gpt-4o".into()),
        model_served: Some("gpt-4o".into()),
        credential: Some("openai:1".into()),
        usage: Usage {
            tokens: TokenUsage {
                input: 10,
                output: 5,
                ..TokenUsage::default()
            },
            source: UsageSource::Reported,
        },
        attempts: smallvec![attempt(Some(FaultClass::ServerError)), attempt(None)],
        status: 200,
        outcome: Outcome::Ok,
        reason: None,
        message: "".into(),
        rule: None,
        budget: None,
        reserved_tokens: 0,
        cost_nanos: None,
        versions: Versions::default(),
        latency_micros: 9_000,
        first_byte_micros: Some(4_000),
        overhead_micros: 50,
        findings: Vec::new(),
        trace: Some(Box::new(Trace {
            parent: None,
            sent_micros: smallvec![50, 2_000],
        })),
    }
}

fn made(record: &RequestRecord) -> Vec<SpanData> {
    spans(record, &InstrumentationScope::builder("test").build())
}

#[test]
fn the_same_record_makes_the_same_spans_each_with_an_id_of_its_own() {
    let record = record();
    let (once, again) = (made(&record), made(&record));
    assert_eq!(once, again);
    let ids: HashSet<_> = once
        .iter()
        .map(|span| span.span_context.span_id())
        .collect();
    assert_eq!(ids.len(), 3);
    for span in &once {
        assert_eq!(
            span.span_context.trace_id().to_bytes(),
            *record.id.as_bytes()
        );
        assert!(span.start_time >= once[0].start_time && span.end_time <= once[0].end_time);
    }
    assert!(once[1].end_time < once[2].start_time, "one after the other");
}

#[test]
fn a_record_without_a_trace_or_of_an_unrecorded_one_makes_none() {
    let mut record = record();
    let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";
    record.trace.as_mut().unwrap().parent = TraceParent::parse(parent);
    assert!(made(&record).is_empty());
    record.trace = None;
    assert!(made(&record).is_empty());
}

#[test]
fn an_answer_that_broke_off_is_an_error_of_the_attempt_that_served() {
    let mut record = record();
    record.outcome = Outcome::Failed;
    record.reason = Some(tollgate_types::ReasonCode::UpstreamCut);
    let spans = made(&record);
    for span in [&spans[0], &spans[2]] {
        assert_eq!(span.status, opentelemetry::trace::Status::error(""));
        let error = span
            .attributes
            .iter()
            .find(|it| it.key.as_str() == "error.type");
        assert_eq!(error.unwrap().value.as_str(), "upstream_cut");
    }
}

/// Accepts connections and says nothing.
fn silent() -> (std::net::TcpListener, Destination) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}/", listener.local_addr().unwrap());
    let to = Destination {
        endpoint: endpoint.parse().unwrap(),
        headers: Vec::new(),
        interval: Duration::from_secs(3600),
        version: "0.0.0",
    };
    (listener, to)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_does_not_fit_is_dropped_and_counted_and_nobody_waits() {
    let (_listener, to) = silent();
    let telemetry = Telemetry::start(&to, &Handle::current()).unwrap();
    let record = record();
    let began = Instant::now();
    for _ in 0..QUEUE {
        telemetry.observe(&record);
    }
    assert!(began.elapsed() < Duration::from_secs(10));
    // Three spans a record; the queue holds as many as one each, and a batch
    // is on its way.
    let lost = telemetry.trouble.lost.load(Ordering::Relaxed);
    assert!(lost >= QUEUE as u64, "{lost} lost");
    let began = Instant::now();
    telemetry.close(Duration::from_millis(200)).await;
    assert!(began.elapsed() < Duration::from_secs(3));
    let lost = telemetry.trouble.lost.load(Ordering::Relaxed);
    assert_eq!(lost, 0, "it was said");
}

#[test]
fn signals_go_below_the_endpoint_whatever_it_ends_in() {
    let (_listener, mut to) = silent();
    for (endpoint, traces) in [
        ("http://c:4318", "http://c:4318/v1/traces"),
        ("http://c:4318/", "http://c:4318/v1/traces"),
        ("https://c/otlp", "https://c/otlp/v1/traces"),
    ] {
        to.endpoint = endpoint.parse().unwrap();
        assert_eq!(signal(&to, "traces"), traces);
    }
}
