use std::fmt::Write;

use smallvec::{SmallVec, smallvec};
use tollgate_types::{
    AgentName, FaultClass, RequestId, RequestRecord, RunId, TokenUsage, UnixMillis, Usage, Versions,
};

use super::*;

fn attempt(provider: &str, model: &str, credential: &str) -> Attempt {
    Attempt {
        provider: provider.into(),
        model: model.into(),
        credential: credential.into(),
        status: Some(200),
        fault: None,
        note: "".into(),
        micros: 120_400,
    }
}

fn success() -> RequestRecord {
    RequestRecord {
        id: RequestId::from_bytes([7; 16]),
        at: UnixMillis(1_700_000_000_000),
        principal: Some(Principal::agent(AgentName::new("ci-bot").unwrap())),
        dialect: "openai",
        endpoint: "/v1/chat/completions",
        stream: true,
        provider: Some("openai".into()),
        model_asked: Some("fast".into()),
        model_served: Some("gpt-4o-mini".into()),
        credential: Some("openai:1".into()),
        usage: Usage {
            tokens: TokenUsage {
                input: 100,
                cache_read: 20,
                cache_write: 0,
                output: 30,
            },
            source: UsageSource::Reported,
        },
        attempts: smallvec![attempt("openai", "gpt-4o-mini", "openai:1")],
        status: 200,
        outcome: Outcome::Ok,
        reason: None,
        message: "".into(),
        rule: None,
        budget: None,
        reserved_tokens: 0,
        cost_nanos: None,
        versions: Versions {
            config: 2,
            policy: "none".into(),
        },
        latency_micros: 121_050,
        first_byte_micros: Some(45_250),
        overhead_micros: 42,
        findings: Vec::new(),
        trace: None,
    }
}

/// The whole story as `tollgate why` might print it.
fn told(record: &RequestRecord) -> String {
    let story = story(&record.into());
    let mut out = format!(
        "{} {} (configuration {}, policy {}, overhead {} us, run {:?}, rule {:?})\n",
        story.request.id,
        story.ending,
        story.config_version,
        story.policy_version,
        story.overhead_micros,
        story.run,
        story.rule,
    );
    for step in &story.steps {
        let at = step.at_ms.map_or(String::new(), |at| format!("{at:.2}"));
        writeln!(
            out,
            "{at:>8} {:<10} {:<11} {}",
            step.step, step.state, step.detail
        )
        .unwrap();
    }
    out
}

#[test]
fn a_request_that_was_answered() {
    insta::assert_snapshot!(told(&success()));
}

#[test]
fn a_fallback_after_429_in_a_run_by_a_rule() {
    let limited = |credential| Attempt {
        status: Some(429),
        fault: Some(FaultClass::RateLimit),
        note: "rate limit reached for gpt-4o-mini".into(),
        micros: 8_000,
        ..attempt("openai", "gpt-4o-mini", credential)
    };
    let unreachable = Attempt {
        status: None,
        fault: Some(FaultClass::Connection),
        note: "connection refused".into(),
        micros: 300,
        ..attempt("groq", "llama-3", "")
    };
    let mut record = RequestRecord {
        provider: Some("openrouter".into()),
        model_served: Some("openai/gpt-4o-mini".into()),
        credential: Some("openrouter:1".into()),
        attempts: smallvec![
            limited("openai:1"),
            limited("openai:2"),
            unreachable,
            attempt("openrouter", "openai/gpt-4o-mini", "openrouter:1"),
        ],
        rule: Some("models.star:12".into()),
        ..success()
    };
    record.principal.as_mut().unwrap().run = Some(RunId::new("run-7"));
    insta::assert_snapshot!(told(&record));
}

#[test]
fn a_refusal_of_an_unknown_model() {
    let record = RequestRecord {
        provider: None,
        model_asked: Some("gpt-9".into()),
        model_served: None,
        credential: None,
        usage: Usage::default(),
        attempts: SmallVec::new(),
        status: 404,
        outcome: Outcome::Refused,
        reason: Some(ReasonCode::UnknownModel),
        message: "no model `gpt-9`; nearest: `gpt-4o`".into(),
        latency_micros: 90,
        first_byte_micros: None,
        ..success()
    };
    insta::assert_snapshot!(told(&record));
}

