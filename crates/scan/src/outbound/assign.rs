//! Values under names that say what they are: `api_key = "…"`, `password:`,
//! `Authorization: Bearer …`, in the syntaxes of code, JSON, YAML, shells,
//! headers and plain sentences.

use std::sync::Arc;

use super::catalog::Word;
use super::name::{self, Name};
use super::password::{is_password, is_weak};
use super::patterns::Hits;
use super::placeholder;
use super::reference::is_reference;
use super::syntax::{self, Link, Value};
use super::token::{is_header, is_token};
use super::value::Shape;
use crate::finding::Severity;

/// What is known from one word to the next.
#[derive(Default)]
pub(crate) struct Words {
    /// Up to here the text belongs to a value that was found.
    taken: usize,
    kinds: Option<Kinds>,
}

struct Kinds {
    password: Arc<str>,
    token: Arc<str>,
    header: Arc<str>,
}

impl Words {
    fn kind(&mut self, word: Word) -> &Arc<str> {
        let kinds = self.kinds.get_or_insert_with(|| Kinds {
            password: "generic-password".into(),
            token: "generic-secret".into(),
            header: "authorization-header".into(),
        });
        match word {
            Word::Password => &kinds.password,
            Word::Header => &kinds.header,
            Word::Token | Word::Vague => &kinds.token,
        }
    }
}

/// A word that names of secrets end with, at `start..end`.
pub(crate) fn word(hits: &mut Hits<'_>, words: &mut Words, word: Word, start: usize, end: usize) {
    let text = hits.text;
    if start < words.taken || syntax::is_followed_by_word(text, end) {
        return;
    }
    let Some(name) = Name::around(text, start, end) else {
        return;
    };
    if word == Word::Password && !name.begins_cleanly(text, start) {
        return;
    }
    if let Some(value) = syntax::compared_before(text, name.start) {
        judge(hits, words, word, &name, value);
        return;
    }
    let Some(value) = syntax::value_behind(text, name.end) else {
        if syntax::may_go_on(text, name.end) {
            hits.hold_from(name.start);
        }
        return;
    };
    if value.end == text.len() && value.quoted {
        hits.hold_from(name.start);
    }
    judge(hits, words, word, &name, value);
}

fn judge(hits: &mut Hits<'_>, words: &mut Words, word: Word, name: &Name, value: Value) {
    let text = hits.text;
    let body = &text[value.start..value.end];
    if body.is_empty() {
        return;
    }
    let found = match word {
        Word::Password => is_password(text, name, &value, body),
        Word::Header => is_header(&value, body),
        Word::Token | Word::Vague => is_token(text, name, word, &value, body),
    };
    // Last, because it compares with the most.
    if found && !is_badge(text, name) && !name::is_foreign(&text[name.start..name.end], word) {
        let severity = match word == Word::Password && is_weak(body) {
            true => Severity::Low,
            false => Severity::Medium,
        };
        words.taken = value.end;
        hits.add(words.kind(word), severity, value.start, value.end);
    }
}

/// The token of a badge is public by what it is for.
fn is_badge(text: &[u8], name: &Name) -> bool {
    let before = &text[name.start.saturating_sub(8)..name.start];
    let has = |mark: &[u8]| memchr::memmem::find(before, mark).is_some();
    has(b"svg?") || has(b"style=")
}

/// The name of a service, and a random value right behind it.
pub(crate) fn service(hits: &mut Hits<'_>, kind: &Arc<str>, start: usize, end: usize) {
    let text = hits.text;
    if start > 0 && text[start - 1].is_ascii_alphanumeric() {
        return;
    }
    // `sonar` is not `sonarqube` and `github.com/…` is an address, but `coinapi`
    // stands in `coinapiSECRET`.
    let goes_on = text.get(end).is_some_and(u8::is_ascii_alphabetic);
    let is_place = text
        .get(end)
        .is_some_and(|byte| matches!(byte, b'.' | b'/' | b'@'));
    if is_place || goes_on && !syntax::begins_with_trade(&text[end..]) {
        return;
    }
    let Some(value) = syntax::value_near(text, end) else {
        return;
    };
    let body = &text[value.start..value.end];
    let shape = Shape::of(body);
    let least = match (value.link, value.tight) {
        (Link::Strong, true) => 12,
        (Link::Strong, false) => 16,
        (Link::Weak, true) => 16,
        (Link::Weak, false) => 20,
    };
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-.+/=:~%".contains(byte);
    if !body.iter().all(is_plain) || memchr::memmem::find(body, b"//").is_some() {
        return;
    }
    let random = shape.is_dashed(body) || shape.is_random(least) && shape.digits >= 2;
    if random && !placeholder::is_placeholder(body) && !is_reference(body) {
        hits.add(kind, Severity::Medium, value.start, value.end);
    }
}
