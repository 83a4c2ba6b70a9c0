//! `[telemetry] otlp_*`: a collector that requests are told to.

use http::{HeaderName, HeaderValue, Uri};

use super::base_url::is_loopback;
use super::fault::Findings;
use super::settings::TelemetrySettings;
use super::tree::Table;

/// Headers that the export itself needs.
const OWN: [&str; 5] = [
    "host",
    "connection",
    "content-type",
    "content-length",
    "transfer-encoding",
];

/// Where telemetry goes; none where nothing is said or it can't be used, in
/// which case there is a fault.
pub(super) fn destination(table: &Table, findings: &mut Findings) -> Option<TelemetrySettings> {
    let headers = headers(table, findings);
    let text = table.text("otlp_endpoint")?;
    let mut fault = |message: &str, hint: &str| {
        findings
            .fault(text.line, format!("telemetry: otlp_endpoint {message}"))
            .hint(hint);
    };
    // Never shown: what stands in it may be a password.
    if text.as_str().contains(['@', '?', '#']) {
        fault(
            "has a user, query or fragment, expected none of them",
            "a token belongs into otlp_headers",
        );
        return None;
    }
    let uri: Option<Uri> = text.as_str().trim_end_matches('/').parse().ok();
    let endpoint = uri
        .filter(|uri| matches!(uri.scheme_str(), Some("http" | "https")))
        .filter(|uri| uri.host().is_some_and(|host| !host.is_empty()));
    let Some(endpoint) = endpoint else {
        fault(
            "is (not shown), expected http:// or https:// and a host",
            "otlp_endpoint = \"http://127.0.0.1:4318\"",
        );
        return None;
    };
    if endpoint.path().ends_with("/v1/traces") || endpoint.path().ends_with("/v1/metrics") {
        fault(
            "ends in the path of one signal, expected the address before it",
            "delete /v1/traces or /v1/metrics: both are put behind it",
        );
        return None;
    }
    if !headers.is_empty() && endpoint.scheme_str() == Some("http") && !is_loopback(&endpoint) {
        fault(
            "is http://, expected https:// as otlp_headers are sent there",
            "http:// with headers is for loopback only",
        );
        return None;
    }
    Some(TelemetrySettings {
        endpoint,
        headers,
        interval: table.seconds("otlp_interval_seconds"),
    })
}

fn headers(table: &Table, findings: &mut Findings) -> Vec<(HeaderName, HeaderValue)> {
    let mut headers = Vec::new();
    for (name, text) in table.map("otlp_headers") {
        let header = HeaderName::try_from(name.as_str());
        let value = HeaderValue::try_from(text.as_str());
        let own = OWN.contains(&name.to_ascii_lowercase().as_str());
        let fault = match (header, value) {
            (Ok(_), _) if own => "is set by the export itself, expected another header",
            (Ok(header), Ok(mut value)) => {
                value.set_sensitive(true);
                headers.push((header, value));
                continue;
            }
            (Err(_), _) => "is no name of a header",
            (_, Err(_)) => "has a value with a character that no header carries",
        };
        // A name that is none may be a value that slipped.
        let message = format!("telemetry: otlp_headers: a key {fault}");
        findings.fault(text.line, message);
    }
    headers
}
