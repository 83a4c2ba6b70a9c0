use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Method, Request, Response};
use hyper::body::Incoming;
use tollgate_llm::{Dialect, ModelEntry, model_object, models_list};

use crate::admission::identify;
use crate::body::Body;
use crate::dispatch::refused;
use crate::gateway::Gateway;
use crate::head;
use crate::names;
use crate::peer::Peer;
use crate::refusal::Refusal;
use crate::rules::ModelCall;

/// `GET /v1/models` and `/v1/models/{id}`: the names that this agent may use,
/// in Anthropic's shape where `anthropic-version` is sent.
pub(crate) async fn models(
    gateway: &Gateway,
    peer: &Peer,
    request: Request<Incoming>,
) -> Response<Body> {
    let (head, _) = request.into_parts();
    let dialect = match head.headers.contains_key(names::ANTHROPIC_VERSION) {
        true => Dialect::Anthropic,
        false => Dialect::OpenAi,
    };
    match listed(gateway, peer, &head, dialect).await {
        Ok(bytes) => {
            let mut response = Response::new(Body::whole(bytes));
            let json = HeaderValue::from_static("application/json");
            response.headers_mut().insert(CONTENT_TYPE, json);
            response
        }
        Err(refusal) => refused(&refusal, dialect),
    }
}

async fn listed(
    gateway: &Gateway,
    peer: &Peer,
    head: &http::request::Parts,
    dialect: Dialect,
) -> Result<Bytes, Refusal> {
    if head.method != Method::GET && head.method != Method::HEAD {
        return Err(Refusal::Method {
            method: head.method.as_str().chars().take(20).collect(),
            path: "/v1/models".to_owned(),
            expected: "GET",
        });
    }
    let snapshot = gateway.snapshot();
    head::check(head, &snapshot.limits)?;
    let identified = identify(snapshot, peer, head).await?;
    let snapshot = identified.snapshot();
    let asked = head
        .uri
        .path()
        .strip_prefix("/v1/models")
        .unwrap_or("")
        .trim_start_matches('/');
    if asked.is_empty() {
        let mut names = Vec::new();
        for listed in snapshot.routes.names() {
            let candidates = [&listed.candidate];
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
                owned_by: snapshot.routes.provider(listed.candidate.provider),
            })
            .collect();
        return Ok(models_list(dialect, &names));
    }
    let plan = snapshot
        .routes
        .resolve(asked)
        .map_err(Refusal::UnknownModel)?;
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
