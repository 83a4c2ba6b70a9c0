//! One pass over the text for all literals; what they announce is looked at on
//! the spot, in a window of fixed size.

use super::catalog::{Catalog, Target};
use super::check::Proof;
use super::rule::{LONGEST_VALUE, Rule};
use super::{address, assign, manifest, pem, placeholder, value};
use crate::finding::{Detector, Finding, Severity};
use crate::sieve::Seen;

/// Findings that one text may have; then the rest is one finding more.
const MOST_FINDINGS: usize = 1000;

/// What one scan has found so far, and how much it has worked for it.
pub(crate) struct Hits<'a> {
    pub(crate) text: &'a [u8],
    pub(crate) findings: Vec<Finding>,
    /// From here on the text may still become part of a finding when more of
    /// it comes; its length if nothing hangs.
    pub(crate) open: usize,
    /// Bytes that patterns may still look at: a text of near matches must not
    /// cost more than a few times its length.
    budget: usize,
}

impl<'a> Hits<'a> {
    pub(crate) fn new(text: &'a [u8]) -> Self {
        Self {
            text,
            findings: Vec::new(),
            open: text.len(),
            budget: text.len().saturating_mul(12) + 65_536,
        }
    }

    pub(crate) fn add(
        &mut self,
        kind: &std::sync::Arc<str>,
        severity: Severity,
        start: usize,
        end: usize,
    ) {
        if self.findings.len() < MOST_FINDINGS {
            self.findings.push(Finding {
                detector: Detector::TokenPatterns,
                kind: kind.clone(),
                severity,
                start,
                end,
            });
        }
    }

    /// Pays for a look at so many bytes; false when there is nothing left.
    pub(crate) fn pay(&mut self, bytes: usize) -> bool {
        match self.budget.checked_sub(bytes + 16) {
            Some(left) => {
                self.budget = left;
                true
            }
            None => {
                self.budget = 0;
                false
            }
        }
    }

    pub(crate) fn hold_from(&mut self, at: usize) {
        self.open = self.open.min(at);
    }
}

/// Everything that the rules find in a text.
pub(crate) fn scan<'a>(text: &'a [u8], catalog: &Catalog) -> Hits<'a> {
    let mut hits = Hits::new(text);
    let mut words = assign::Words::default();
    catalog.sieve.each(
        text,
        0,
        |seen| is_told(text, catalog, seen),
        |seen| {
            look(&mut hits, &mut words, catalog, seen);
        },
    );
    hits
}

/// Places behind `from` where the rules may find something: from where on they
/// look, and up to where what they find may depend on the text. For streams:
/// text outside of all of these needs no second look.
pub(crate) fn begun(
    text: &[u8],
    from: usize,
    catalog: &Catalog,
    mut tell: impl FnMut(usize, usize),
) {
    let keep = |seen: &Seen| is_told(text, catalog, seen);
    catalog.sieve.each(text, from, keep, |seen| {
        for target in &catalog.targets[seen.literal as usize] {
            let (back, ahead) = match *target {
                Target::Rule(number) => {
                    let rule = &catalog.rules[number as usize];
                    (rule.back, rule.near + 320)
                }
                Target::Word(_) | Target::Service(_) => (128, 640),
                Target::Address | Target::Pem => (64, 400),
                Target::Manifest if manifest::is_other(text, seen.end) => continue,
                Target::Manifest => (1024, 4096),
            };
            tell(seen.start.saturating_sub(back), seen.end + ahead);
        }
    });
}

/// Whether a literal can announce anything where it stands.
fn is_told(text: &[u8], catalog: &Catalog, seen: &Seen) -> bool {
    !catalog.begins[seen.literal as usize] || may_begin(text, seen.start)
}

/// What a literal announces.
fn look(hits: &mut Hits<'_>, words: &mut assign::Words, catalog: &Catalog, seen: Seen) {
    for target in &catalog.targets[seen.literal as usize] {
        match *target {
            Target::Rule(number) => {
                let rule = &catalog.rules[number as usize];
                match rule.near {
                    0 => inside(hits, rule, seen.start, seen.end),
                    _ => behind(hits, rule, seen.end),
                }
            }
            Target::Word(word) => assign::word(hits, words, word, seen.start, seen.end),
            Target::Service(number) => {
                let kind = &catalog.services[number as usize];
                assign::service(hits, kind, seen.start, seen.end);
            }
            Target::Address => address::look(hits, seen.start),
            Target::Pem => pem::look(hits, seen.start),
            Target::Manifest => manifest::look(hits, seen.end),
        }
    }
}

/// A rule whose literal is part of the value.
fn inside(hits: &mut Hits<'_>, rule: &Rule, start: usize, end: usize) {
    let text = hits.text;
    let from = start.saturating_sub(rule.back);
    if rule.back == 0 && !may_begin(text, start) {
        return;
    }
    let window = &text[from..text.len().min(end + LONGEST_VALUE)];
    let Some(regex) = rule.regex() else { return };
    if rule.back == 0 {
        // The pattern is anchored: it pays for what it matched.
        if !hits.pay(32) {
            return;
        }
        // Most literals announce nothing, and a match's places cost memory.
        if regex.is_match(window)
            && let Some(found) = regex.captures(window)
        {
            accept(hits, rule, from, &found);
        }
        return;
    }
    let window = &window[..window.len().min(rule.back + (end - start) + 260)];
    let mut at = 0;
    // The leftmost match may end before the literal; look on behind it.
    while at <= start - from && hits.pay(window.len()) {
        if !regex.is_match_at(window, at) {
            return;
        }
        let Some(found) = regex.captures_at(window, at) else {
            return;
        };
        let Some(whole) = found.get(0) else { return };
        let holds = whole.start() <= start - from && whole.end() > start - from;
        if holds && may_begin(text, from + whole.start()) && accept(hits, rule, from, &found) {
            return;
        }
        at = whole.start() + 1;
    }
}

