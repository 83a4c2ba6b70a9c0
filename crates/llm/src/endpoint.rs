use std::borrow::Cow;

use crate::Dialect;
use crate::percent;

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
    /// OpenAI's `POST /v1/responses`.
    Responses,
    /// OpenAI's `POST /v1/responses/input_tokens`.
    ResponsesInputTokens,
    /// Gemini's `POST /v1beta/models/{model}:generateContent`.
    GenerateContent,
    /// Gemini's `POST /v1beta/models/{model}:streamGenerateContent`.
    StreamGenerateContent,
    /// Gemini's `POST /v1beta/models/{model}:countTokens`.
    GeminiCountTokens,
    /// Gemini's `POST /v1beta/models/{model}:embedContent`.
    EmbedContent,
    /// Gemini's `POST /v1beta/models/{model}:batchEmbedContents`.
    BatchEmbedContents,
}

impl Endpoint {
    /// Every endpoint, for tables and listings.
    pub const ALL: [Self; 12] = [
        Self::ChatCompletions,
        Self::Completions,
        Self::Embeddings,
        Self::Messages,
        Self::CountTokens,
        Self::Responses,
        Self::ResponsesInputTokens,
        Self::GenerateContent,
        Self::StreamGenerateContent,
        Self::GeminiCountTokens,
        Self::EmbedContent,
        Self::BatchEmbedContents,
    ];

    /// The endpoint at a request's path, without its query.
    pub fn at(path: &str) -> Option<Self> {
        let [fixed @ .., _, _, _, _, _] = &Self::ALL;
        let found = fixed.iter().find(|endpoint| endpoint.path() == path);
        found
            .copied()
            .or_else(|| ModelPath::read(path).map(|path| path.endpoint))
    }

    /// Whose format it speaks.
    pub const fn dialect(self) -> Dialect {
        match self {
            Self::ChatCompletions
            | Self::Completions
            | Self::Embeddings
            | Self::Responses
            | Self::ResponsesInputTokens => Dialect::OpenAi,
            Self::Messages | Self::CountTokens => Dialect::Anthropic,
            Self::GenerateContent
            | Self::StreamGenerateContent
            | Self::GeminiCountTokens
            | Self::EmbedContent
            | Self::BatchEmbedContents => Dialect::Gemini,
        }
    }

    /// The path as the caller writes it; where it names the model, with
    /// `{model}` in the model's place.
    pub const fn path(self) -> &'static str {
        match self {
            Self::ChatCompletions => "/v1/chat/completions",
            Self::Completions => "/v1/completions",
            Self::Embeddings => "/v1/embeddings",
            Self::Messages => "/v1/messages",
            Self::CountTokens => "/v1/messages/count_tokens",
            Self::Responses => "/v1/responses",
            Self::ResponsesInputTokens => "/v1/responses/input_tokens",
            Self::GenerateContent => "/v1beta/models/{model}:generateContent",
            Self::StreamGenerateContent => "/v1beta/models/{model}:streamGenerateContent",
            Self::GeminiCountTokens => "/v1beta/models/{model}:countTokens",
            Self::EmbedContent => "/v1beta/models/{model}:embedContent",
            Self::BatchEmbedContents => "/v1beta/models/{model}:batchEmbedContents",
        }
    }

    /// The path as a caller writes it who asks for this model.
    pub fn path_for(self, model: &str) -> String {
        match self.path().split_once("{model}") {
            Some((before, after)) => format!("{before}{}{after}", percent::encode(model)),
            None => self.path().to_owned(),
        }
    }

    /// What is appended to a provider's `base_url`, which ends in `/v1` for
    /// OpenAI and has no version for Anthropic and Gemini, as their SDKs have
    /// it. `path` is the caller's own, `model` the name as the provider knows
    /// it; both count only where the path names the model. None where such a
    /// path is no path of this endpoint, or the name would climb out of it.
    pub fn upstream_path(self, path: &str, model: &str) -> Option<Cow<'static, str>> {
        if self.dialect() != Dialect::Gemini {
            let path = self.path();
            let from = match self.dialect() {
                Dialect::OpenAi => "/v1".len(),
                _ => 0,
            };
            return Some(Cow::Borrowed(&path[from..]));
        }
        let asked = ModelPath::read(path).filter(|read| read.endpoint == self)?;
        if model.split('/').any(|part| matches!(part, "" | "." | "..")) {
            return None;
        }
        let ModelPath {
            version, method, ..
        } = asked;
        let model = percent::encode(model);
        Some(Cow::Owned(format!("/{version}/models/{model}:{method}")))
    }

    /// Whether it can answer with a stream.
    pub const fn may_stream(self) -> bool {
        self.generates() && !matches!(self, Self::GenerateContent)
    }

    /// Whether it has a model write something.
    pub const fn generates(self) -> bool {
        matches!(
            self,
            Self::ChatCompletions
                | Self::Completions
                | Self::Messages
                | Self::Responses
                | Self::GenerateContent
                | Self::StreamGenerateContent
        )
    }

    /// Whether it only counts tokens, which costs nothing.
    pub const fn only_counts(self) -> bool {
        matches!(
            self,
            Self::CountTokens | Self::ResponsesInputTokens | Self::GeminiCountTokens
        )
    }
}

