//! Gemini's generateContent and streamGenerateContent.

mod content;
mod parts;
mod read_answer;
mod read_request;
mod shape;
mod told;
mod write_answer;
mod write_request;

pub(super) use read_answer::{StreamReader, read as read_answer};
pub(super) use read_request::read as read_request;
pub(super) use shape::SHAPE;
pub(super) use write_answer::{StreamWriter, write as write_answer};
pub(super) use write_request::write as write_request;

use super::raw::{Fault, Raw, Text};

/// Whether a key is this one, in either of Gemini's spellings; `snake` is
/// `inline_data` for `inlineData`.
pub(super) fn is(key: &str, snake: &str) -> bool {
    if key == snake {
        return true;
    }
    // Without its underscores it is shorter; most keys are told by a byte.
    if key.len() >= snake.len() || key.as_bytes().first() != snake.as_bytes().first() {
        return false;
    }
    let mut wanted = snake.bytes();
    let fits = |byte: u8| match byte.is_ascii_uppercase() {
        true => wanted.next() == Some(b'_') && wanted.next() == Some(byte.to_ascii_lowercase()),
        false => wanted.next() == Some(byte),
    };
    key.bytes().all(fits) && wanted.next().is_none()
}

/// A member in either spelling that is there and not null.
pub(super) fn member<'a>(of: Raw<'a>, snake: &str) -> Option<Raw<'a>> {
    let mut members = of.members().ok()?;
    let found = members.find(|(key, value)| is(key, snake) && !value.is_null());
    found.map(|(_, value)| value)
}

fn text<'a>(of: Raw<'a>, snake: &str) -> Result<Option<Text<'a>>, Fault<'a>> {
    member(of, snake).map(Raw::text).transpose()
}

fn needed<'a>(of: Raw<'a>, snake: &'static str, expected: &str) -> Result<Text<'a>, Fault<'a>> {
    text(of, snake)?.ok_or_else(|| Fault::absent(of, snake, expected))
}

#[cfg(test)]
mod tests {
    use super::is;

    #[test]
    fn keys_are_known_in_both_spellings() {
        assert!(is("inlineData", "inline_data") && is("inline_data", "inline_data"));
        assert!(is("text", "text") && is("topP", "top_p"));
        for key in ["inlinedata", "inlineDat", "inlineDataX", "InlineData", ""] {
            assert!(!is(key, "inline_data"), "{key}");
        }
    }
}
