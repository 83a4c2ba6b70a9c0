//! What programs make: long and random, or not a secret.

use super::catalog::Word;
use super::name::{self, Name};
use super::placeholder;
use super::reference::is_reference;
use super::syntax::{Link, Value};
use super::value::{self, Shape};

/// Whether a value under a token's name is one.
pub(super) fn is_token(text: &[u8], name: &Name, word: Word, value: &Value, body: &[u8]) -> bool {
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
        || shape.is_type_name(body)
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

/// Whether a value behind `Authorization` is one.
pub(super) fn is_header(value: &Value, body: &[u8]) -> bool {
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
