use serde::{Deserialize, Serialize};

/// Whose fault an error is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// The caller sent something that can't be served.
    Caller,
    /// A rule or limit of the operator says no.
    Policy,
    /// The provider, or the way to it.
    Upstream,
    /// Tollgate itself.
    Us,
}

macro_rules! reasons {
    ($( $(#[$doc:meta])* $Name:ident = $word:literal, $side:ident; )*) => {
        /// Why a call was refused or failed: the value of `x-tollgate-reason`,
        /// a label in metrics and a column in the ledger.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum ReasonCode { $( $(#[$doc])* $Name, )* }

        impl ReasonCode {
            /// Every code, for tables and metrics.
            pub const ALL: &'static [Self] = &[$( Self::$Name, )*];

            /// The word that clients and scripts see.
            pub const fn as_str(self) -> &'static str {
                match self { $( Self::$Name => $word, )* }
            }

            /// Whose fault it is.
            pub const fn side(self) -> Side {
                match self { $( Self::$Name => Side::$side, )* }
            }
        }
    };
}

reasons! {
    /// The body is not what the endpoint takes.
    BadRequest = "bad_request", Caller;
    /// Larger than the limit, or than what is free of the memory budget.
    BodyTooLarge = "body_too_large", Caller;
    /// Headers beyond the limit.
    HeadersTooLarge = "headers_too_large", Caller;
    /// The caller was too slow to send its request or to read its answer.
    SlowClient = "slow_client", Caller;
    /// No endpoint of that path or method.
    NotFound = "not_found", Caller;
    /// No credential, or one that is not known.
    Unauthenticated = "unauthenticated", Caller;
    /// No model of that name.
    UnknownModel = "unknown_model", Caller;
    /// The candidate speaks another dialect than the caller.
    UnsupportedDialect = "unsupported_dialect", Caller;
    /// Not built into this gateway, or not configured.
    NotConfigured = "not_configured", Caller;
    /// The caller left before the end.
    ClientLeft = "client_left", Caller;
    /// A rule says no.
    PolicyDenied = "policy_denied", Policy;
    /// The budget has no room for this request.
    BudgetExhausted = "budget_exhausted", Policy;
    /// An operator, or an exhausted budget, has cut the agent off.
    CutOff = "cut_off", Policy;
    /// More requests or tokens a minute than the agent may have.
    RateLimited = "rate_limited", Policy;
    /// A secret was found where it must not go.
    SecretFound = "secret_found", Policy;
    /// No credential of any candidate can be used now.
    PoolExhausted = "pool_exhausted", Upstream;
    /// Every provider was rate limited.
    UpstreamRateLimit = "upstream_rate_limit", Upstream;
    /// Every credential's quota is used up.
    UpstreamQuota = "upstream_quota", Upstream;
    /// The conversation does not fit the model's window.
    UpstreamContextOverflow = "upstream_context_overflow", Upstream;
    /// The provider rejected the credential.
    UpstreamAuth = "upstream_auth_error", Upstream;
    /// The provider failed.
    UpstreamServerError = "upstream_server_error", Upstream;
    /// The provider did not answer in time.
    UpstreamTimeout = "upstream_timeout", Upstream;
    /// No connection to the provider, or it broke before an answer.
    UpstreamConnection = "upstream_connection", Upstream;
    /// The provider's stream ended without its terminator.
    UpstreamCut = "upstream_cut", Upstream;
    /// The provider's stream fell silent.
    UpstreamStalled = "upstream_stalled", Upstream;
    /// The provider sent what its dialect does not allow.
    UpstreamBadAnswer = "upstream_bad_answer", Upstream;
    /// The provider sent an error inside a stream that began well.
    UpstreamErrorEvent = "upstream_error_event", Upstream;
    /// The provider refused the request itself.
    UpstreamBadRequest = "upstream_bad_request", Upstream;
    /// Too much in flight; nothing was sent.
    Overloaded = "overloaded", Us;
    /// The gateway is shutting down.
    Draining = "draining", Us;
    /// The ledger can't take the record, so nothing may be spent.
    LedgerUnavailable = "ledger_unavailable", Us;
    /// A fault of Tollgate.
    Internal = "internal", Us;
}

impl std::fmt::Display for ReasonCode {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(self.as_str())
    }
}

impl Serialize for ReasonCode {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for ReasonCode {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let word = std::borrow::Cow::<'de, str>::deserialize(from)?;
        Self::ALL
            .iter()
            .find(|code| code.as_str() == word)
            .copied()
            .ok_or_else(|| serde::de::Error::custom(format!("unknown reason code `{word}`")))
    }
}
