use serde_json::error::Category;

use super::{BadRequest, depth};
use crate::json::{DEEPEST, Members};

/// The body as text that begins like an object.
pub(super) fn object_text(body: &[u8]) -> Result<&str, BadRequest> {
    let text = std::str::from_utf8(body).map_err(|fault| {
        let place = place_of(body, fault.valid_up_to());
        BadRequest::body(&format!(
            "found bytes that are not UTF-8 at {place}, expected JSON in UTF-8"
        ))
    })?;
    let found = match text.trim_ascii_start().bytes().next() {
        Some(b'{') => return Ok(text),
        None => "nothing",
        Some(b'[') => "a list",
        Some(b'"') => "a string",
        Some(0xEF) if text.starts_with('\u{feff}') => "a byte-order mark",
        Some(_) => return Err(no_object(text)),
    };
    Err(BadRequest::body(&format!(
        "found {found}, expected a JSON object"
    )))
}

fn no_object(text: &str) -> BadRequest {
    match serde_json::from_str::<serde::de::IgnoredAny>(text) {
        Ok(_) => BadRequest::body("found a single value, expected a JSON object"),
        Err(fault) => not_json(text, &fault),
    }
}

/// The members of the body that are looked for, where all of it is JSON that is not
/// nested too deep.
pub(super) fn members<'a, const READ: usize>(
    keys: &'static [&'static str],
    text: &'a str,
) -> Result<Members<'a, READ>, BadRequest> {
    // Plain JSON is known to be flat enough.
    const { assert!(DEEPEST as usize <= depth::MAX_DEPTH) };
    if let Some(members) = Members::plain(keys, text) {
        return Ok(members);
    }
    depth::check(text)?;
    Members::checked(keys, text).map_err(|fault| not_json(text, &fault))
}

/// Says what stands where JSON can't go on. One character of the body is
/// shown, and none from inside a string.
pub(super) fn not_json(text: &str, fault: &serde_json::Error) -> BadRequest {
    let place = format!("line {} column {}", fault.line(), fault.column());
    if fault.classify() == Category::Eof {
        return BadRequest::body(&format!(
            "found its end at {place}, expected the rest of the JSON"
        ));
    }
    let told = fault.to_string();
    let (found, expected) = match told.split(" at line ").next().unwrap_or_default() {
        "expected value" => (None, "a value"),
        "expected ident" => (None, "`true`, `false` or `null`"),
        "expected `:`" => (None, "`:`"),
        "expected `,` or `]`" => (None, "`,` or `]`"),
        "expected `,` or `}`" => (None, "`,` or `}`"),
        "key must be a string" => (None, "a key in double quotes"),
        "trailing comma" => (Some("a trailing comma"), "a value"),
        "trailing characters" => (None, "nothing after the object"),
        "invalid number" | "number out of range" => (Some("a malformed number"), "a number"),
        "invalid escape" => (Some("an unknown escape"), "one of JSON's escapes"),
        word if word.starts_with("control character") => (
            Some("a raw control character in a string"),
            "it escaped, as `\\n`",
        ),
        word if word.contains("surrogate") || word.contains("code point") => {
            (Some("half a surrogate pair"), "a whole character")
        }
        _ => (Some("no JSON"), "a JSON object"),
    };
    let found = found.map_or_else(
        || character_at(text, fault.line(), fault.column()),
        str::to_owned,
    );
    BadRequest::body(&format!("found {found} at {place}, expected {expected}"))
}

fn character_at(text: &str, line: usize, column: usize) -> String {
    let found = text
        .split('\n')
        .nth(line.saturating_sub(1))
        .and_then(|line| line.get(column.saturating_sub(1)..))
        .and_then(|rest| rest.chars().next());
    match found {
        Some(c) if !c.is_control() => format!("`{c}`"),
        Some(_) => "a control character".to_owned(),
        None => "a character".to_owned(),
    }
}

/// `line 3 column 7` of a byte offset; columns count bytes from 1.
pub(super) fn place_of(body: &[u8], offset: usize) -> String {
    let before = &body[..offset.min(body.len())];
    let line = memchr::memchr_iter(b'\n', before).count() + 1;
    let column = before.len() - memchr::memrchr(b'\n', before).map_or(0, |at| at + 1) + 1;
    format!("line {line} column {column}")
}
