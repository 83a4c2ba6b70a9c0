use std::time::Instant;

use bytes::Bytes;
use http::header::{self, HeaderName, HeaderValue};
use http::{HeaderMap, Response, StatusCode};
use tollgate_llm::{AnswerFrame, Framing, as_stream, estimate_tokens};
use tollgate_types::{Label, RequestId};

use crate::account::{Account, now};
use crate::admission::Leased;
use crate::body::Body;
use crate::gateway::Gateway;
use crate::lanes::{Listener, Tainting};
use crate::names;
use crate::refusal::{self, Refusal};
use crate::relay::Relay;
use crate::snapshot::AnswerModel;
use crate::upstream::{Answer, AnswerHead, ProviderAnswer};

/// An attempt that served: what goes to the caller, and on whose lease.
pub(crate) struct Served {
    pub(crate) answer: Answer,
    pub(crate) leased: Leased,
    pub(crate) deadline: Instant,
}

impl Served {
    /// The answer, with the account in its body.
    pub(crate) fn into_response(self, mut account: Account, gateway: &Gateway) -> Response<Body> {
        let Self {
            answer,
            leased,
            deadline,
        } = self;
        let mut head = Response::new(());
        account.answering(answer.status().as_u16());
        mark(head.headers_mut(), &leased, &account);
        let mut listener = listener(&leased, gateway, &account);
        match answer {
            Answer::Whole {
                head: from,
                body,
                usage,
                output_bytes,
                model,
                is_estimate,
                note: _,
            } => {
                passed_back(from, &mut head);
                if is_estimate {
                    let by = HeaderValue::from_static("tokenizer");
                    head.headers_mut().insert(names::ESTIMATE, by);
                }
                mark_kind(&mut head, &leased, false);
                let body = match (leased.snapshot().answer_model, model) {
                    (AnswerModel::Asked, Some(span)) => renamed(&body, span, &leased.asked().model),
                    _ => body,
                };
                account.metered(usage, estimate_tokens(output_bytes));
                let body = match listener.as_mut().map(|it| it.whole(body.clone())) {
                    None => body,
                    Some(Ok(body)) => body,
                    Some(Err(kind)) => return held_back(kind, leased, account),
                };
                account.found(listener.iter_mut().flat_map(Listener::close));
                let body = as_asked(body, &mut head, &leased, &account);
                let cost = leased.succeed(now(), &account.spent());
                account.cost(cost);
                head.map(|()| Body::settling(body, account))
            }
            Answer::Stream {
                head: from,
                tap,
                first,
                rest,
            } => {
                passed_back(from, &mut head);
                mark_kind(&mut head, &leased, true);
                let open = (account, leased);
                let bank = &gateway.bank;
                let relay = Relay::new(rest, tap, first, open, deadline, bank, listener);
                head.map(|()| Body::relay(relay))
            }
        }
    }
}

/// An answer in one piece as the stream that was asked for.
fn as_asked(body: Bytes, head: &mut Response<()>, leased: &Leased, account: &Account) -> Bytes {
    let view = leased.asked();
    if !view.stream || leased.through().is_some() {
        return body;
    }
    let frame = AnswerFrame {
        request: account.id(),
        created: now().0 / 1000,
        model: view.model.clone(),
        rename: false,
        usage_asked: view.usage_asked,
    };
    match as_stream(leased.asked_endpoint(), view.framing, &body, &frame) {
        None => body,
        Some(stream) => {
            let kind = kind(view.framing);
            head.headers_mut().insert(header::CONTENT_TYPE, kind);
            stream
        }
    }
}

/// What listens to the answer, where something is to be looked for in it.
fn listener(leased: &Leased, gateway: &Gateway, account: &Account) -> Option<Listener> {
    let snapshot = leased.snapshot();
    let agent = leased.agent();
    let dlp = snapshot.scanning.dlp(agent.name(), leased.provider()?);
    let stated = leased.through().is_some_and(|it| it.stated.is_some());
    let tainting = || Tainting::new(gateway, agent.principal(), &snapshot.versions, account.id());
    match stated {
        true => None,
        false => Listener::new(&snapshot.scanning, dlp, leased.asked_endpoint(), tainting),
    }
}

