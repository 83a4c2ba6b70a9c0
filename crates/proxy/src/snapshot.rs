use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, HeaderValue};
use tollgate_budget::AgentRate;
use tollgate_identity::{Agent, AgentBook};
use tollgate_llm::{Api, Catalog, Dialect, Endpoint, Strictness, counterpart};
use tollgate_routing::{Pool, ProviderIndex, RouteTable};
use tollgate_types::{AgentName, Label, Secret, Versions};

use crate::admission::Permissions;
use crate::lanes::{DlpSettings, Scanning};
use crate::rules::Rules;
use crate::through::Passage;
use crate::upstream::Target;

/// Everything that judges and serves a request, frozen.
///
/// A request takes one `Arc` of it at its start and keeps it to its end, so a
/// reload never changes a request that is under way.
pub struct Snapshot {
    /// Written into every ledger row.
    pub versions: Versions,
    /// Bounds on what a caller may send.
    pub limits: Limits,
    /// Whom callers without a credential are, where that is allowed at all.
    pub anonymous: Option<Arc<Agent>>,
    /// Which model name answers carry.
    pub answer_model: AnswerModel,
    /// What becomes of hints that another dialect has no place for.
    pub strictness: Strictness,
    /// How much of a stream is kept back before its first byte goes out.
    pub holdback: Holdback,
    /// From names to candidates.
    pub routes: RouteTable,
    /// By [`ProviderIndex`], in the order of the route table.
    pub providers: Vec<Provider>,
    /// Who may call.
    pub agents: AgentBook,
    /// How much agents may ask for in a minute, where that is limited.
    pub rates: HashMap<AgentName, Arc<AgentRate>>,
    /// What models take, give and cost.
    pub catalog: Catalog,
    /// Most tokens of an answer where nothing else says it.
    pub output_cap: Option<u64>,
    /// Lower a request's maximum to what its budget has left, but not below so
    /// many tokens of an answer; none to leave it and refuse.
    pub clamp_floor: Option<u64>,
    /// What judges every call.
    pub rules: Rules,
    /// What was permitted since it was made.
    pub permissions: Permissions,
    /// What looks at texts.
    pub scanning: Arc<Scanning>,
}

impl Snapshot {
    /// The provider behind a candidate.
    pub(crate) fn provider(&self, index: ProviderIndex) -> Option<&Provider> {
        self.providers.get(usize::from(index.0))
    }
}

/// Bounds on what a caller may send, each with the memory it may cost.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Largest request body, in bytes.
    pub body_bytes: usize,
    /// All bodies in flight together, in bytes.
    pub bodies_in_flight_bytes: usize,
    /// Largest request head, in bytes.
    pub header_bytes: usize,
    /// Most fields in a request head. Hyper itself takes apart 100 at most,
    /// into memory on the stack; more would be allocated for every request.
    pub header_count: usize,
    /// Longest silence while a body is being sent.
    pub body_idle: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes: 32 << 20,
            bodies_in_flight_bytes: 256 << 20,
            header_bytes: 64 << 10,
            header_count: 80,
            body_idle: Duration::from_secs(30),
        }
    }
}

/// How long the beginning of a stream is kept back, so that one that breaks
/// early can still be repeated elsewhere: until either is reached. Without any
/// nothing is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Holdback {
    /// `[server] hold_tokens`: so many tokens of the answer.
    pub tokens: Option<u64>,
    /// `[server] hold_ms`: so much time from the first event on.
    pub time: Option<Duration>,
}

/// `[server] answer_model`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AnswerModel {
    /// As the provider gave it.
    #[default]
    Served,
    /// As the caller asked for it.
    Asked,
}

