use std::borrow::Cow;

use crate::BadRequest;
use crate::json::{end_of_string, kind, span};

/// One JSON value as it stands in a text that was checked to be JSON: reading
/// goes on only where something is looked for, and nothing is copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Raw<'a>(&'a str);

/// What stands in a JSON string, escapes as they were written.
///
/// Text goes from one dialect to the other without being unescaped: half a
/// surrogate pair at the end of a delta stays what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Text<'a>(pub(super) Cow<'a, str>);

/// Something that can't be read or can't be said in the other dialect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault<'a> {
    /// The value at fault, a part of the body.
    place: Raw<'a>,
    /// A member of it that is absent.
    key: &'static str,
    words: Cow<'static, str>,
    hint: Option<&'static str>,
}

impl<'a> Fault<'a> {
    pub(super) fn at(place: Raw<'a>, words: impl Into<Cow<'static, str>>) -> Self {
        Self {
            place,
            key: "",
            words: words.into(),
            hint: None,
        }
    }

    #[must_use]
    pub(super) const fn hinting(mut self, hint: &'static str) -> Self {
        self.hint = Some(hint);
        self
    }

    /// A member that must be there and is not.
    pub(super) fn absent(place: Raw<'a>, key: &'static str, expected: &str) -> Self {
        Self {
            place,
            key,
            words: format!("found nothing, expected {expected}").into(),
            hint: None,
        }
    }

    /// The fault in the caller's words, with the path of the field.
    pub(super) fn in_body(&self, body: &str) -> BadRequest {
        let path = self.path(body);
        let mut fault = match path.is_empty() {
            true => BadRequest::body(&self.words),
            false => BadRequest::at(&path, &self.words),
        };
        fault.hint = self.hint;
        fault
    }

    /// Where it stands, such as `messages[3].content[0].type`.
    pub(super) fn path(&self, body: &str) -> String {
        let mut path = locate(body, self.place.0);
        if !self.key.is_empty() {
            path.push_str(if path.is_empty() { "" } else { "." });
            path.push_str(self.key);
        }
        path
    }

    /// What the fault is, without its place.
    pub(super) fn words(&self) -> &str {
        &self.words
    }
}

impl<'a> Raw<'a> {
    /// The value that a text is.
    pub(super) fn of(text: &'a str) -> Self {
        Self(text.trim_ascii())
    }

    pub(super) const fn get(self) -> &'a str {
        self.0
    }

    pub(super) fn is_null(self) -> bool {
        self.0 == "null"
    }

    pub(super) fn is_object(self) -> bool {
        self.0.starts_with('{')
    }

    pub(super) fn is_list(self) -> bool {
        self.0.starts_with('[')
    }

    pub(super) fn is_string(self) -> bool {
        self.0.starts_with('"')
    }

    /// The members of an object, in order.
    pub(super) fn members(self) -> Result<Members<'a>, Fault<'a>> {
        match self.is_object() {
            true => Ok(Members(Cursor {
                text: self.0,
                at: 1,
            })),
            false => Err(self.found("an object")),
        }
    }

    /// One member of an object; the last one where it stands twice.
    pub(super) fn member(self, key: &str) -> Option<Raw<'a>> {
        let found = self.members().ok()?.filter(|(name, _)| name == key).last();
        found.map(|(_, value)| value)
    }

    pub(super) fn elements(self) -> Result<Elements<'a>, Fault<'a>> {
        match self.is_list() {
            true => Ok(Elements(Cursor {
                text: self.0,
                at: 1,
            })),
            false => Err(self.found("a list")),
        }
    }

    pub(super) fn text(self) -> Result<Text<'a>, Fault<'a>> {
        let inner = self.0.strip_prefix('"').and_then(|it| it.strip_suffix('"'));
        match inner {
            Some(inner) => Ok(Text(Cow::Borrowed(inner))),
            None => Err(self.found("a string")),
        }
    }

    /// A string with its escapes resolved.
    pub(super) fn string(self) -> Result<Cow<'a, str>, Fault<'a>> {
        let inner = self.text()?;
        let Cow::Borrowed(inner) = inner.0 else {
            return Err(self.found("a string"));
        };
        unescaped(inner).ok_or_else(|| Fault::at(self, "found a broken escape, expected text"))
    }

    pub(super) fn flag(self) -> Result<bool, Fault<'a>> {
        match self.0 {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err(self.found("a boolean")),
        }
    }

    pub(super) fn number(self) -> Result<Raw<'a>, Fault<'a>> {
        match self.0.as_bytes().first() {
            Some(b'-' | b'0'..=b'9') => Ok(self),
            _ => Err(self.found("a number")),
        }
    }

    pub(super) fn count(self) -> Result<u64, Fault<'a>> {
        let whole = self.0.parse().ok();
        let float = || self.0.parse().ok().filter(|it: &f64| *it >= 0.0);
        whole
            .or_else(|| float().map(|it| it as u64))
            .ok_or_else(|| self.found("a whole number"))
    }

    /// The fault that something else was expected here.
    pub(super) fn found(self, expected: &str) -> Fault<'a> {
        Fault::at(self, format!("found {}, expected {expected}", kind(self.0)))
    }

    /// The fault that a word is not one of those known; shows it only where it
    /// is short and plain.
    pub(super) fn unknown_word(self, expected: &str) -> Fault<'a> {
        let word = self.0.trim_matches('"');
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
        if !self.is_string() || word.len() > 64 || !word.bytes().all(plain) {
            return self.found(expected);
        }
        Fault::at(self, format!("found `{word}`, expected {expected}"))
    }
}

