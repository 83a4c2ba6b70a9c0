use std::sync::Arc;

use axum::extract::State;
use axum::{Extension, Json};
use http::StatusCode;
use serde_json::json;
use tollgate_api::ReloadReport;
use tollgate_types::OperatorName;

use crate::Control;
use crate::answer::Refusal;

/// Reads the configuration again, and writes down what came of it.
pub(crate) async fn reload(
    State(control): State<Arc<Control>>,
    Extension(operator): Extension<OperatorName>,
) -> Result<Json<ReloadReport>, Refusal> {
    let done = control.gateway.reload().await;
    let (outcome, facts) = match &done {
        Ok(report) => (
            "ok",
            json!({"v": 1, "config_version": report.config_version}),
        ),
        // Not the faults themselves: they quote what stands in the file.
        Err(_) => ("refused", json!({"v": 1})),
    };
    let event = control.event(operator, "config.reloaded", outcome, facts);
    control.ledger.write_event(event).await?;
    done.map(Json).map_err(|fault| {
        Refusal::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "reload_failed",
            fault.message,
        )
        .hint(fault.hint.unwrap_or_else(|| {
            "the last good configuration stays in force; see `tollgate config check`".into()
        }))
    })
}
