//! What a collector is told, and that nothing waits for one.

use std::time::{Duration, Instant};

use serde_json::Value;
use tollgate_testkit::{
    Collector, FakeProvider, Gateway, Request, Script, Signal, Wire, attributes, within,
};

use crate::house::{FIRST_KEY, House, KEY, SECOND_KEY, config, model, program};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT: &str = "00f067aa0ba902b7";
const TOKEN: &str = "collector-token-Vx81";

fn telemetry(endpoint: &str) -> String {
    format!(
        "[telemetry]\notlp_endpoint = \"{endpoint}\"\notlp_interval_seconds = 1\notlp_headers = {{ Authorization = \"Bearer {TOKEN}\" }}\n"
    )
}

async fn told(collector: &Collector, keys: &[&str]) -> House {
    House::with(&telemetry(collector.url()), keys).await
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn traced(request: Request, trace: &str, flags: &str) -> Request {
    request.header("traceparent", &format!("00-{trace}-{PARENT}-{flags}"))
}

/// Attributes of the first span of this kind in a trace.
async fn span(collector: &Collector, trace: &str, kind: i32) -> (Value, Vec<u8>, Vec<u8>) {
    let span = collector
        .wait_for_span(|span| hex(&span.trace_id) == trace && span.kind == kind)
        .await;
    let mut all = attributes(&span.attributes);
    all["name"] = span.name.clone().into();
    all["nanos"] = (span.end_time_unix_nano - span.start_time_unix_nano).into();
    all["status"] = span.status.unwrap_or_default().code.into();
    (all, span.span_id, span.parent_span_id)
}

const SERVER: i32 = 2;
const CLIENT: i32 = 3;

#[tokio::test]
async fn a_collector_is_told_of_requests_in_the_words_of_the_conventions() {
    let collector = Collector::start().await;
    let house = told(&collector, &[FIRST_KEY]).await;
    let request = Request::ask(Wire::OpenAi, true, "gpt-4o");
    let answer = house.send(&traced(request, TRACE, "01")).await;
    assert_eq!(answer.status(), 200, "{}", answer.text());

    let (request, request_id, parent) = span(&collector, TRACE, SERVER).await;
    assert_eq!(hex(&parent), PARENT, "the caller's span goes on");
    assert_eq!(request["name"], "POST /v1/chat/completions");
    assert_eq!(request["tollgate.agent"], "tester");
    assert_eq!(request["tollgate.outcome"], "ok");
    assert_eq!(request["http.response.status_code"], 200);
    let id = answer.header("x-tollgate-request-id").unwrap();
    assert_eq!(request["tollgate.request.id"], id);

    let (attempt, _, parent) = span(&collector, TRACE, CLIENT).await;
    assert_eq!(parent, request_id, "an attempt stands below its request");
    assert_eq!(attempt["name"], "chat gpt-4o");
    for (name, value) in [
        ("gen_ai.operation.name", "chat"),
        ("gen_ai.provider.name", "openai"),
        ("gen_ai.request.model", "gpt-4o"),
        ("gen_ai.response.model", "gpt-4o"),
        ("tollgate.credential", "openai:1"),
        ("tollgate.usage.source", "reported"),
    ] {
        assert_eq!(attempt[name], value, "{name}: {attempt}");
    }
    assert_eq!(attempt["gen_ai.request.stream"], true);
    assert_eq!(
        attempt["gen_ai.usage.input_tokens"],
        tollgate_testkit::INPUT_TOKENS
    );
    assert!(attempt["gen_ai.usage.output_tokens"].as_u64() > Some(0));
    assert!(attempt["gen_ai.response.time_to_first_chunk"].as_f64() > Some(0.0));
    assert!(attempt["nanos"].as_u64() <= request["nanos"].as_u64());

    // Who comes next sees the request as its parent, in the same trace.
    let next = house.openai.requests()[0]
        .header("traceparent")
        .unwrap()
        .to_owned();
    assert_eq!(next, format!("00-{TRACE}-{}-01", hex(&request_id)));
    let resource = collector.resource();
    assert_eq!(resource["service.name"], "tollgate");
    assert_eq!(resource["service.version"], env!("CARGO_PKG_VERSION"));
    let token = format!("Bearer {TOKEN}");
    let exports = collector.exports();
    assert!(
        exports
            .iter()
            .all(|it| it.header("authorization") == Some(&token))
    );
}

#[tokio::test]
async fn sums_have_the_names_and_labels_of_the_conventions() {
    let collector = Collector::start().await;
    let house = told(&collector, &[FIRST_KEY]).await;
    for stream in [false, true] {
        let answer = house
            .send(&Request::ask(
                Wire::Anthropic,
                stream,
                model(Wire::Anthropic),
            ))
            .await;
        assert_eq!(answer.status(), 200);
    }
    house.send(&Request::chat("never-heard-of", "hello")).await;

    let of = |kind: &'static str| {
        move |points: &[Value]| {
            points
                .iter()
                .any(|it| it["gen_ai.token.type"] == kind && it["count"] == 2)
        }
    };
    let points = collector
        .wait_for_points("gen_ai.client.token.usage", of("input"))
        .await;
    let input = points
        .iter()
        .find(|it| it["gen_ai.token.type"] == "input")
        .unwrap();
    assert_eq!(input["gen_ai.operation.name"], "chat");
    assert_eq!(input["gen_ai.provider.name"], "anthropic");
    assert_eq!(input["gen_ai.request.model"], "claude-sonnet-4");
    assert_eq!(input["gen_ai.response.model"], "claude-sonnet-4");
    let used = house.control("/control/usage?by=model").await;
    let used = &used["rows"][0];
    let sum = ["input", "cache_read", "cache_write"].map(|kind| used[kind].as_u64().unwrap());
    assert_eq!(input["sum"], sum.iter().sum::<u64>() as f64, "{used}");
    assert!(of("output")(&points), "{points:?}");

    let twice = |points: &[Value]| points.iter().any(|it| it["count"] == 2);
    let times = collector
        .wait_for_points("gen_ai.client.operation.duration", twice)
        .await;
    assert!(
        times.iter().all(|it| it.get("error.type").is_none()),
        "{times:?}"
    );
    let first = collector
        .wait_for_points("gen_ai.server.time_to_first_token", |points| {
            points.len() == 2
        })
        .await;
    assert!(first.iter().any(|it| it["gen_ai.request.stream"] == true));

    let refused = |points: &[Value]| {
        points
            .iter()
            .any(|it| it["tollgate.reason"] == "unknown_model")
    };
    let requests = collector
        .wait_for_points("tollgate.requests", refused)
        .await;
    let all = serde_json::to_string(&(points, times, first, requests)).unwrap();
    assert!(
        !all.contains("never-heard-of"),
        "a name that a caller made up: {all}"
    );
}