impl<'a> Text<'a> {
    /// Text from a string whose quotes are known to be there.
    pub(super) const fn lent(inner: &'a str) -> Self {
        Self(Cow::Borrowed(inner))
    }

    /// Text that was not written as JSON yet.
    pub(super) fn of(plain: &str) -> Text<'static> {
        let quoted = serde_json::Value::from(plain).to_string();
        Text(Cow::Owned(quoted[1..quoted.len() - 1].to_owned()))
    }

    pub(super) fn get(&self) -> &str {
        &self.0
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// With its escapes resolved; none where one is broken.
    pub(super) fn plain(&self) -> Option<Cow<'_, str>> {
        unescaped(self.get())
    }
}

fn unescaped(inner: &str) -> Option<Cow<'_, str>> {
    if memchr::memchr(b'\\', inner.as_bytes()).is_none() {
        return Some(Cow::Borrowed(inner));
    }
    let owned = serde_json::from_str(&format!("\"{inner}\"")).ok();
    owned.map(Cow::Owned)
}

/// The way through a JSON object or list.
struct Cursor<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Cursor<'a> {
    /// Goes past blanks and separators.
    fn skip(&mut self) {
        let bytes = self.text.as_bytes();
        while let Some(b' ' | b'\t' | b'\r' | b'\n' | b',' | b':') = bytes.get(self.at) {
            self.at += 1;
        }
    }

    fn value(&mut self) -> Option<Raw<'a>> {
        self.skip();
        let start = self.at;
        let end = value_end(self.text.as_bytes(), start);
        self.at = end;
        let value = self.text.get(start..end).filter(|it| !it.is_empty())?;
        Some(Raw(value))
    }
}

/// The members of an object: key, escapes resolved, and value.
pub(super) struct Members<'a>(Cursor<'a>);

impl<'a> Iterator for Members<'a> {
    type Item = (Cow<'a, str>, Raw<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        let key = self.0.value()?.string().ok()?;
        let value = self.0.value()?;
        Some((key, value))
    }
}

/// The elements of a list.
pub(super) struct Elements<'a>(Cursor<'a>);

impl<'a> Iterator for Elements<'a> {
    type Item = Raw<'a>;

    fn next(&mut self) -> Option<Raw<'a>> {
        self.0.value()
    }
}

/// Offset behind the value that begins at `start`; `start` itself where none
/// does.
fn value_end(text: &[u8], start: usize) -> usize {
    let mut depth = 0_usize;
    let mut at = start;
    while let Some(byte) = text.get(at) {
        match byte {
            b'"' => at = end_of_string(text, at + 1),
            b'{' | b'[' => depth += 1,
            b'}' | b']' if depth == 0 => return at,
            b'}' | b']' => depth -= 1,
            b',' | b':' | b' ' | b'\t' | b'\r' | b'\n' if depth == 0 => return at,
            _ if depth == 0 => {
                at += 1;
                continue;
            }
            _ => {}
        }
        at += 1;
        if depth == 0 {
            return at.min(text.len());
        }
    }
    text.len()
}

/// Most objects that a text may have. What is read of an object takes more
/// memory than the smallest ones take in a body, and this bounds it.
pub(super) const MOST_OBJECTS: usize = 100_000;