/// A whole answer with a secret where nothing can be masked: it was paid for,
/// and does not go out.
fn held_back(kind: Label, leased: Leased, mut account: Account) -> Response<Body> {
    let dialect = leased.asked_endpoint().dialect();
    let public = Refusal::SecretInAnswer { kind }.public(dialect);
    let cost = leased.succeed(now(), &account.spent());
    account.cost(cost);
    let response = refusal::answer(&public, dialect, account.id());
    account.close_failed(public.reason, public.message);
    response
}

impl Answer {
    /// What became of it on the way.
    pub(crate) fn note(&self) -> &str {
        match self {
            Self::Whole { note, .. } => note,
            Self::Stream { .. } => "",
        }
    }

    /// The provider's status.
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::Whole { head, .. } | Self::Stream { head, .. } => head.status,
        }
    }
}

/// A provider's own error, passed on as it came.
pub(crate) fn provider_error(answer: ProviderAnswer) -> Response<Body> {
    let mut head = Response::new(());
    passed_back(
        AnswerHead {
            status: answer.status,
            headers: answer.headers,
        },
        &mut head,
    );
    head.map(|()| Body::whole(answer.body))
}

/// A request id as a field's value.
pub(crate) fn id_value(id: RequestId) -> HeaderValue {
    HeaderValue::from_bytes(&id.text()).unwrap_or(HeaderValue::from_static(""))
}

/// What was written anew is of the kind that the caller's dialect has, whatever
/// the provider's was.
fn mark_kind(head: &mut Response<()>, leased: &Leased, stream: bool) {
    let Some(translated) = leased.translated() else {
        return;
    };
    let kind = match stream {
        true => kind(translated.framing),
        false => HeaderValue::from_static("application/json"),
    };
    head.headers_mut().insert(header::CONTENT_TYPE, kind);
}

/// What a stream is told to be.
const fn kind(framing: Framing) -> HeaderValue {
    HeaderValue::from_static(match framing {
        Framing::Events => "text/event-stream; charset=utf-8",
        Framing::Array => "application/json",
    })
}

fn mark(headers: &mut HeaderMap, leased: &Leased, account: &Account) {
    headers.reserve(16);
    headers.insert(names::REQUEST_ID, id_value(account.id()));
    headers.insert(names::ATTEMPTS, HeaderValue::from(account.attempts().len()));
    let provider = leased
        .provider()
        .and_then(|it| HeaderValue::from_str(&it.id).ok());
    if let Some(provider) = provider {
        headers.insert(names::PROVIDER, provider);
    }
    let model = leased
        .candidate()
        .and_then(|it| HeaderValue::from_str(&it.model).ok());
    if let Some(model) = model {
        headers.insert(names::MODEL, model);
    }
    if let Some(credential) = leased.credential() {
        headers.insert(names::CREDENTIAL, credential.profile.clone());
    }
}

/// The provider's fields but for those of the connection, its length (the
/// body knows its own) and cookies, which would tie one agent to another.
fn passed_back(from: AnswerHead, to: &mut Response<()>) {
    const OURS: [HeaderName; 8] = [
        header::CONNECTION,
        header::CONTENT_LENGTH,
        header::TRANSFER_ENCODING,
        header::TRAILER,
        header::UPGRADE,
        header::SET_COOKIE,
        header::ALT_SVC,
        header::PROXY_AUTHENTICATE,
    ];
    *to.status_mut() = from.status;
    let mut last = None;
    for (name, value) in from.headers {
        // `HeaderMap` names a repeated field only once.
        let name = name.or_else(|| last.clone());
        let Some(name) = name else { continue };
        last = Some(name.clone());
        let hop = name.as_str() == "keep-alive" || name.as_str().starts_with("x-tollgate-");
        if !hop && !OURS.contains(&name) {
            to.headers_mut().append(name, value);
        }
    }
}

fn renamed(body: &Bytes, span: std::ops::Range<usize>, asked: &str) -> Bytes {
    let quoted = serde_json::Value::from(asked).to_string();
    let (Some(before), Some(after)) = (body.get(..span.start), body.get(span.end..)) else {
        return body.clone();
    };
    [before, quoted.as_bytes(), after].concat().into()
}
