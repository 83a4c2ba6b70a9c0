//! The two wire formats, as far as a fake provider speaks them: bodies and
//! events, no HTTP.

mod anthropic;
mod openai;

use crate::received::Received;
use bytes::Bytes;
use serde_json::{Value, json};

/// Input tokens that every fake answer reports.
pub const INPUT_TOKENS: u64 = 11;

/// Which provider is faked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wire {
    /// OpenAI: chat, completions, embeddings, models.
    OpenAi,
    /// Anthropic: messages, count_tokens, models.
    Anthropic,
}

/// What a path asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ask {
    Chat,
    Completion,
    Embedding,
    Message,
    CountTokens,
    Models,
    Unknown,
}

/// A stream taken apart, so that a script can break it at a joint.
pub(crate) struct Parts {
    /// Goes out together with the first content event.
    pub(crate) opening: Vec<Bytes>,
    pub(crate) content: Vec<Bytes>,
    /// Finish reason, usage, terminator.
    pub(crate) ending: Vec<Bytes>,
}

/// What an answer says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Saying {
    Words(usize),
    ToolCalls,
}

impl Wire {
    /// As `wire = "…"` in the configuration.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OpenAi => "openai",
            Self::Anthropic => "anthropic",
        }
    }

    pub(crate) fn ask(self, request: &Received) -> Ask {
        let path = request.path().trim_start_matches("/v1");
        match (self, path) {
            (Self::OpenAi, "/chat/completions") => Ask::Chat,
            (Self::OpenAi, "/completions") => Ask::Completion,
            (Self::OpenAi, "/embeddings") => Ask::Embedding,
            (Self::Anthropic, "/messages") => Ask::Message,
            (Self::Anthropic, "/messages/count_tokens") => Ask::CountTokens,
            (_, "/models") => Ask::Models,
            _ => Ask::Unknown,
        }
    }

    pub(crate) fn whole(self, request: &Received, saying: Saying) -> Bytes {
        let ask = self.ask(request);
        let model = request.model();
        bytes(&match self {
            Self::OpenAi => openai::whole(ask, &model, saying),
            Self::Anthropic => anthropic::whole(ask, &model, saying),
        })
    }

    /// `usage` false: the stream says nothing about tokens.
    pub(crate) fn stream(self, request: &Received, saying: Saying, usage: bool) -> Parts {
        let model = request.model();
        match self {
            Self::OpenAi => openai::stream(
                self.ask(request),
                &model,
                saying,
                usage && request.wants_usage(),
            ),
            Self::Anthropic => anthropic::stream(&model, saying, usage),
        }
    }

    pub(crate) fn models(self, names: &[String]) -> Bytes {
        bytes(&match self {
            Self::OpenAi => openai::models(names),
            Self::Anthropic => anthropic::models(names),
        })
    }

    /// An error inside a stream, as an event.
    pub(crate) fn error_event(self) -> Vec<Bytes> {
        match self {
            Self::OpenAi => openai::error_event(),
            Self::Anthropic => anthropic::error_event(),
        }
    }

    /// An error as a body, under whatever status.
    pub(crate) fn error_body(
        self,
        status: u16,
        kind: &str,
        code: Option<&str>,
        message: &str,
    ) -> Bytes {
        bytes(&match self {
            Self::OpenAi => openai::error(kind, code, message),
            Self::Anthropic => anthropic::error(anthropic::kind_of(status, kind), message),
        })
    }

    /// One event whose `data` is given; event name as a content event's.
    pub(crate) fn content_event(self, data: &[u8]) -> Bytes {
        let name: &[u8] = match self {
            Self::OpenAi => b"",
            Self::Anthropic => b"event: content_block_delta\n",
        };
        [name, b"data: ", data, b"\n\n"].concat().into()
    }

    /// The data of a content event up to where its text begins.
    pub(crate) const fn content_prefix(self) -> &'static str {
        match self {
            Self::OpenAi => {
                r#"{"id":"chatcmpl-fake","object":"chat.completion.chunk","created":1700000000,"model":"fake-model","choices":[{"index":0,"delta":{"content":""#
            }
            Self::Anthropic => {
                r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":""#
            }
        }
    }

    /// The data of a content event from where its text ends.
    pub(crate) const fn content_suffix(self) -> &'static str {
        match self {
            Self::OpenAi => r#""},"finish_reason":null}]}"#,
            Self::Anthropic => r#""}}"#,
        }
    }
}

/// `word0 word1 …`, one piece per event.
fn words(count: usize) -> impl Iterator<Item = String> {
    (0..count).map(|index| format!("word{index} "))
}

/// The two calls of [`crate::Script::ToolCalls`]: id, name, and the arguments
/// in the fragments that a stream sends (one splits inside a string).
const TOOL_CALLS: [(&str, &str, [&str; 2]); 2] = [
    ("call_weather", "get_weather", ["{\"city\":\"Zü", "rich\"}"]),
    ("call_time", "get_time", ["{\"zone\":", "\"CET\"}"]),
];

fn saying_tokens(saying: Saying) -> u64 {
    match saying {
        Saying::Words(words) => words as u64,
        Saying::ToolCalls => 20,
    }
}

fn bytes(value: &Value) -> Bytes {
    serde_json::to_vec(value)
        .expect("JSON values can be written")
        .into()
}

fn event(name: Option<&str>, value: &Value) -> Bytes {
    let name = name
        .map(|name| format!("event: {name}\n"))
        .unwrap_or_default();
    format!("{name}data: {value}\n\n").into()
}

/// What both dialects answer to a path that they don't know.
fn unknown() -> Value {
    json!({"error": {"message": "no such path", "type": "invalid_request_error"}})
}
