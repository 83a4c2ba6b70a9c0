use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use tollgate_llm::{Dialect, Endpoint};
use tollgate_types::RequestId;

use crate::body::Body;
use crate::classify::classify;
use crate::conversation::Incoming;
use crate::domains;
use crate::evaluate::{Shape, evaluate};
use crate::gateway::Gateway;
use crate::head;
use crate::lanes::{Question, ask};
use crate::list;
use crate::model::model_request;
use crate::names;
use crate::peer::Peer;
use crate::refusal::{self, Refusal};
use crate::through::route;
use crate::tools;

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
    if let Err(refusal) = head::framed(&request) {
        return refused(&refusal, dialect_of(&request));
    }
    if let Some(endpoint) = Endpoint::at(path) {
        if gateway.is_draining() {
            return refused(&Refusal::Draining, endpoint.dialect());
        }
        return match *request.method() {
            Method::POST => model_request(&gateway, &peer, endpoint, None, request).await,
            _ => refused(&method(&request, "POST"), endpoint.dialect()),
        };
    }
    if path.starts_with("/passthrough/") {
        let (endpoint, through) = route(&gateway.snapshot(), request.method(), path);
        return match gateway.is_draining() {
            true => refused(&Refusal::Draining, endpoint.dialect()),
            false => model_request(&gateway, &peer, endpoint, Some(through), request).await,
        };
    }
    if let Some(shape) = Shape::at(path) {
        return evaluate(&gateway, shape, request).await;
    }
    if let Some(question) = Question::at(path) {
        return ask(&gateway, question, request).await;
    }
    if path.starts_with("/domains/") {
        return domains::answer(&gateway, &request.into_parts().0);
    }
    match path {
        "/" if request.method() == Method::GET => greeting(),
        "/" | "/health" => health(&request),
        "/classify" => classify(&gateway, request).await,
        tools::PATH => tools::manifest(&gateway, &peer, request).await,
        path if path == "/metrics" || path == "/control" || path.starts_with("/control/") => {
            control(request).await
        }
        path if list::is_list(path) && is_call(&request) => {
            refused(&unknown(path), Dialect::Gemini)
        }
        path if list::is_list(path) => list::models(&gateway, &peer, request).await,
        path => refused(&unknown(path), dialect_of(&request)),
    }
}

/// What a person reads who looks here with a browser.
fn greeting() -> Response<Body> {
    let mut response = Response::new(Body::whole(
        "tollgate: one gate between AI agents and what they touch\n\n\
         models   POST /v1/chat/completions, /v1/responses, /v1/messages,\n\
         \x20        /v1beta/models/MODEL:generateContent; GET /v1/models, /v1beta/models\n\
         rules    POST /evaluate, /hooks/claude-code, /hooks/zeroclaw-audit\n\
         texts    POST /scan, /scan/injection\n\
         commands POST /classify\n\
         domains  GET /domains/summary, /domains/check/DOMAIN\n\
         health   GET /health\n"
            .into(),
    ));
    let text = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, text);
    response
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
        _ => refused(&method(request, "GET, HEAD"), Dialect::OpenAi),
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
        path if path.starts_with("/v1/responses/") && !path.ends_with('/') => Refusal::NotBuilt(
            "stored responses are not served here: which account holds one is not known; send the whole conversation with `store: false`",
        ),
        _ => Refusal::NotFound(path.chars().take(100).collect()),
    }
}

/// Whether a method of Gemini's is called on a model: those that there are have
/// endpoints of their own.
fn is_call(request: &Request<Incoming>) -> bool {
    request.method() == Method::POST && request.uri().path().contains(':')
}

/// Whose shape an error has where the path is nobody's.
fn dialect_of(request: &Request<Incoming>) -> Dialect {
    match request.uri().path() {
        path if path.starts_with("/v1/messages") => Dialect::Anthropic,
        path if path == "/v1beta" || path.starts_with("/v1beta/") => Dialect::Gemini,
        _ if request.headers().contains_key(names::ANTHROPIC_VERSION) => Dialect::Anthropic,
        _ => Dialect::OpenAi,
    }
}

pub(crate) fn refused(refusal: &Refusal, dialect: Dialect) -> Response<Body> {
    refusal::answer(&refusal.public(dialect), dialect, RequestId::fresh())
}
