use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use axum::extract::DefaultBodyLimit;
use axum::middleware;
use axum::routing::{delete, get, post};
use http::StatusCode;
use tollgate_desk::Desk;
use tollgate_ledger::Ledger;
use tollgate_types::{
    Event, OperatorName, Plane, Principal, RequestId, Severity, UnixMillis, Versions,
};

use crate::answer::Refusal;
use crate::{Approvals, Followers, Gateway, Metrics, Operators, Recent, Runs, Treasury};
use crate::{
    agents, approvals, audit, commands, events, guard, read, reload, runs, taint, treasury,
};

/// Bodies of this API are a name and some patterns.
const LARGEST_BODY: usize = 64 << 10;

/// What the control plane works with.
pub struct Control {
    /// Where everything is written down.
    pub ledger: Ledger,
    /// Who may call.
    pub operators: Arc<dyn Operators>,
    /// The running gateway.
    pub gateway: Arc<dyn Gateway>,
    /// Budgets and cutoffs.
    pub treasury: Arc<dyn Treasury>,
    /// Commands that `tollgate run` started.
    pub runs: Arc<dyn Runs>,
    /// Questions that wait for a person.
    pub approvals: Arc<dyn Approvals>,
    /// What has happened in runs.
    pub desk: Arc<Desk>,
    /// Fed by the ledger's observer.
    pub metrics: Arc<Metrics>,
    /// Fed by the ledger's observer.
    pub recent: Arc<Recent>,
    /// Who follows the ledger.
    pub followers: Followers,
    /// `/metrics` goes without a token.
    pub metrics_public: bool,
    /// Where the gateway listens; `Host` is held against it.
    pub bind: SocketAddr,
}

impl std::fmt::Debug for Control {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Control")
            .field("bind", &self.bind)
            .finish_non_exhaustive()
    }
}

/// Answers `/control/*` and `/metrics`.
pub fn router(control: Arc<Control>) -> axum::Router {
    let guard = middleware::from_fn_with_state(control.clone(), guard::guard);
    axum::Router::new()
        .route("/control/status", get(read::status))
        .route("/control/requests", get(read::requests))
        .route("/control/requests/{id}", get(read::request))
        .route("/control/commands/{id}", get(commands::show))
        .route("/control/audit", get(audit::entries))
        .route("/control/audit/prune", post(audit::prune))
        .route("/control/profiles", get(read::profiles))
        .route("/control/usage", get(read::usage))
        .route("/control/events", get(events::follow))
        .route("/control/models", get(read::models))
        .route("/control/agents", get(agents::list).post(agents::add))
        .route("/control/agents/{name}", delete(agents::remove))
        .route(
            "/control/budgets",
            get(treasury::budgets).post(treasury::change_budget),
        )
        .route("/control/cutoff", post(treasury::cut_off))
        .route("/control/runs", post(runs::begin))
        .route("/control/runs/{id}/orders", get(runs::orders))
        .route("/control/runs/{id}/end", post(runs::end))
        .route("/control/approvals", get(approvals::list))
        .route(
            "/control/approvals/{id}",
            get(approvals::show).post(approvals::answer),
        )
        .route(
            "/control/operators",
            get(approvals::operators).post(approvals::add_operator),
        )
        .route(
            "/control/operators/{name}",
            delete(approvals::remove_operator),
        )
        .route("/control/taint", get(taint::list).post(taint::set))
        .route("/control/taint/{subject}", delete(taint::clear))
        .route("/control/reload", post(reload::reload))
        .route("/metrics", get(read::metrics))
        .fallback(not_found)
        .method_not_allowed_fallback(wrong_method)
        // The outermost layer: what is not allowed in does not learn which
        // paths there are.
        .layer(guard)
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .with_state(control)
}

async fn not_found() -> Refusal {
    Refusal::new(StatusCode::NOT_FOUND, "not_found", "no such path")
        .hint("paths begin with `/control/`")
}

async fn wrong_method() -> Refusal {
    Refusal::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "wrong_method",
        "the path takes another method",
    )
}

impl Control {
    /// An operator's event, made now.
    pub(crate) fn event(
        &self,
        operator: OperatorName,
        kind: &'static str,
        outcome: &'static str,
        facts: serde_json::Value,
    ) -> Event {
        Event {
            id: RequestId::fresh(),
            parent: None,
            at: now(),
            plane: Plane::Gateway,
            kind: kind.into(),
            principal: Principal::operator(operator),
            rule: None,
            versions: Versions {
                config: self.gateway.status().config_version,
                policy: "none".into(),
            },
            facts,
            outcome: outcome.into(),
            severity: Severity::Security,
        }
    }
}

pub(crate) fn now() -> UnixMillis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let millis = since.map_or(0, |since| since.as_millis());
    UnixMillis(u64::try_from(millis).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests;
