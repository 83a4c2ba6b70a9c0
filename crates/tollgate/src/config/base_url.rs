//! `base_url`: an address that a key may be sent to.

use std::net::IpAddr;

use http::Uri;
use tollgate_llm::Dialect;

use super::build::Build;
use super::describe::placed;
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

impl Build<'_> {
    /// The checked address, without a `/` at its end.
    pub(super) fn base_url(
        &mut self,
        table: &Table,
        text: &Text,
        dialect: Dialect,
        has_keys: bool,
    ) -> Option<Uri> {
        let written = text.as_str().trim_end_matches('/');
        // A password or key in the address would reach logs and errors with
        // it, so from here on such an address is not shown.
        if written.contains(['@', '?', '#']) {
            let message = "base_url has a user, query or fragment, expected none of them";
            self.fault(table, text.line, message)
                .hint("a key belongs into api_key");
            return None;
        }
        let uri: Option<Uri> = written.parse().ok();
        let uri = uri
            .filter(|uri| matches!(uri.scheme_str(), Some("http" | "https")))
            .filter(|uri| uri.host().is_some_and(|host| !host.is_empty()));
        let found = format!("base_url is {}", text.shown);
        let Some(uri) = uri else {
            self.fault(
                table,
                text.line,
                format!("{found}, expected http:// or https:// and a host"),
            );
            return None;
        };
        if has_keys && uri.scheme_str() == Some("http") && !is_loopback(&uri) {
            self.fault(
                table,
                text.line,
                format!("{found}, expected https:// as keys are sent there"),
            )
            .hint("http:// with a key is for loopback only");
        }
        self.version(table, text, dialect, &uri);
        Some(uri)
    }

    /// The version belongs to the address with openai and to the path with
    /// the others; written the wrong way every request would be a 404.
    fn version(&mut self, table: &Table, text: &Text, dialect: Dialect, uri: &Uri) {
        let path = uri.path().trim_end_matches('/');
        let last = path.rsplit('/').next().unwrap_or_default();
        match (dialect, last) {
            (Dialect::OpenAi, "") => {
                let message = placed(
                    &table.place,
                    "base_url has no path, expected it to end in /v1",
                );
                let warning = self.findings.warn(text.line, message);
                warning.hint("requests go to base_url and /chat/completions");
            }
            (Dialect::Anthropic | Dialect::Gemini, "v1" | "v1beta") => self
                .fault(
                    table,
                    text.line,
                    format!("base_url ends in /{last}, expected no version"),
                )
                .hint(format!(
                    "delete /{last}: the path of a request brings its own"
                )),
            _ => {}
        }
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
