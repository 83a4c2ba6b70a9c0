use bytes::Bytes;
use serde_json::{Value, json};
use tollgate_types::{ReasonCode, RequestId};

use crate::{Dialect, Endpoint};

/// An error of Tollgate's, before it is written in a dialect.
#[derive(Clone, Copy, Debug)]
pub struct CallerError<'a> {
    /// HTTP status; see [`CallerError::status_in`] for what the caller gets.
    pub status: u16,
    /// Why, as in `x-tollgate-reason`.
    pub reason: ReasonCode,
    /// The caller's text: what was found, what was expected, no secret.
    pub message: &'a str,
    /// One thing to try, appended as a line of its own.
    pub hint: Option<&'a str>,
    /// The field of the request that is at fault, as a path.
    pub param: Option<&'a str>,
    /// The request, so that `tollgate why` can be asked.
    pub request: RequestId,
}

impl CallerError<'_> {
    /// The status in the caller's dialect: what passes by itself is 529 to an
    /// Anthropic client and 503 to any other, because that is what their SDKs
    /// retry.
    pub const fn status_in(&self, dialect: Dialect) -> u16 {
        match (dialect, self.status) {
            (Dialect::Anthropic, 503) => 529,
            (Dialect::OpenAi | Dialect::Gemini, 529) => 503,
            (_, status) => status,
        }
    }

    fn text(&self) -> String {
        match self.hint {
            Some(hint) => format!("{}\nhint: {hint}", self.message),
            None => self.message.to_owned(),
        }
    }
}

/// The JSON body of an error answer.
///
/// Shapes: OpenAI `{error:{message,type,param,code}}` with the reason code as
/// `code`; Anthropic `{type:"error",error:{type,message},request_id}`; Gemini
/// `{error:{code,message,status}}`.
pub fn error_body(dialect: Dialect, error: &CallerError<'_>) -> Bytes {
    Bytes::from(error_value(dialect, error).to_string())
}

/// The SSE bytes that end a stream that failed; no `[DONE]` and no
/// `message_stop` follows them.
pub fn error_event(endpoint: Endpoint, error: &CallerError<'_>) -> Bytes {
    let dialect = endpoint.dialect();
    let data = error_value(dialect, error);
    Bytes::from(match dialect {
        Dialect::Anthropic => format!("event: error\ndata: {data}\n\n"),
        Dialect::OpenAi | Dialect::Gemini => format!("data: {data}\n\n"),
    })
}

fn error_value(dialect: Dialect, error: &CallerError<'_>) -> Value {
    let status = error.status_in(dialect);
    match dialect {
        Dialect::OpenAi => json!({"error": {
            "message": error.text(),
            "type": openai_type(status, error.reason),
            "param": error.param,
            "code": openai_code(error.reason),
        }}),
        Dialect::Anthropic => json!({
            "type": "error",
            "error": {"type": anthropic_type(status), "message": error.text()},
            "request_id": error.request.to_string(),
        }),
        Dialect::Gemini => json!({"error": {
            "code": status,
            "message": error.text(),
            "status": gemini_status(status),
        }}),
    }
}

const fn openai_type(status: u16, reason: ReasonCode) -> &'static str {
    match (status, reason) {
        (_, ReasonCode::BudgetExhausted | ReasonCode::UpstreamQuota) | (402, _) => {
            "insufficient_quota"
        }
        (401, _) => "authentication_error",
        (403, _) => "permission_error",
        (429, _) => "rate_limit_error",
        (500.., _) => "server_error",
        _ => "invalid_request_error",
    }
}

// Agents look for this one word to decide that a conversation must be
// compacted; the reason code stands in `x-tollgate-reason` anyway.
const fn openai_code(reason: ReasonCode) -> &'static str {
    match reason {
        ReasonCode::UpstreamContextOverflow => "context_length_exceeded",
        other => other.as_str(),
    }
}

const fn anthropic_type(status: u16) -> &'static str {
    match status {
        401 => "authentication_error",
        402 => "billing_error",
        403 => "permission_error",
        404 => "not_found_error",
        408 | 504 => "timeout_error",
        413 => "request_too_large",
        429 => "rate_limit_error",
        529 => "overloaded_error",
        500.. => "api_error",
        _ => "invalid_request_error",
    }
}

// google.rpc.Code, by the HTTP mapping in its definition.
const fn gemini_status(status: u16) -> &'static str {
    match status {
        401 => "UNAUTHENTICATED",
        403 => "PERMISSION_DENIED",
        404 => "NOT_FOUND",
        408 | 504 => "DEADLINE_EXCEEDED",
        409 => "ABORTED",
        402 | 429 => "RESOURCE_EXHAUSTED",
        499 => "CANCELLED",
        501 => "UNIMPLEMENTED",
        502 | 503 => "UNAVAILABLE",
        500.. => "INTERNAL",
        _ => "INVALID_ARGUMENT",
    }
}

#[cfg(test)]
mod tests;
