use std::sync::Arc;

use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::{Extension, Json};
use http::StatusCode;
use serde_json::json;
use tollgate_api::{BudgetChange, BudgetReport, CutoffReport, CutoffRequest};
use tollgate_types::{Event, OperatorName};

use crate::answer::Refusal;
use crate::{BoxFuture, Control};

/// What the control plane needs of budgets and cutoffs. A change writes its
/// event, durable, before it holds.
pub trait Treasury: Send + Sync {
    /// Every budget and its open windows.
    fn budgets(&self) -> Vec<BudgetReport>;
    /// Makes, changes or removes a budget; returns all of them.
    fn change_budget(
        &self,
        change: BudgetChange,
        event: Event,
    ) -> BoxFuture<'_, Result<Vec<BudgetReport>, TreasuryFault>>;
    /// Cuts an agent off, or lets it go on.
    fn cut_off(
        &self,
        request: CutoffRequest,
        event: Event,
    ) -> BoxFuture<'_, Result<CutoffReport, TreasuryFault>>;
}

/// Why a budget or a cutoff was not changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TreasuryFault {
    /// What was asked can't be.
    Refused {
        /// What was found, and what was expected.
        message: String,
        /// The one thing to try.
        hint: &'static str,
    },
    /// The ledger did not take it, so nothing has changed.
    Ledger(String),
}

impl From<TreasuryFault> for Refusal {
    fn from(fault: TreasuryFault) -> Self {
        match fault {
            TreasuryFault::Refused { message, hint } => {
                Self::new(StatusCode::BAD_REQUEST, "bad_request", message).hint(hint)
            }
            TreasuryFault::Ledger(message) => Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "ledger_unavailable",
                message,
            ),
        }
    }
}

pub(crate) async fn budgets(State(control): State<Arc<Control>>) -> Json<Vec<BudgetReport>> {
    Json(control.treasury.budgets())
}

pub(crate) async fn change_budget(
    State(control): State<Arc<Control>>,
    Extension(operator): Extension<OperatorName>,
    body: Result<Json<BudgetChange>, JsonRejection>,
) -> Result<Json<Vec<BudgetReport>>, Refusal> {
    let Json(change) = body.map_err(|error| unreadable(&error))?;
    let facts = json!({"v": 1, "change": change});
    let event = control.event(operator, "budget.changed", "ok", facts);
    Ok(Json(control.treasury.change_budget(change, event).await?))
}

pub(crate) async fn cut_off(
    State(control): State<Arc<Control>>,
    Extension(operator): Extension<OperatorName>,
    body: Result<Json<CutoffRequest>, JsonRejection>,
) -> Result<Json<CutoffReport>, Refusal> {
    let Json(request) = body.map_err(|error| unreadable(&error))?;
    let kind = if request.undo {
        "cutoff.lifted"
    } else {
        "agent.cut_off"
    };
    let mode = request.mode.unwrap_or_default();
    let facts = json!({"v": 1, "agent": request.agent, "mode": mode.as_str()});
    let event = control.event(operator, kind, "ok", facts);
    Ok(Json(control.treasury.cut_off(request, event).await?))
}

fn unreadable(error: &JsonRejection) -> Refusal {
    Refusal::new(StatusCode::BAD_REQUEST, "bad_request", error.body_text())
        .hint("send the JSON object that docs/budgets.md shows")
}