#[tokio::test]
async fn an_attempt_that_failed_is_a_span_with_its_class() {
    let collector = Collector::start().await;
    let house = told(&collector, &[FIRST_KEY, SECOND_KEY]).await;
    house.openai.push(Script::Status429Rate { retry_after: 1 });
    let answer = house.send(&Request::chat("gpt-4o", "hello")).await;
    assert_eq!(answer.header("x-tollgate-attempts"), Some("2"));

    // Without a parent the trace is the request.
    let id = answer.header("x-tollgate-request-id").unwrap();
    let trace = id.strip_prefix("req_").unwrap();
    let (_, request, parent) = span(&collector, trace, SERVER).await;
    assert!(parent.is_empty());
    let served = collector
        .wait_for_span(|it| {
            hex(&it.trace_id) == trace
                && attributes(&it.attributes)["tollgate.credential"] == "openai:2"
        })
        .await;
    let spans = collector.spans();
    let failed = spans
        .iter()
        .find(|it| attributes(&it.attributes)["error.type"] == "rate_limit")
        .expect("the attempt that failed");
    let status = attributes(&failed.attributes)["http.response.status_code"].clone();
    assert_eq!(
        (failed.status.as_ref().unwrap().code, status),
        (2, 429.into())
    );
    assert_eq!(
        attributes(&failed.attributes)["tollgate.credential"],
        "openai:1"
    );
    assert_eq!(
        (&failed.parent_span_id, &served.parent_span_id),
        (&request, &request)
    );
    assert_ne!(failed.span_id, served.span_id);
    assert!(failed.end_time_unix_nano <= served.start_time_unix_nano);
    assert!(attributes(&served.attributes).get("error.type").is_none());
    assert!(house.openai.requests()[0].header("traceparent").is_none());
}

