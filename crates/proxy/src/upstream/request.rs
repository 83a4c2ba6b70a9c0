use std::borrow::Cow;

use http::header::{self, HeaderName, HeaderValue};
use http::{HeaderMap, Method};
use smallvec::SmallVec;
use tollgate_identity::query_without_key;
use tollgate_llm::{Dialect, Edits, Endpoint};

use super::outgoing::{Outgoing, Pieces, whole};
use super::target::Target;
use crate::admission::Leased;
use crate::names;
use crate::snapshot::Provider;

/// The version that Anthropic expects where the caller names none.
pub(super) static ANTHROPIC_VERSION: HeaderValue = HeaderValue::from_static("2023-06-01");

// Names and values that are lent to a request's fields.
static HOST: HeaderName = header::HOST;
static ACCEPT_ENCODING: HeaderName = header::ACCEPT_ENCODING;
static VERSION: HeaderName = names::ANTHROPIC_VERSION;
static IDENTITY: HeaderValue = HeaderValue::from_static("identity");

/// The request as it goes to the provider: the caller's fields and body but
/// for what names the caller, the connection or the model.
pub(super) fn upstream_request(leased: &Leased, target: &Target) -> Option<Outgoing> {
    let provider = leased.provider()?;
    let query = match leased.translated() {
        Some(it) => it.query.map(Cow::Borrowed),
        None => leased.head().uri.query().map(query_without_key),
    };
    let (method, path) = match leased.through() {
        None => (&Method::POST, upstream_path(leased)?),
        Some(through) => (&through.method, Cow::Borrowed(through.path.as_str())),
    };
    let path = target.path(&path, query.as_deref())?;
    let body = edited_body(leased, provider)?;
    let callers = &leased.head().headers;
    let own_key = leased.own_key();
    let ours = our_fields(leased, provider, target, &own_key)?;
    let is_foreign = leased.translated().is_some();
    let passed = passed_on(callers).filter(|(name, _)| {
        let is_overridden = ours.iter().any(|(own, _)| own == name);
        !(is_overridden || is_foreign && is_of_a_dialect(name))
    });
    let fields = passed.chain(ours.iter().copied());
    Some(Outgoing::new(method.clone(), &path, fields, body))
}

type Field<'f> = (&'f HeaderName, &'f HeaderValue);

/// What is set on every request, over the caller's; of two of a name the later holds.
fn our_fields<'f>(
    leased: &'f Leased,
    provider: &'f Provider,
    target: &'f Target,
    own_key: &'f [(HeaderName, HeaderValue)],
) -> Option<SmallVec<[Field<'f>; 8]>> {
    let mut ours: SmallVec<[Field<'f>; 8]> = SmallVec::new();
    ours.push((&HOST, &target.host_header));
    // What is compressed can't be metered without decoding it first.
    ours.push((&ACCEPT_ENCODING, &IDENTITY));
    let says_version = || {
        let mut passed = passed_on(&leased.head().headers);
        leased.translated().is_none() && passed.any(|(name, _)| *name == VERSION)
    };
    if provider.wire == Dialect::Anthropic && !says_version() {
        ours.push((&VERSION, &ANTHROPIC_VERSION));
    }
    let credential = leased.credential()?.header.as_ref();
    let credential = credential.map(|(name, value)| (name, value));
    let own_key = own_key.iter().map(|(name, value)| (name, value));
    for field in provider.headers.iter().chain(credential).chain(own_key) {
        match ours.iter_mut().find(|(name, _)| *name == field.0) {
            Some(before) => *before = field,
            None => ours.push(field),
        }
    }
    Some(ours)
}

/// Where the endpoint is behind a provider's base URL.
pub(super) fn upstream_path(leased: &Leased) -> Option<Cow<'static, str>> {
    let model = &leased.candidate()?.model;
    let path = match leased.translated() {
        Some(it) => &it.path,
        None => leased.head().uri.path(),
    };
    leased.endpoint().upstream_path(path, model)
}

