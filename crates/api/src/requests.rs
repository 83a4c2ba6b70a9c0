use serde::{Deserialize, Serialize};

/// One finished request in short, as `GET /control/requests` lists it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestSummary {
    /// `req_…`, for `tollgate why`.
    pub id: String,
    /// When it was accepted, in Unix milliseconds.
    pub at: u64,
    /// Who asked; absent where no one was identified.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub agent: Option<String>,
    /// `openai`, `anthropic` or `gemini`.
    pub dialect: String,
    /// Such as `/v1/messages`.
    pub endpoint: String,
    /// Whether a stream was asked for.
    pub stream: bool,
    /// Provider that served, or was tried last.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub provider: Option<String>,
    /// The name that the caller asked for.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub model_asked: Option<String>,
    /// The model that served, or was tried last.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub model_served: Option<String>,
    /// Profile id of the credential, never the key.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub credential: Option<String>,
    /// Attempts at providers, the successful one included.
    pub attempts: u64,
    /// Status that the caller saw.
    pub status: u16,
    /// `ok`, `refused`, `failed` or `client_left`.
    pub outcome: String,
    /// Why, where it did not end well: the value of `x-tollgate-reason`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reason: Option<String>,
    /// Input tokens that no prompt cache was involved in.
    pub input: u64,
    /// Input tokens read from a prompt cache.
    pub cache_read: u64,
    /// Input tokens written to a prompt cache.
    pub cache_write: u64,
    /// Output tokens, reasoning included.
    pub output: u64,
    /// True where Tollgate estimated the tokens because no figure came.
    pub estimated: bool,
    /// From acceptance to the last byte, in microseconds.
    pub latency_micros: u64,
    /// From acceptance to the answer's first byte, in microseconds.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub first_byte_micros: Option<u64>,
}
