//! Runs: begun, ordered about and ended by `tollgate run`.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use bytes::Bytes;
use http::{StatusCode, header};
use serde_json::json;
use tokio::sync::watch;
use tollgate_api::{NewRunRequest, Order, RunEnd, RunEnded, RunOrder, RunStarted};
use tollgate_types::{Event, OperatorName};

use crate::answer::Refusal;
use crate::{BoxFuture, Control};

/// How long the connection for orders is silent at most.
const KEEP_ALIVE: Duration = Duration::from_secs(10);
/// Characters of a program's name.
const LONGEST_COMMAND: usize = 200;
/// How a run may have ended.
const CAUSES: [&str; 4] = ["itself", "killed", "keeper_lost", "not_run"];

/// What the control plane needs of runs.
pub trait Runs: Send + Sync {
    /// Makes a run and its key. Its event, completed with the run and its
    /// agent, is durable before the key opens anything.
    fn begin(
        &self,
        wanted: NewRunRequest,
        event: Event,
    ) -> BoxFuture<'_, Result<RunStarted, RunFault>>;
    /// The order that stands for a run, and those to come; nobody sends any
    /// more once the run is over. None where there is no such run.
    fn orders(&self, run: &str) -> Option<watch::Receiver<Order>>;
    /// Ends a run: its key is dead when this returns, whatever it returns.
    fn end(&self, run: String, event: Event) -> BoxFuture<'_, Result<RunEnded, RunFault>>;
}

/// Why a run was not begun or not ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunFault {
    /// What was asked can't be.
    Wrong {
        /// What was found, and what was expected.
        message: String,
        /// The one thing to try.
        hint: &'static str,
    },
    /// No agent of that name.
    UnknownAgent(String),
    /// No run of that id, or not any more.
    UnknownRun(String),
    /// The agent may start nothing now.
    CutOff {
        /// Who.
        agent: String,
        /// Why.
        why: String,
    },
    /// There are as many runs as there may be.
    TooMany(usize),
    /// The ledger did not take it.
    Ledger(String),
    /// The gateway itself failed.
    Internal(String),
}

impl From<RunFault> for Refusal {
    fn from(fault: RunFault) -> Self {
        match fault {
            RunFault::Wrong { message, hint } => Self::bad_request(message).hint(hint),
            RunFault::UnknownAgent(name) => Self::new(
                StatusCode::NOT_FOUND,
                "unknown_agent",
                format!("no agent `{name}`"),
            )
            .hint("`tollgate agents list` shows all"),
            RunFault::UnknownRun(run) => {
                let run: String = run.chars().filter(|c| !c.is_control()).take(64).collect();
                let message = format!("no run `{run}`");
                Self::new(StatusCode::NOT_FOUND, "unknown_run", message)
                    .hint("a run ends with its command, and with the gateway that began it")
            }
            RunFault::CutOff { agent, why } => Self::new(
                StatusCode::FORBIDDEN,
                "cut_off",
                format!("agent `{agent}` is cut off {why}"),
            )
            .hint(format!("`tollgate cutoff {agent} --undo` lets it go on")),
            RunFault::TooMany(most) => Self::new(
                StatusCode::TOO_MANY_REQUESTS,
                "too_many_runs",
                format!("found {most} runs, expected fewer"),
            )
            .hint("end some first"),
            RunFault::Ledger(message) => Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "ledger_unavailable",
                message,
            ),
            RunFault::Internal(message) => Self::internal(message),
        }
    }
}

pub(crate) async fn begin(
    State(control): State<Arc<Control>>,
    Extension(operator): Extension<OperatorName>,
    body: Result<Json<NewRunRequest>, JsonRejection>,
) -> Result<(StatusCode, Json<RunStarted>), Refusal> {
    let Json(wanted) = body.map_err(|error| unreadable(&error))?;
    let plain = !wanted.command.is_empty()
        && wanted.command.chars().count() <= LONGEST_COMMAND
        && !wanted.command.contains(char::is_control);
    if !plain {
        return Err(Refusal::bad_request(format!(
            "command: expected a program's name of 1 to {LONGEST_COMMAND} characters"
        ))
        .hint("without its arguments, they may hold secrets"));
    }
    let facts = json!({"v": 1, "command": wanted.command, "budget": wanted.budget, "bottle": wanted.bottle});
    let kind = match wanted.resume {
        None => "run.started",
        Some(_) => "run.resumed",
    };
    let event = control.event(operator, kind, "ok", facts);
    let started = control.runs.begin(wanted, event).await?;
    Ok((StatusCode::CREATED, Json(started)))
}

/// The order that stands, then each one as it is given, for as long as the
/// run lasts.
pub(crate) async fn orders(
    State(control): State<Arc<Control>>,
    Path(run): Path<String>,
) -> Result<Response, Refusal> {
    let Some(orders) = control.runs.orders(&run) else {
        return Err(RunFault::UnknownRun(run).into());
    };
    let lines = futures_util::stream::unfold((orders, true), next_line);
    let kind = [(header::CONTENT_TYPE, "application/jsonl")];
    Ok((kind, Body::from_stream(lines)).into_response())
}

type Told = (watch::Receiver<Order>, bool);

async fn next_line((mut orders, is_first): Told) -> Option<(Result<Bytes, Infallible>, Told)> {
    let told = match is_first {
        true => Ok(Ok(())),
        false => tokio::time::timeout(KEEP_ALIVE, orders.changed()).await,
    };
    let line = match told {
        Ok(Ok(())) => {
            let order = *orders.borrow_and_update();
            let mut line = serde_json::to_vec(&RunOrder { order }).ok()?;
            line.push(b'\n');
            line.into()
        }
        Ok(Err(_)) => return None,
        Err(_) => Bytes::from_static(b"\n"),
    };
    Some((Ok(line), (orders, false)))
}

pub(crate) async fn end(
    State(control): State<Arc<Control>>,
    Extension(operator): Extension<OperatorName>,
    Path(run): Path<String>,
    body: Result<Json<RunEnd>, JsonRejection>,
) -> Result<Json<RunEnded>, Refusal> {
    let Json(end) = body.map_err(|error| unreadable(&error))?;
    if end.code.is_some() == end.signal.is_some() {
        return Err(
            Refusal::bad_request("expected exactly one of `code` and `signal`")
                .hint("how the command ended"),
        );
    }
    if !CAUSES.contains(&&*end.cause) {
        let expected = CAUSES.join("`, `");
        return Err(
            Refusal::bad_request(format!("cause: expected one of `{expected}`"))
                .hint("who ended the command"),
        );
    }
    let facts = json!({
        "v": 1,
        "code": end.code,
        "signal": end.signal,
        "cause": end.cause,
        "left": end.left,
    });
    let event = control.event(operator, "run.ended", "ok", facts);
    Ok(Json(control.runs.end(run, event).await?))
}

fn unreadable(error: &JsonRejection) -> Refusal {
    Refusal::new(error.status(), "bad_request", error.body_text())
        .hint("send the JSON object that docs/runs.md shows")
}