/// The caller's body with the model's name, the question for usage and the
/// agent's defaults edited in.
pub(super) fn edited_body(leased: &Leased, provider: &Provider) -> Option<Pieces> {
    let candidate = leased.candidate()?;
    if leased.through().is_some() {
        return Some(whole(leased.body()));
    }
    let view = leased.view();
    let defaults = leased.agent().spec().defaults;
    let generates = leased.endpoint().generates();
    let edits = Edits {
        model: (*candidate.model != *view.model).then_some(&*candidate.model),
        ask_usage: asks_usage(leased, provider),
        temperature: defaults.temperature.filter(|_| generates),
        max_tokens: leased
            .hold()
            .clamp()
            .or(defaults.max_tokens)
            .or(leased.hold().cap())
            .filter(|_| generates),
        lower_to: leased.hold().clamp().or(leased.hold().cap()),
    };
    Some(view.apply(leased.body(), &edits))
}

/// Whether usage is asked for on the caller's behalf, and so stripped again.
pub(super) fn asks_usage(leased: &Leased, provider: &Provider) -> bool {
    let view = leased.view();
    let asks = matches!(
        leased.endpoint(),
        Endpoint::ChatCompletions | Endpoint::Completions
    );
    asks && leased.through().is_none() && provider.ask_usage && view.stream && !view.usage_asked
}

/// Fields that belong to the caller's dialect mean nothing to another provider, or
/// something else.
fn is_of_a_dialect(name: &HeaderName) -> bool {
    let known = ["anthropic-", "openai-", "x-goog-", "x-stainless-"];
    known.iter().any(|prefix| name.as_str().starts_with(prefix))
}

/// Fields that are the caller's own business with us, or the connection's.
///
/// An organisation or project would decide whom the pool's key bills, so these
/// come from the provider's `headers` only.
pub(crate) fn is_ours(name: &HeaderName) -> bool {
    let name = name.as_str();
    // Matched by length first: this is asked of every field of every request.
    matches!(
        name,
        "host"
            | "content-length"
            | "authorization"
            | "accept-encoding"
            | "connection"
            | "transfer-encoding"
            | "cookie"
            | "origin"
            | "referer"
            | "expect"
            | "te"
            | "trailer"
            | "upgrade"
            | "forwarded"
            | "x-api-key"
            | "x-goog-api-key"
            | "api-key"
            | "keep-alive"
            | "proxy-connection"
            | "proxy-authorization"
            | "x-forwarded-for"
            | "openai-organization"
            | "openai-project"
            | "x-goog-user-project"
            // Either would have Google serve another request than was judged.
            | "x-http-method-override"
            | "x-goog-fieldmask"
    ) || name.starts_with("x-tollgate-")
        || name.starts_with("sec-")
}

/// The caller's fields that go on.
fn passed_on(from: &HeaderMap) -> impl Iterator<Item = Field<'_>> {
    let named = connection_fields(from);
    from.iter().filter(move |(name, _)| {
        let is_named = |field: &&str| field.eq_ignore_ascii_case(name.as_str());
        !is_ours(name) && !named.iter().any(is_named)
    })
}

/// Fields that `Connection` declares to be for this hop only (RFC 9110, 7.6.1).
fn connection_fields(from: &HeaderMap) -> SmallVec<[&str; 2]> {
    from.get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(',').map(str::trim))
        .filter(|field| !field.eq_ignore_ascii_case("keep-alive"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_hop_fields_and_account_fields_stay_here() {
        let mut from = HeaderMap::new();
        for (name, value) in [
            ("authorization", "Bearer tg-1"),
            ("x-api-key", "tg-1"),
            ("cookie", "a=b"),
            ("connection", "close, x-hop"),
            ("x-hop", "1"),
            ("openai-organization", "org-other"),
            ("x-tollgate-run", "r"),
            ("anthropic-beta", "one"),
            ("user-agent", "sdk"),
        ] {
            from.append(
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            );
        }
        let names: Vec<_> = passed_on(&from).map(|(name, _)| name.to_string()).collect();
        assert_eq!(names, ["anthropic-beta", "user-agent"]);
    }
}
