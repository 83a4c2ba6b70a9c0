//! Members of objects, read with the faults that name them.

use super::conversation::Source;
use super::raw::{Fault, Raw, Text};

type Read<'a, T> = Result<T, Fault<'a>>;

/// A member that is there and not null.
pub(super) fn member<'a>(of: Raw<'a>, key: &str) -> Option<Raw<'a>> {
    of.member(key).filter(|value| !value.is_null())
}

pub(super) fn flag<'a>(of: Raw<'a>, key: &str) -> Read<'a, Option<bool>> {
    member(of, key).map(Raw::flag).transpose()
}

pub(super) fn text<'a>(of: Raw<'a>, key: &str) -> Read<'a, Option<Text<'a>>> {
    member(of, key).map(Raw::text).transpose()
}

/// A member that must be text.
pub(super) fn needed<'a>(of: Raw<'a>, key: &'static str, expected: &str) -> Read<'a, Text<'a>> {
    let value = of.member(key);
    let value = value.ok_or_else(|| Fault::absent(of, key, expected))?;
    value.text()
}

/// Text that must not be empty.
pub(super) fn filled<'a>(value: Raw<'a>) -> Read<'a, Text<'a>> {
    let text = value.text()?;
    match text.is_empty() {
        true => Err(Fault::at(value, "found empty text, expected a name")),
        false => Ok(text),
    }
}

/// One text or a list of them.
pub(super) fn texts<'a>(value: Raw<'a>) -> Read<'a, Vec<Text<'a>>> {
    if value.is_string() {
        return Ok(vec![value.text()?]);
    }
    value.elements()?.map(Raw::text).collect()
}

/// An address, or what a data URL holds.
pub(super) fn source(url: Text<'_>) -> Source<'_> {
    let std::borrow::Cow::Borrowed(inner) = url.0 else {
        return Source::Url(url);
    };
    let data = inner.strip_prefix("data:");
    match data.and_then(|data| data.split_once(";base64,")) {
        Some((media, data)) => Source::Base64 {
            media: Text::lent(media),
            data: Text::lent(data),
        },
        None => Source::Url(Text::lent(inner)),
    }
}
