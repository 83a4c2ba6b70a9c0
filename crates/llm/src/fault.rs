mod class;
mod clean;
mod wait;
mod words;

use std::time::Duration;

use http::HeaderMap;
use serde_json::Value;
use tollgate_types::{FaultClass, UnixMillis};

use crate::Dialect;
use words::Words;

/// The longest that a provider's wish to wait is believed.
pub const LONGEST_WAIT: Duration = Duration::from_secs(300);

/// More of an error answer is not read.
const LONGEST_BODY: usize = 64 * 1024;

/// What an error answer of a provider means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderFault {
    /// Decides what is tried next.
    pub class: FaultClass,
    /// How long the provider asks to wait, at most [`LONGEST_WAIT`].
    pub retry_after: Option<Duration>,
    /// The provider's words: at most 300 bytes, without control characters,
    /// with what looks like a key masked. Scrub it with the known secrets
    /// before it is written anywhere.
    pub message: String,
}

/// Reads an error answer: any status but a success, with whatever body a
/// provider, a proxy before it or an imitator of its dialect sends.
///
/// `now` is what HTTP dates and RFC 3339 times are counted from.
pub fn read_fault(
    dialect: Dialect,
    status: u16,
    headers: &HeaderMap,
    body: &[u8],
    now: UnixMillis,
) -> ProviderFault {
    let words = words_of(body);
    let class = class::of_status(dialect, status, &words);
    let waits = matches!(
        class,
        FaultClass::RateLimit | FaultClass::Quota | FaultClass::ServerError | FaultClass::Timeout
    );
    let retry_after = if waits {
        wait::in_headers(headers, class, now).or_else(|| wait::in_words(&words))
    } else {
        None
    };
    ProviderFault {
        class,
        retry_after: retry_after.map(|wait| wait.min(LONGEST_WAIT)),
        message: clean::message(&words.message, status),
    }
}

/// Reads an error that came under a good status: `raw` is the JSON around it.
pub(crate) fn read_error(dialect: Dialect, raw: &str) -> (FaultClass, String) {
    let words = words_of(raw.as_bytes());
    let class = match words.status {
        Some(status) => class::of_status(dialect, status, &words),
        None => class::of_words(&words),
    };
    (class, clean::message(&words.message, 200))
}

/// Whether the value of an `error` field is one: some servers always send the
/// field, as null, false or empty.
pub(crate) fn is_error(raw: &str) -> bool {
    !matches!(raw, "null" | "false" | "0" | "\"\"" | "{}" | "[]")
}

fn words_of(body: &[u8]) -> Words {
    let body = &body[..body.len().min(LONGEST_BODY)];
    match serde_json::from_slice::<Value>(body) {
        Ok(value) => Words::of_json(&value),
        Err(_) => Words::of_text(&String::from_utf8_lossy(body)),
    }
}

#[cfg(test)]
mod tests;
