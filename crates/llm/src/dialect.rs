use std::fmt;
use std::str::FromStr;

/// A family of wire formats: how a request, a stream and an error look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Dialect {
    /// OpenAI's, and of the many servers that imitate it.
    OpenAi,
    /// Anthropic's.
    Anthropic,
    /// Google's; for now only its errors and model lists.
    Gemini,
}

impl Dialect {
    /// Every dialect, for tables and listings.
    pub const ALL: [Self; 3] = [Self::OpenAi, Self::Anthropic, Self::Gemini];

    /// The word in the configuration (`wire`), the ledger and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OpenAi => "openai",
            Self::Anthropic => "anthropic",
            Self::Gemini => "gemini",
        }
    }
}

impl fmt::Display for Dialect {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

/// A word that is no dialect.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("found `{found}`, expected `openai`, `anthropic` or `gemini`")]
pub struct UnknownDialect {
    /// What stood there, cut to 64 characters.
    pub found: String,
}

impl FromStr for Dialect {
    type Err = UnknownDialect;

    fn from_str(word: &str) -> Result<Self, UnknownDialect> {
        Self::ALL
            .into_iter()
            .find(|dialect| dialect.as_str() == word)
            .ok_or_else(|| UnknownDialect {
                found: word.chars().take(64).collect(),
            })
    }
}

/// One endpoint of the model API that Tollgate serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Endpoint {
    /// OpenAI's `POST /v1/chat/completions`.
    ChatCompletions,
    /// OpenAI's older `POST /v1/completions`.
    Completions,
    /// OpenAI's `POST /v1/embeddings`.
    Embeddings,
    /// Anthropic's `POST /v1/messages`.
    Messages,
    /// Anthropic's `POST /v1/messages/count_tokens`.
    CountTokens,
}

impl Endpoint {
    /// Every endpoint, for tables and listings.
    pub const ALL: [Self; 5] = [
        Self::ChatCompletions,
        Self::Completions,
        Self::Embeddings,
        Self::Messages,
        Self::CountTokens,
    ];

    /// The endpoint at a request's path, without its query.
    pub fn at(path: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|endpoint| endpoint.path() == path)
    }

    /// Whose format it speaks.
    pub const fn dialect(self) -> Dialect {
        match self {
            Self::ChatCompletions | Self::Completions | Self::Embeddings => Dialect::OpenAi,
            Self::Messages | Self::CountTokens => Dialect::Anthropic,
        }
    }

    /// The path as the caller writes it.
    pub const fn path(self) -> &'static str {
        match self {
            Self::ChatCompletions => "/v1/chat/completions",
            Self::Completions => "/v1/completions",
            Self::Embeddings => "/v1/embeddings",
            Self::Messages => "/v1/messages",
            Self::CountTokens => "/v1/messages/count_tokens",
        }
    }

    /// What is appended to a provider's `base_url`, which ends in `/v1` for
    /// OpenAI and has no version for Anthropic, as their SDKs have it.
    pub const fn upstream_path(self) -> &'static str {
        match self {
            Self::ChatCompletions => "/chat/completions",
            Self::Completions => "/completions",
            Self::Embeddings => "/embeddings",
            Self::Messages => "/v1/messages",
            Self::CountTokens => "/v1/messages/count_tokens",
        }
    }

    /// Whether `stream: true` means anything here.
    pub const fn may_stream(self) -> bool {
        matches!(
            self,
            Self::ChatCompletions | Self::Completions | Self::Messages
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_endpoint_is_found_at_its_own_path_only() {
        for endpoint in Endpoint::ALL {
            assert_eq!(Endpoint::at(endpoint.path()), Some(endpoint));
            assert!(endpoint.path().ends_with(endpoint.upstream_path()));
        }
        for path in ["", "/", "/v1/messages/", "/chat/completions", "/v1/models"] {
            assert_eq!(Endpoint::at(path), None, "{path}");
        }
    }

    #[test]
    fn dialects_read_back_what_they_write() {
        for dialect in Dialect::ALL {
            assert_eq!(dialect.to_string().parse(), Ok(dialect));
        }
        assert_eq!(
            "Openai".parse::<Dialect>().unwrap_err().to_string(),
            "found `Openai`, expected `openai`, `anthropic` or `gemini`"
        );
    }
}
