use std::borrow::Cow;

use http::HeaderMap;
use http::header::{AUTHORIZATION, HeaderName, HeaderValue};

/// The header that carries the Tollgate key where the caller's own credential
/// is forwarded (`auth = "client"`) and so stands in the usual place.
const OWN_HEADER: HeaderName = HeaderName::from_static("x-tollgate-key");

const X_API_KEY: HeaderName = HeaderName::from_static("x-api-key");
const X_GOOG_API_KEY: HeaderName = HeaderName::from_static("x-goog-api-key");

/// A request whose credential can't be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BearerFault {
    /// Two places with two different credentials. Whoever sits before or
    /// behind the gateway might go by the other one.
    #[error("found two different credentials in one request, expected one")]
    Ambiguous,
    /// A credential that is not text.
    #[error("found a credential with bytes that are no text, expected visible ASCII")]
    NotText,
}

/// The key that a request carries, if any: from `Authorization: Bearer`,
/// `x-api-key`, `x-goog-api-key` or `?key=` (percent-decoded). The same key in
/// several places is one key; empty values and other schemes of
/// `Authorization` are none. Where `x-tollgate-key` is sent it alone counts,
/// and the others may hold the caller's credential for the provider.
///
/// # Errors
/// [`BearerFault`]: the request is to be refused as unauthenticated.
pub fn bearer_token<'h>(
    headers: &'h HeaderMap,
    query: Option<&'h str>,
) -> Result<Option<Cow<'h, str>>, BearerFault> {
    if headers.contains_key(&OWN_HEADER) {
        return only(values(headers, OWN_HEADER));
    }
    let authorization = headers.get_all(AUTHORIZATION).iter();
    let bearer = authorization.filter_map(|value| match value.to_str() {
        Ok(text) => after_bearer(text).map(|token| Ok(Cow::Borrowed(token))),
        Err(_) => Some(Err(BearerFault::NotText)),
    });
    let keyed = values(headers, X_API_KEY).chain(values(headers, X_GOOG_API_KEY));
    only(
        bearer
            .chain(keyed)
            .chain(query_keys(query.unwrap_or_default())),
    )
}

/// The credentials of a request that are not Tollgate's, as the fields that
/// carry them: what a caller sends for its provider. `is_ours` says of a token
/// whether it opens this gateway; such a one, or one that looks like it, is
/// never among them. `?key=` becomes `x-goog-api-key`.
pub fn callers_own(
    headers: &HeaderMap,
    query: Option<&str>,
    is_ours: impl Fn(&str) -> bool,
) -> Vec<(HeaderName, HeaderValue)> {
    const FIELDS: [HeaderName; 3] = [AUTHORIZATION, X_API_KEY, X_GOOG_API_KEY];
    let foreign = |token: &str| !token.is_empty() && !token.starts_with("tg-") && !is_ours(token);
    let mut own = Vec::new();
    for name in FIELDS {
        // Two of a kind: which one a provider would take can't be known.
        let mut values = headers.get_all(&name).iter();
        let (Some(value), None) = (values.next(), values.next()) else {
            continue;
        };
        let text = value.to_str().unwrap_or_default().trim();
        if foreign(text) && foreign(after_bearer(text).unwrap_or(text)) {
            own.push((name, value.clone()));
        }
    }
    let keys = query_keys(query.unwrap_or_default()).flatten();
    for key in keys.filter(|key| foreign(key)) {
        if let Ok(value) = HeaderValue::from_str(&key)
            && own.iter().all(|(name, _)| *name != FIELDS[2])
        {
            own.push((FIELDS[2].clone(), value));
        }
    }
    for (_, value) in &mut own {
        value.set_sensitive(true);
    }
    own
}

/// The query without its `key` parameters, for sending it on: a Tollgate key
/// must never reach a provider.
pub fn query_without_key(query: &str) -> Cow<'_, str> {
    if !query.split('&').any(is_key) {
        return Cow::Borrowed(query);
    }
    let rest: Vec<_> = query.split('&').filter(|pair| !is_key(pair)).collect();
    Cow::Owned(rest.join("&"))
}

/// The one credential among those found.
fn only<'h>(
    found: impl Iterator<Item = Result<Cow<'h, str>, BearerFault>>,
) -> Result<Option<Cow<'h, str>>, BearerFault> {
    let mut only: Option<Cow<'h, str>> = None;
    for token in found {
        let token = token?;
        match &only {
            _ if token.is_empty() => {}
            Some(first) if *first != token => return Err(BearerFault::Ambiguous),
            _ => only = Some(token),
        }
    }
    Ok(only)
}

fn values<'h>(
    headers: &'h HeaderMap,
    name: HeaderName,
) -> impl Iterator<Item = Result<Cow<'h, str>, BearerFault>> {
    let text = |value: &'h http::HeaderValue| match value.to_str() {
        Ok(text) => Ok(Cow::Borrowed(text.trim())),
        Err(_) => Err(BearerFault::NotText),
    };
    headers.get_all(name).iter().map(text)
}

/// RFC 9110, section 11.1: the scheme's name ignores case.
fn after_bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.trim().split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn query_keys(query: &str) -> impl Iterator<Item = Result<Cow<'_, str>, BearerFault>> {
    let pairs = query.split('&').filter(|pair| is_key(pair));
    pairs.map(|pair| percent_decoded(pair.split_once('=').map_or("", |(_, value)| value)))
}

/// Whether a parameter's name is `key`, however it is written.
fn is_key(pair: &str) -> bool {
    let name = pair.split_once('=').map_or(pair, |(name, _)| name);
    percent_decoded(name).is_ok_and(|name| name == "key")
}

/// RFC 3986, section 2.1. A `%` without two digits stands for itself: it is in
/// no key, so the lookup says no.
fn percent_decoded(text: &str) -> Result<Cow<'_, str>, BearerFault> {
    if !text.contains('%') {
        return Ok(Cow::Borrowed(text));
    }
    let (mut bytes, mut rest) = (Vec::with_capacity(text.len()), text.as_bytes());
    while let [first, tail @ ..] = rest {
        let digit = |at: usize| tail.get(at).and_then(|byte| char::from(*byte).to_digit(16));
        match (first, digit(0), digit(1)) {
            (b'%', Some(high), Some(low)) => {
                bytes.push((high << 4 | low) as u8);
                rest = &tail[2..];
            }
            _ => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8(bytes)
        .map(Cow::Owned)
        .map_err(|_| BearerFault::NotText)
}

#[cfg(test)]
mod tests;
