use std::sync::Arc;

use axum::extract::rejection::BytesRejection;
use axum::extract::{Path, State};
use axum::{Extension, Json};
use bytes::Bytes;
use http::StatusCode;
use serde_json::json;
use tollgate_api::{TaintFactReport, TaintReport, TaintRequest};
use tollgate_desk::{DEFAULT_TTL, Subject, TaintFact, TaintKind};
use tollgate_types::OperatorName;

use crate::Control;
use crate::answer::Refusal;
use crate::router::now;

/// Longest source that is taken, in bytes.
const LONGEST_SOURCE: usize = 200;

/// Every run and agent of which something counts now.
pub(crate) async fn list(State(control): State<Arc<Control>>) -> Json<Vec<TaintReport>> {
    let all = control.desk.show(now());
    Json(all.iter().map(|(it, facts)| report(it, facts)).collect())
}

/// Puts a fact down; rules know of it when this answers.
pub(crate) async fn set(
    State(control): State<Arc<Control>>,
    Extension(operator): Extension<OperatorName>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<TaintReport>, Refusal> {
    let request = read(body)?;
    let subject = subject(&request.subject)?;
    let kind: TaintKind = request
        .kind
        .parse()
        .map_err(|error| Refusal::bad_request(format!("{error}")))?;
    let source = source(request.source)?;
    known(&control, &subject)?;
    let facts =
        json!({"v": 1, "subject": subject.to_string(), "kind": kind.as_str(), "source": source});
    let event = control.event(operator, "taint.set", "ok", facts);
    let at = event.at;
    control.ledger.write_event(event).await?;
    let forgotten = control
        .desk
        .taint(subject.clone(), kind, &source, at, DEFAULT_TTL);
    if let Some(forgotten) = forgotten {
        tracing::warn!(subject = %forgotten, "too many are tainted; the oldest was forgotten");
    }
    Ok(Json(report(&subject, &control.desk.facts(&subject, at))))
}

/// Forgets everything about a subject, and answers with what that was.
pub(crate) async fn clear(
    State(control): State<Arc<Control>>,
    Extension(operator): Extension<OperatorName>,
    Path(wanted): Path<String>,
) -> Result<Json<TaintReport>, Refusal> {
    let subject = subject(&wanted)?;
    let facts = control.desk.facts(&subject, now());
    if facts.is_empty() {
        let message = format!("nothing is known of `{subject}`");
        return Err(Refusal::new(StatusCode::NOT_FOUND, "not_tainted", message)
            .hint("`tollgate taint show` lists what is known"));
    }
    let kinds: Vec<_> = facts.iter().map(|fact| fact.kind.as_str()).collect();
    let noted = json!({"v": 1, "subject": subject.to_string(), "kinds": kinds});
    let event = control.event(operator, "taint.cleared", "ok", noted);
    control.ledger.write_event(event).await?;
    control.desk.clear(&subject);
    Ok(Json(report(&subject, &facts)))
}

fn read(body: Result<Bytes, BytesRejection>) -> Result<TaintRequest, Refusal> {
    let body = body.map_err(|error| {
        Refusal::new(
            error.status(),
            "bad_request",
            error.body_text().to_lowercase(),
        )
    })?;
    serde_json::from_slice(&body).map_err(|error| {
        Refusal::bad_request(format!("body: {error}"))
            .hint(r#"send {"subject":"agent:ci-bot","kind":"secret_seen"}"#)
    })
}

fn subject(text: &str) -> Result<Subject, Refusal> {
    text.parse()
        .map_err(|error| Refusal::bad_request(format!("{error}")).hint("a bare name is an agent's"))
}

/// A name that was mistyped would leave the agent clean that was meant.
fn known(control: &Control, subject: &Subject) -> Result<(), Refusal> {
    let Subject::Agent(name) = subject else {
        return Ok(());
    };
    let agents = control.gateway.agents();
    if agents.iter().any(|agent| agent.name == name.as_str()) {
        return Ok(());
    }
    let message = format!("no agent `{name}`");
    Err(
        Refusal::new(StatusCode::NOT_FOUND, "unknown_agent", message)
            .hint("`tollgate agents list` shows all"),
    )
}

fn source(text: Option<String>) -> Result<String, Refusal> {
    let source = text.unwrap_or_else(|| "operator".to_owned());
    if source.is_empty() || source.len() > LONGEST_SOURCE || source.contains(char::is_control) {
        let message = format!("source: expected 1 to {LONGEST_SOURCE} bytes on one line");
        return Err(Refusal::bad_request(message).hint("such as a host or the name of a tool"));
    }
    Ok(source)
}

fn report(subject: &Subject, facts: &[TaintFact]) -> TaintReport {
    let facts = facts.iter().map(|fact| TaintFactReport {
        kind: fact.kind.as_str().to_owned(),
        source: fact.source.as_ref().to_owned(),
        seen_at: fact.at.0,
        expires_at: fact.until.0,
    });
    TaintReport {
        subject: subject.to_string(),
        facts: facts.collect(),
    }
}
