//! A request, put together the way that clients of model providers do.

use bytes::Bytes;
use serde_json::{Value, json};

/// Method, target, headers and body; cheap to change and to send twice.
#[derive(Clone, Debug)]
pub struct Request {
    method: String,
    target: String,
    headers: Vec<(String, String)>,
    body: Bytes,
}

impl Request {
    /// Any request; target is path and query as written on the request line.
    #[must_use]
    pub fn new(method: &str, target: &str) -> Self {
        Self {
            method: method.to_owned(),
            target: target.to_owned(),
            headers: Vec::new(),
            body: Bytes::new(),
        }
    }

    /// A `GET`.
    #[must_use]
    pub fn get(target: &str) -> Self {
        Self::new("GET", target)
    }

    /// A `POST` with a JSON body.
    #[must_use]
    pub fn post(target: &str, body: &Value) -> Self {
        Self::new("POST", target).body(body.to_string())
    }

    /// An OpenAI chat completion with one user message.
    #[must_use]
    pub fn chat(model: &str, text: &str) -> Self {
        let body = json!({"model": model, "messages": [{"role": "user", "content": text}]});
        Self::post("/v1/chat/completions", &body)
    }

    /// The same as a stream that doesn't ask for usage.
    #[must_use]
    pub fn chat_stream(model: &str, text: &str) -> Self {
        let body = json!({"model": model, "messages": [{"role": "user", "content": text}], "stream": true});
        Self::post("/v1/chat/completions", &body)
    }

    /// An Anthropic message with one user turn.
    #[must_use]
    pub fn message(model: &str, text: &str) -> Self {
        let body = json!({"model": model, "max_tokens": 256, "messages": [{"role": "user", "content": text}]});
        Self::post("/v1/messages", &body).header("anthropic-version", "2023-06-01")
    }

    /// The same as a stream.
    #[must_use]
    pub fn message_stream(model: &str, text: &str) -> Self {
        let body = json!({"model": model, "max_tokens": 256, "stream": true, "messages": [{"role": "user", "content": text}]});
        Self::post("/v1/messages", &body).header("anthropic-version", "2023-06-01")
    }

    /// A request to OpenAI's Responses API with a text as input.
    #[must_use]
    pub fn response(model: &str, text: &str, stream: bool) -> Self {
        let mut body = json!({"model": model, "input": text});
        if stream {
            body["stream"] = true.into();
        }
        Self::post("/v1/responses", &body)
    }

    /// A request of Gemini's with one user turn; `method` with its query.
    #[must_use]
    pub fn gemini(model: &str, method: &str, text: &str) -> Self {
        let body = json!({"contents": [{"role": "user", "parts": [{"text": text}]}]});
        Self::post(&format!("/v1beta/models/{model}:{method}"), &body)
    }

    /// A request of this dialect, as a stream or not: for tables over both.
    #[must_use]
    pub fn ask(wire: crate::Wire, stream: bool, model: &str) -> Self {
        match (wire, stream) {
            (crate::Wire::OpenAi, false) => Self::chat(model, "hello"),
            (crate::Wire::OpenAi, true) => Self::chat_stream(model, "hello"),
            (crate::Wire::Anthropic, false) => Self::message(model, "hello"),
            (crate::Wire::Anthropic, true) => Self::message_stream(model, "hello"),
            (crate::Wire::Responses, stream) => Self::response(model, "hello", stream),
            (crate::Wire::Gemini | crate::Wire::GeminiArray, false) => {
                Self::gemini(model, "generateContent", "hello")
            }
            (crate::Wire::Gemini, true) => {
                Self::gemini(model, "streamGenerateContent?alt=sse", "hello")
            }
            (crate::Wire::GeminiArray, true) => {
                Self::gemini(model, "streamGenerateContent", "hello")
            }
        }
    }

    /// Adds `authorization: Bearer KEY`.
    #[must_use]
    pub fn key(self, key: &str) -> Self {
        self.header("authorization", &format!("Bearer {key}"))
    }

    /// Adds a header; the same name twice is sent twice.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Replaces the body.
    #[must_use]
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    pub(super) fn is_head(&self) -> bool {
        self.method == "HEAD"
    }

    /// The bytes on the wire. `host`, `content-length` and, with a body,
    /// `content-type: application/json` are added where the test set none.
    #[must_use]
    pub fn to_bytes(&self, authority: &str) -> Vec<u8> {
        let mut head = format!("{} {} HTTP/1.1\r\n", self.method, self.target);
        let mut line = |name: &str, value: &str| head.push_str(&format!("{name}: {value}\r\n"));
        if !self.has("host") {
            line("host", authority);
        }
        for (name, value) in &self.headers {
            line(name, value);
        }
        if !self.body.is_empty() && !self.has("content-type") {
            line("content-type", "application/json");
        }
        let sized = self.has("content-length") || self.has("transfer-encoding");
        if !sized && (!self.body.is_empty() || self.method == "POST") {
            line("content-length", &self.body.len().to_string());
        }
        [head.as_bytes(), b"\r\n", &self.body].concat()
    }

    fn has(&self, name: &str) -> bool {
        self.headers
            .iter()
            .any(|(known, _)| known.eq_ignore_ascii_case(name))
    }
}
