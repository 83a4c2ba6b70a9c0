//! `[providers.ID]`: the dialect, the address, the pool of keys.

use std::collections::HashMap;

use http::{HeaderName, HeaderValue};
use tollgate_llm::{Api, Dialect};
use tollgate_proxy::{Passage, Stated};
use tollgate_routing::CredentialSpec;
use tollgate_types::{Label, Secret};

use super::base_url;
use super::build::Build;
use super::near::shown;
use super::settings::{ProviderSettings, Upstream};
use super::tree::{Table, Text};

const WEIGHT: u32 = 100;
const PRIORITY: u32 = 1;

/// Headers that the gateway itself writes: a credential comes from the pool
/// alone, and framing belongs to the connection.
const OWN_HEADERS: [&str; 13] = [
    "authorization",
    "proxy-authorization",
    "x-api-key",
    "api-key",
    "x-goog-api-key",
    "x-tollgate-key",
    "cookie",
    "host",
    "connection",
    "content-length",
    "transfer-encoding",
    "te",
    "upgrade",
];

/// A key of a pool, where it stands, and its share.
struct Found {
    secret: Secret,
    line: u32,
    weight: u32,
    priority: u32,
}

impl Found {
    fn credential(self, id: &str, number: usize) -> (CredentialSpec, Secret) {
        let spec = CredentialSpec {
            profile: Label::from(format!("{id}:{number}")),
            weight: self.weight,
            priority: self.priority,
        };
        (spec, self.secret)
    }
}