/// Whether a text has more objects than anybody needs.
pub(super) fn is_crowded(text: &str) -> bool {
    let bytes = text.as_bytes();
    let mut left = MOST_OBJECTS;
    let mut at = 0;
    while let Some(step) = bytes
        .get(at..)
        .and_then(|rest| memchr::memchr2(b'"', b'{', rest))
    {
        at += step + 1;
        if bytes[at - 1] == b'"' {
            at = end_of_string(bytes, at) + 1;
        } else if left == 0 {
            return true;
        } else {
            left -= 1;
        }
    }
    false
}

/// The path of a part of a body, such as `messages[3].content[0].type`.
fn locate(body: &str, part: &str) -> String {
    let base = body.as_ptr().addr();
    let inside = base..=base + body.len();
    let mut path = String::new();
    if !inside.contains(&part.as_ptr().addr()) {
        return path;
    }
    let target = span(body, part);
    let mut here = Raw::of(body);
    while span(body, here.0) != target {
        let holds = |value: Raw<'_>| span(body, value.0).contains(&target.start);
        let next = if here.is_list() {
            let Ok(elements) = here.elements() else { break };
            elements
                .enumerate()
                .find_map(|(index, value)| holds(value).then(|| (format!("[{index}]"), value)))
        } else {
            let Ok(members) = here.members() else { break };
            members.into_iter().find_map(|(key, value)| {
                let key: String = key.chars().take(64).collect();
                holds(value).then_some((key, value))
            })
        };
        let Some((step, value)) = next else { break };
        if !path.is_empty() && !step.starts_with('[') {
            path.push('.');
        }
        path.push_str(&step);
        here = value;
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_found_as_they_stand() {
        let raw = Raw::of(r#" {"a" : [1, -2.50 ,"x,\"y"] , "b\u0063":{"d":{}} ,"e":null} "#);
        let members: Vec<_> = raw.members().unwrap().collect();
        let keys: Vec<&str> = members.iter().map(|(key, _)| key.as_ref()).collect();
        assert_eq!(keys, ["a", "bc", "e"]);
        let elements = members[0].1.elements().unwrap();
        let elements: Vec<&str> = elements.map(Raw::get).collect();
        assert_eq!(elements, ["1", "-2.50", r#""x,\"y""#]);
        assert_eq!(members[1].1.get(), r#"{"d":{}}"#);
        assert!(Raw::of("{}").members().unwrap().next().is_none());
        assert!(Raw::of("[]").elements().unwrap().next().is_none());
    }

    #[test]
    fn broken_text_ends_and_never_panics() {
        for text in [
            "", "{", "[", r#"{""#, r#"{"a"#, r#"{"a":"#, "[1,", "[\"\\", "]", "{]", "\"",
        ] {
            let raw = Raw::of(text);
            for found in raw.members().into_iter().flatten() {
                assert!(!found.1.get().is_empty());
            }
            assert!(raw.elements().into_iter().flatten().count() < 3, "{text}");
            assert!(raw.text().is_err() || text == "\"\"", "{text}");
        }
    }

    #[test]
    fn too_many_objects_are_seen_and_text_is_none() {
        let many = |count| format!("[\"{{{{\\\"{{\"{}]", ",{}".repeat(count));
        assert!(!is_crowded(&many(MOST_OBJECTS)));
        assert!(is_crowded(&many(MOST_OBJECTS + 1)));
        assert!(!is_crowded(&"{".repeat(MOST_OBJECTS)));
    }

    #[test]
    fn a_fault_names_its_path() {
        let body = r#" {"messages": [{"role":"user"}, {"content":[{"type":5}]}]}"#;
        let messages = Raw::of(body).member("messages").unwrap();
        let second = messages.elements().unwrap().nth(1).unwrap();
        let content = second.member("content").unwrap();
        let kind = content.elements().unwrap().next().unwrap();
        let fault = kind.member("type").unwrap().text().unwrap_err();
        let fault = fault.in_body(body);
        assert_eq!(fault.param.as_deref(), Some("messages[1].content[0].type"));
        assert_eq!(
            fault.message,
            "messages[1].content[0].type: found a number, expected a string"
        );
        let fault = Fault::absent(second, "role", "`user`").in_body(body);
        assert_eq!(fault.param.as_deref(), Some("messages[1].role"));
    }
}
