use std::sync::Arc;

use axum::extract::rejection::BytesRejection;
use axum::extract::{Path, State};
use axum::{Extension, Json};
use bytes::Bytes;
use http::StatusCode;
use serde_json::json;
use tollgate_api::{AgentCreated, AgentRemoved, AgentReport, NewAgentRequest};
use tollgate_ledger::NewAgent;
use tollgate_types::{AgentName, OperatorName};

use crate::Control;
use crate::answer::{Refusal, exists};

/// Patterns of one list, and bytes of one pattern.
const MOST_PATTERNS: usize = 1000;
const LONGEST_PATTERN: usize = 200;

pub(crate) async fn list(State(control): State<Arc<Control>>) -> Json<Vec<AgentReport>> {
    Json(control.gateway.agents())
}

/// Makes an agent and its key; the key works when this answers.
pub(crate) async fn add(
    State(control): State<Arc<Control>>,
    Extension(operator): Extension<OperatorName>,
    body: Result<Bytes, BytesRejection>,
) -> Result<(StatusCode, Json<AgentCreated>), Refusal> {
    let wanted = read(body)?;
    let name = name(&wanted.name)?;
    // The ledger refuses only its own names; one of the configuration's would
    // make the next start fail.
    if control
        .gateway
        .agents()
        .iter()
        .any(|agent| agent.name == name.as_str())
    {
        return Err(exists(name.as_str()));
    }
    let allowed = patterns("allowed_models", wanted.allowed_models)?;
    let agent = NewAgent {
        allowed_models: allowed.unwrap_or_else(|| vec!["*".into()]),
        blocked_models: patterns("blocked_models", wanted.blocked_models)?.unwrap_or_default(),
        digest: [0; 32],
        hint: String::new(),
        name,
    };
    let created = write(&control, operator, agent).await?;
    refresh(&control).await?;
    Ok((StatusCode::CREATED, Json(created)))
}

/// Removes an agent; its key is refused when this answers.
pub(crate) async fn remove(
    State(control): State<Arc<Control>>,
    Extension(operator): Extension<OperatorName>,
    Path(wanted): Path<String>,
) -> Result<Json<AgentRemoved>, Refusal> {
    let name = name(&wanted)?;
    let elsewhere = |agent: &AgentReport| agent.name == wanted && agent.source != "ledger";
    if control.gateway.agents().iter().any(elsewhere) {
        return Err(Refusal::new(
            StatusCode::CONFLICT,
            "not_removable",
            format!("agent `{name}` stands in the configuration"),
        )
        .hint(format!("delete `[agents.{name}]` from the configuration")));
    }
    let facts = json!({"v": 1, "agent": name});
    let event = control.event(operator, "agent.removed", "ok", facts);
    control.ledger.remove_agent(&name, event).await?;
    refresh(&control).await?;
    Ok(Json(AgentRemoved {
        name: name.as_str().into(),
    }))
}

fn read(body: Result<Bytes, BytesRejection>) -> Result<NewAgentRequest, Refusal> {
    let body = body.map_err(|error| {
        Refusal::new(
            error.status(),
            "bad_request",
            error.body_text().to_lowercase(),
        )
    })?;
    serde_json::from_slice(&body).map_err(|error| {
        Refusal::bad_request(format!("body: {error}"))
            .hint(r#"send {"name":"ci-bot","allowed_models":["*"],"blocked_models":[]}"#)
    })
}

fn name(text: &str) -> Result<AgentName, Refusal> {
    AgentName::new(text).map_err(|error| {
        Refusal::bad_request(error.to_string()).hint("take a name such as `ci-bot`")
    })
}

fn patterns(key: &str, list: Option<Vec<String>>) -> Result<Option<Vec<String>>, Refusal> {
    let Some(list) = list else {
        return Ok(None);
    };
    if list.len() > MOST_PATTERNS {
        return Err(Refusal::bad_request(format!(
            "{key}: found {} patterns, expected at most {MOST_PATTERNS}",
            list.len()
        )));
    }
    let wrong = |pattern: &&String| {
        pattern.is_empty()
            || pattern.len() > LONGEST_PATTERN
            || pattern.contains(|c: char| c.is_control() || c.is_whitespace())
    };
    if let Some(at) = list.iter().position(|pattern| wrong(&pattern)) {
        return Err(Refusal::bad_request(format!(
            "{key}[{at}]: expected a pattern of 1 to {LONGEST_PATTERN} bytes without spaces"
        ))
        .hint("such as `openai/*` or `gpt-4o-mini`"));
    }
    Ok(Some(list))
}

async fn write(
    control: &Control,
    operator: OperatorName,
    mut agent: NewAgent,
) -> Result<AgentCreated, Refusal> {
    let minted = control.gateway.mint();
    let minted = minted.map_err(|fault| Refusal::internal(fault.0))?;
    agent.digest = minted.digest;
    agent.hint.clone_from(&minted.hint);
    let facts = json!({
        "v": 1,
        "agent": agent.name,
        "key_hint": agent.hint,
        "allowed_models": agent.allowed_models,
        "blocked_models": agent.blocked_models,
    });
    let event = control.event(operator, "agent.added", "ok", facts);
    let name = agent.name.as_str().to_owned();
    control.ledger.add_agent(agent, event).await?;
    Ok(AgentCreated {
        name,
        key: minted.token.expose().to_owned(),
        key_hint: minted.hint,
    })
}

async fn refresh(control: &Control) -> Result<(), Refusal> {
    control.gateway.refresh_agents().await.map_err(|found| {
        Refusal::internal(format!(
            "written to the ledger, but the gateway did not take it: {found}"
        ))
        .hint("restart the gateway")
    })
}