/// A rule whose literal stands before the value.
fn behind(hits: &mut Hits<'_>, rule: &Rule, end: usize) {
    let text = hits.text;
    let reach = text.len().min(end + rule.near + 320);
    let window = &text[end..reach];
    let has_value = window
        .iter()
        .take(rule.near)
        .any(|byte| !byte.is_ascii_alphabetic() && !matches!(byte, b' ' | b'\n' | b','));
    if !has_value || !hits.pay(window.len() / 4) {
        return;
    }
    let Some(regex) = rule.regex() else { return };
    let mut at = 0;
    for _ in 0..4 {
        if !regex.is_match_at(window, at) {
            return;
        }
        let Some(found) = regex.captures_at(window, at) else {
            return;
        };
        let Some(whole) = found.get(0) else { return };
        if whole.start() > rule.near {
            return;
        }
        let bounded = may_begin(text, end + whole.start())
            || whole.start() == 0
            || !window[whole.start()].is_ascii_alphanumeric();
        if bounded
            && (found.name("secret").is_some() || is_linked(&window[..whole.start()]))
            && accept(hits, rule, end, &found)
        {
            return;
        }
        at = whole.start() + 1;
    }
}

/// Whether a value belongs to the word before it, and is not the digest or the
/// version of something that happens to be called like it.
fn is_linked(between: &[u8]) -> bool {
    let lower = between.to_ascii_lowercase();
    let has = |word: &[u8]| memchr::memmem::find(&lower, word).is_some();
    let foreign: &[&[u8]] = &[
        b"sha",
        b"md5",
        b"commit",
        b"digest",
        b"checksum",
        b"version",
        b"etag",
        b".tgz",
        b".com/",
        b".git",
        b"_id\"",
        b"_id=",
        b"rev",
    ];
    let lines = lower.iter().filter(|byte| **byte == b'\n').count();
    let last = lower.last().copied().unwrap_or(b' ');
    !foreign.iter().any(|word| has(word)) && lines <= 4 && !matches!(last, b'/' | b'#' | b'@')
        || has(b"access_token")
        || has(b"bearer")
}

fn accept(
    hits: &mut Hits<'_>,
    rule: &Rule,
    base: usize,
    found: &regex::bytes::Captures<'_>,
) -> bool {
    let text = hits.text;
    let Some(whole) = found.get(0) else {
        return false;
    };
    let secret = found.name("secret").unwrap_or(whole);
    let (start, end) = (base + secret.start(), base + secret.end());
    let body = secret.as_bytes();
    if found.name("secret").is_none() && !(may_end(text, end) && is_all(text, body, end)) {
        return false;
    }
    let is_placeholder = match rule.near {
        0 => placeholder::is_made_up(body),
        // Manuals' made-up values stay: the word before it vouches for it.
        _ => placeholder::is_placeholder(body) || placeholder::says_password(body),
    };
    if is_placeholder || (rule.entropy > 0.0 && value::entropy(body) < rule.entropy) {
        return false;
    }
    // The name of a type is as long as some key.
    let shape = value::Shape::of(body);
    if rule.near > 0 && shape.digits == 0 && shape.is_type_name(body) {
        return false;
    }
    let mut severity = rule.severity;
    match rule.check.map(|check| check.prove(body)) {
        Some(Proof::Impossible) => return false,
        Some(Proof::Fails) => severity = severity.milder().milder(),
        Some(Proof::Holds) | None => {}
    }
    if value::entropy(body) < 2.0 || placeholder::is_published(body) {
        severity = severity.min(Severity::Low);
    }
    hits.add(&rule.kind, severity, start, end);
    true
}

/// Whether a value can begin here: not in the middle of a word, but behind an
/// escaped line end it can.
pub(crate) fn may_begin(text: &[u8], at: usize) -> bool {
    let Some(before) = at.checked_sub(1).map(|at| text[at]) else {
        return true;
    };
    let outside = !before.is_ascii_alphanumeric() && before != b'_';
    if outside
        || text
            .get(at)
            .is_some_and(|first| !first.is_ascii_alphanumeric())
    {
        return true;
    }
    let escape = at.checked_sub(2).map(|at| text[at]);
    (matches!(before, b'n' | b't' | b'r') && escape == Some(b'\\')) || is_percent(text, at)
}

fn is_percent(text: &[u8], at: usize) -> bool {
    at >= 3 && text[at - 3] == b'%' && text[at - 2..at].iter().all(u8::is_ascii_hexdigit)
}

/// Whether a value is not the first part of a longer one, joined by a dash
/// that has no place in it.
fn is_all(text: &[u8], body: &[u8], end: usize) -> bool {
    let joined =
        text.get(end) == Some(&b'-') && text.get(end + 1).is_some_and(u8::is_ascii_alphanumeric);
    !joined || body.contains(&b'-')
}

fn may_end(text: &[u8], at: usize) -> bool {
    text.get(at)
        .is_none_or(|byte| !byte.is_ascii_alphanumeric() && *byte != b'_')
}
