//! The environment of a run: the caller's, without what opens a provider, and
//! with the way to the gateway.
//!
//! This keeps keys from programs that would use them by themselves, and so
//! from going round the gateway by accident. It is no wall: what the same user
//! can read elsewhere, a command can read.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use tollgate_identity::KeyDigest;
use tollgate_types::Secret;

use crate::config::{self, Surroundings, discover};
use crate::paths::Paths;

/// Shortest key that is looked for inside other values.
const SHORTEST: usize = 8;

/// Variables that lead past the gateway without being keys.
const DETOURS: [&str; 6] = [
    "ANTHROPIC_BEDROCK_BASE_URL",
    "ANTHROPIC_VERTEX_BASE_URL",
    "CLAUDE_CODE_USE_BEDROCK",
    "CLAUDE_CODE_USE_VERTEX",
    "OPENAI_API_BASE",
    "OPENAI_BASE_PATH",
];

/// A variable with one word of each list in its name is a provider's key.
const WHOSE: [&str; 24] = [
    "ANTHROPIC",
    "AZURE",
    "BEDROCK",
    "CEREBRAS",
    "CLAUDE",
    "CODEX",
    "COHERE",
    "DEEPSEEK",
    "FIREWORKS",
    "GEMINI",
    "GENERATIVE",
    "GOOGLE",
    "GROQ",
    "LLM",
    "MISTRAL",
    "MOONSHOT",
    "NVIDIA",
    "OPENAI",
    "OPENROUTER",
    "PERPLEXITY",
    "TOGETHER",
    "TOLLGATE",
    "XAI",
    "ZAI",
];
const WHAT: [&str; 4] = ["KEY", "KEYS", "TOKEN", "SECRET"];

/// How keys of providers and of Tollgate begin, and how long the rest is at
/// least.
const SHAPES: [(&str, usize); 6] = [
    ("sk-", 20),
    ("AIza", 30),
    ("gsk_", 20),
    ("xai-", 20),
    ("tg-", 20),
    ("tgo-", 20),
];

/// A request to loopback must not go through somebody's proxy, with the key.
const PROXIES: [&str; 3] = ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"];

/// What a run is given.
#[derive(Clone, Copy)]
pub(super) struct Given<'a> {
    /// `http://ADDRESS` of the gateway.
    pub(super) base: &'a str,
    /// The run's id.
    pub(super) run: &'a str,
    /// The run's key.
    pub(super) key: &'a str,
}

/// What the configuration says is secret.
#[derive(Debug, Default)]
pub(in crate::cli) struct Secrets {
    /// Keys of providers.
    keys: Vec<Secret>,
    /// Keys of agents, of which only the digest is known.
    agents: Vec<KeyDigest>,
    /// Variables that a configuration with faults reads: then all of them.
    names: BTreeSet<String>,
}

impl Secrets {
    /// Reads the configuration as the gateway does. One with faults doesn't
    /// keep a run from starting, the gateway has its last good one.
    pub(in crate::cli) fn of(paths: &Paths, surroundings: &dyn Surroundings) -> Self {
        let noted = Noted {
            surroundings,
            asked: RefCell::default(),
        };
        match config::load(paths, &noted) {
            Ok(settings) => {
                let providers = settings.providers.into_iter();
                let keys = providers.flat_map(|provider| provider.keys);
                let agents = settings.agents.into_iter();
                Self {
                    keys: keys.map(|(_, key)| key).collect(),
                    agents: agents.flat_map(|agent| agent.keys).collect(),
                    names: BTreeSet::new(),
                }
            }
            Err(_) => {
                let mut names = noted.asked.into_inner();
                // A path may be made of these, and nothing works without.
                for ordinary in ["HOME", "LOGNAME", "PATH", "PWD", "TMPDIR", "USER"] {
                    names.remove(ordinary);
                }
                Self {
                    names,
                    ..Self::default()
                }
            }
        }
    }

