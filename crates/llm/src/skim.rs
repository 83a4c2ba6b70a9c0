use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::json::end_of_string;

/// Values that are no generated text: names of things, and what a provider
/// seals for itself.
const OPAQUE: [&[u8]; 22] = [
    // How serde_json hands out a number where any crate of the program asks
    // for arbitrary precision (starlark does).
    b"$serde_json::private::Number",
    b"role",
    b"id",
    b"type",
    b"index",
    b"signature",
    b"data",
    b"encrypted_content",
    b"format",
    b"finish_reason",
    b"native_finish_reason",
    b"stop_reason",
    b"stop_sequence",
    b"stop_details",
    b"logprobs",
    b"citation",
    b"citations",
    b"tool_use_id",
    b"content_filter_results",
    b"thoughtSignature",
    b"mimeType",
    b"finishReason",
];

/// Containers that ordinary deltas have. Only these are walked into; anything
/// else is taken as a whole, which costs serde_json an allocation where it is
/// nested.
const WALKED: [&[u8]; 8] = [
    b"delta",
    b"message",
    b"tool_calls",
    b"function",
    b"function_call",
    b"reasoning_details",
    b"content_block",
    b"parts",
];

/// What was seen of a value that holds generated text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Skimmed {
    /// Elements, where it is a list.
    pub(crate) elements: Option<usize>,
    /// Bytes of text in it, as written: an escape counts in full.
    pub(crate) bytes: u64,
}

/// Reads a value of any shape and counts the text in it, without allocating
/// for the shapes that streams are made of.
pub(crate) struct Skim;

impl<'de> DeserializeSeed<'de> for Skim {
    type Value = Skimmed;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Skimmed, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Skim {
    type Value = Skimmed;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("any value")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Skimmed, M::Error> {
        let mut bytes = 0;
        while let Some(part) = map.next_key_seed(PartKey)? {
            bytes += match part {
                Part::Walked => map.next_value_seed(Skim)?.bytes,
                Part::Opaque => map.next_value::<serde::de::IgnoredAny>().map(|_| 0)?,
                Part::Text => text_bytes(map.next_value::<&RawValue>()?.get()),
            };
        }
        Ok(Skimmed {
            elements: None,
            bytes,
        })
    }

    fn visit_seq<S: SeqAccess<'de>>(self, mut list: S) -> Result<Skimmed, S::Error> {
        let mut elements = 0;
        let mut bytes = 0;
        while let Some(element) = list.next_element_seed(Skim)? {
            elements += 1;
            bytes += element.bytes;
        }
        Ok(Skimmed {
            elements: Some(elements),
            bytes,
        })
    }

    fn visit_str<E>(self, text: &str) -> Result<Skimmed, E> {
        Ok(Skimmed {
            elements: None,
            bytes: text.len() as u64,
        })
    }

    fn visit_unit<E>(self) -> Result<Skimmed, E> {
        Ok(Skimmed::default())
    }

    fn visit_bool<E>(self, _: bool) -> Result<Skimmed, E> {
        Ok(Skimmed::default())
    }

    fn visit_u64<E>(self, _: u64) -> Result<Skimmed, E> {
        Ok(Skimmed::default())
    }

    fn visit_i64<E>(self, _: i64) -> Result<Skimmed, E> {
        Ok(Skimmed::default())
    }

    fn visit_f64<E>(self, _: f64) -> Result<Skimmed, E> {
        Ok(Skimmed::default())
    }
}

enum Part {
    Walked,
    Opaque,
    Text,
}

struct PartKey;

impl<'de> DeserializeSeed<'de> for PartKey {
    type Value = Part;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Part, D::Error> {
        from.deserialize_str(self)
    }
}

impl Visitor<'_> for PartKey {
    type Value = Part;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<Part, E> {
        Ok(match key.as_bytes() {
            key if WALKED.contains(&key) => Part::Walked,
            key if OPAQUE.contains(&key) => Part::Opaque,
            _ => Part::Text,
        })
    }
}

/// Bytes of text in a piece of valid JSON, without recursion: its strings that
/// are neither keys nor values of [`OPAQUE`] keys.
pub(crate) fn text_bytes(raw: &str) -> u64 {
    let text = raw.as_bytes();
    let mut total = 0;
    let mut key: &[u8] = b"";
    let mut at = 0;
    while let Some(step) = text.get(at..).and_then(|rest| memchr::memchr(b'"', rest)) {
        let start = at + step + 1;
        let end = end_of_string(text, start);
        let string = text.get(start..end).unwrap_or_default();
        at = end + 1;
        let after = text.get(at..).unwrap_or_default().trim_ascii_start();
        if after.first() == Some(&b':') {
            key = string;
        } else if !OPAQUE.contains(&key) {
            total += string.len() as u64;
        }
    }
    total
}

#[cfg(test)]
mod tests {
    use super::*;

    fn skim(text: &str) -> Skimmed {
        let mut reader = serde_json::Deserializer::from_str(text);
        Skim.deserialize(&mut reader).unwrap()
    }

    #[test]
    fn generated_text_is_counted_and_nothing_else() {
        for (text, bytes) in [
            (r#"{"role":"assistant","content":"four"}"#, 4),
            (r#"{"content":null,"reasoning_content":"ab"}"#, 2),
            (
                r#"{"tool_calls":[{"index":0,"id":"call_1","type":"function","function":{"name":"f","arguments":"{\"a\""}}]}"#,
                7,
            ),
            (r#"{"type":"signature_delta","signature":"EqQB"}"#, 0),
            (r#"{"type":"text_delta","text":"é"}"#, 2),
            (r#"{"content":[{"type":"text","text":"abc"}]}"#, 3),
            (r#"{"content":"half \ud83d"}"#, 11),
            ("null", 0),
            ("1.5", 0),
            (r#""abc""#, 3),
        ] {
            assert_eq!(skim(text).bytes, bytes, "{text}");
            assert_eq!(text_bytes(text), bytes, "{text}");
        }
    }

    #[test]
    fn lists_say_how_long_they_are() {
        assert_eq!(skim("[]").elements, Some(0));
        assert_eq!(skim(r#"[{"delta":{}},{}]"#).elements, Some(2));
        assert_eq!(skim("{}").elements, None);
        assert_eq!(skim("null").elements, None);
    }
}
