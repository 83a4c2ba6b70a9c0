use std::borrow::Cow;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ALLOW, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, Response, StatusCode};
use tollgate_budget::{Refused, TooFast};
use tollgate_llm::{BadRequest, CallerError, Dialect, error_body};
use tollgate_routing::{NoPlan, UnknownModel};
use tollgate_types::{Attempt, FaultClass, Label, ReasonCode, RequestId, UnixMillis};

use crate::body::Body;
use crate::hold::HoldFault;
use crate::intake::IntakeFault;
use crate::lanes::Kept;
use crate::{names, nearby};

mod unreleased;

pub(crate) use unreleased::Unreleased;

/// Why a request was not served, before the first byte of an answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refusal {
    #[error(transparent)]
    Body(#[from] IntakeFault),
    #[error("{}", .0.message)]
    Request(BadRequest),
    #[error("request head has {found}, the limit is {limit}")]
    Head { found: String, limit: String },
    #[error("request body has `content-encoding: {0}`, expected none")]
    Encoded(String),
    #[error("found {found}, expected {expected}")]
    Framing {
        found: String,
        expected: &'static str,
    },
    #[error("{0}")]
    Unauthenticated(Cow<'static, str>),
    #[error(
        "provider \"{0}\" takes the caller's own credential, and the request has none but Tollgate's"
    )]
    NoOwnKey(Label),
    #[error("unknown model `{}`", .0.asked)]
    UnknownModel(UnknownModel),
    #[error("{0}")]
    TooLarge(NoPlan),
    #[error("rate limit: {0}")]
    TooFast(#[from] TooFast),
    #[error("model \"{model}\" is denied for agent \"{agent}\": {rule}")]
    Denied {
        model: String,
        agent: String,
        rule: Label,
    },
    #[error("model \"{model}\" is {} for agent \"{agent}\" by rule \"{rule}\"{}", held(*review), because(reason))]
    Rule {
        model: String,
        agent: String,
        review: bool,
        rule: Label,
        reason: String,
    },
    #[error(transparent)]
    Unreleased(#[from] Unreleased),
    #[error("{0}")]
    Crowded(String),
    #[error(transparent)]
    Secret(#[from] Kept),
    #[error("the answer holds `{kind}` where nothing can be masked, and dlp looks for it")]
    SecretInAnswer { kind: Label },
    #[error("provider \"{provider}\" speaks {wire}, this endpoint speaks {asked}")]
    OtherDialect {
        provider: Label,
        wire: &'static str,
        asked: &'static str,
    },
    #[error("{message}")]
    Exhausted {
        last: FaultClass,
        status: Option<u16>,
        retry_after: Option<Duration>,
        message: String,
    },
    #[error("no usable credential for {0}")]
    NoCredential(String, Option<Duration>),
    #[error("{text}")]
    Budget {
        text: String,
        budget: Label,
        hint: &'static str,
        resets: Option<Duration>,
    },
    #[error("{text}")]
    Unbounded { text: String, budget: Label },
    #[error("agent is cut off: {why}")]
    CutOff { why: String, budget: Option<Label> },
    #[error("the ledger can't take another record, so nothing may be spent")]
    Ledger,
    #[error("the gateway is shutting down")]
    Draining,
    #[error("{0}")]
    NotBuilt(&'static str),
    #[error("no endpoint `{0}`")]
    NotFound(String),
    #[error("`{method}` is not taken by `{path}`, expected `{expected}`")]
    Method {
        method: String,
        path: String,
        expected: &'static str,
    },
    #[error(
        "`{method} {path}` of provider \"{provider}\" is not on the list of what may be passed through"
    )]
    NotListed {
        method: String,
        path: String,
        provider: Label,
        listed: String,
    },
    #[error("{0}")]
    Internal(&'static str),
}

/// What the caller is told.
#[derive(Debug)]
pub(crate) struct Public {
    pub(crate) status: u16,
    pub(crate) reason: ReasonCode,
    pub(crate) message: String,
    pub(crate) hint: Option<Cow<'static, str>>,
    pub(crate) param: Option<String>,
    pub(crate) retry_after: Option<Duration>,
    pub(crate) rule: Option<Label>,
    /// The methods that the path takes, where it was another one.
    pub(crate) allow: Option<&'static str>,
    /// The budget that refused.
    pub(crate) budget: Option<Label>,
}

impl From<NoPlan> for Refusal {
    fn from(no: NoPlan) -> Self {
        match no {
            NoPlan::Unknown(unknown) => Self::UnknownModel(unknown),
            NoPlan::TooLarge { .. } => Self::TooLarge(no),
        }
    }
}

impl Refusal {
    /// What a budget said. One that is used up cuts off; one that has too
    /// little left for this request lets a smaller one through.
    pub(crate) fn budget(fault: HoldFault, now: UnixMillis) -> Self {
        match fault {
            HoldFault::Unbounded { ref budget, .. } => Self::Unbounded {
                budget: budget.as_str().into(),
                text: fault.to_string(),
            },
            HoldFault::Refused(Refused::Exhausted(exhausted)) if exhausted.reached.is_some() => {
                Self::CutOff {
                    why: exhausted.to_string(),
                    budget: Some(exhausted.budget),
                }
            }
            HoldFault::Refused(ref refused) | HoldFault::BelowFloor { ref refused, .. } => {
                Self::Budget {
                    text: fault.to_string(),
                    budget: refused.budget().clone(),
                    hint: refused.hint(),
                    resets: refused
                        .resets_at()
                        .map(|end| Duration::from_millis(end.since(now))),
                }
            }
        }
    }

    /// The one map from what happened to what the caller sees.
    pub(crate) fn public(&self, dialect: Dialect) -> Public {
        let (status, reason) = self.status_and_reason(dialect);
        Public {
            status,
            reason,
            message: self.to_string(),
            hint: self.hint(),
            param: match self {
                Self::Request(bad) => bad.param.clone(),
                Self::UnknownModel(_) => Some("model".to_owned()),
                _ => None,
            },
            retry_after: self.retry_after(),
            rule: match self {
                Self::Denied { rule, .. } | Self::Rule { rule, .. } => Some(rule.clone()),
                Self::Unreleased(unreleased) => unreleased.rule.clone(),
                _ => None,
            },
            allow: match self {
                Self::Method { expected, .. } => Some(expected),
                _ => None,
            },
            budget: match self {
                Self::Budget { budget, .. } | Self::Unbounded { budget, .. } => {
                    Some(budget.clone())
                }
                Self::CutOff { budget, .. } => budget.clone(),
                _ => None,
            },
        }
    }

    fn status_and_reason(&self, dialect: Dialect) -> (u16, ReasonCode) {
        match self {
            Self::Body(IntakeFault::TooLarge { .. }) => (413, ReasonCode::BodyTooLarge),
            Self::Body(IntakeFault::MemoryFull { .. }) => (503, ReasonCode::Overloaded),
            Self::Body(IntakeFault::Silent { .. }) => (408, ReasonCode::SlowClient),
            Self::Body(IntakeFault::Broken { .. }) | Self::Request(_) | Self::Framing { .. } => {
                (400, ReasonCode::BadRequest)
            }
            Self::Encoded(_) => (415, ReasonCode::BadRequest),
            Self::Head { .. } => (431, ReasonCode::HeadersTooLarge),
            Self::Unauthenticated(_) | Self::NoOwnKey(_) => (401, ReasonCode::Unauthenticated),
            Self::UnknownModel(_) => (404, ReasonCode::UnknownModel),
            Self::TooLarge(_) => (400, ReasonCode::UpstreamContextOverflow),
            Self::TooFast(_) | Self::Crowded(_) => (429, ReasonCode::RateLimited),
            Self::Denied { .. } | Self::Rule { .. } => (403, ReasonCode::PolicyDenied),
            Self::Unreleased(Unreleased { rule: Some(_), .. }) => (403, ReasonCode::PolicyDenied),
            Self::Secret(_) | Self::SecretInAnswer { .. } | Self::Unreleased(_) => {
                (403, ReasonCode::SecretFound)
            }
            Self::OtherDialect { .. } => (400, ReasonCode::UnsupportedDialect),
            Self::Exhausted { last, status, .. } => exhausted(*last, *status, dialect),
            Self::NoCredential(..) => (503, ReasonCode::PoolExhausted),
            Self::Budget { .. } => (429, ReasonCode::BudgetExhausted),
            Self::Unbounded { .. } => (400, ReasonCode::BudgetExhausted),
            Self::CutOff { .. } => (403, ReasonCode::CutOff),
            Self::Ledger => (503, ReasonCode::LedgerUnavailable),
            Self::Draining => (503, ReasonCode::Draining),
            Self::NotBuilt(_) => (501, ReasonCode::NotConfigured),
            Self::NotFound(_) => (404, ReasonCode::NotFound),
            Self::NotListed { .. } => (403, ReasonCode::PolicyDenied),
            Self::Method { .. } => (405, ReasonCode::NotFound),
            Self::Internal(_) => (500, ReasonCode::Internal),
        }
    }

    fn hint(&self) -> Option<Cow<'static, str>> {
        match self {
            Self::Request(bad) => bad.hint.map(Cow::Borrowed),
            Self::UnknownModel(unknown) if !unknown.nearest.is_empty() => {
                let near: Vec<_> = unknown.nearest.iter().map(|name| format!("`{name}`")).collect();
                Some(format!("near names: {}", near.join(", ")).into())
            }
            Self::UnknownModel(_) => Some("GET /v1/models lists what there is".into()),
            Self::Unauthenticated(_) => {
                Some("send a Tollgate key (`tg-…`) as bearer token; `tollgate agents add NAME` makes one".into())
            }
            Self::Body(IntakeFault::TooLarge { .. }) => {
                Some("raise `[server] max_body_mb`".into())
            }
            Self::OtherDialect { asked, .. } => {
                Some(format!("ask for a model of a provider with wire = \"{asked}\"").into())
            }
            Self::Rule { review: true, .. } => Some("this gateway can ask nobody".into()),
            Self::Unreleased(unreleased) => Some(unreleased.hint().into()),
            Self::Crowded(_) => Some("`tollgate approvals list` shows what waits".into()),
            Self::Secret(kept) => Some(kept.hint().into()),
            Self::Budget { hint, .. } => Some((*hint).into()),
            Self::Unbounded { text, .. } if text.contains("max_tokens") => {
                Some("say max_tokens".into())
            }
            Self::CutOff { budget: Some(_), .. } => {
                Some("an operator raises it: `tollgate budget set`".into())
            }
            Self::CutOff { budget: None, .. } => {
                Some("an operator lifts it: `tollgate cutoff AGENT --undo`".into())
            }
            Self::NoOwnKey(_) => {
                Some("send the Tollgate key in x-tollgate-key, and the provider's where its SDK puts it".into())
            }
            Self::TooLarge(_) => {
                Some("shorten the conversation, or lower max_tokens".into())
            }
            Self::TooFast(TooFast { after: None, .. }) => {
                Some("send less at once: it is more than a whole minute's".into())
            }
            Self::TooFast(_) => Some("wait as `retry-after` says".into()),
            Self::Encoded(_) => {
                Some("what is judged is what is sent: switch the client's compression of requests off".into())
            }
            Self::NotFound(path) => {
                nearby::endpoint(path).map(|near| format!("did the base URL mean `{near}`?").into())
            }
            Self::NotListed { listed, provider, .. } => Some(
                format!("listed: {listed}; [[providers.{provider}.passthrough]] adds a path with its cost").into(),
            ),
            Self::Ledger => Some("`tollgate status` says what the ledger reports".into()),
            _ => None,
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Exhausted { retry_after, .. } => *retry_after,
            Self::NoCredential(_, free) => *free,
            Self::Budget { resets, .. } => *resets,
            Self::TooFast(fast) => Some(fast.after.unwrap_or(Duration::from_secs(60))),
            Self::Crowded(_) => Some(Duration::from_secs(60)),
            Self::Body(IntakeFault::MemoryFull { .. }) | Self::Ledger | Self::Draining => {
                Some(Duration::from_secs(1))
            }
            _ => None,
        }
    }
}

fn held(review: bool) -> &'static str {
    if review { "held for review" } else { "denied" }
}

