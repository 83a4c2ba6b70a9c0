use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use serde::Deserializer as _;
use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

mod plain;

pub(crate) use plain::DEEPEST;

/// Where `part`, a slice of `text`, stands in it.
pub(crate) fn span(text: &str, part: &str) -> Range<usize> {
    let start = part.as_ptr().addr() - text.as_ptr().addr();
    start..start + part.len()
}

/// The members of one JSON object that are looked for: the values of the first
/// `READ` of its `keys` as they stand in the text.
///
/// Everything else is checked for syntax only, without recursion or copies.
pub(crate) struct Members<'a, const READ: usize> {
    pub(crate) found: [Option<&'a str>; READ],
    /// How many members the object has.
    pub(crate) count: usize,
    /// The first key that another reader may take for another.
    pub(crate) problem: Option<KeyProblem>,
    keys: &'static [&'static str],
    seen: u64,
}

/// A key of the list that is not plainly itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct KeyProblem {
    pub(crate) key: &'static str,
    pub(crate) words: &'static str,
}

impl<'a, const READ: usize> Members<'a, READ> {
    /// Reads `text`, an object and nothing after it; `keys` are at most 64.
    pub(crate) fn read(keys: &'static [&'static str], text: &'a str) -> serde_json::Result<Self> {
        match Self::plain(keys, text) {
            Some(members) => Ok(members),
            None => Self::checked(keys, text),
        }
    }

    /// As [`Members::read`], without looking for plain JSON first.
    pub(crate) fn checked(
        keys: &'static [&'static str],
        text: &'a str,
    ) -> serde_json::Result<Self> {
        let mut members = Self::none(keys);
        let mut reader = serde_json::Deserializer::from_str(text);
        reader.deserialize_map(&mut members)?;
        reader.end()?;
        Ok(members)
    }

    fn none(keys: &'static [&'static str]) -> Self {
        Self {
            found: [None; READ],
            count: 0,
            problem: None,
            keys,
            seen: 0,
        }
    }

    // Goes on after a problem: text that isn't JSON is to be reported as that.
    fn judge(&mut self, index: usize, spelling: Spelling) {
        let bit = 1_u64 << index;
        let words = match spelling {
            Spelling::Escaped => "found a key written with escapes, expected plain letters",
            Spelling::OtherCase => "found a key that differs only in case, expected lower case",
            Spelling::Plain if self.seen & bit != 0 => "found the key twice, expected it once",
            Spelling::Plain => {
                self.seen |= bit;
                return;
            }
        };
        let key = self.keys[index];
        self.problem.get_or_insert(KeyProblem { key, words });
    }
}

impl<'a, const READ: usize> Visitor<'a> for &mut Members<'a, READ> {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("an object")
    }

    fn visit_map<M: MapAccess<'a>>(self, mut map: M) -> Result<(), M::Error> {
        while let Some(known) = map.next_key_seed(Key(self.keys))? {
            self.count += 1;
            match known {
                Some((index, Spelling::Plain)) if index < READ => {
                    let value: &RawValue = map.next_value()?;
                    self.found[index] = Some(value.get());
                }
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
            if let Some((index, spelling)) = known {
                self.judge(index, spelling);
            }
        }
        Ok(())
    }
}

/// A key as text, copied only where it has escapes to resolve.
pub(crate) struct LentKey;

impl<'de> DeserializeSeed<'de> for LentKey {
    type Value = Cow<'de, str>;

    fn deserialize<D: serde::Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for LentKey {
    type Value = Cow<'de, str>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a key")
    }

    fn visit_borrowed_str<E>(self, key: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(key))
    }

    fn visit_str<E>(self, key: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(key.to_owned()))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Spelling {
    Plain,
    Escaped,
    OtherCase,
}

/// Finds a key in the list without copying it.
struct Key(&'static [&'static str]);

impl<'de> DeserializeSeed<'de> for Key {
    type Value = Option<(usize, Spelling)>;

    fn deserialize<D: serde::Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Key {
    type Value = Option<(usize, Spelling)>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a key")
    }

