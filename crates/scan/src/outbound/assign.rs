//! Values under names that say what they are: `api_key = "…"`, `password:`,
//! `Authorization: Bearer …`, in the syntaxes of code, JSON, YAML, shells,
//! headers and plain sentences.

use std::sync::Arc;

use super::catalog::Word;
use super::name::{self, Name};
use super::patterns::Hits;
use super::placeholder;
use super::syntax::{self, Link, Value};
use super::value::{self, Shape};
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
    let before = &text[name.start.saturating_sub(8)..name.start];
    // The token of a badge is public by what it is for.
    if memchr::memmem::find(before, b"svg?").is_some()
        || memchr::memmem::find(before, b"style=").is_some()
    {
        return;
    }
    if body.is_empty() {
        return;
    }
    let found = match word {
        Word::Password => is_password(text, name, &value, body),
        Word::Header => is_header(&value, body),
        Word::Token | Word::Vague => is_token(text, name, word, &value, body),
    };
    // Last, because it compares with the most.
    if found && !name::is_foreign(&text[name.start..name.end], word) {
        let severity = match word == Word::Password && is_weak(body) {
            true => Severity::Low,
            false => Severity::Medium,
        };
        words.taken = value.end;
        hits.add(words.kind(word), severity, value.start, value.end);
    }
}

fn is_password(text: &[u8], name: &Name, value: &Value, body: &[u8]) -> bool {
    if body.len() < 4
        || body.len() > 200
        || placeholder::is_placeholder(body)
        || name.has_suffix && !Shape::of(body).is_random(8)
    {
        return false;
    }
    let shape = Shape::of(body);
    let special = body
        .iter()
        .filter(|byte| b"!@#$%^&*?~+|`{}".contains(byte))
        .count();
    let lower = body.to_ascii_lowercase();
    let says_itself = placeholder::stands_for_itself(body);
    match (value.link, value.quoted) {
        (Link::Weak, _) => shape.is_random(16) && shape.digits > 0,
        (Link::Strong, true) => {
            let words = body
                .split(|byte| *byte == b' ')
                .filter(|part| !part.is_empty())
                .count();
            let sentence = words > 2
                || (words == 2
                    && (body[0].is_ascii_uppercase()
                        || body.ends_with(b":")
                        || body.ends_with(b"?")));
            !(sentence
                || says_itself && !value.assigned
                || is_message(&lower)
                || is_reference(body))
        }
        (Link::Strong, false) => {
            let environment = name.is_shouted(text) && value.tight && value.assigned;
            let mixed = shape.digits > 0 && shape.lower + shape.upper > 0
                || special > 0 && shape.lower + shape.upper >= 4;
            let is_word = is_reference(body) || is_type(&lower) || says_itself;
            !is_word && shape.length >= 6 && (mixed || environment)
        }
    }
}

/// What stands in fixtures and manuals at least as often as in a real file:
/// plain words, a sequence, marks alone. It is noted, nobody is asked.
fn is_weak(body: &[u8]) -> bool {
    let is_word =
        |byte: &u8| byte.is_ascii_alphabetic() || matches!(byte, b'_' | b'-' | b'.' | b' ');
    let plain = body.iter().all(is_word) && !Shape::of(body).is_random(12);
    plain || placeholder::has_sequence(body) || !body.iter().any(u8::is_ascii_alphanumeric)
}

/// Texts that programs show beside a field.
fn is_message(lower: &[u8]) -> bool {
    let words: &[&[u8]] = &[
        b"password",
        b"passwort",
        b"contrase",
        b"mot de passe",
        b"required",
        b"invalid",
        b"incorrect",
        b"enter ",
        b"forgot",
        b"reset",
    ];
    let is_word = lower
        .iter()
        .all(|byte| byte.is_ascii_lowercase() || matches!(byte, b' ' | b'_' | b'.' | b'-' | b':'));
    is_word
        && words.iter().any(|word| {
            lower.starts_with(word) && lower.len() <= word.len() + 2
                || lower.len() > word.len() + 2
                    && memchr::memmem::find(lower, word).is_some()
                    && lower.contains(&b' ')
        })
}

/// A type, a flag or a word that stands for no value.
fn is_type(lower: &[u8]) -> bool {
    let trimmed: Vec<u8> = lower
        .iter()
        .copied()
        .filter(|byte| byte.is_ascii_alphabetic())
        .collect();
    [
        "string",
        "str",
        "text",
        "none",
        "null",
        "nil",
        "true",
        "false",
        "bool",
        "boolean",
        "varchar",
        "bytes",
        "optionstring",
        "option",
        "required",
        "optional",
        "any",
        "char",
        "object",
        "number",
        "int",
        "integer",
        "hash",
        "file",
        "prompt",
        "enabled",
        "disabled",
        "default",
        "undefined",
    ]
    .iter()
    .any(|word| trimmed == word.as_bytes())
}