fn because(reason: &str) -> String {
    match reason {
        "" => String::new(),
        reason => format!(": {reason}"),
    }
}

/// What a caller sees after every attempt failed.
///
/// A credential that the provider rejects is not the caller's: a 401 would
/// send its owner looking at the wrong key, so it is a 502.
fn exhausted(last: FaultClass, status: Option<u16>, dialect: Dialect) -> (u16, ReasonCode) {
    match last {
        FaultClass::RateLimit => (429, ReasonCode::UpstreamRateLimit),
        FaultClass::Quota => (429, ReasonCode::UpstreamQuota),
        FaultClass::ContextOverflow => (400, ReasonCode::UpstreamContextOverflow),
        FaultClass::AuthError => (502, ReasonCode::UpstreamAuth),
        FaultClass::ServerError => match (status, dialect) {
            (Some(529), Dialect::Anthropic) => (529, ReasonCode::UpstreamServerError),
            (Some(529 | 503), _) => (503, ReasonCode::UpstreamServerError),
            _ => (502, ReasonCode::UpstreamServerError),
        },
        FaultClass::Timeout => (504, ReasonCode::UpstreamTimeout),
        FaultClass::Connection => (502, ReasonCode::UpstreamConnection),
        FaultClass::BadAnswer => (502, ReasonCode::UpstreamBadAnswer),
        FaultClass::BadRequest => (status.unwrap_or(400), ReasonCode::UpstreamBadRequest),
    }
}