impl Build<'_> {
    pub(super) fn provider(&mut self, id: &str, table: &Table) -> Option<ProviderSettings> {
        self.provider_id(id, table);
        let keys = self.pool(id, table);
        let headers = self.headers(table);
        let callers_key = table.word("auth") == "client";
        if callers_key && !keys.is_empty() {
            let line = table.line_of("auth");
            let message = "auth is \"client\" and there are keys as well, expected one of them";
            self.fault(table, line, message)
                .hint("auth = \"pool\" uses the keys that stand here");
        }
        let upstream = self.upstream(id, table, callers_key || !keys.is_empty());
        Some(ProviderSettings {
            id: id.into(),
            upstream: upstream?,
            keys,
            callers_key,
            keys_from: String::new(),
            headers,
            models: self.globs(table, "models"),
            timeout: table.seconds("timeout_seconds"),
            first_byte: table.seconds("first_byte_seconds"),
            idle: table.seconds("idle_seconds"),
            api: self.api(table),
            stream_usage: table.flag("stream_usage"),
            passages: self.passages(table),
            dlp: self.dlp(table),
        })
    }

    fn api(&mut self, table: &Table) -> Api {
        if table.has("api") && table.text("wire").is_some_and(|it| it.as_str() != "openai") {
            let message = "found api, expected it at a provider of wire \"openai\" only";
            self.fault(table, table.line_of("api"), message)
                .hint("delete the line: the other wires have one API each");
        }
        match table.word("api") {
            "chat" => Api::Chat,
            "responses" => Api::Responses,
            _ => Api::Any,
        }
    }

    fn provider_id(&mut self, id: &str, table: &Table) {
        let word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_".contains(c);
        let first = id.chars().next().is_some_and(|c| c.is_ascii_alphanumeric());
        if id.len() > 64 || !first || !id.chars().all(word) {
            let message = format!(
                "provider id is {}, expected 1 to 64 lower-case letters, digits, `-` and `_`",
                shown(id)
            );
            self.findings
                .fault(table.line, message)
                .hint("the id is what callers write before the `/` of provider/model");
        }
    }

    /// Paths that are passed through at a cost that is stated here. One whose
    /// cost is not stated would be a way around every budget.
    fn passages(&mut self, provider: &Table) -> Vec<Passage> {
        let mut passages = Vec::new();
        for table in provider.tables("passthrough") {
            let Some(path) = table.text("path") else {
                continue;
            };
            let written = path.as_str();
            if !tollgate_proxy::is_plain(written.strip_suffix("/*").unwrap_or(written)) {
                let message = format!(
                    "path is {}, expected such as \"/files\" or \"/files/*\"",
                    path.shown
                );
                let fault = self.fault(table, path.line, message);
                fault.hint("below base_url, without `..`, `//`, `%` or a query");
                continue;
            }
            if !table.has("tokens") && !table.has("usd") {
                let message = "states no cost, expected tokens, usd or both";
                let fault = self.fault(table, table.line, message);
                fault.hint("tokens = 0 where it is free");
                continue;
            }
            passages.push(Passage {
                method: table.word("method").parse().unwrap_or_default(),
                path: written.to_owned(),
                cost: Stated {
                    tokens: table.number("tokens"),
                    usd: table.money("usd").unwrap_or_default(),
                },
            });
        }
        passages
    }

    fn upstream(&mut self, id: &str, table: &Table, has_keys: bool) -> Option<Upstream> {
        let dialect = match table.text("wire")?.as_str() {
            "openai" => Dialect::OpenAi,
            "anthropic" => Dialect::Anthropic,
            "gemini" => Dialect::Gemini,
            _ => return Some(Upstream::Demo),
        };
        if !table.has("base_url") {
            let known = base_url::usual(id, dialect);
            self.fault(table, table.line, "base_url is missing, expected a URL")
                .hint(format!("base_url = \"{known}\""));
            return None;
        }
        let url = table.text("base_url")?;
        let base_url = self.base_url(table, url, dialect, has_keys)?;
        // Where something is wrong, a key may be there and just not readable.
        if !has_keys && base_url.scheme_str() == Some("https") && !self.findings.any() {
            let message = format!("{}: no key, requests go out without one", table.place);
            let warning = self.findings.warn(table.line, message);
            warning.hint("set api_key, api_key_file or tokens");
        }
        Some(Upstream::Server { dialect, base_url })
    }

    /// Every key of a provider: `api_key` or `api_key_file`, then `tokens`.
    fn pool(&mut self, id: &str, table: &Table) -> Vec<(CredentialSpec, Secret)> {
        let mut found: Vec<Found> = Vec::new();
        if let Some((secret, line)) = self.key(table, "api_key", "api_key_file") {
            found.push(Found {
                secret,
                line,
                weight: WEIGHT,
                priority: PRIORITY,
            });
        }
        for token in table.tables("tokens") {
            if !token.has("key") && !token.has("key_file") {
                self.fault(
                    token,
                    token.line,
                    "key is missing, expected key or key_file",
                );
            }
            if let Some((secret, line)) = self.key(token, "key", "key_file") {
                let number = |key| u32::try_from(token.number(key)).unwrap_or(1);
                let (weight, priority) = (number("weight"), number("priority"));
                found.push(Found {
                    secret,
                    line,
                    weight,
                    priority,
                });
            }
        }
        if table.has("tokens") && table.tables("tokens").is_empty() {
            let line = table.line_of("tokens");
            self.fault(table, line, "tokens is empty, expected at least one")
                .hint("delete the line for a provider that wants no key");
        }
        self.twice(table, &found);
        let numbered = found.into_iter().zip(1..);
        numbered
            .map(|(found, number)| found.credential(id, number))
            .collect()
    }

    /// A key from the table or from the file that the table names.
    fn key(&mut self, table: &Table, literal: &str, file: &str) -> Option<(Secret, u32)> {
        if table.has(literal) && table.has(file) {
            let message = format!("found both {literal} and {file}, expected one");
            self.fault(table, table.line_of(file), message);
        }
        let (secret, line, key) = match (table.text(literal), table.text(file)) {
            (Some(text), _) => (text.secret.clone(), text.line, literal),
            (None, Some(path)) => (self.secret_file(table, file, path)?, path.line, file),
            (None, None) => return None,
        };
        let found = match secret.expose() {
            key if key.trim().is_empty() => "is empty",
            key if key.bytes().all(|byte| byte.is_ascii_graphic()) => return Some((secret, line)),
            _ => "has a space or another character that no header carries",
        };
        self.fault(
            table,
            line,
            format!("{key} {found}, expected the provider's key"),
        );
        None
    }

    fn secret_file(&mut self, table: &Table, key: &str, path: &Text) -> Option<Secret> {
        let full = self.beside.join(path.as_str());
        self.files.push(full.clone());
        match self.surroundings.secret_file(&full) {
            Ok(secret) => Some(secret),
            Err(error) => {
                // The path that the error names may be a variable's value.
                let error = match path.expanded {
                    true => {
                        error.replace(&full.display().to_string(), path.shown.trim_matches('"'))
                    }
                    false => error,
                };
                self.fault(table, path.line, format!("{key}: {error}"));
                None
            }
        }
    }

    /// The same key twice would get twice its share and half its cooldown.
    fn twice(&mut self, table: &Table, found: &[Found]) {
        let mut seen: HashMap<&str, u32> = HashMap::new();
        for Found { secret, line, .. } in found {
            if let Some(first) = seen.insert(secret.expose(), *line) {
                let message = format!("the key is the same as the one at line {first}");
                self.fault(table, *line, message)
                    .hint("delete one, or change its weight");
            }
        }
    }

    fn headers(&mut self, table: &Table) -> Vec<(HeaderName, HeaderValue)> {
        let mut headers = Vec::new();
        for (name, text) in table.map("headers") {
            let header = HeaderName::try_from(name.as_str());
            let value = HeaderValue::try_from(text.as_str());
            let own = OWN_HEADERS.contains(&name.to_ascii_lowercase().as_str());
            let name = shown(name);
            let fault = match (header, value) {
                (Ok(_), _) if own => {
                    format!("{name} is set by the gateway itself, expected another header")
                }
                (Ok(header), Ok(mut value)) => {
                    value.set_sensitive(true);
                    headers.push((header, value));
                    continue;
                }
                (Err(_), _) => format!("{name} is no name of a header"),
                (_, Err(_)) => {
                    format!("the value of {name} has a character that no header carries")
                }
            };
            let fault = self.fault(table, text.line, format!("headers: {fault}"));
            if own {
                fault.hint("a key belongs into api_key or tokens");
            }
        }
        headers
    }
}
