//! What a request is about, for a person who decides about it.

use super::conversation::{Kind, Role, Turn};
use super::raw::{self, Raw};
use super::read;
use crate::Endpoint;

/// A conversation in short.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Gist {
    /// How many messages it has.
    pub messages: usize,
    /// Names of the tools that the model is told of.
    pub tools: Vec<String>,
    /// The last that its user says, whole.
    pub words: Option<String>,
}

/// The gist of a request; none where the endpoint holds no conversation, or
/// where it can't be read as one. Linear in the body's length.
pub fn gist(endpoint: Endpoint, body: &[u8]) -> Option<Gist> {
    let text = std::str::from_utf8(body).ok()?;
    if raw::is_crowded(text) {
        return None;
    }
    let conversation = read(endpoint, Raw::of(text)).ok()?;
    let tools = conversation.tools.iter();
    let users = conversation.turns.iter().rev();
    Some(Gist {
        messages: conversation.turns.len(),
        tools: tools
            .filter_map(|tool| tool.name.plain())
            .map(Into::into)
            .collect(),
        words: users.filter(|turn| turn.role == Role::User).find_map(said),
    })
}

/// What somebody says in a turn; none where a tool's result is all of it.
fn said(turn: &Turn<'_>) -> Option<String> {
    let texts = turn.parts.iter().filter_map(|part| match &part.kind {
        Kind::Text(text) => text.plain(),
        _ => None,
    });
    let texts: Vec<_> = texts.collect();
    (!texts.is_empty()).then(|| texts.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_words_of_the_user_and_the_tools_are_found_in_every_dialect() {
        let chat = r#"{"model":"m","messages":[{"role":"user","content":"first"},
            {"role":"assistant","content":"yes"},
            {"role":"user","content":[{"type":"text","text":"now\u0020go"}]}],
            "tools":[{"type":"function","function":{"name":"bash","parameters":{}}}]}"#;
        let messages = r#"{"model":"m","max_tokens":9,"messages":[
            {"role":"user","content":"now go"},
            {"role":"assistant","content":[{"type":"tool_use","id":"t","name":"bash","input":{}}]},
            {"role":"user","content":[{"type":"tool_result","tool_use_id":"t","content":"done"}]}],
            "tools":[{"name":"bash","input_schema":{"type":"object"}}]}"#;
        let responses = r#"{"model":"m","input":[{"role":"user","content":"now go"}],
            "tools":[{"type":"function","name":"bash","parameters":{}}]}"#;
        let gemini = r#"{"contents":[{"role":"user","parts":[{"text":"now go"}]}],
            "tools":[{"functionDeclarations":[{"name":"bash"}]}]}"#;
        for (endpoint, body, messages) in [
            (Endpoint::ChatCompletions, chat, 3),
            (Endpoint::Messages, messages, 3),
            (Endpoint::Responses, responses, 1),
            (Endpoint::GenerateContent, gemini, 1),
        ] {
            let found = gist(endpoint, body.as_bytes());
            let expected = Gist {
                messages,
                tools: vec!["bash".into()],
                words: Some("now go".into()),
            };
            assert_eq!(found, Some(expected), "{endpoint:?}");
        }
    }

    #[test]
    fn what_is_no_conversation_has_no_gist() {
        for body in ["", "{", "[]", r#"{"messages":7}"#, "\u{0}"] {
            assert_eq!(gist(Endpoint::ChatCompletions, body.as_bytes()), None);
        }
        assert_eq!(gist(Endpoint::Embeddings, br#"{"input":"x"}"#), None);
    }
}
