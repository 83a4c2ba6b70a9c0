//! What people choose: short, sometimes words, and so the hardest to tell from
//! everything else that stands behind a name.

use super::name::Name;
use super::placeholder;
use super::reference::is_reference;
use super::syntax::{Link, Value};
use super::value::Shape;

/// Whether a value under a password's name is one.
pub(super) fn is_password(text: &[u8], name: &Name, value: &Value, body: &[u8]) -> bool {
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
        // `dhSinglePass-stdDH-…` is one word.
        (Link::Weak, _) => {
            let joined = text.get(name.end) == Some(&b'-');
            shape.is_random(16) && shape.digits > 0 && !joined
        }
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
pub(super) fn is_weak(body: &[u8]) -> bool {
    let is_word =
        |byte: &u8| byte.is_ascii_alphabetic() || matches!(byte, b'_' | b'-' | b'.' | b' ');
    let plain = body.iter().all(is_word) && !Shape::of(body).is_random(12);
    // The name of a way to log in.
    let is_name = body.ends_with(b"_password");
    plain
        || is_name
        || placeholder::has_sequence(body)
        || !body.iter().any(u8::is_ascii_alphanumeric)
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