/// A path that names its model: `/v1beta/models/{model}:{method}`.
pub(crate) struct ModelPath<'a> {
    pub(crate) endpoint: Endpoint,
    /// `v1` or `v1beta`.
    version: &'a str,
    /// As written, percent-encoded; a slash may stand raw in it.
    pub(crate) model: &'a str,
    method: &'a str,
}

impl<'a> ModelPath<'a> {
    pub(crate) fn read(path: &'a str) -> Option<Self> {
        let (version, rest) = ["v1beta", "v1"].into_iter().find_map(|version| {
            let rest = path.strip_prefix('/')?.strip_prefix(version)?;
            Some((version, rest.strip_prefix("/models/")?))
        })?;
        let (model, method) = rest.rsplit_once(':')?;
        let endpoint = match method {
            "generateContent" => Endpoint::GenerateContent,
            "streamGenerateContent" => Endpoint::StreamGenerateContent,
            "countTokens" => Endpoint::GeminiCountTokens,
            "embedContent" => Endpoint::EmbedContent,
            "batchEmbedContents" => Endpoint::BatchEmbedContents,
            _ => return None,
        };
        Some(Self {
            endpoint,
            version,
            model,
            method,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_endpoint_is_found_at_its_own_path_only() {
        for endpoint in Endpoint::ALL {
            assert_eq!(Endpoint::at(endpoint.path()), Some(endpoint));
        }
        for path in [
            "",
            "/",
            "/v1/messages/",
            "/chat/completions",
            "/v1/models",
            "/v1/responses/resp_1",
            "/v1/models/ft:gpt-4o:org::id",
            "/v2/models/x:generateContent",
            "/v1beta/models/x:predict",
        ] {
            assert_eq!(Endpoint::at(path), None, "{path}");
        }
    }

    #[test]
    fn fact_19_both_versions_name_the_model_in_the_path() {
        for (path, model, upstream) in [
            (
                "/v1beta/models/fast:generateContent",
                "gemini-2.5-pro",
                "/v1beta/models/gemini-2.5-pro:generateContent",
            ),
            (
                "/v1/models/google/gemini-2.5-pro:generateContent",
                "gemini-2.5-pro",
                "/v1/models/gemini-2.5-pro:generateContent",
            ),
            (
                "/v1/models/a%2Fb%3Ac:generateContent",
                "b:c?x",
                "/v1/models/b%3Ac%3Fx:generateContent",
            ),
        ] {
            assert_eq!(Endpoint::at(path), Some(Endpoint::GenerateContent));
            let found = Endpoint::GenerateContent.upstream_path(path, model);
            assert_eq!(found.as_deref(), Some(upstream));
        }
    }

    /// Attack: a model's name that leads to another path at the provider.
    #[test]
    fn a_models_name_can_not_climb_out_of_its_path() {
        let path = "/v1beta/models/x:generateContent";
        for name in ["..", "a/../../b", "a//b", "./a", "a/"] {
            let found = Endpoint::GenerateContent.upstream_path(path, name);
            assert_eq!(found, None, "{name}");
        }
        let other = Endpoint::EmbedContent.upstream_path(path, "x");
        assert_eq!(other, None, "another method than was judged");
    }

    #[test]
    fn what_the_base_url_ends_in_is_not_said_twice() {
        let upstream = |endpoint: Endpoint| endpoint.upstream_path("", "").unwrap();
        assert_eq!(upstream(Endpoint::ChatCompletions), "/chat/completions");
        assert_eq!(upstream(Endpoint::Responses), "/responses");
        assert_eq!(upstream(Endpoint::Messages), "/v1/messages");
    }
}
