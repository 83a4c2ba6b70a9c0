use bytes::Bytes;
use http::{Request, Response};
use tollgate_llm::Dialect;

use crate::admission::identify;
use crate::body::Body;
use crate::conversation::Incoming;
use crate::dispatch::refused;
use crate::gateway::Gateway;
use crate::head;
use crate::list::{json, only_reads};
use crate::peer::Peer;
use crate::refusal::Refusal;

pub(crate) const PATH: &str = "/v1/tools/manifest";

/// `GET /v1/tools/manifest`: the gateway's own tools, in the shape of a
/// request's `tools`, so that a client can hand them to its model as they are.
/// Only what is configured stands there: models that can be switched, audio.
/// There is no setting for either yet, so there are none.
pub(crate) async fn manifest(
    gateway: &Gateway,
    peer: &Peer,
    request: Request<Incoming>,
) -> Response<Body> {
    let (head, _) = request.into_parts();
    match offered(gateway, peer, &head).await {
        Ok(bytes) => json(bytes),
        Err(refusal) => refused(&refusal, Dialect::OpenAi),
    }
}

async fn offered(
    gateway: &Gateway,
    peer: &Peer,
    head: &http::request::Parts,
) -> Result<Bytes, Refusal> {
    only_reads(head)?;
    let snapshot = gateway.snapshot();
    head::check(head, &snapshot.limits)?;
    identify(snapshot, peer, head).await?;
    Ok(Bytes::from_static(br#"{"tools":[]}"#))
}
