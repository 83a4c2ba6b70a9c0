use tollgate_types::FaultClass;

use super::words::Words;
use crate::Dialect;

/// The class of an answer with a status.
pub(super) fn of_status(dialect: Dialect, status: u16, words: &Words) -> FaultClass {
    match status {
        401 => FaultClass::AuthError,
        402 => FaultClass::Quota,
        403 => forbidden(words),
        408 | 504 | 522 | 524 => FaultClass::Timeout,
        413 => FaultClass::ContextOverflow,
        429 => too_many(dialect, words),
        // Groq: no capacity for the tier asked.
        498 => FaultClass::ServerError,
        400..=499 => refused(words),
        500..=599 if says(words, OVERFLOW) => FaultClass::ContextOverflow,
        500..=599 if words.is_any(TIMEOUT) => FaultClass::Timeout,
        500..=599 => FaultClass::ServerError,
        // A redirect, or a success without what belongs to it.
        _ => FaultClass::BadAnswer,
    }
}

/// The class of an error that came without a status of its own.
pub(super) fn of_words(words: &Words) -> FaultClass {
    let rate = [
        "rate_limit_error",
        "rate_limit_exceeded",
        "RESOURCE_EXHAUSTED",
    ];
    if words.is_any(QUOTA_NAMES) {
        FaultClass::Quota
    } else if words.is_any(&rate) {
        too_many(Dialect::OpenAi, words)
    } else if words.is_any(&[
        "authentication_error",
        "permission_error",
        "invalid_api_key",
    ]) {
        FaultClass::AuthError
    } else if words.is_any(TIMEOUT) {
        FaultClass::Timeout
    } else if words.is_any(OVERFLOW_NAMES) {
        FaultClass::ContextOverflow
    } else if words.is_any(&[
        "invalid_request_error",
        "not_found_error",
        "BadRequestError",
    ]) {
        refused(words)
    } else if words.code.starts_with("invalid_") {
        // Responses say `invalid_prompt`, `invalid_image_url` and the like.
        FaultClass::BadRequest
    } else if says(words, OVERFLOW) {
        FaultClass::ContextOverflow
    } else {
        FaultClass::ServerError
    }
}

/// 429 means "slow down" or "pay": only the second is no use to repeat.
fn too_many(dialect: Dialect, words: &Words) -> FaultClass {
    // Google says "exceeded your current quota" of both; the quota's name
    // tells the window.
    let google = dialect == Dialect::Gemini || words.is_any(&["RESOURCE_EXHAUSTED"]);
    if google {
        let named = |text: &str| {
            let text = text.to_ascii_lowercase();
            text.contains("perday") || text.contains("per day")
        };
        let daily = named(&words.details) || named(&words.message);
        let told_when = words.details.contains("retryDelay") || says(words, &["retry in"]);
        return match daily || !told_when && says(words, QUOTA) {
            true => FaultClass::Quota,
            false => FaultClass::RateLimit,
        };
    }
    match words.is_any(QUOTA_NAMES) || says(words, QUOTA) {
        true => FaultClass::Quota,
        false => FaultClass::RateLimit,
    }
}

/// A 403 is the credential's fault unless the request itself is what was not
/// allowed: otherwise any agent that asks for a model beyond the key's reach,
/// or writes what a filter dislikes, would take the credential from everyone.
fn forbidden(words: &Words) -> FaultClass {
    let request = [
        "does not have access to model",
        "not have access to the model",
        "model_not_found",
        "requires moderation",
        "was flagged",
        "content policy",
        "content_policy",
    ];
    if words.is_any(QUOTA_NAMES) || says(words, QUOTA) {
        FaultClass::Quota
    } else if words.is_any(&["model_not_found"]) || says(words, &request) {
        FaultClass::BadRequest
    } else if words.is_page {
        // A firewall before the provider, which sees no difference in keys.
        FaultClass::ServerError
    } else {
        FaultClass::AuthError
    }
}

/// The other 4xx. Only the beginning of a message is trusted to say that the
/// credential is at fault: further on it may quote what the agent wrote.
fn refused(words: &Words) -> FaultClass {
    let begins = |starts: &[&str]| {
        let message = words.message.trim_start().to_ascii_lowercase();
        starts.iter().any(|start| message.starts_with(start))
    };
    let quota = [
        "your credit balance is too low",
        "you have reached your specified api usage limits",
        "insufficient balance",
        "insufficient credits",
    ];
    let key = [
        "incorrect api key",
        "invalid api key",
        "api key not valid",
        "api key expired",
    ];
    if words.is_any(OVERFLOW_NAMES) || says(words, OVERFLOW) {
        FaultClass::ContextOverflow
    } else if words.is_any(QUOTA_NAMES) || begins(&quota) {
        FaultClass::Quota
    } else if words.is_any(&["invalid_api_key", "authentication_error"]) || begins(&key) {
        FaultClass::AuthError
    } else {
        FaultClass::BadRequest
    }
}

const TIMEOUT: &[&str] = &["timeout_error", "timeout", "DEADLINE_EXCEEDED"];

const QUOTA_NAMES: &[&str] = &[
    "insufficient_quota",
    "insufficient_balance",
    "insufficient_credits",
    "billing_error",
    "billing_not_active",
    "billing_hard_limit_reached",
    "spend_limit_exceeded",
];

const QUOTA: &[&str] = &[
    "exceeded your current quota",
    "insufficient quota",
    "insufficient balance",
    "insufficient credit",
    "insufficient funds",
    "credit balance",
    "credit limit",
    "out of credits",
    "available credits",
    "spending limit",
    "spend limit",
    "spending cap",
    "spend cap",
    "billing",
    "api usage limit",
    "monthly limit",
    "key limit exceeded",
    "payment required",
    "models-per-day",
];

const OVERFLOW_NAMES: &[&str] = &[
    "context_length_exceeded",
    "exceed_context_size_error",
    "request_too_large",
    "model_max_prompt_tokens_exceeded",
];

const OVERFLOW: &[&str] = &[
    "prompt is too long",
    "maximum context length",
    "maximum model length",
    "maximum prompt length",
    "exceed context limit",
    "exceeds the context length",
    "exceed the context length",
    "exceeds the available context size",
    "exceeds the context window",
    "exceeds context window",
    "context size exceeded",
    "context length exceeded",
    "context window of this model",
    "context the overflows",
    "too large for model with",
    "input token count",
    "input is too long",
    "prompt contains too many tokens",
    "reduce the length of the messages",
    "reduce the length of the prompt",
];

/// Whether the message holds one of these, in any case.
fn says(words: &Words, phrases: &[&str]) -> bool {
    let message = words.message.to_ascii_lowercase();
    phrases.iter().any(|phrase| message.contains(phrase))
}
