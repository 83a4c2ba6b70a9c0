use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use http::header::{self, HeaderValue};
use http::{HeaderMap, Method};
use tollgate_llm::{Dialect, read_fault, read_models};
use tollgate_routing::Standing;

use super::outgoing::{Outgoing, Pieces};
use super::request::ANTHROPIC_VERSION;
use super::source::Source;
use super::target::Target;
use crate::account::{micros, now};
use crate::gateway::Gateway;
use crate::names;
use crate::snapshot::{Credential, Provider, Upstream};

/// The longest list known has about a megabyte.
const LARGEST_LIST: usize = 8 << 20;

/// What asking a provider for its models has shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probed {
    /// How long it took, connecting included, in microseconds.
    pub micros: u64,
    /// The names it serves, or why it did not say; without secrets.
    pub models: Result<Vec<String>, String>,
}

/// Asks a provider which models it serves, with the first credential of its
/// pool that could be leased, for at most `limit`. Costs nothing and counts
/// nowhere: no lease is taken, and what goes wrong cools nobody down.
pub async fn probe(gateway: &Gateway, provider: &Provider, limit: Duration) -> Probed {
    let began = Instant::now();
    let models = match &provider.upstream {
        Upstream::Demo => Ok(vec![tollgate_llm::demo::MODEL.to_owned()]),
        Upstream::Http(target) => {
            let asked = ask(gateway, provider, target);
            let late = || Err(format!("no answer in {} s", limit.as_secs_f32()));
            tokio::time::timeout(limit, asked)
                .await
                .unwrap_or_else(|_| late())
        }
    };
    Probed {
        micros: micros(began.elapsed()),
        models,
    }
}

async fn ask(
    gateway: &Gateway,
    provider: &Provider,
    target: &Arc<Target>,
) -> Result<Vec<String>, String> {
    let credential = credential(provider);
    let request = request(provider, target, credential).ok_or("can't be written as HTTP")?;
    let connection = gateway.connector.connect(target).await;
    let mut connection = connection.map_err(|error| plain(&error))?;
    let answer = connection.send(request, None).await;
    let head = answer.map_err(|unanswered| unanswered.fault.to_string())?;
    let mut source = Source::Http(Some(connection), Arc::clone(target));
    let mut bytes = BytesMut::new();
    while let Some(chunk) = source.next().await {
        bytes.extend_from_slice(&chunk.map_err(|error| error.to_string())?);
        if bytes.len() > LARGEST_LIST {
            return Err(format!("the list has more than {LARGEST_LIST} bytes"));
        }
    }
    let status = head.status.as_u16();
    if head.status.is_success() {
        return read_models(&bytes).ok_or_else(|| "the answer is no list of models".to_owned());
    }
    let fault = read_fault(provider.wire, status, &head.headers, &bytes, now());
    let key = credential.map(|credential| &credential.key);
    let message = tollgate_secrets::scrub(&fault.message, key.into_iter()).into_owned();
    Err(format!("{status} {}: {message}", fault.class.as_str()))
}

/// The words without the system's number for them.
fn plain(error: &dyn std::error::Error) -> String {
    let text = error.to_string();
    text.split(" (os error")
        .next()
        .unwrap_or_default()
        .to_owned()
}

fn credential(provider: &Provider) -> Option<&Credential> {
    let profiles = provider.pool.profiles(now());
    let ready = profiles
        .iter()
        .position(|profile| profile.standing == Standing::Ready);
    provider.credentials.get(ready.unwrap_or(0))
}

/// One page with all of them, where a provider has pages.
fn request(
    provider: &Provider,
    target: &Target,
    credential: Option<&Credential>,
) -> Option<Outgoing> {
    let path = match provider.wire {
        Dialect::OpenAi => "/models",
        Dialect::Anthropic => "/v1/models?limit=1000",
        Dialect::Gemini => "/v1beta/models?pageSize=1000",
    };
    let path = target.path(path, None)?;
    let mut headers = HeaderMap::with_capacity(8);
    headers.insert(header::HOST, target.host_header.clone());
    headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
    if provider.wire == Dialect::Anthropic {
        headers.insert(names::ANTHROPIC_VERSION, ANTHROPIC_VERSION.clone());
    }
    for (name, value) in &provider.headers {
        headers.insert(name.clone(), value.clone());
    }
    if let Some((name, value)) = credential.and_then(|credential| credential.header.as_ref()) {
        headers.insert(name.clone(), value.clone());
    }
    Some(Outgoing::new(Method::GET, &path, &headers, Pieces::new()))
}