/// A provider as the relay needs it.
pub struct Provider {
    /// Its id in the configuration.
    pub id: Label,
    /// The dialect that it speaks.
    pub wire: Dialect,
    /// Which of OpenAI's APIs it has, where that is its dialect.
    pub api: Api,
    /// Where it is.
    pub upstream: Upstream,
    /// Its credentials, in the order of the pool's profiles.
    pub credentials: Vec<Credential>,
    /// Which credential is next.
    pub pool: Arc<Pool>,
    /// Set on every request, over the caller's.
    pub headers: HeaderMap,
    /// How long it may take.
    pub times: Times,
    /// Whether streams are asked to report their usage.
    pub ask_usage: bool,
    /// What `/passthrough` takes beside the endpoints of its wire.
    pub passages: Vec<Passage>,
    /// What is looked for in what goes there and comes back.
    pub dlp: DlpSettings,
}

impl Provider {
    /// Whether it takes requests to this endpoint as they are.
    pub(crate) fn speaks(&self, endpoint: Endpoint) -> bool {
        let is_other = match endpoint.only_counts() {
            true => self.wire == Dialect::OpenAi && self.api == Api::Chat,
            false => self.counterpart(endpoint, false).is_some(),
        };
        let takes = self.wire == endpoint.dialect() && !is_other;
        takes || matches!(self.upstream, Upstream::Demo)
    }

    /// Its own endpoint that serves requests to another one.
    pub(crate) fn counterpart(&self, endpoint: Endpoint, stream: bool) -> Option<Endpoint> {
        counterpart(endpoint, self.wire, self.api, stream)
    }
}

/// Where a provider is.
pub enum Upstream {
    /// Behind HTTP.
    Http(Arc<Target>),
    /// The built-in demo model.
    Demo,
}

/// How long a provider may take.
#[derive(Clone, Copy, Debug)]
pub struct Times {
    /// The whole request, all attempts included.
    pub whole: Duration,
    /// From sending to the first byte of an answer.
    pub first_byte: Duration,
    /// Longest silence within an answer.
    pub idle: Duration,
}

impl Default for Times {
    fn default() -> Self {
        Self {
            whole: Duration::from_secs(300),
            first_byte: Duration::from_secs(60),
            idle: Duration::from_secs(60),
        }
    }
}

/// One key of a provider's pool, ready to be put into a header.
pub struct Credential {
    pub(crate) profile: HeaderValue,
    pub(crate) key: Secret,
    pub(crate) header: Option<(http::HeaderName, HeaderValue)>,
}

/// A key that can't stand in a header.
#[derive(Debug, thiserror::Error)]
#[error("credential `{profile}`: has characters that no HTTP header may carry")]
pub struct UnsendableKey {
    /// Profile id of the credential; the key is not shown.
    pub profile: Label,
}

impl Credential {
    /// Prepares a key for its provider's wire; an empty one sends none.
    ///
    /// # Errors
    /// [`UnsendableKey`] where it holds control characters.
    pub fn new(wire: Dialect, profile: &Label, key: Secret) -> Result<Self, UnsendableKey> {
        let unsendable = || UnsendableKey {
            profile: profile.clone(),
        };
        let header = match key.is_empty() {
            true => None,
            false => Some(auth_header(wire, key.expose()).map_err(|_| unsendable())?),
        };
        let profile = HeaderValue::from_str(profile).map_err(|_| unsendable())?;
        Ok(Self {
            profile,
            key,
            header,
        })
    }
}

fn auth_header(
    wire: Dialect,
    key: &str,
) -> Result<(http::HeaderName, HeaderValue), http::header::InvalidHeaderValue> {
    let bearer = || HeaderValue::from_str(&format!("Bearer {key}"));
    let (name, mut value) = match wire {
        // Anthropic takes subscription tokens as a bearer only.
        Dialect::Anthropic if key.starts_with("sk-ant-oat") => {
            (http::header::AUTHORIZATION, bearer()?)
        }
        Dialect::Anthropic => (
            http::HeaderName::from_static("x-api-key"),
            HeaderValue::from_str(key)?,
        ),
        Dialect::Gemini => (
            http::HeaderName::from_static("x-goog-api-key"),
            HeaderValue::from_str(key)?,
        ),
        Dialect::OpenAi => (http::header::AUTHORIZATION, bearer()?),
    };
    value.set_sensitive(true);
    Ok((name, value))
}
