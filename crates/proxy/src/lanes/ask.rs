//! `POST /scan` and `/scan/injection`: agents and hooks ask about a text.
//!
//! Guarded secrets are not among what is looked for: whoever may ask at will
//! could find them out by asking.

use std::time::Instant;

use http::header::{HeaderValue, RETRY_AFTER};
use http::{Method, Request, Response, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use tollgate_identity::Agent;
use tollgate_scan::{Context, Finding, Inbound, Outbound, Verdict};
use tollgate_types::RequestId;

use super::dlp::Dlp;
use super::taint::{Tainting, hex};
use crate::body::Body;
use crate::conversation::Incoming;
use crate::evaluate::{Unasked, answer, identified};
use crate::gateway::Gateway;
use crate::head;
use crate::intake::read_body;
use crate::pace::Allowed;
use crate::snapshot::{Limits, Snapshot};

/// Longest text, in bytes.
const LONGEST: usize = 4 << 20;

/// Which of the two is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Question {
    /// JSON: a text with what is known of it.
    Scan,
    /// The body is the text, and it came in.
    Injection,
}

impl Question {
    pub(crate) fn at(path: &str) -> Option<Self> {
        match path {
            "/scan" => Some(Self::Scan),
            "/scan/injection" => Some(Self::Injection),
            _ => None,
        }
    }
}

/// A text, in the form of the batch (`text`, `direction`) or in that of the
/// adversary detector (`content`, `url`, `context`).
#[derive(Default, Deserialize)]
struct Asked {
    id: Option<Value>,
    #[serde(alias = "content")]
    text: String,
    direction: Option<String>,
    url: Option<String>,
    context: Option<String>,
}

/// Answers with a verdict, and never with the text.
pub(crate) async fn ask(
    gateway: &Gateway,
    question: Question,
    request: Request<Incoming>,
) -> Response<Body> {
    match look(gateway, question, request).await {
        Ok(said) => answer(StatusCode::OK, &said),
        Err(unasked) => refused(&unasked),
    }
}

async fn look(
    gateway: &Gateway,
    question: Question,
    request: Request<Incoming>,
) -> Result<Value, Unasked> {
    let (head, body) = request.into_parts();
    let snapshot = gateway.snapshot();
    let agent = admitted(gateway, &snapshot, &head)?;
    let limits = Limits {
        body_bytes: LONGEST.min(snapshot.limits.body_bytes),
        ..snapshot.limits
    };
    let intake = read_body(body, &limits, &gateway.memory).await;
    let intake = intake.map_err(|error| Unasked::Body(error.to_string()))?;
    let asked = match question {
        Question::Injection => Asked {
            text: String::from_utf8_lossy(&intake.bytes).into_owned(),
            ..Asked::default()
        },
        Question::Scan => serde_json::from_slice(&intake.bytes)
            .map_err(|error| Unasked::Body(format!("body: {error}")))?,
    };
    let dlp = snapshot.scanning.dlp_of(agent.name());
    match asked.direction.as_deref() {
        Some("outbound") => outbound(&snapshot, asked).await,
        None | Some("inbound") => inbound(gateway, &snapshot, agent, dlp, asked).await,
        Some(_) => Err(Unasked::Body(
            "direction is neither `outbound` nor `inbound`".to_owned(),
        )),
    }
}

/// A method, a head, a key, and the pace of the agent's profile.
fn admitted<'s>(
    gateway: &Gateway,
    snapshot: &'s Snapshot,
    head: &http::request::Parts,
) -> Result<&'s Agent, Unasked> {
    if head.method != Method::POST {
        return Err(Unasked::Method {
            found: head.method.as_str().chars().take(20).collect(),
            expected: Method::POST,
        });
    }
    head::check(head, &snapshot.limits).map_err(|error| Unasked::Body(error.to_string()))?;
    let agent = identified(snapshot, head)?;
    let rate = snapshot.scanning.dlp_of(agent.name()).profile.rate();
    let allowed = Allowed {
        burst: f64::from(rate.burst),
        a_second: f64::from(rate.per_minute) / 60.0,
        rest: f64::from(rate.cooldown),
    };
    let taken = gateway.scans.take(agent.name(), allowed, Instant::now());
    taken.map_err(|wait| Unasked::Pace {
        agent: agent.name().clone(),
        seconds: wait.as_secs().max(1),
    })?;
    Ok(agent)
}

