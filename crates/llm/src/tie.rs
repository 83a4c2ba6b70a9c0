//! What ties a conversation to the credential that serves it.
//!
//! Signatures, encrypted reasoning and stored responses mean something to the
//! account that made them only, and a prompt cache is warm in one place. A
//! request that carries them has to go where the turns before it went.

use std::borrow::Cow;
use std::hash::Hasher;
use std::sync::LazyLock;

use aho_corasick::AhoCorasick;
use memchr::memmem;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::json::end_of_string;

/// Marks of a turn that was made by one account, or is cached there.
const TIES: [&str; 6] = [
    r#""signature""#,
    r#""encrypted_content""#,
    r#""cache_control""#,
    r#""previous_response_id""#,
    r#""thoughtSignature""#,
    r#""thought_signature""#,
];

/// Marks of a request whose answer may be tied.
const STARTS: [&str; 4] = [
    r#""thinking""#,
    r#""thinkingConfig""#,
    r#""reasoning""#,
    r#""prompt_cache_key""#,
];

/// Turns in which the first one of the user is looked for: instructions may
/// stand before it.
const OPENING: usize = 4;

/// What a request's body says of the conversation that it belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tie {
    /// Nothing: any credential may serve it.
    Loose,
    /// It may be the first of a conversation that will be tied. Anyone may
    /// serve it; who did has to be remembered under this key.
    Opens(u64),
    /// It continues such a conversation.
    Continues(u64),
}

/// Reads what ties a request. The key is made of the hasher, which should hold
/// already whose conversation it is, and of the first turn of the user: what
/// clients send along in every request, while marks for caches wander and
/// instructions may hold the time of day.
///
/// Costs one pass that looks for marks; only a request that has some is read
/// any further.
pub fn tie(body: &[u8], hasher: impl Hasher) -> Tie {
    static MARKS: LazyLock<Option<AhoCorasick>> =
        LazyLock::new(|| AhoCorasick::new(TIES.iter().chain(&STARTS)).ok());
    let Some(marks) = &*MARKS else {
        return Tie::Loose;
    };
    let mut found = marks
        .find_iter(body)
        .map(|found| found.pattern().as_usize());
    let Some(first) = found.next() else {
        return Tie::Loose;
    };
    let tied = first < TIES.len() || found.any(|mark| mark < TIES.len());
    read(body, hasher, tied).unwrap_or(Tie::Loose)
}

/// The key of a stored response, which may be continued by its id.
pub fn tie_of_response(id: &str, mut hasher: impl Hasher) -> u64 {
    hasher.write(b"response");
    hasher.write(id.as_bytes());
    hasher.finish()
}

/// The id of a stored response, from the beginning of its answer or of its
/// stream.
pub fn response_id(answer: &[u8]) -> Option<&str> {
    let answer = answer.get(..4096).unwrap_or(answer);
    let start = memmem::find(answer, br#""resp_"#)? + 1;
    let end = end_of_string(answer, start);
    std::str::from_utf8(answer.get(start..end)?)
        .ok()
        .filter(|id| id.len() <= 256)
}

#[derive(Deserialize)]
struct Turns<'b> {
    #[serde(borrow, alias = "input", alias = "contents")]
    messages: Option<&'b RawValue>,
    #[serde(borrow)]
    previous_response_id: Option<Cow<'b, str>>,
}

#[derive(Deserialize)]
struct Turn<'b> {
    #[serde(borrow)]
    role: Option<Cow<'b, str>>,
}

fn read(body: &[u8], mut hasher: impl Hasher, tied: bool) -> Option<Tie> {
    let turns: Turns<'_> = serde_json::from_slice(body).ok()?;
    if let Some(id) = turns.previous_response_id.filter(|id| !id.is_empty()) {
        return Some(Tie::Continues(tie_of_response(&id, hasher)));
    }
    let messages = turns.messages?;
    let Ok(list) = serde_json::from_str::<Vec<&RawValue>>(messages.get()) else {
        // One text is one turn.
        hash_texts(messages.get(), &mut hasher);
        return Some(Tie::Opens(hasher.finish()));
    };
    let is_users = |turn: &&RawValue| {
        let turn = serde_json::from_str::<Turn<'_>>(turn.get()).ok();
        turn.and_then(|turn| turn.role).as_deref() == Some("user")
    };
    let at = list.iter().take(OPENING).position(is_users)?;
    hash_texts(list[at].get(), &mut hasher);
    let key = hasher.finish();
    Some(match tied && at + 1 < list.len() {
        true => Tie::Continues(key),
        false => Tie::Opens(key),
    })
}

