use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::CONTENT_TYPE;
use serde::Deserialize;
use tollgate_api::{
    ModelReport, ProfileReport, RequestSummary, StatusReport, Story, UsageLine, UsageReport,
};
use tollgate_ledger::{Cursor, Entry, UsageBy, UsageRow};
use tollgate_types::{RequestId, UnixMillis};

use crate::answer::Refusal;
use crate::{Control, Live, story, summary};

const REQUESTS: u32 = 100;
const MOST_REQUESTS: u32 = 10_000;

pub(crate) async fn status(State(control): State<Arc<Control>>) -> Json<StatusReport> {
    Json(control.gateway.status())
}

pub(crate) async fn profiles(State(control): State<Arc<Control>>) -> Json<Vec<ProfileReport>> {
    Json(control.gateway.profiles())
}

pub(crate) async fn models(State(control): State<Arc<Control>>) -> Json<Vec<ModelReport>> {
    Json(control.gateway.models())
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

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AuditQuery {
    /// Entries after this cursor …
    after: Option<u64>,
    /// … or the newest so many.
    newest: Option<u32>,
    limit: Option<u32>,
}

/// Entries of the audit chain, in the order of their writing.
pub(crate) async fn audit(
    State(control): State<Arc<Control>>,
    query: Result<Query<AuditQuery>, QueryRejection>,
) -> Result<Json<Vec<Entry>>, Refusal> {
    let Query(query) = query.map_err(|error| bad_query(&error))?;
    let newest = query.newest.unwrap_or(REQUESTS).min(MOST_REQUESTS);
    let (after, limit) = match query.after {
        Some(after) => (Cursor(after), query.limit.unwrap_or(REQUESTS)),
        None => (control.ledger.before_newest(newest).await?, newest),
    };
    let entries = control
        .ledger
        .events(after, limit.min(MOST_REQUESTS))
        .await?;
    Ok(Json(entries))
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
    Ok(Json(story(&request)))
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

fn bad_query(error: &QueryRejection) -> Refusal {
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
    };
    match control.metrics.text(&live) {
        Ok(text) => Ok(([(CONTENT_TYPE, OPEN_METRICS)], text).into_response()),
        Err(error) => Err(Refusal::internal(error.to_string())),
    }
}
