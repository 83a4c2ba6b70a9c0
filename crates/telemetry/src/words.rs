//! The words of the GenAI semantic conventions
//! (<https://opentelemetry.io/docs/specs/semconv/gen-ai/>, in development
//! when this was written), and where they come from here.

use tollgate_types::Label;

pub(crate) const OPERATION: &str = "gen_ai.operation.name";
pub(crate) const PROVIDER: &str = "gen_ai.provider.name";
pub(crate) const REQUEST_MODEL: &str = "gen_ai.request.model";
pub(crate) const REQUEST_STREAM: &str = "gen_ai.request.stream";
pub(crate) const RESPONSE_MODEL: &str = "gen_ai.response.model";
pub(crate) const FIRST_CHUNK: &str = "gen_ai.response.time_to_first_chunk";
pub(crate) const INPUT_TOKENS: &str = "gen_ai.usage.input_tokens";
pub(crate) const OUTPUT_TOKENS: &str = "gen_ai.usage.output_tokens";
pub(crate) const CACHE_READ_TOKENS: &str = "gen_ai.usage.cache_read.input_tokens";
pub(crate) const CACHE_WRITE_TOKENS: &str = "gen_ai.usage.cache_creation.input_tokens";
pub(crate) const TOKEN_TYPE: &str = "gen_ai.token.type";
pub(crate) const ERROR_TYPE: &str = "error.type";

/// The endpoint of requests that go to their provider as they are.
pub(crate) const PASSTHROUGH: &str = "/passthrough";

/// `gen_ai.operation.name` of an endpoint's path.
pub(crate) fn operation(endpoint: &str) -> &'static str {
    match endpoint {
        "/v1/completions" => "text_completion",
        // Which operation it is, only its provider knows.
        PASSTHROUGH => "passthrough",
        _ if endpoint.ends_with("count_tokens") || endpoint.ends_with("countTokens") => {
            "count_tokens"
        }
        _ if endpoint.to_ascii_lowercase().contains("embed") => "embeddings",
        _ if endpoint.to_ascii_lowercase().contains("generatecontent") => "generate_content",
        _ => "chat",
    }
}

/// `gen_ai.provider.name`: the well-known word where an id of the
/// configuration means one, or the id itself.
pub(crate) fn provider(id: &Label) -> Label {
    let known = match &**id {
        "google" | "gemini" => "gcp.gemini",
        "vertex" | "vertex-ai" => "gcp.vertex_ai",
        "bedrock" => "aws.bedrock",
        "azure" => "azure.ai.openai",
        "mistral" => "mistral_ai",
        "moonshot" => "moonshot_ai",
        "xai" | "grok" => "x_ai",
        _ => return id.clone(),
    };
    known.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_are_operations() {
        for (endpoint, name) in [
            ("/v1/chat/completions", "chat"),
            ("/v1/messages", "chat"),
            ("/v1/responses", "chat"),
            ("/v1/messages/count_tokens", "count_tokens"),
            ("/v1/completions", "text_completion"),
            ("/passthrough", "passthrough"),
            ("/v1/embeddings", "embeddings"),
            ("/v1beta/models:generateContent", "generate_content"),
            ("/v1beta/models:streamGenerateContent", "generate_content"),
            ("/v1beta/models:embedContent", "embeddings"),
            ("/v1beta/models:countTokens", "count_tokens"),
        ] {
            assert_eq!(operation(endpoint), name, "{endpoint}");
        }
        assert_eq!(&*provider(&"google".into()), "gcp.gemini");
        assert_eq!(&*provider(&"my-vllm".into()), "my-vllm");
    }
}
