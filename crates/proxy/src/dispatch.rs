use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use tollgate_llm::{Dialect, Endpoint};
use tollgate_types::RequestId;

use crate::body::Body;
use crate::evaluate::{Shape, evaluate};
use crate::gateway::Gateway;
use crate::list;
use crate::model::model_request;
use crate::peer::Peer;
use crate::refusal::{self, Refusal};

/// The operator plane behind `/control` and `/metrics`.
pub type Control = Arc<
    dyn Fn(Request<Incoming>) -> Pin<Box<dyn Future<Output = Response<Body>> + Send>> + Send + Sync,
>;

/// Sends a request on by its method and path, and by nothing else.
pub(crate) async fn dispatch(
    gateway: Arc<Gateway>,
    control: Control,
    peer: Arc<Peer>,
    request: Request<Incoming>,
) -> Response<Body> {
    let path = request.uri().path();
    if let Some(endpoint) = Endpoint::at(path) {
        if gateway.is_draining() {
            return refused(&Refusal::Draining, endpoint.dialect());
        }
        return match *request.method() {
            Method::POST => model_request(&gateway, &peer, endpoint, request).await,
            _ => refused(&method(&request, "POST"), endpoint.dialect()),
        };
    }
    if let Some(shape) = Shape::at(path) {
        return evaluate(&gateway, shape, request).await;
    }
    match path {
        "/" | "/health" => health(&request),
        path if path == "/metrics" || path == "/control" || path.starts_with("/control/") => {
            control(request).await
        }
        path if path == "/v1/models" || path.starts_with("/v1/models/") => {
            list::models(&gateway, &peer, request).await
        }
        path => refused(&unknown(path), dialect_of(path)),
    }
}

/// Answers without a credential, and says nothing that needs one.
fn health(request: &Request<Incoming>) -> Response<Body> {
    match *request.method() {
        Method::HEAD => refusal::empty(StatusCode::OK),
        Method::GET => {
            let mut response = Response::new(Body::whole(r#"{"status":"ok"}"#.into()));
            let json = HeaderValue::from_static("application/json");
            response.headers_mut().insert(CONTENT_TYPE, json);
            response
        }
        _ => refused(&method(request, "GET"), Dialect::OpenAi),
    }
}

fn method(request: &Request<Incoming>, expected: &'static str) -> Refusal {
    Refusal::Method {
        method: request.method().as_str().chars().take(20).collect(),
        path: request.uri().path().chars().take(100).collect(),
        expected,
    }
}

fn unknown(path: &str) -> Refusal {
    match path {
        "/v1/audio/transcriptions" | "/v1/audio/speech" => {
            Refusal::NotBuilt("audio is not configured on this gateway")
        }
        "/v1/responses" => Refusal::NotBuilt(
            "the Responses API is not served by this version; use /v1/chat/completions",
        ),
        _ if dialect_of(path) == Dialect::Gemini => Refusal::NotBuilt(
            "the Gemini API is not served by this version; use /v1/chat/completions or /v1/messages",
        ),
        _ => Refusal::NotFound(path.chars().take(100).collect()),
    }
}

fn dialect_of(path: &str) -> Dialect {
    match path {
        path if path.starts_with("/v1/messages") => Dialect::Anthropic,
        path if path.starts_with("/v1beta/") => Dialect::Gemini,
        _ => Dialect::OpenAi,
    }
}

pub(crate) fn refused(refusal: &Refusal, dialect: Dialect) -> Response<Body> {
    refusal::answer(&refusal.public(dialect), dialect, RequestId::fresh())
}
