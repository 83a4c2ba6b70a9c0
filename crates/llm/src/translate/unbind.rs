//! Takes out of a request what only its maker can use, for when somebody else
//! has to go on: signatures of thoughts and sealed reasoning.
//!
//! The rest of the request stays as it was written, also what is not known
//! here.

use super::Drop;
use super::member::member;
use super::raw::{Fault, Raw};
use crate::{BadRequest, Endpoint};

/// A request without what was bound to somebody else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unbound {
    /// The request.
    pub body: String,
    /// What was taken out of it.
    pub drops: Vec<Drop>,
}

/// What newer models of Gemini take for the signature of a call that has none.
pub(super) const NOT_SIGNED: &str = "skip_thought_signature_validator";

const SIGNATURES: &str = "dropped: signatures of the provider that the conversation moved from";
const SEALED: &str = "dropped: reasoning that only the account it moved from can read";
const NO_ROUND: &str = "dropped: a round of tools can't be thought on without its signed thoughts";

/// Takes out what is bound; none where nothing is.
///
/// # Errors
/// [`BadRequest`] where the conversation itself is kept by whoever served it:
/// `previous_response_id` and references to items.
pub fn unbind(endpoint: Endpoint, body: &[u8]) -> Result<Option<Unbound>, BadRequest> {
    let Ok(text) = std::str::from_utf8(body) else {
        return Ok(None);
    };
    let root = Raw::of(text);
    let mut cut = Cut::default();
    let done = match endpoint {
        Endpoint::Messages => cut.messages(root),
        Endpoint::Responses => cut.response(root),
        Endpoint::ChatCompletions => cut.chat(root),
        Endpoint::GenerateContent | Endpoint::StreamGenerateContent => cut.contents(root),
        _ => return Ok(None),
    };
    let body = done.map_err(|fault| fault.in_body(text))?;
    let path = |(at, words): (Raw<'_>, &'static str)| Drop {
        path: Fault::at(at, "").path(text),
        words,
    };
    let drops = cut.taken.into_iter().map(path).collect();
    Ok(body.map(|body| Unbound { body, drops }))
}

/// What was taken out, the first of each kind.
#[derive(Default)]
struct Cut<'a> {
    taken: Vec<(Raw<'a>, &'static str)>,
}

/// A value that is written anew; none where it stays as it is.
type Edited<'a> = Result<Option<String>, Fault<'a>>;

/// What becomes of an element or a member.
enum Fate {
    Stays,
    Goes,
    Becomes(String),
}

impl<'a> Cut<'a> {
    fn take(&mut self, at: Raw<'a>, why: &'static str) {
        if !self.taken.iter().any(|(_, known)| *known == why) {
            self.taken.push((at, why));
        }
    }