async fn outbound(snapshot: &Snapshot, asked: Asked) -> Result<Value, Unasked> {
    let scanning = snapshot.scanning.clone();
    let text = asked.text;
    let looked = tokio::task::spawn_blocking(move || {
        scanning
            .scanner
            .outbound(text.as_bytes(), None, Outbound::PATTERNS)
    });
    let report = looked.await.map_err(|_| Unasked::Unread)?;
    let findings = report.findings.iter().map(told).collect();
    Ok(said(asked.id, report.verdict(), findings))
}

async fn inbound(
    gateway: &Gateway,
    snapshot: &Snapshot,
    agent: &Agent,
    dlp: Dlp,
    asked: Asked,
) -> Result<Value, Unasked> {
    let context = match asked.context.as_deref() {
        None => Context::Api,
        Some("email_fetch") => Context::Email,
        Some(name) => Context::named(name).ok_or_else(|| {
            let known: Vec<_> = Context::ALL.iter().map(|it| it.as_str()).collect();
            Unasked::Body(format!("context is none of {}", known.join(", ")))
        })?,
    };
    let host = asked.url.as_deref().and_then(host).map(str::to_owned);
    if host
        .as_deref()
        .is_some_and(|host| snapshot.scanning.spared.covers(host))
    {
        let mut said = said(asked.id, Verdict::Clean, Vec::new());
        said["reason"] = json!("its host is one of skip_protection_domains");
        return Ok(said);
    }
    let how = Inbound {
        context,
        profile: dlp.profile,
        naive: true,
        signals: true,
    };
    let scanning = snapshot.scanning.clone();
    let (text, url) = (asked.text, asked.url);
    let looked = tokio::task::spawn_blocking(move || {
        let findings = scanning.injections.inbound(text.as_bytes(), how).findings;
        (
            scanning.judged(text.as_bytes(), url.as_deref(), how),
            findings,
        )
    });
    let (order, findings) = looked.await.map_err(|_| Unasked::Unread)?;
    let Some(order) = order else {
        return Ok(said(asked.id, Verdict::Clean, Vec::new()));
    };
    let versions = &snapshot.versions;
    let tainting = Tainting::new(gateway, agent.principal(), versions, RequestId::fresh());
    let source = host.unwrap_or_else(|| context.as_str().to_owned());
    let written = tainting.order(&order, &source).await;
    written.map_err(|_| Unasked::Ledger)?;
    let mut said = said(asked.id, order.verdict, findings.iter().map(told).collect());
    said["reason"] = json!(format!("found `{}`", order.kind));
    said["sha256"] = json!(hex(&order.digest));
    Ok(said)
}

fn said(id: Option<Value>, verdict: Verdict, findings: Vec<Value>) -> Value {
    let mut said = json!({"verdict": verdict.as_str(), "findings": findings});
    if let Some(id) = id {
        said["id"] = id;
    }
    said
}

fn told(finding: &Finding) -> Value {
    json!({
        "detector": finding.detector.as_str(),
        "kind": &*finding.kind,
        "severity": finding.severity.as_str(),
        "start": finding.start,
        "end": finding.end,
    })
}

/// The host of an address.
fn host(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("://")?;
    let end = rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len());
    let authority = &rest[..end];
    let host = authority
        .rsplit_once('@')
        .map_or(authority, |(_, host)| host);
    let host = match host.strip_prefix('[') {
        Some(literal) => literal.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    Some(host).filter(|host| !host.is_empty())
}

fn refused(unasked: &Unasked) -> Response<Body> {
    let body = json!({"error": {"code": unasked.code(), "message": unasked.to_string()}});
    let mut response = answer(unasked.status(), &body);
    if let Unasked::Pace { seconds, .. } = unasked {
        let seconds = HeaderValue::from(*seconds);
        response.headers_mut().insert(RETRY_AFTER, seconds);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_of_an_address_is_the_one_that_is_asked() {
        for (url, expected) in [
            ("https://docs.example.com/a?b", Some("docs.example.com")),
            (
                "http://user@evil.example:80#docs.example.com",
                Some("evil.example"),
            ),
            ("https://[::1]:8080/", Some("::1")),
            ("docs.example.com", None),
            ("https:///x", None),
        ] {
            assert_eq!(host(url), expected, "{url}");
        }
    }
}
