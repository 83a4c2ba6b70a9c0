use std::borrow::Cow;

use http::Method;
use tollgate_llm::{Dialect, Endpoint};
use tollgate_types::{Label, Money};

use crate::refusal::Refusal;
use crate::snapshot::{Provider, Snapshot, Upstream};

/// Longest path below a provider's base URL, in bytes.
const LONGEST: usize = 1024;

/// A request that goes to one provider as it is.
#[derive(Clone, Debug)]
pub(crate) struct Through {
    pub(crate) provider: Label,
    pub(crate) method: Method,
    /// What follows the provider's base URL; plain, so that no reader could
    /// take it for another one.
    pub(crate) path: String,
    /// What it costs by the operator's word; none for a request to a model,
    /// which is bounded and metered like any other.
    pub(crate) stated: Option<Stated>,
}

/// What a request costs by the operator's word.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stated {
    /// Tokens.
    pub tokens: u64,
    /// Money.
    pub usd: Money,
}

/// A method and path of a provider whose cost the operator states.
#[derive(Clone, Debug)]
pub struct Passage {
    /// The method.
    pub method: Method,
    /// What follows the base URL: one path, or with `/*` at its end all below.
    pub path: String,
    /// What each request costs.
    pub cost: Stated,
}

/// Where a passthrough request goes, by its method and its raw path; and a
/// model endpoint that speaks its provider's dialect.
///
/// Only what is listed goes through: the endpoints of the provider's wire, its
/// list of models for nothing, and what the operator added. Unknown is not
/// free.
///
/// # Errors
/// What the caller is told; the provider's dialect as far as it is known.
pub(crate) fn route(
    snapshot: &Snapshot,
    method: &Method,
    path: &str,
) -> (Endpoint, Result<Through, Refusal>) {
    let below = path.strip_prefix("/passthrough/").unwrap_or_default();
    let (id, rest) = below.split_at(below.find('/').unwrap_or(below.len()));
    let provider = snapshot.providers.iter().find(|it| *it.id == *id);
    let Some(provider) = provider.filter(|it| matches!(it.upstream, Upstream::Http(_))) else {
        let shown = path.chars().take(100).collect();
        return (Endpoint::ChatCompletions, Err(Refusal::NotFound(shown)));
    };
    let through = |stated| Through {
        provider: provider.id.clone(),
        method: method.clone(),
        path: rest.to_owned(),
        stated,
    };
    let endpoint = match provider.wire {
        Dialect::Anthropic => Endpoint::Messages,
        Dialect::OpenAi => Endpoint::ChatCompletions,
        Dialect::Gemini => Endpoint::GenerateContent,
    };
    if !is_plain(rest) {
        return (endpoint, Err(not_listed(provider, method, rest)));
    }
    let metered = metered_at(provider.wire, rest);
    if let Some(metered) = metered.filter(|_| *method == Method::POST) {
        return (metered, Ok(through(None)));
    }
    let free = *method == Method::GET && matches(&models(provider.wire), rest);
    let passage = provider
        .passages
        .iter()
        .find(|it| it.method == *method && matches(&it.path, rest));
    match (metered, passage, free) {
        (None, Some(passage), _) => (endpoint, Ok(through(Some(passage.cost)))),
        (None, None, true) => (endpoint, Ok(through(Some(Stated::default())))),
        _ => (endpoint, Err(not_listed(provider, method, rest))),
    }
}

/// A path that has one meaning only: no empty or dotted segment, no escape, no
/// backslash. Servers and proxies differ in what they make of those, and one of
/// them could leave the base URL.
pub fn is_plain(path: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~:@!$&'()*+,=/".contains(&byte);
    let segments = path.strip_prefix('/').map(|rest| rest.split('/'));
    path.len() <= LONGEST
        && path.bytes().all(plain)
        && segments
            .is_some_and(|mut segments| segments.all(|segment| !matches!(segment, "" | "." | "..")))
}

/// The model endpoint at a path below the base URL of a provider of this wire.
fn metered_at(wire: Dialect, path: &str) -> Option<Endpoint> {
    let own = |it: &Endpoint| it.dialect() == wire;
    if wire == Dialect::Gemini {
        return Endpoint::at(path).filter(own);
    }
    let mut known = Endpoint::ALL.into_iter().filter(own);
    known.find(|it| below_base(*it) == path)
}

/// Where an endpoint is below the base URL.
fn below_base(endpoint: Endpoint) -> Cow<'static, str> {
    let fixed = endpoint.upstream_path("", "");
    fixed.unwrap_or(Cow::Borrowed(endpoint.path()))
}

/// Where a wire lists its models.
fn models(wire: Dialect) -> String {
    let base = match wire {
        Dialect::OpenAi => "/models",
        Dialect::Anthropic => "/v1/models",
        Dialect::Gemini => "/v1beta/models",
    };
    format!("{base}/*")
}

/// Whether a path is meant: with `/*` also what stands above the star.
fn matches(listed: &str, path: &str) -> bool {
    match listed.strip_suffix("/*") {
        Some(base) => path
            .strip_prefix(base)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/')),
        None => listed == path,
    }
}

fn not_listed(provider: &Provider, method: &Method, path: &str) -> Refusal {
    let metered = Endpoint::ALL.into_iter();
    let metered = metered.filter(|it| it.dialect() == provider.wire);
    let mut listed: Vec<String> = metered
        .map(|it| format!("POST {}", below_base(it)))
        .collect();
    listed.push(format!("GET {}", models(provider.wire)));
    let added = provider.passages.iter();
    listed.extend(added.map(|it| format!("{} {}", it.method, it.path)));
    Refusal::NotListed {
        method: method.as_str().chars().take(20).collect(),
        path: path.chars().take(100).collect(),
        provider: provider.id.clone(),
        listed: listed.join(", "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_of_one_meaning_are_plain() {
        for path in [
            "/models",
            "/v1/models/a.b:c",
            "/files/file-1/content",
            "/a..b",
        ] {
            assert!(is_plain(path), "{path}");
        }
        let long = format!("/{}", "a".repeat(LONGEST));
        for path in [
            "",
            "/",
            "models",
            "//models",
            "/a//b",
            "/a/",
            "/..",
            "/a/../b",
            "/./a",
            "/a/.",
            "/%2e%2e/a",
            "/a%2fb",
            "/a%5cb",
            "/a\\b",
            "/a b",
            "/a;b",
            "/a?b",
            "/a#b",
            "/ä",
            "/a\r\nb",
            "/a%00",
            &long,
        ] {
            assert!(!is_plain(path), "{path:?}");
        }
    }

    #[test]
    fn a_star_covers_what_is_below_and_nothing_beside() {
        for (listed, path, expected) in [
            ("/files", "/files", true),
            ("/files", "/files/a", false),
            ("/files/*", "/files", true),
            ("/files/*", "/files/a/b", true),
            ("/files/*", "/filesystem", false),
        ] {
            assert_eq!(matches(listed, path), expected, "{listed} {path}");
        }
    }
}