    /// Anthropic: blocks of thinking, whose signatures are its own.
    fn messages(&mut self, root: Raw<'a>) -> Edited<'a> {
        let turns = member(root, "messages");
        let last = turns.and_then(|turns| turns.elements().ok()?.last());
        let within = last.is_some_and(|turn| turn.get().contains(r#""tool_result""#));
        let edited = edit_members(root, |key, value| match key {
            "messages" => edit_list(value, |turn| {
                let mut is_empty = false;
                let edited = edit_members(turn, |key, content| match key {
                    "content" if content.is_list() => {
                        let edited = edit_list(content, |block| Ok(self.block(block)))?;
                        is_empty = edited.as_deref() == Some("[]");
                        Ok(changed(edited))
                    }
                    _ => Ok(Fate::Stays),
                })?;
                // A turn of nothing but thoughts is none without them.
                Ok(if is_empty {
                    Fate::Goes
                } else {
                    changed(edited)
                })
            })
            .map(changed),
            _ => Ok(Fate::Stays),
        })?;
        let Some(edited) = edited else {
            return Ok(None);
        };
        match member(root, "thinking").filter(|_| within) {
            None => Ok(Some(edited)),
            Some(thinking) => {
                self.take(thinking, NO_ROUND);
                let without = |key: &str, _: Raw<'_>| match key {
                    "thinking" => Ok(Fate::Goes),
                    _ => Ok(Fate::Stays),
                };
                let again = edit_members(Raw::of(&edited), without);
                Ok(again.ok().flatten().or(Some(edited)))
            }
        }
    }

    fn block(&mut self, block: Raw<'a>) -> Fate {
        let kind = block.member("type").map(Raw::get).unwrap_or_default();
        match kind {
            r#""thinking""# | r#""redacted_thinking""# => {
                self.take(block, SIGNATURES);
                Fate::Goes
            }
            _ => Fate::Stays,
        }
    }

    /// Responses: sealed reasoning, and the ids of items, which name what the
    /// account has stored.
    fn response(&mut self, root: Raw<'a>) -> Edited<'a> {
        for key in ["previous_response_id", "conversation"] {
            if let Some(kept) = member(root, key) {
                return Err(kept_there(kept));
            }
        }
        edit_members(root, |key, value| match key {
            "input" if value.is_list() => edit_list(value, |item| self.item(item)).map(changed),
            _ => Ok(Fate::Stays),
        })
    }

    fn item(&mut self, item: Raw<'a>) -> Result<Fate, Fault<'a>> {
        let kind = item.member("type").map(Raw::get).unwrap_or_default();
        match kind {
            r#""item_reference""# => Err(kept_there(item)),
            r#""reasoning""# => {
                self.take(item, SEALED);
                Ok(Fate::Goes)
            }
            _ => edit_members(item, |key, _| match key {
                "id" => Ok(Fate::Goes),
                _ => Ok(Fate::Stays),
            })
            .map(changed),
        }
    }

    /// Chat: the proofs that callers of it carry for others.
    fn chat(&mut self, root: Raw<'a>) -> Edited<'a> {
        edit_members(root, |key, value| match key {
            "messages" => edit_list(value, |turn| {
                edit_members(turn, |key, value| match key {
                    "reasoning_details" => {
                        self.take(value, SIGNATURES);
                        Ok(Fate::Goes)
                    }
                    "tool_calls" if value.is_list() => edit_list(value, |call| {
                        edit_members(call, |key, value| match key {
                            "extra_content" => {
                                self.take(value, SIGNATURES);
                                Ok(Fate::Goes)
                            }
                            _ => Ok(Fate::Stays),
                        })
                        .map(changed)
                    })
                    .map(changed),
                    _ => Ok(Fate::Stays),
                })
                .map(changed)
            })
            .map(changed),
            _ => Ok(Fate::Stays),
        })
    }

    /// Gemini: signatures of thoughts. That of a call must not be absent, so
    /// its documented stand-in takes its place.
    fn contents(&mut self, root: Raw<'a>) -> Edited<'a> {
        edit_members(root, |key, value| match key {
            "contents" if value.is_list() => edit_list(value, |turn| {
                edit_members(turn, |key, value| match key {
                    "parts" if value.is_list() => {
                        edit_list(value, |part| self.part(part)).map(changed)
                    }
                    _ => Ok(Fate::Stays),
                })
                .map(changed)
            })
            .map(changed),
            _ => Ok(Fate::Stays),
        })
    }

    fn part(&mut self, part: Raw<'a>) -> Result<Fate, Fault<'a>> {
        let calls = super::gemini::member(part, "function_call").is_some();
        edit_members(part, |key, value| {
            if !super::gemini::is(key, "thought_signature") {
                return Ok(Fate::Stays);
            }
            self.take(value, SIGNATURES);
            Ok(match calls {
                true => Fate::Becomes(format!("\"{NOT_SIGNED}\"")),
                false => Fate::Goes,
            })
        })
        .map(changed)
    }
}

fn kept_there(at: Raw<'_>) -> Fault<'_> {
    Fault::at(
        at,
        "found what the provider before keeps, which can't answer now",
    )
    .hinting("send the whole conversation, or try again later")
}

fn changed(edited: Option<String>) -> Fate {
    edited.map_or(Fate::Stays, Fate::Becomes)
}

/// Writes an object anew; none where every member stays. What is no object
/// stays as well.
fn edit_members<'a>(
    object: Raw<'a>,
    mut fate: impl FnMut(&str, Raw<'a>) -> Result<Fate, Fault<'a>>,
) -> Edited<'a> {
    let Ok(members) = object.members() else {
        return Ok(None);
    };
    let mut kept = Vec::new();
    let mut is_changed = false;
    for (key, value) in members {
        let text = match fate(&key, value)? {
            Fate::Stays => value.get().to_owned(),
            Fate::Goes => {
                is_changed = true;
                continue;
            }
            Fate::Becomes(text) => {
                is_changed = true;
                text
            }
        };
        kept.push(format!("{}:{text}", serde_json::Value::from(key.as_ref())));
    }
    Ok(is_changed.then(|| format!("{{{}}}", kept.join(","))))
}

/// The same of a list.
fn edit_list<'a>(
    list: Raw<'a>,
    mut fate: impl FnMut(Raw<'a>) -> Result<Fate, Fault<'a>>,
) -> Edited<'a> {
    let Ok(elements) = list.elements() else {
        return Ok(None);
    };
    let mut kept = Vec::new();
    let mut is_changed = false;
    for value in elements {
        match fate(value)? {
            Fate::Stays => kept.push(value.get().to_owned()),
            Fate::Goes => is_changed = true,
            Fate::Becomes(text) => {
                is_changed = true;
                kept.push(text);
            }
        }
    }
    Ok(is_changed.then(|| format!("[{}]", kept.join(","))))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn unbound(endpoint: Endpoint, body: &Value) -> (Value, Vec<String>) {
        let done = unbind(endpoint, body.to_string().as_bytes());
        let done = done.unwrap().unwrap();
        let drops = done.drops.iter().map(|drop| drop.path.clone()).collect();
        (serde_json::from_str(&done.body).unwrap(), drops)
    }

    #[test]
    fn a_conversation_that_moves_leaves_its_signed_thoughts() {
        let thought = json!({"type": "thinking", "thinking": "hm", "signature": "Eq"});
        let call = json!({"type": "tool_use", "id": "a", "name": "f", "input": {"signature": 1}});
        let body = json!({"model": "m", "new": [1], "thinking": {"type": "enabled"}, "messages": [
            {"role": "user", "content": "x"},
            {"role": "assistant", "content": [thought]},
            {"role": "assistant", "content": [thought, call]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "a"}]},
        ]});
        let (out, drops) = unbound(Endpoint::Messages, &body);
        assert_eq!(
            out,
            json!({"model": "m", "new": [1], "messages": [
                {"role": "user", "content": "x"},
                {"role": "assistant", "content": [call]},
                {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "a"}]},
            ]})
        );
        assert_eq!(drops, ["messages[1].content[0]", "thinking"]);
    }

