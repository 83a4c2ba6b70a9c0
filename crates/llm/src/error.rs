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
/// `{error:{code,message,status,details}}`.
pub fn error_body(dialect: Dialect, error: &CallerError<'_>) -> Bytes {
    Bytes::from(error_value(dialect, error).to_string())
}

/// The event that ends a stream which failed; no `[DONE]`, `message_stop` or
/// `response.completed` follows it. `sequence` is its number in a stream of
/// Responses.
pub(crate) fn error_event(endpoint: Endpoint, error: &CallerError<'_>, sequence: u64) -> Bytes {
    let data = error_value(endpoint.dialect(), error);
    Bytes::from(match endpoint.dialect() {
        Dialect::Anthropic => format!("event: error\ndata: {data}\n\n"),
        Dialect::OpenAi if endpoint == Endpoint::Responses => {
            let event = responses_event(data, sequence);
            format!("event: error\ndata: {event}\n\n")
        }
        Dialect::OpenAi | Dialect::Gemini => format!("data: {data}\n\n"),
    })
}

/// The reference has the fields of this event flat; what OpenAI sends, and
/// its SDKs raise an exception for, is an object within. So it is both.
fn responses_event(mut envelope: Value, sequence: u64) -> Value {
    let error = envelope["error"].take();
    json!({
        "type": "error",
        "sequence_number": sequence,
        "code": error["code"],
        "message": error["message"],
        "param": error["param"],
        "error": error,
    })
}

/// The element that ends a JSON array of a stream which failed, and the
/// bracket; `first` where nothing of the array has gone out.
pub(crate) fn error_element(error: &CallerError<'_>, first: bool) -> Bytes {
    let before = if first { "[" } else { "," };
    let value = error_value(Dialect::Gemini, error);
    Bytes::from(format!("{before}\n{value}\n]\n"))
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
            "details": [gemini_info(error)],
        }}),
    }
}

/// The machine-readable reason (google.rpc.ErrorInfo).
fn gemini_info(error: &CallerError<'_>) -> Value {
    json!({
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": error.reason.as_str().to_ascii_uppercase(),
        "domain": "tollgate",
        "metadata": {"request": error.request.to_string()},
    })
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
