use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::CONTENT_TYPE;
use serde::Deserialize;
use tollgate_api::{
    ModelReport, ProfileReport, ProviderStatus, RequestSummary, StatusReport, Story, UsageLine,
    UsageReport,
};
use tollgate_ledger::{UsageBy, UsageRow};
use tollgate_types::{RequestId, UnixMillis};

use crate::answer::Refusal;
use crate::asked::{ASKED, weave};
use crate::{Control, Live, story, summary};

pub(crate) const REQUESTS: u32 = 100;
pub(crate) const MOST_REQUESTS: u32 = 10_000;
/// Newest events that are looked through for a request's question.
const MOST_EVENTS: u32 = 1_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StatusQuery {
    deep: Option<Flag>,
}

/// `1` or `true`, `0` or `false`.
#[derive(Clone, Copy, Deserialize)]
enum Flag {
    #[serde(rename = "1", alias = "true")]
    On,
    #[serde(rename = "0", alias = "false")]
    Off,
}

fn is_on(flag: Option<Flag>) -> bool {
    matches!(flag, Some(Flag::On))
}

pub(crate) async fn status(
    State(control): State<Arc<Control>>,
    query: Result<Query<StatusQuery>, QueryRejection>,
) -> Result<Json<StatusReport>, Refusal> {
    let Query(query) = query.map_err(|error| bad_query(&error))?;
    let mut status = control.gateway.status();
    if is_on(query.deep) {
        status.profiles = Some(control.gateway.profiles());
    }
    Ok(Json(status))
}

pub(crate) async fn profiles(State(control): State<Arc<Control>>) -> Json<Vec<ProfileReport>> {
    Json(control.gateway.profiles())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ModelsQuery {
    live: Option<Flag>,
    provider: Option<String>,
}

pub(crate) async fn models(
    State(control): State<Arc<Control>>,
    query: Result<Query<ModelsQuery>, QueryRejection>,
) -> Result<Json<Vec<ModelReport>>, Refusal> {
    let Query(query) = query.map_err(|error| bad_query(&error))?;
    let gateway = &control.gateway;
    if let Some(wanted) = &query.provider {
        let known = gateway.status().providers;
        if !known.iter().any(|provider| provider.id == *wanted) {
            return Err(unknown_provider(wanted, &known));
        }
    }
    let mut models = match is_on(query.live) {
        true => gateway.live_models(query.provider.clone()).await,
        false => gateway.models(),
    };
    if let Some(wanted) = &query.provider {
        models.retain(|model| model.provider.as_ref() == Some(wanted));
    }
    Ok(Json(models))
}

fn unknown_provider(wanted: &str, known: &[ProviderStatus]) -> Refusal {
    let wanted: String = wanted
        .chars()
        .filter(|c| !c.is_control())
        .take(64)
        .collect();
    let known: Vec<&str> = known.iter().map(|provider| &*provider.id).collect();
    Refusal::new(
        StatusCode::NOT_FOUND,
        "unknown_provider",
        format!("no provider `{wanted}`"),
    )
    .hint(format!("there are: {}", known.join(", ")))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RequestsQuery {
    limit: Option<u32>,
}

/// From the ring in memory; from the ledger where more is asked for than it
/// holds, unless the ledger is the one that lags behind.
pub(crate) async fn requests(
    State(control): State<Arc<Control>>,
    query: Result<Query<RequestsQuery>, QueryRejection>,
) -> Result<Json<Vec<RequestSummary>>, Refusal> {
    let Query(query) = query.map_err(|error| bad_query(&error))?;
    let limit = query.limit.unwrap_or(REQUESTS).min(MOST_REQUESTS);
    control.ledger.catch_up().await;
    let recent = control.recent.newest(limit as usize);
    let lags = control.ledger.stats().last_error.is_some();
    if recent.len() >= limit as usize || lags {
        return Ok(Json(recent));
    }
    let stored = control.ledger.recent(limit).await?;
    Ok(Json(stored.iter().map(summary).collect()))
}

pub(crate) async fn request(
    State(control): State<Arc<Control>>,
    Path(id): Path<String>,
) -> Result<Json<Story>, Refusal> {
    let id: RequestId = id
        .parse()
        .map_err(|error| Refusal::bad_request(format!("{error}")))?;
    let Some(request) = control.ledger.request(id).await? else {
        return Err(Refusal::new(
            StatusCode::NOT_FOUND,
            "not_found",
            format!("no request `{id}`"),
        )
        .hint("the id is the answer's `x-tollgate-request-id`"));
    };
    let mut told = story(&request);
    let asked = control.ledger.events_of(&ASKED, request.at, MOST_EVENTS);
    let asked = asked.await?.into_iter().map(|entry| entry.event);
    weave(&mut told, &request, &asked.collect::<Vec<_>>());
    Ok(Json(told))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct UsageQuery {
    by: Option<String>,
    since: Option<u64>,
}

pub(crate) async fn usage(
    State(control): State<Arc<Control>>,
    query: Result<Query<UsageQuery>, QueryRejection>,
) -> Result<Json<UsageReport>, Refusal> {
    let Query(query) = query.map_err(|error| bad_query(&error))?;
    let word = query.by.as_deref().unwrap_or("agent");
    let Some(by) = UsageBy::from_word(word) else {
        let word: String = word.chars().take(32).collect();
        return Err(Refusal::bad_request(format!(
            "by: found `{word}`, expected `agent`, `provider` or `model`"
        )));
    };
    let rows = control
        .ledger
        .usage(by, query.since.map(UnixMillis))
        .await?;
    Ok(Json(UsageReport {
        by: by.as_str().into(),
        since: query.since,
        rows: rows.into_iter().map(line).collect(),
    }))
}

fn line(row: UsageRow) -> UsageLine {
    UsageLine {
        key: row.key,
        requests: row.requests,
        failed: row.failed,
        refused: row.refused,
        failed_attempts: row.failed_attempts,
        input: row.usage.input,
        cache_read: row.usage.cache_read,
        cache_write: row.usage.cache_write,
        output: row.usage.output,
        total: row.usage.total(),
        estimated_requests: row.estimated_requests,
    }
}

pub(crate) fn bad_query(error: &QueryRejection) -> Refusal {
    // The text ends with the parser's words, which name the field.
    Refusal::bad_request(error.body_text().to_lowercase())
}

/// <https://prometheus.io/docs/specs/om/open_metrics_spec/>
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

pub(crate) async fn metrics(State(control): State<Arc<Control>>) -> Result<Response, Refusal> {
    control.ledger.catch_up().await;
    let ledger = control.ledger.stats();
    let live = Live {
        in_flight: control.gateway.in_flight(),
        ledger_queued: ledger.queued,
        ledger_lost: ledger.lost,
        ledger_failing: ledger.last_error.is_some(),
        config_failing: control.gateway.status().config_fault.is_some(),
        credentials: control
            .gateway
            .profiles()
            .into_iter()
            .map(|profile| (profile.provider, profile.standing))
            .collect(),
    };
    match control.metrics.text(&live) {
        Ok(text) => Ok(([(CONTENT_TYPE, OPEN_METRICS)], text).into_response()),
        Err(error) => Err(Refusal::internal(error.to_string())),
    }
}