/// Hashes the texts of a turn: its strings that are neither keys, nor kinds,
/// nor marks.
fn hash_texts(turn: &str, hasher: &mut impl Hasher) {
    let text = turn.as_bytes();
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
        } else if !matches!(key, b"type" | b"ttl" | b"id" | b"role") {
            hasher.write(string);
            hasher.write_u8(0xff);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::hash::DefaultHasher;

    use serde_json::{Value, json};

    use super::*;

    fn of(body: &Value) -> Tie {
        tie(body.to_string().as_bytes(), DefaultHasher::new())
    }

    fn key(tie: Tie) -> u64 {
        match tie {
            Tie::Opens(key) | Tie::Continues(key) => key,
            Tie::Loose => panic!("loose"),
        }
    }

    #[test]
    fn a_plain_request_is_loose_whatever_its_texts_say() {
        let plain = json!({"model": "m", "messages": [
            {"role": "user", "content": "what is a \"signature\" of \"thinking\"?"},
            {"role": "assistant", "content": "\"cache_control\": a mark"},
            {"role": "user", "content": "and?"},
        ]});
        assert_eq!(of(&plain), Tie::Loose);
        assert_eq!(
            tie(b"no json with \"signature\"", DefaultHasher::new()),
            Tie::Loose
        );
    }

    #[test]
    fn anthropic_turns_are_tied_by_thinking_and_by_marks_that_wander() {
        let first = json!({"model": "m", "thinking": {"type": "enabled"}, "system": "it is 10:01", "messages": [
            {"role": "user", "content": [{"type": "text", "text": "hello", "cache_control": {"type": "ephemeral", "ttl": "1h"}}]},
        ]});
        let opens = of(&first);
        assert!(matches!(opens, Tie::Opens(_)), "{opens:?}");
        let second = json!({"model": "m", "system": "it is 10:02", "messages": [
            {"role": "user", "content": [{"type": "text", "text": "hello"}]},
            {"role": "assistant", "content": [{"type": "thinking", "thinking": "…", "signature": "EqQB"}]},
            {"role": "user", "content": [{"type": "text", "text": "go on", "cache_control": {"type": "ephemeral"}}]},
        ]});
        let continues = of(&second);
        assert!(matches!(continues, Tie::Continues(_)), "{continues:?}");
        assert_eq!(key(opens), key(continues));
        let mut other = second;
        other["messages"][0]["content"][0]["text"] = "hullo".into();
        assert_ne!(key(of(&other)), key(opens));
    }

    #[test]
    fn openai_and_gemini_turns_are_tied_too() {
        let chat = json!({"messages": [
            {"role": "system", "content": "be brief"},
            {"role": "user", "content": "hello"},
            {"role": "assistant", "reasoning_details": [{"signature": "x"}]},
        ]});
        assert!(matches!(of(&chat), Tie::Continues(_)));
        let first = json!({"reasoning": {"effort": "low"}, "input": "hello"});
        assert!(matches!(of(&first), Tie::Opens(_)));
        let item = json!({"input": [
            {"role": "user", "content": [{"type": "input_text", "text": "hello"}]},
            {"type": "reasoning", "encrypted_content": "gAAA"},
        ]});
        assert!(matches!(of(&item), Tie::Continues(_)));
        let gemini = json!({"contents": [
            {"role": "user", "parts": [{"text": "hello"}]},
            {"role": "model", "parts": [{"functionCall": {"name": "f"}, "thoughtSignature": "x"}]},
        ]});
        assert!(matches!(of(&gemini), Tie::Continues(_)));
    }

    #[test]
    fn a_stored_response_is_continued_by_its_id() {
        let next = json!({"previous_response_id": "resp_1", "input": "and?"});
        let key = tie_of_response("resp_1", DefaultHasher::new());
        assert_eq!(of(&next), Tie::Continues(key));
        let event = br#"event: response.created
data: {"type":"response.created","response":{"id":"resp_1","object":"response"}}"#;
        assert_eq!(response_id(event), Some("resp_1"));
        assert_eq!(response_id(br#"{"id":"chatcmpl-1"}"#), None);
    }
}
