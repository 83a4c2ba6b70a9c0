//! Counting tokens for providers that don't.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{HeaderMap, StatusCode};
use tollgate_llm::{count_answer, count_input};
use tollgate_types::TokenUsage;

use super::answer::{Answer, AnswerHead};
use crate::admission::Leased;

/// Beyond every context window there is.
const MOST: u64 = 16 << 20;

/// Whether a provider that was asked to count says that it has no such
/// endpoint, as most imitators do.
pub(super) fn is_unknown_there(leased: &Leased, status: StatusCode) -> bool {
    let unknown = [
        StatusCode::NOT_FOUND,
        StatusCode::METHOD_NOT_ALLOWED,
        StatusCode::NOT_IMPLEMENTED,
    ];
    leased.asked_endpoint().only_counts() && leased.through().is_none() && unknown.contains(&status)
}

/// That a provider has no endpoint for it.
pub(super) const NO_ENDPOINT: &str =
    "counted here by the tokenizer: the provider has no endpoint for it";

/// What the tokenizer makes of the caller's request, marked as an estimate.
/// The tokenizer blocks, so it has a thread of its own.
pub(super) async fn estimated(leased: &Leased, why: String) -> Option<Answer> {
    let body: Bytes = leased.asked_body().clone();
    let counted = tokio::task::spawn_blocking(move || count_input(&body, MOST));
    let body = count_answer(leased.asked_endpoint(), counted.await.ok()?)?;
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Some(Answer::Whole {
        head: AnswerHead {
            status: StatusCode::OK,
            headers,
        },
        body: body.into(),
        usage: Some(TokenUsage::default()),
        output_bytes: 0,
        model: None,
        is_estimate: true,
        note: why.into(),
    })
}