    /// True where a variable is a key, by its name or by its value.
    pub(in crate::cli) fn are_in(&self, name: &OsStr, value: &OsStr) -> bool {
        is_secret(name, value, self)
    }

    fn has(&self, name: &str, value: &str) -> bool {
        let known = |key: &Secret| key.expose().len() >= SHORTEST && value.contains(key.expose());
        self.names.contains(name)
            || self.keys.iter().any(known)
            || self.agents.contains(&KeyDigest::of(value))
    }
}

/// The environment of the command.
pub(super) fn of(
    callers: impl Iterator<Item = (OsString, OsString)>,
    given: &Given<'_>,
    secrets: &Secrets,
) -> Vec<(OsString, OsString)> {
    let set: [(&str, String); 5] = [
        ("ANTHROPIC_AUTH_TOKEN", given.key.to_owned()),
        ("ANTHROPIC_BASE_URL", given.base.to_owned()),
        ("OPENAI_API_KEY", given.key.to_owned()),
        ("OPENAI_BASE_URL", format!("{}/v1", given.base)),
        ("TOLLGATE_RUN", given.run.to_owned()),
    ];
    let kept = callers.filter(|(name, value)| {
        !set.iter().any(|(set, _)| name == set) && !is_secret(name, value, secrets)
    });
    let mut environment: Vec<_> = kept.collect();
    around_proxies(&mut environment, given.base);
    environment.extend(set.map(|(name, value)| (name.into(), value.into())));
    environment
}

fn is_secret(name: &OsStr, value: &OsStr, secrets: &Secrets) -> bool {
    // No program looks for these, and the kernel would take them for others.
    if name.is_empty() || name.as_bytes().contains(&b'=') {
        return true;
    }
    let (name, value) = (name.to_string_lossy(), value.to_string_lossy());
    let upper = name.to_uppercase();
    let is_one_of = |words: &[&str]| upper.split('_').any(|word| words.contains(&word));
    DETOURS.contains(&&*upper)
        || discover::variables().any(|known| known == upper)
        || (is_one_of(&WHOSE) && (is_one_of(&WHAT) || upper.ends_with("APIKEY")))
        || has_shape(&value)
        || secrets.has(&name, &value)
}

fn has_shape(value: &str) -> bool {
    SHAPES.iter().any(|(begin, least)| {
        let rest = value.trim().strip_prefix(begin).unwrap_or_default();
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        rest.len() >= *least && rest.bytes().all(plain)
    })
}

fn around_proxies(environment: &mut Vec<(OsString, OsString)>, base: &str) {
    let is_proxy = |name: &OsStr| PROXIES.iter().any(|proxy| name.eq_ignore_ascii_case(proxy));
    if !environment.iter().any(|(name, _)| is_proxy(name)) {
        return;
    }
    let host = base.rsplit_once("://").map_or(base, |(_, host)| host);
    let host = host.rsplit_once(':').map_or(host, |(host, _)| host);
    for name in ["NO_PROXY", "no_proxy"] {
        let before = environment.iter().position(|(known, _)| known == name);
        let mut value = before.map_or_else(OsString::new, |at| environment.swap_remove(at).1);
        if !value.is_empty() {
            value.push(",");
        }
        value.push(host);
        value.push(",localhost");
        environment.push((name.into(), value));
    }
}

/// Notes which variables a configuration reads.
struct Noted<'a> {
    surroundings: &'a dyn Surroundings,
    asked: RefCell<BTreeSet<String>>,
}

impl Surroundings for Noted<'_> {
    fn variable(&self, name: &str) -> Option<String> {
        self.asked.borrow_mut().insert(name.to_owned());
        self.surroundings.variable(name)
    }

    fn file(&self, path: &Path, limit: usize) -> std::io::Result<Vec<u8>> {
        self.surroundings.file(path, limit)
    }

    fn secret_file(&self, path: &Path) -> Result<Secret, String> {
        self.surroundings.secret_file(path)
    }

    fn private(&self, path: &Path) -> Result<(), String> {
        self.surroundings.private(path)
    }
}

#[cfg(test)]
mod tests;
