//! The wire formats, as far as a fake provider speaks them: bodies and
//! events, no HTTP.

mod anthropic;
mod gemini;
mod openai;
mod responses;

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
    /// OpenAI, where what it streams are responses.
    Responses,
    /// Gemini: generateContent, streams as events, countTokens, embedContent.
    Gemini,
    /// Gemini, where streams are asked for as a JSON array; the provider is
    /// the same.
    GeminiArray,
}

/// What a path asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ask {
    Chat,
    Completion,
    Embedding,
    Message,
    CountTokens,
    Response,
    InputTokens,
    Content,
    GeminiCount,
    Embed,
    BatchEmbed,
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
    Thinking,
}

/// What a fake provider thinks.
pub const THOUGHT: &str = "Let me see.";

/// How it proves that it thought so; base64 that no reader would write the
/// same way again.
pub const PROOF: &str = "gAAAAB-CiQ_VKhc7rM+/w==";

impl Wire {
    /// As `wire = "…"` in the configuration.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OpenAi | Self::Responses => "openai",
            Self::Anthropic => "anthropic",
            Self::Gemini | Self::GeminiArray => "gemini",
        }
    }

    /// Whether it is OpenAI's, chat or responses.
    #[must_use]
    pub const fn is_openai(self) -> bool {
        matches!(self, Self::OpenAi | Self::Responses)
    }

    /// Whether it is Gemini's, however it streams.
    #[must_use]
    pub const fn is_gemini(self) -> bool {
        matches!(self, Self::Gemini | Self::GeminiArray)
    }

    /// How this request wants to be answered by a provider of this wire.
    pub(crate) fn asked_by(self, request: &Received) -> Self {
        match self {
            Self::Gemini if request.wants_stream() && !request.target.contains("alt=sse") => {
                Self::GeminiArray
            }
            wire => wire,
        }
    }

    /// `content-type` of a stream.
    pub(crate) const fn stream_type(self) -> &'static str {
        match self {
            Self::GeminiArray => "application/json; charset=UTF-8",
            _ => "text/event-stream; charset=utf-8",
        }
    }

    pub(crate) fn ask(self, request: &Received) -> Ask {
        let path = request.path().trim_start_matches("/v1");
        match (self, path) {
            (Self::OpenAi, "/chat/completions") => Ask::Chat,
            (Self::OpenAi, "/completions") => Ask::Completion,
            (Self::OpenAi, "/embeddings") => Ask::Embedding,
            (Self::OpenAi | Self::Responses, "/responses") => Ask::Response,
            (Self::OpenAi | Self::Responses, "/responses/input_tokens") => Ask::InputTokens,
            (Self::Gemini | Self::GeminiArray, path) if path.contains(':') => gemini_ask(path),
            (Self::Gemini | Self::GeminiArray, "beta/models") => Ask::Models,
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
            Self::OpenAi | Self::Responses => responses::whole(ask, &model, saying),
            Self::Anthropic => anthropic::whole(ask, &model, saying),
            Self::Gemini | Self::GeminiArray => gemini::whole(ask, &model, saying),
        })
    }

    /// `usage` false: the stream says nothing about tokens.
    pub(crate) fn stream(self, request: &Received, saying: Saying, usage: bool) -> Parts {
        let model = request.model();
        match self {
            Self::OpenAi | Self::Responses if self.ask(request) == Ask::Response => {
                responses::stream(&model, saying, usage)
            }
            Self::OpenAi | Self::Responses => openai::stream(
                self.ask(request),
                &model,
                saying,
                usage && request.wants_usage(),
            ),
            Self::Anthropic => anthropic::stream(&model, saying, usage),
            Self::Gemini => gemini::stream(&model, saying, usage, false),
            Self::GeminiArray => gemini::stream(&model, saying, usage, true),
        }
    }

    pub(crate) fn models(self, names: &[String]) -> Bytes {
        bytes(&match self {
            Self::OpenAi | Self::Responses => openai::models(names),
            Self::Anthropic => anthropic::models(names),
            Self::Gemini | Self::GeminiArray => gemini::models(names),
        })
    }

    /// An error inside a stream, as an event; `first` where nothing of the
    /// stream has gone out.
    pub(crate) fn error_event(self, first: bool) -> Vec<Bytes> {
        match self {
            Self::OpenAi => openai::error_event(),
            Self::Anthropic => anthropic::error_event(),
            Self::Responses => responses::error_event(),
            Self::Gemini => gemini::error_event(false, first),
            Self::GeminiArray => gemini::error_event(true, first),
        }
    }

    /// An error as the body of an answer with status 200.
    pub(crate) fn error_in_200(self, model: &str) -> Bytes {
        match self {
            Self::Responses => bytes(&responses::failed(model)),
            _ => self.error_body(500, "server_error", None, "The server had an error"),
        }
    }

    /// "Slow down": extra header lines and the body.
    pub(crate) fn slow_down(self, seconds: u32) -> (Vec<(&'static str, String)>, Bytes) {
        if self.is_gemini() {
            return (Vec::new(), bytes(&gemini::slow_down(seconds)));
        }
        let body = self.error_body(
            429,
            "requests",
            Some("rate_limit_exceeded"),
            "Rate limit reached for requests",
        );
        (vec![("retry-after", seconds.to_string())], body)
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
            Self::OpenAi | Self::Responses => openai::error(kind, code, message),
            Self::Anthropic => anthropic::error(anthropic::kind_of(status, kind), message),
            Self::Gemini | Self::GeminiArray => gemini::error(status, kind, message),
        })
    }

    /// One event whose `data` is given; event name as a content event's.
    /// `first` where nothing of the stream has gone out.
    pub(crate) fn content_event(self, data: &[u8], first: bool) -> Bytes {
        let name: &[u8] = match self {
            Self::OpenAi | Self::Gemini => b"",
            Self::Anthropic => b"event: content_block_delta\n",
            Self::Responses => b"event: response.output_text.delta\n",
            Self::GeminiArray => return gemini::framed_data(data, true, first),
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
            Self::Responses => {
                r#"{"type":"response.output_text.delta","sequence_number":9,"item_id":"msg_fake","output_index":0,"content_index":0,"logprobs":[],"delta":""#
            }
            Self::Gemini | Self::GeminiArray => {
                r#"{"candidates":[{"index":0,"content":{"role":"model","parts":[{"text":""#
            }
        }
    }

    /// The data of a content event from where its text ends.
    pub(crate) const fn content_suffix(self) -> &'static str {
        match self {
            Self::OpenAi => r#""},"finish_reason":null}]}"#,
            Self::Anthropic => r#""}}"#,
            Self::Responses => r#""}"#,
            Self::Gemini | Self::GeminiArray => r#""}]}}]}"#,
        }
    }
}

fn gemini_ask(path: &str) -> Ask {
    match path.rsplit(':').next() {
        Some("generateContent" | "streamGenerateContent") => Ask::Content,
        Some("countTokens") => Ask::GeminiCount,
        Some("embedContent") => Ask::Embed,
        Some("batchEmbedContents") => Ask::BatchEmbed,
        _ => Ask::Unknown,
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
        Saying::Thinking => 30,
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

/// What every dialect answers to a path that they don't know.
fn unknown() -> Value {
    json!({"error": {"message": "no such path", "type": "invalid_request_error"}})
}