    #[test]
    fn sealed_reasoning_and_ids_of_items_stay_behind() {
        let body = json!({"model": "m", "input": [
            {"role": "user", "content": "x"},
            {"type": "reasoning", "id": "rs_1", "encrypted_content": "gA", "summary": []},
            {"type": "function_call", "id": "fc_1", "call_id": "c", "name": "f", "arguments": "{}"},
        ]});
        let (out, drops) = unbound(Endpoint::Responses, &body);
        assert_eq!(
            out["input"][1],
            json!({"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"})
        );
        assert_eq!(drops, ["input[1]"]);
        let stored = json!({"model": "m", "previous_response_id": "resp_1", "input": "x"});
        let fault = unbind(Endpoint::Responses, stored.to_string().as_bytes()).unwrap_err();
        assert_eq!(fault.param.as_deref(), Some("previous_response_id"));
    }

    #[test]
    fn thought_signatures_of_calls_get_a_stand_in() {
        let body = json!({"contents": [{"role": "model", "parts": [
            {"text": "x", "thought_signature": "a"},
            {"functionCall": {"name": "f"}, "thoughtSignature": "b"}]}]});
        let (out, drops) = unbound(Endpoint::GenerateContent, &body);
        assert_eq!(
            out["contents"][0]["parts"],
            json!([{"text": "x"}, {"functionCall": {"name": "f"}, "thoughtSignature": NOT_SIGNED}])
        );
        assert_eq!(drops, ["contents[0].parts[0].thought_signature"]);
    }

    #[test]
    fn what_is_not_bound_is_not_touched() {
        let chat = json!({"messages": [{"role": "user", "content": "\"signature\""}]});
        let bytes = chat.to_string();
        for endpoint in Endpoint::ALL {
            assert_eq!(unbind(endpoint, bytes.as_bytes()), Ok(None));
            assert_eq!(unbind(endpoint, b"[1]"), Ok(None));
        }
        let signed = json!({"messages": [{"role": "assistant", "reasoning_details": [{"signature": "x"}],
            "tool_calls": [{"id": "a", "extra_content": {"google": {}}}]}]});
        let (out, _) = unbound(Endpoint::ChatCompletions, &signed);
        assert_eq!(
            out["messages"][0],
            json!({"role": "assistant", "tool_calls": [{"id": "a"}]})
        );
    }
}