#[test]
fn a_refusal_of_no_one() {
    let record = RequestRecord {
        principal: None,
        provider: None,
        model_asked: None,
        model_served: None,
        credential: None,
        usage: Usage::default(),
        attempts: SmallVec::new(),
        status: 401,
        outcome: Outcome::Refused,
        reason: Some(ReasonCode::Unauthenticated),
        message: "no agent has this key".into(),
        latency_micros: 35,
        first_byte_micros: None,
        ..success()
    };
    insta::assert_snapshot!(told(&record));
}

#[test]
fn no_credential_left() {
    let record = RequestRecord {
        credential: None,
        usage: Usage::default(),
        attempts: SmallVec::new(),
        status: 503,
        outcome: Outcome::Failed,
        reason: Some(ReasonCode::PoolExhausted),
        message: "no usable credential for \"openai\": 3 rate limited (next free in 38 s)".into(),
        latency_micros: 61,
        first_byte_micros: None,
        ..success()
    };
    insta::assert_snapshot!(told(&record));
}

#[test]
fn every_attempt_failed() {
    let failed = |micros| Attempt {
        status: Some(500),
        fault: Some(FaultClass::ServerError),
        micros,
        ..attempt("openai", "gpt-4o-mini", "openai:1")
    };
    let record = RequestRecord {
        usage: Usage::default(),
        attempts: smallvec![failed(9_000), failed(11_000)],
        status: 502,
        outcome: Outcome::Failed,
        reason: Some(ReasonCode::UpstreamServerError),
        message: "every attempt failed".into(),
        first_byte_micros: None,
        ..success()
    };
    insta::assert_snapshot!(told(&record));
}

#[test]
fn a_stream_that_was_cut() {
    let mut record = RequestRecord {
        outcome: Outcome::Failed,
        reason: Some(ReasonCode::UpstreamCut),
        message: "the stream ended after 12 events without `[DONE]`".into(),
        ..success()
    };
    record.attempts[0].fault = Some(FaultClass::BadAnswer);
    record.attempts[0].note = "closed before the terminator".into();
    record.usage.source = UsageSource::Estimated;
    insta::assert_snapshot!(told(&record));
}

#[test]
fn a_client_that_left() {
    let mut record = RequestRecord {
        outcome: Outcome::ClientLeft,
        reason: Some(ReasonCode::ClientLeft),
        ..success()
    };
    record.usage.source = UsageSource::Estimated;
    insta::assert_snapshot!(told(&record));
}

#[test]
fn every_reason_has_a_place_to_stop_at() {
    for reason in ReasonCode::ALL {
        let record = RequestRecord {
            attempts: SmallVec::new(),
            outcome: Outcome::Refused,
            reason: Some(*reason),
            ..success()
        };
        let steps = story(&(&record).into()).steps;
        let stopped = steps.iter().filter(|step| step.state == "refused").count();
        assert_eq!(stopped, 2, "{reason}: {steps:?}"); // the stage, and the settlement
    }
}

#[test]
fn a_budget_that_refuses_is_named_where_it_stopped_the_request() {
    let refused = |reason, budget: Option<&str>| {
        let record = RequestRecord {
            attempts: SmallVec::new(),
            outcome: Outcome::Refused,
            status: 403,
            reason: Some(reason),
            message: "budget \"ci-bot\" has 0 tokens left".into(),
            budget: budget.map(Into::into),
            ..success()
        };
        let story = story(&StoredRequest::from(&record));
        let last = story.steps.into_iter().rev().nth(1).unwrap();
        format!("{}: {}", last.step, last.detail)
    };
    assert_eq!(
        refused(ReasonCode::BudgetExhausted, Some("ci-bot")),
        "reserved: budget \"ci-bot\" has 0 tokens left (`budget_exhausted`)"
    );
    assert_eq!(
        refused(ReasonCode::CutOff, Some("ci-bot")),
        "reserved: budget \"ci-bot\" has 0 tokens left (`cut_off`)"
    );
    assert!(refused(ReasonCode::CutOff, None).starts_with("permitted: "));
}

#[test]
fn a_reservation_is_told_with_its_budget() {
    let reserved = |budget: Option<&str>, tokens| {
        let record = RequestRecord {
            budget: budget.map(Into::into),
            reserved_tokens: tokens,
            ..success()
        };
        let story = story(&StoredRequest::from(&record));
        let step = story.steps.into_iter().find(|step| step.step == "reserved");
        step.unwrap().detail
    };
    assert_eq!(reserved(None, 0), "no budget stands in the way");
    assert_eq!(
        reserved(Some("ci-bot"), 4200),
        "4200 tokens at most, of budget `ci-bot`"
    );
    assert_eq!(
        reserved(None, 4200),
        "4200 tokens, which count and no budget limits"
    );
}
