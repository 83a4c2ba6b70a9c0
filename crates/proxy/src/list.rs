use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Method, Request, Response};
use tollgate_identity::query_without_key;
use tollgate_llm::{Dialect, ModelEntry, model_object, models_list, percent_decoded};
use tollgate_routing::Ask;

use crate::admission::identify;
use crate::body::Body;
use crate::conversation::Incoming;
use crate::dispatch::refused;
use crate::gateway::Gateway;
use crate::head;
use crate::names;
use crate::peer::Peer;
use crate::refusal::Refusal;
use crate::rules::ModelCall;

/// Where the lists are: OpenAI's and Anthropic's, and Gemini's.
const ROOTS: [&str; 2] = ["/v1/models", "/v1beta/models"];

/// The id behind a list's path; empty for the list itself.
fn id_in(path: &str) -> Option<&str> {
    ROOTS.into_iter().find_map(|root| {
        let rest = path.strip_prefix(root)?;
        match rest.is_empty() {
            true => Some(rest),
            false => rest.strip_prefix('/'),
        }
    })
}

/// Whether a list of models, or one of them, is at a path.
pub(crate) fn is_list(path: &str) -> bool {
    id_in(path).is_some()
}

/// `GET /v1/models` and `/v1/models/{id}`: the names that this agent may use,
/// in Anthropic's shape where `anthropic-version` is sent, and in Gemini's
/// under `/v1beta` or where the key comes as Gemini's clients send it.
pub(crate) async fn models(
    gateway: &Gateway,
    peer: &Peer,
    request: Request<Incoming>,
) -> Response<Body> {
    let (head, _) = request.into_parts();
    let dialect = dialect_of(&head);
    match listed(gateway, peer, &head, dialect).await {
        Ok(bytes) => json(bytes),
        Err(refusal) => refused(&refusal, dialect),
    }
}

pub(crate) fn json(bytes: Bytes) -> Response<Body> {
    let mut response = Response::new(Body::whole(bytes));
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, json);
    response
}

/// What lists something takes no other method.
pub(crate) fn only_reads(head: &http::request::Parts) -> Result<(), Refusal> {
    if head.method == Method::GET || head.method == Method::HEAD {
        return Ok(());
    }
    Err(Refusal::Method {
        method: head.method.as_str().chars().take(20).collect(),
        path: head.uri.path().chars().take(100).collect(),
        expected: "GET, HEAD",
    })
}

fn dialect_of(head: &http::request::Parts) -> Dialect {
    let has_key = |query: &str| query_without_key(query) != query;
    if head.uri.path().starts_with("/v1beta/") {
        Dialect::Gemini
    } else if head.headers.contains_key(names::ANTHROPIC_VERSION) {
        Dialect::Anthropic
    } else if head.headers.contains_key("x-goog-api-key") || head.uri.query().is_some_and(has_key) {
        Dialect::Gemini
    } else {
        Dialect::OpenAi
    }
}

async fn listed(
    gateway: &Gateway,
    peer: &Peer,
    head: &http::request::Parts,
    dialect: Dialect,
) -> Result<Bytes, Refusal> {
    only_reads(head)?;
    let snapshot = gateway.snapshot();
    head::check(head, &snapshot.limits)?;
    let identified = identify(snapshot, peer, head).await?;
    let snapshot = identified.snapshot();
    let written = id_in(head.uri.path()).unwrap_or_default();
    let asked = &*percent_decoded(written);
    if asked.is_empty() {
        let mut names = Vec::new();
        for listed in snapshot.routes.names() {
            let candidates = &listed.candidates;
            let call = ModelCall::listed(&listed.name);
            if identified.may_use(&listed.name, candidates).is_ok()
                && identified.judged(gateway, &call, candidates).await.is_ok()
            {
                names.push(listed);
            }
        }
        let names: Vec<_> = names
            .iter()
            .map(|listed| ModelEntry {
                id: &listed.name,
                owned_by: match listed.candidates.first() {
                    Some(first) if !listed.is_synthetic => snapshot.routes.provider(first.provider),
                    _ => "tollgate",
                },
            })
            .collect();
        return Ok(models_list(dialect, &names));
    }
    let plan = snapshot.routes.resolve(&Ask {
        name: asked,
        agent: identified.agent().name().as_str(),
        ..Ask::default()
    })?;
    identified.may_use(asked, &plan.candidates)?;
    let call = ModelCall::listed(asked);
    identified.judged(gateway, &call, &plan.candidates).await?;
    let owner = plan
        .candidates
        .first()
        .map(|first| snapshot.routes.provider(first.provider));
    let owned_by = owner.map_or("tollgate", |owner| owner);
    Ok(model_object(
        dialect,
        ModelEntry {
            id: asked,
            owned_by,
        },
    ))
}
