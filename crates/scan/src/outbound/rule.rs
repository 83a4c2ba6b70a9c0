use std::sync::{Arc, OnceLock};

use regex::bytes::{Regex, RegexBuilder};

use super::check::Check;
use crate::finding::Severity;

/// A compiled pattern may take this much memory; more is refused by name.
const LARGEST_PROGRAM: usize = 1 << 20;

/// Longest value that a rule looks at, in bytes.
pub(crate) const LONGEST_VALUE: usize = 8192;

/// Why a file of rules is refused.
#[derive(Debug, thiserror::Error)]
pub enum RuleFault {
    /// The file is not TOML, or has other keys.
    #[error("rules can't be read: {0}")]
    File(String),
    /// One rule is wrong.
    #[error("rule `{kind}`: {what}")]
    Rule {
        /// The rule's kind.
        kind: String,
        /// What was found, and what was expected.
        what: String,
    },
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    rule: Vec<Written>,
}

/// A rule as it is written.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    kind: String,
    severity: Severity,
    literals: Vec<String>,
    pattern: String,
    #[serde(default)]
    near: usize,
    #[serde(default)]
    back: usize,
    check: Option<Check>,
    #[serde(default)]
    entropy: f32,
    #[serde(default, rename = "match")]
    matches: Vec<String>,
    #[serde(default)]
    no_match: Vec<String>,
}

/// One kind of credential and how it is told from other text.
pub(crate) struct Rule {
    pub(crate) kind: Arc<str>,
    pub(crate) severity: Severity,
    pub(crate) literals: Vec<String>,
    /// How far behind the literal the value may begin; 0 where the literal is
    /// part of the value.
    pub(crate) near: usize,
    /// How far before the literal the value may begin.
    pub(crate) back: usize,
    pub(crate) check: Option<Check>,
    pub(crate) entropy: f32,
    pattern: String,
    compiled: OnceLock<Option<Regex>>,
    #[cfg_attr(not(test), allow(dead_code, reason = "proofs are run by a test"))]
    pub(crate) matches: Vec<String>,
    #[cfg_attr(not(test), allow(dead_code, reason = "proofs are run by a test"))]
    pub(crate) no_match: Vec<String>,
}

impl Rule {
    /// The rule's pattern; compiled when its literal is first seen, because
    /// most of three hundred never are.
    pub(crate) fn regex(&self) -> Option<&Regex> {
        self.compiled
            .get_or_init(|| compile(&self.pattern, self.is_anchored()).ok())
            .as_ref()
    }

    fn is_anchored(&self) -> bool {
        self.near == 0 && self.back == 0
    }
}

/// Reads a file of rules without compiling them: for the shipped ones, which a
/// test has proven.
pub(crate) fn read(text: &str) -> Result<Vec<Rule>, RuleFault> {
    let file: File = toml::from_str(text).map_err(|fault| RuleFault::File(fault.to_string()))?;
    file.rule.into_iter().map(checked).collect()
}

/// Reads somebody's own rules; each is compiled at once.
pub(crate) fn read_foreign(text: &str) -> Result<Vec<Rule>, RuleFault> {
    let rules = read(text)?;
    for rule in &rules {
        let regex =
            compile(&rule.pattern, rule.is_anchored()).map_err(|what| refused(&rule.kind, what))?;
        if regex.is_match(b"") {
            return Err(refused(
                &rule.kind,
                "the pattern matches nothing at all, expected a value",
            ));
        }
    }
    Ok(rules)
}

fn checked(written: Written) -> Result<Rule, RuleFault> {
    let refuse = |what: &str| Err(refused(&written.kind, what));
    let is_name = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if written.kind.is_empty() || !written.kind.bytes().all(is_name) {
        return refuse("the kind has other characters, expected a-z, 0-9 and `-`");
    }
    if written.literals.is_empty() || written.literals.len() > 64 {
        return refuse("it has no literals or more than 64, expected one at least");
    }
    if written
        .literals
        .iter()
        .any(|literal| !(2..=64).contains(&literal.len()))
    {
        return refuse("a literal is shorter than 2 or longer than 64 bytes");
    }
    if written.pattern.len() > 2048 || written.near > 1024 || written.back > 256 {
        return refuse("pattern, near or back is too large, expected at most 2048, 1024, 256");
    }
    Ok(Rule {
        kind: written.kind.into(),
        severity: written.severity,
        literals: written.literals,
        near: written.near,
        back: written.back,
        check: written.check,
        entropy: written.entropy,
        pattern: written.pattern,
        compiled: OnceLock::new(),
        matches: written.matches,
        no_match: written.no_match,
    })
}

fn refused(kind: &str, what: impl Into<String>) -> RuleFault {
    RuleFault::Rule {
        kind: kind.to_owned(),
        what: what.into(),
    }
}

fn compile(pattern: &str, anchored: bool) -> Result<Regex, String> {
    let text = match anchored {
        true => format!("^(?:{pattern})"),
        false => pattern.to_owned(),
    };
    RegexBuilder::new(&text)
        .unicode(false)
        .size_limit(LARGEST_PROGRAM)
        .dfa_size_limit(LARGEST_PROGRAM)
        .nest_limit(32)
        .build()
        .map_err(|fault| fault.to_string())
}