/// The refusal's answer in the caller's dialect.
pub(crate) fn answer(public: &Public, dialect: Dialect, request: RequestId) -> Response<Body> {
    let bytes = error_body(
        dialect,
        &CallerError {
            status: public.status,
            reason: public.reason,
            message: &public.message,
            hint: public.hint.as_deref(),
            param: public.param.as_deref(),
            request,
        },
    );
    let mut response = Response::new(Body::whole(bytes));
    *response.status_mut() =
        StatusCode::from_u16(public.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(
        names::REASON,
        HeaderValue::from_static(public.reason.as_str()),
    );
    if let Some(methods) = public.allow {
        headers.insert(ALLOW, HeaderValue::from_static(methods));
    }
    if let Some(after) = public.retry_after {
        // Rounded up: a client that waits too short only adds to the load.
        headers.insert(
            RETRY_AFTER,
            HeaderValue::from(after.as_millis().div_ceil(1000).max(1) as u64),
        );
    }
    response
}

/// One line that lists each attempt.
pub(crate) fn list_attempts(attempts: &[Attempt]) -> String {
    let mut text = match attempts.len() {
        1 => "the attempt failed: ".to_owned(),
        count => format!("all {count} attempts failed: "),
    };
    let same = |one: &Attempt, other: &Attempt| described(one) == described(other);
    for (at, run) in attempts.chunk_by(same).enumerate() {
        let separator = if at == 0 { "" } else { "; " };
        text += &format!("{separator}{}", described(&run[0]));
        if run.len() > 1 {
            text += &format!(" ({} times)", run.len());
        }
    }
    text
}

fn described(attempt: &Attempt) -> String {
    let mut text = format!("{}/{}", attempt.provider, attempt.model);
    if !attempt.credential.is_empty() {
        text += &format!(" with {}", attempt.credential);
    }
    text += &format!(": {}", attempt.fault.map_or("ok", FaultClass::as_str));
    if let Some(status) = attempt.status {
        text += &format!(" ({status})");
    }
    if !attempt.note.is_empty() {
        text += &format!(": {}", attempt.note);
    }
    text
}

/// An empty answer, for `HEAD`.
pub(crate) fn empty(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::whole(Bytes::new()));
    *response.status_mut() = status;
    response
}