/// Code that leads to a value elsewhere.
fn is_reference(body: &[u8]) -> bool {
    let called = memchr::memchr(b'(', body).is_some_and(|at| {
        body[..at].iter().all(|byte| {
            byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b':' | b'>' | b'-')
        })
    }) || body.starts_with(b"$")
        || body.starts_with(b"%")
        || body.starts_with(b"&");
    let dotted = body.iter().all(|byte| {
        byte.is_ascii_alphanumeric()
            || matches!(
                byte,
                b'.' | b'_' | b'[' | b']' | b'"' | b'\'' | b':' | b'>' | b'-'
            )
    }) && memchr::memmem::find(body, b".")
        .is_some_and(|at| at > 0 && body.get(at + 1).is_some_and(u8::is_ascii_alphabetic))
        && !body.iter().any(u8::is_ascii_digit);
    let path = body.starts_with(b"/") && body[1..].contains(&b'/') && !body.contains(&b'+')
        || body.starts_with(b"./")
        || body.starts_with(b"../")
        || body.starts_with(b"~/");
    let file = [
        &b".pem"[..],
        b".key",
        b".crt",
        b".cer",
        b".p12",
        b".json",
        b".txt",
        b".js",
        b".py",
        b".yaml",
        b".yml",
        b".html",
    ]
    .iter()
    .any(|end| body.ends_with(end));
    // `'key = '.$row[…]`, `"passwords#update"`
    let joined = body.starts_with(b".$")
        || body.contains(&b'/') && body.contains(&b'#') && !body.iter().any(u8::is_ascii_digit)
        // `"…_password = "+new Buffer(`: the quote closed the name's text.
        || body.trim_ascii_start().starts_with(b"+") && body.contains(&b'(');
    called || dotted || path || file || joined
}

fn is_token(text: &[u8], name: &Name, word: Word, value: &Value, body: &[u8]) -> bool {
    let shape = Shape::of(body);
    if body.len() < 8
        || placeholder::is_placeholder(body)
        || placeholder::has_sequence(body)
        || is_reference(body)
        || value::entropy(body) < 2.5
    {
        return false;
    }
    if is_odd_digest(&text[name.start..name.end], body) {
        return false;
    }
    // The name of a type or of another variable.
    let is_code = body.ends_with(b"Key")
        || body.ends_with(b"Token")
        || body.iter().any(|byte| b"(){}[]|<>*,".contains(byte));
    if is_code && !value.quoted {
        return false;
    }
    let vague = word == Word::Vague && name.is_bare(text);
    let dashed = shape.is_dashed(body);
    if name.has_suffix {
        return value.link == Link::Strong
            && shape.is_random(16)
            && (shape.digits >= 3 || shape.humps >= 4)
            && value::entropy(body) >= 3.2;
    }
    // `key`, `access` and `private` alone name a great many things.
    if vague {
        let service = name::names_a_service(text, name.start);
        return service && shape.is_random(16);
    }
    match value.link {
        Link::Strong if value.quoted && word == Word::Token && chosen(body, &shape) => true,
        Link::Strong => dashed || shape.is_random(10),
        Link::Weak => {
            let random = dashed
                || shape.is_random(12)
                    && (shape.digits > 0 || shape.length >= 20)
                    && (shape.length >= 16 || shape.digits >= 2);
            random && !is_encoded_words(body)
        }
    }
}

/// Base64 of plain words: what it holds is looked at by itself.
fn is_encoded_words(body: &[u8]) -> bool {
    crate::decode::base64_all(body).is_some_and(|inner| {
        let is_word =
            |byte: &u8| byte.is_ascii_lowercase() || matches!(byte, b'.' | b' ' | b'-' | b'_');
        inner.iter().all(is_word)
    })
}

/// Hex digits of a length that no secret key of a cloud has.
fn is_odd_digest(name: &[u8], body: &[u8]) -> bool {
    let lower = name.to_ascii_lowercase();
    memchr::memmem::find(&lower, b"secret_access_key").is_some()
        && body.iter().all(u8::is_ascii_hexdigit)
        && !matches!(body.len(), 32 | 40 | 48 | 64)
}

/// A secret that a person chose: marks between the letters.
fn chosen(body: &[u8], shape: &Shape) -> bool {
    let marks = body
        .iter()
        .filter(|byte| b"!@#$%^&*?~+|`{}()[]".contains(byte))
        .count();
    marks >= 2 && shape.length >= 8 && !body.contains(&b' ')
}

fn is_header(value: &Value, body: &[u8]) -> bool {
    if placeholder::is_placeholder(body) || body.len() < 8 {
        return false;
    }
    let shape = Shape::of(body);
    if value.scheme_is_basic {
        return crate::decode::base64_all(body).is_some_and(|pair| {
            let colon = pair.iter().position(|byte| *byte == b':');
            let printable = pair.iter().all(|byte| (32..127).contains(byte));
            printable
                && colon.is_some_and(|at| {
                    pair.len() - at + at > 5 && !placeholder::is_placeholder(&pair)
                })
        }) || shape.is_random(24);
    }
    let marks = body
        .iter()
        .filter(|byte| matches!(byte, b'_' | b'.' | b'-' | b'+' | b'/' | b'@' | b'='))
        .count();
    shape.is_dashed(body)
        || shape.is_random(10)
        || shape.digits >= 3 && marks >= 2 && shape.length >= 14
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
