//! Answers that are an error status.

use crate::received::Received;
use crate::script::Script;
use crate::wire::Wire;
use bytes::Bytes;

/// Status, extra header lines and body.
pub(super) struct Refusal {
    pub(super) status: u16,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: Bytes,
}

/// The scripts that answer with an error status.
pub(super) fn refusal(wire: Wire, request: &Received, script: &Script) -> Option<Refusal> {
    let plain = |status, kind, code, message: &str| {
        let body = wire.error_body(status, kind, code, message);
        Some(Refusal {
            status,
            headers: Vec::new(),
            body,
        })
    };
    match script {
        Script::Status429Rate { retry_after } => {
            let (headers, body) = wire.slow_down(*retry_after);
            Some(Refusal {
                status: 429,
                headers,
                body,
            })
        }
        Script::Status429Quota => {
            let message = match wire {
                Wire::Anthropic => "Your credit balance is too low to access the Anthropic API.",
                _ => "You exceeded your current quota, please check your plan and billing details.",
            };
            plain(
                429,
                "insufficient_quota",
                Some("insufficient_quota"),
                message,
            )
        }
        Script::Status401 => plain(
            401,
            "invalid_request_error",
            Some("invalid_api_key"),
            "Incorrect API key provided",
        ),
        Script::EchoCredential => {
            let message = format!(
                "Incorrect API key provided: {}",
                request.credential.as_deref().unwrap_or("none")
            );
            plain(
                401,
                "invalid_request_error",
                Some("invalid_api_key"),
                &message,
            )
        }
        Script::Status403 => plain(
            403,
            "permission_denied",
            None,
            "Your organisation may not use this model",
        ),
        Script::Status500 => plain(
            500,
            "server_error",
            None,
            "The server had an error while processing your request",
        ),
        Script::Status529 => match wire {
            Wire::Anthropic => plain(529, "overloaded_error", None, "Overloaded"),
            _ => plain(
                503,
                "server_error",
                Some("overloaded"),
                "The engine is currently overloaded",
            ),
        },
        Script::Status400Context => match wire {
            Wire::OpenAi | Wire::Responses => plain(
                400,
                "invalid_request_error",
                Some("context_length_exceeded"),
                "This model's maximum context length is 8192 tokens",
            ),
            Wire::Gemini | Wire::GeminiArray => plain(
                400,
                "",
                None,
                "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).",
            ),
            Wire::Anthropic => plain(
                400,
                "",
                None,
                "prompt is too long: 210000 tokens > 200000 maximum",
            ),
        },
        Script::Status400 => plain(400, "invalid_request_error", None, "field X is wrong"),
        _ => None,
    }
}