    // serde_json lends the text where it stands there as it is …
    fn visit_borrowed_str<E>(self, key: &'de str) -> Result<Self::Value, E> {
        Ok(self.spelled(key))
    }

    // … and gives a copy only where it had escapes to resolve.
    fn visit_str<E>(self, key: &str) -> Result<Self::Value, E> {
        let index = self.0.iter().position(|known| *known == key);
        let index = index.or_else(|| self.folded(key));
        Ok(index.map(|index| (index, Spelling::Escaped)))
    }
}

impl Key {
    /// Which key of the list one without escapes is, or may be taken for.
    fn spelled(&self, key: &str) -> Option<(usize, Spelling)> {
        let exact = self.0.iter().position(|known| *known == key);
        match exact {
            Some(index) => Some((index, Spelling::Plain)),
            None => self.folded(key).map(|index| (index, Spelling::OtherCase)),
        }
    }

    /// The key that Go's `encoding/json` would take this one for.
    fn folded(&self, key: &str) -> Option<usize> {
        if key.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'_')) {
            return None;
        }
        self.0
            .iter()
            .position(|known| known.chars().map(fold).eq(key.chars().map(fold)))
    }
}

/// Lower case, and the two characters outside ASCII that fold into it.
fn fold(c: char) -> char {
    match c {
        '\u{212a}' => 'k',
        '\u{17f}' => 's',
        other => other.to_ascii_lowercase(),
    }
}

/// What a JSON text is, by its first byte.
pub(crate) fn kind(raw: &str) -> &'static str {
    match raw.bytes().next() {
        Some(b'{') => "an object",
        Some(b'[') => "a list",
        Some(b'"') => "a string",
        Some(b't' | b'f') => "a boolean",
        Some(b'n') => "`null`",
        Some(_) => "a number",
        None => "nothing",
    }
}

/// Offset of the quote that closes the string whose text begins at `at`, or
/// the text's length.
pub(crate) fn end_of_string(text: &[u8], mut at: usize) -> usize {
    // Keys and short values end within a few bytes, where a vector search
    // costs more than it saves.
    let near = text.len().min(at + 16);
    while at < near {
        match text[at] {
            b'"' => return at,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    while let Some(rest) = text.get(at..) {
        match memchr::memchr2(b'"', b'\\', rest) {
            None => break,
            Some(step) if rest[step] == b'"' => return at + step,
            Some(step) => at += step + 2,
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEYS: [&str; 3] = ["model", "max_tokens", "messages"];

    fn read(text: &str) -> Members<'_, 2> {
        Members::read(&KEYS, text).unwrap()
    }

    #[test]
    fn values_are_found_where_they_stand() {
        let text = r#" { "other" : {"model":1} , "model" : "a\"b" ,"messages":[]}"#;
        let members = read(text);
        let model = members.found[0].unwrap();
        assert_eq!(model, r#""a\"b""#);
        assert_eq!(&text[span(text, model)], model);
        assert!(members.found[1].is_none());
        assert_eq!((members.count, members.problem), (3, None));
    }

    #[test]
    fn keys_that_others_may_read_differently_are_problems() {
        for (text, key, word) in [
            (r#"{"model":1,"model":1}"#, "model", "twice"),
            (r#"{"messages":1,"messages":1}"#, "messages", "twice"),
            (r#"{"mode\u006c":1}"#, "model", "escapes"),
            (r#"{"Model":1}"#, "model", "case"),
            ("{\"max_to\u{212a}ens\":1}", "max_tokens", "case"),
            ("{\"me\u{17f}sages\":1}", "messages", "case"),
            (r#"{"me\u017fsages":1}"#, "messages", "escapes"),
        ] {
            let problem = read(text).problem.unwrap();
            assert_eq!(problem.key, key, "{text}");
            assert!(problem.words.contains(word), "{text}");
        }
        for text in [r#"{"models":1}"#, r#"{"a\u0062":1,"a\u0062":2}"#, "{}"] {
            assert_eq!(read(text).problem, None, "{text}");
        }
    }
}
