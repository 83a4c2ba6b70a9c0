//! Questions that wait for a person, and the operators who answer them.

use std::sync::Arc;

use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::{Extension, Json};
use http::StatusCode;
use serde_json::json;
use tollgate_api::{
    AnswerRequest, ApprovalReport, NewOperatorRequest, OperatorCreated, OperatorReport,
};
use tollgate_approvals::ApprovalId;
use tollgate_types::{OperatorName, Tier};

use crate::Control;
use crate::answer::Refusal;
use crate::gateway::{ApprovalFault, OperatorFault};

/// Everything that waits, and what ended lately. Who reads it has it before
/// them.
pub(crate) async fn list(State(control): State<Arc<Control>>) -> Json<Vec<ApprovalReport>> {
    let all = control.approvals.list();
    let open = all.iter().filter(|it| it.status == "pending");
    let open: Vec<_> = open.map(|it| it.id).collect();
    if !open.is_empty() {
        control.approvals.delivered(open).await;
    }
    Json(all)
}

/// One, with its card.
pub(crate) async fn show(
    State(control): State<Arc<Control>>,
    Path(id): Path<String>,
) -> Result<Json<ApprovalReport>, Refusal> {
    let id = parsed(&id)?;
    let found = control.approvals.get(id);
    let found = found.ok_or_else(|| Refusal::from(ApprovalFault::Unknown(id.to_string())))?;
    control.approvals.delivered(vec![id]).await;
    Ok(Json(found))
}

/// An operator's answer.
pub(crate) async fn answer(
    State(control): State<Arc<Control>>,
    Extension(operator): Extension<OperatorName>,
    Path(id): Path<String>,
    body: Result<Json<AnswerRequest>, JsonRejection>,
) -> Result<Json<ApprovalReport>, Refusal> {
    let id = parsed(&id)?;
    let Json(said) = body.map_err(|error| {
        Refusal::bad_request(error.body_text())
            .hint(r#"send {"decision":"allow-once"}, "allow-always" or "deny""#)
    })?;
    let may_answer = control.operators.may_answer(&operator);
    let answered = control.approvals.answer(operator, may_answer, id, said);
    Ok(Json(answered.await?))
}

/// All operators.
pub(crate) async fn operators(State(control): State<Arc<Control>>) -> Json<Vec<OperatorReport>> {
    Json(control.operators.list())
}

/// A new operator. Only who may allow everything may make others who may.
pub(crate) async fn add_operator(
    State(control): State<Arc<Control>>,
    Extension(operator): Extension<OperatorName>,
    body: Result<Json<NewOperatorRequest>, JsonRejection>,
) -> Result<(StatusCode, Json<OperatorCreated>), Refusal> {
    let Json(wanted) = body.map_err(|error| {
        Refusal::bad_request(error.body_text()).hint(r#"send {"name":"olga","may_answer":"HIGH"}"#)
    })?;
    in_charge(&control, &operator)?;
    let created = control.operators.add(&wanted)?;
    let facts = json!({"v": 1, "operator": created.name, "may_answer": created.may_answer});
    let event = control.event(operator, "operator.added", "ok", facts);
    if let Err(error) = control.ledger.write_event(event).await {
        // Nobody may be let in without a trace.
        if let Ok(name) = OperatorName::new(&created.name) {
            control.operators.remove(&name)?;
        }
        return Err(error.into());
    }
    Ok((StatusCode::CREATED, Json(created)))
}

/// Takes an operator away.
pub(crate) async fn remove_operator(
    State(control): State<Arc<Control>>,
    Extension(operator): Extension<OperatorName>,
    Path(name): Path<String>,
) -> Result<Json<OperatorReport>, Refusal> {
    in_charge(&control, &operator)?;
    let name = OperatorName::new(&name).map_err(|error| Refusal::bad_request(error.to_string()))?;
    let report = OperatorReport {
        name: name.to_string(),
        may_answer: control.operators.may_answer(&name),
        added_at: None,
    };
    control.operators.remove(&name)?;
    let facts = json!({"v": 1, "operator": name});
    let event = control.event(operator, "operator.removed", "ok", facts);
    control.ledger.write_event(event).await?;
    Ok(Json(report))
}

fn in_charge(control: &Control, operator: &OperatorName) -> Result<(), Refusal> {
    let may_answer = control.operators.may_answer(operator);
    if may_answer >= Tier::Critical {
        return Ok(());
    }
    let message = format!("operator `{operator}` may allow up to {may_answer}, expected CRITICAL");
    Err(
        Refusal::new(StatusCode::FORBIDDEN, "not_in_charge", message)
            .hint("only who may allow everything changes operators"),
    )
}

fn parsed(id: &str) -> Result<ApprovalId, Refusal> {
    id.parse().map_err(|_| {
        let id = id.chars().filter(|c| !c.is_control()).take(64).collect();
        ApprovalFault::Unknown(id).into()
    })
}

impl From<ApprovalFault> for Refusal {
    fn from(fault: ApprovalFault) -> Self {
        match fault {
            ApprovalFault::Unknown(id) => Self::new(
                StatusCode::NOT_FOUND,
                "unknown_approval",
                format!("no approval `{id}`"),
            )
            .hint("`tollgate approvals list` shows what waits"),
            ApprovalFault::Refused(message) => {
                Self::new(StatusCode::CONFLICT, "not_answered", message)
            }
            ApprovalFault::AskedAgain(message) => {
                Self::new(StatusCode::CONFLICT, "asked_again", message)
                    .hint("a late yes counts for nothing; answer the new question")
            }
            ApprovalFault::Unwritten(message) => Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "ledger_unavailable",
                message,
            )
            .hint("the question stays open; answer again once it can be written"),
        }
    }
}

impl From<OperatorFault> for Refusal {
    fn from(fault: OperatorFault) -> Self {
        match fault {
            OperatorFault::Wrong(message) => Self::bad_request(message),
            OperatorFault::Unknown(name) => Self::new(
                StatusCode::NOT_FOUND,
                "unknown_operator",
                format!("no operator `{name}`"),
            )
            .hint("`tollgate operators list` shows all"),
            OperatorFault::Exists(name) => Self::new(
                StatusCode::CONFLICT,
                "operator_exists",
                format!("there is an operator `{name}`"),
            )
            .hint("take another name, or remove the old one"),
            OperatorFault::Internal(message) => Self::internal(message),
        }
    }
}
