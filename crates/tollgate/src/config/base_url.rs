//! `base_url`: an address that a key may be sent to.

use std::net::IpAddr;

use http::Uri;
use tollgate_llm::Dialect;

use super::fault::Findings;
use super::near::nearest;
use super::tree::{Table, Text};

/// What a provider's address usually is, for hints.
pub(super) fn usual(id: &str, dialect: Dialect) -> &'static str {
    let known = &super::discover::KNOWN;
    let by_id = nearest(id, known.iter().map(|known| known.id)).and_then(|id| {
        known
            .iter()
            .find(|known| known.id == id && known.dialect == dialect)
    });
    match (by_id, dialect) {
        (Some(known), _) => known.base_url,
        (None, Dialect::OpenAi) => "https://api.openai.com/v1",
        (None, Dialect::Anthropic) => "https://api.anthropic.com",
        (None, Dialect::Gemini) => "https://generativelanguage.googleapis.com",
    }
}

/// The checked address, without a `/` at its end.
pub(super) fn base_url(
    table: &Table,
    text: &Text,
    dialect: Dialect,
    has_keys: bool,
    findings: &mut Findings,
) -> Option<Uri> {
    let place = &table.place;
    let written = text.as_str().trim_end_matches('/');
    // A password in the address would reach logs and error texts with it.
    if written.contains('@') {
        findings
            .fault(
                text.line,
                format!("{place}: base_url has a user or password, expected none"),
            )
            .hint("a key belongs into api_key");
        return None;
    }
    let uri: Option<Uri> = written.parse().ok();
    let uri = uri.filter(|uri| matches!(uri.scheme_str(), Some("http" | "https")));
    let Some(uri) = uri.filter(|uri| uri.host().is_some_and(|host| !host.is_empty())) else {
        let message = format!(
            "{place}: base_url is {}, expected http:// or https:// and a host",
            text.shown
        );
        findings.fault(text.line, message);
        return None;
    };
    if uri.query().is_some() || written.contains('#') {
        let message = format!("{place}: base_url has a query or fragment, expected none");
        findings.fault(text.line, message);
    }
    if has_keys && uri.scheme_str() == Some("http") && !is_loopback(&uri) {
        let message = format!(
            "{place}: base_url is {}, expected https:// as keys are sent there",
            text.shown
        );
        findings
            .fault(text.line, message)
            .hint("http:// with a key is for loopback only");
    }
    version(place, text, dialect, &uri, findings);
    Some(uri)
}

/// The version belongs to the address with openai and to the path with the
/// others; written the wrong way every request would be a 404.
fn version(place: &str, text: &Text, dialect: Dialect, uri: &Uri, findings: &mut Findings) {
    let path = uri.path().trim_end_matches('/');
    let last = path.rsplit('/').next().unwrap_or_default();
    let versioned = matches!(last, "v1" | "v1beta");
    match dialect {
        Dialect::OpenAi if path.is_empty() => findings
            .warn(
                text.line,
                format!("{place}: base_url has no path, expected it to end in /v1"),
            )
            .hint("requests go to base_url and /chat/completions"),
        Dialect::Anthropic | Dialect::Gemini if versioned => findings
            .fault(
                text.line,
                format!("{place}: base_url ends in /{last}, expected no version"),
            )
            .hint(format!(
                "delete /{last}: the path of a request brings its own"
            )),
        _ => {}
    }
}

pub(super) fn is_loopback(uri: &Uri) -> bool {
    let host = uri
        .host()
        .unwrap_or_default()
        .trim_start_matches('[')
        .trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || host
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}
