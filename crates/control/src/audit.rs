use std::sync::Arc;

use axum::extract::rejection::{BytesRejection, QueryRejection};
use axum::extract::{Query, State};
use axum::{Extension, Json};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::json;
use tollgate_api::{PruneReport, PruneRequest};
use tollgate_ledger::{Cursor, Entry, WriteError};
use tollgate_types::{OperatorName, UnixMillis};

use crate::Control;
use crate::answer::Refusal;
use crate::read::{MOST_REQUESTS, REQUESTS, bad_query};

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
pub(crate) async fn entries(
    State(control): State<Arc<Control>>,
    query: Result<Query<AuditQuery>, QueryRejection>,
) -> Result<Json<Vec<Entry>>, Refusal> {
    let Query(query) = query.map_err(|error| bad_query(&error))?;
    let newest = query.newest.or(query.limit).unwrap_or(REQUESTS);
    let newest = newest.min(MOST_REQUESTS);
    let (after, limit) = match query.after {
        Some(after) => (Cursor(after), query.limit.unwrap_or(REQUESTS)),
        None => (control.ledger.before_newest(newest).await?, newest),
    };
    let limit = limit.min(MOST_REQUESTS);
    Ok(Json(control.ledger.events(after, limit).await?))
}

/// Removes records from before a moment. Who wanted it, and what for, is in
/// the chain before anything goes.
pub(crate) async fn prune(
    State(control): State<Arc<Control>>,
    Extension(operator): Extension<OperatorName>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<PruneReport>, Refusal> {
    let PruneRequest { before } = read(body)?;
    let event = control.event(
        operator,
        "audit.pruned",
        "ok",
        json!({"v": 1, "before": before}),
    );
    if before > event.at.0 {
        return Err(Refusal::bad_request(format!(
            "before: found {before}, expected a moment that has passed"
        )));
    }
    control.ledger.write_event(event).await?;
    let pruned = control.ledger.prune(UnixMillis(before)).await;
    let pruned = pruned.map_err(|error| match error {
        WriteError::NoNotary => Refusal::internal(error.to_string()),
        error => error.into(),
    })?;
    Ok(Json(PruneReport {
        requests: pruned.requests,
        events: pruned.events,
        through: pruned.through,
        damaged: pruned.damaged,
    }))
}

fn read(body: Result<Bytes, BytesRejection>) -> Result<PruneRequest, Refusal> {
    let body = body.map_err(|error| Refusal::bad_request(error.body_text().to_lowercase()))?;
    serde_json::from_slice(&body).map_err(|error| {
        Refusal::bad_request(format!("body: {error}"))
            .hint(r#"send {"before":1700000000000}, in Unix milliseconds"#)
    })
}