#[tokio::test]
async fn what_a_caller_does_not_record_is_not_told() {
    let collector = Collector::start().await;
    let house = told(&collector, &[FIRST_KEY]).await;
    let silent = "0af7651916cd43dd8448eb211c80319c";
    house
        .send(&traced(Request::chat("gpt-4o", "hello"), silent, "00"))
        .await;
    house
        .send(&traced(Request::chat("gpt-4o", "hello"), TRACE, "01"))
        .await;
    span(&collector, TRACE, SERVER).await;
    assert!(
        collector
            .spans()
            .iter()
            .all(|it| hex(&it.trace_id) != silent)
    );
    let next = house.openai.requests()[0]
        .header("traceparent")
        .unwrap()
        .to_owned();
    assert!(
        next.ends_with("-00"),
        "what comes next is told as much: {next}"
    );
}

#[tokio::test]
async fn neither_prompts_nor_secrets_leave() {
    let collector = Collector::start().await;
    let house = told(&collector, &[FIRST_KEY]).await;
    let secret = "the-launch-code-is-0000";
    house.openai.push(Script::Status401);
    house.send(&Request::chat("gpt-4o", secret)).await;
    house
        .send(&Request::message("claude-sonnet-4", secret))
        .await;
    house.send(&Request::chat(secret, "hello")).await;
    house
        .send(&Request::chat("gpt-4o", "hello").key(&format!("tg-{secret}")))
        .await;
    let all = |points: &[Value]| {
        points
            .iter()
            .map(|it| it["sum"].as_f64().unwrap())
            .sum::<f64>()
            >= 4.0
    };
    collector.wait_for_points("tollgate.requests", all).await;
    collector
        .wait_for_span(|it| it.name == "chat claude-sonnet-4")
        .await;
    for export in collector.exports() {
        let body = String::from_utf8_lossy(&export.body).into_owned();
        for secret in [secret, FIRST_KEY, KEY, TOKEN, "sk-"] {
            assert!(!body.contains(secret), "`{secret}` in {}", export.target);
        }
    }
    assert!(!house.gateway.stderr().contains(TOKEN));
}

#[tokio::test]
async fn an_export_that_is_refused_for_now_is_tried_again() {
    let collector = Collector::start().await;
    for _ in 0..2 {
        collector.refuse_once(503);
    }
    let house = told(&collector, &[FIRST_KEY]).await;
    let answer = house
        .send(&traced(Request::chat("gpt-4o", "hello"), TRACE, "01"))
        .await;
    assert_eq!(answer.status(), 200);
    span(&collector, TRACE, CLIENT).await;
}

#[tokio::test]
async fn the_last_spans_are_sent_before_the_gateway_ends() {
    let collector = Collector::start().await;
    let mut house = told(&collector, &[FIRST_KEY]).await;
    let answer = house
        .send(&traced(Request::chat("gpt-4o", "hello"), TRACE, "01"))
        .await;
    assert_eq!(answer.status(), 200);
    assert!(house.gateway.sigterm().await.success());
    let spans = collector.spans();
    assert_eq!(spans.len(), 2, "{spans:?}");
    collector
        .wait_for_points("gen_ai.client.token.usage", |points| points.len() == 2)
        .await;
}

/// Nothing listens there; or something listens and never answers.
#[tokio::test]
async fn a_collector_that_is_gone_or_silent_holds_nothing_up() {
    let silent = Collector::start().await;
    silent.fall_silent();
    let nobody = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}", listener.local_addr().unwrap())
    };
    for endpoint in [silent.url(), &nobody] {
        let openai = FakeProvider::openai().start().await;
        let anthropic = FakeProvider::anthropic().start().await;
        let config = config(&openai, &anthropic, &[FIRST_KEY]) + &telemetry(endpoint);
        let mut gateway = Gateway::builder(program()).config(config).start().await;
        let client = gateway.client();
        let began = Instant::now();
        for _ in 0..50 {
            let answer = client
                .send(&Request::chat("gpt-4o", "hello").key(KEY))
                .await;
            assert_eq!(answer.status(), 200, "{}", answer.text());
        }
        assert!(began.elapsed() < Duration::from_secs(10), "{endpoint}");
        gateway.signal(Signal::SIGTERM);
        let ended = within("the end, within its limit", gateway.exit()).await;
        assert!(ended.success(), "{ended}");
        let log = gateway.stderr();
        let said = log
            .matches("telemetry does not reach the collector")
            .count();
        assert!((1..=2).contains(&said), "{said} warnings:\n{log}");
    }
}
