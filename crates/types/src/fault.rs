use serde::{Deserialize, Serialize};

/// What went wrong with one attempt at a provider; decides what is tried next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultClass {
    /// Too many requests for now: next credential, this one cools down.
    RateLimit,
    /// The credential's spend cap or quota is used up: benched, not hammered.
    Quota,
    /// The conversation is larger than the model's window.
    ContextOverflow,
    /// The provider does not take this credential: marked invalid, next one.
    AuthError,
    /// The provider failed or is overloaded: retried.
    ServerError,
    /// No answer in time: next credential.
    Timeout,
    /// No connection, or it broke before an answer.
    Connection,
    /// The answer broke off, stalled or was not what the dialect says.
    BadAnswer,
    /// The provider refused the request itself; trying again won't help.
    BadRequest,
}

impl FaultClass {
    /// Every class, for tables and metrics.
    pub const ALL: [Self; 9] = [
        Self::RateLimit,
        Self::Quota,
        Self::ContextOverflow,
        Self::AuthError,
        Self::ServerError,
        Self::Timeout,
        Self::Connection,
        Self::BadAnswer,
        Self::BadRequest,
    ];

    /// The word in the ledger, in metrics and in errors.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RateLimit => "rate_limit",
            Self::Quota => "quota",
            Self::ContextOverflow => "context_overflow",
            Self::AuthError => "auth_error",
            Self::ServerError => "server_error",
            Self::Timeout => "timeout",
            Self::Connection => "connection",
            Self::BadAnswer => "bad_answer",
            Self::BadRequest => "bad_request",
        }
    }

    /// Whether another credential or candidate may be tried.
    pub const fn is_retryable(self) -> bool {
        !matches!(self, Self::BadRequest)
    }

    /// Whether the same credential may serve the same request again.
    pub const fn may_repeat_credential(self) -> bool {
        matches!(self, Self::ServerError | Self::Connection | Self::BadAnswer)
    }
}
