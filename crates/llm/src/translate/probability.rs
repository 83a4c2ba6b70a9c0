//! How likely the tokens of an answer were, which OpenAI's APIs and Gemini's tell.

use super::raw::{Raw, Text};

/// The tokens of a piece of text, in order.
pub(super) type Probabilities<'a> = Vec<Token<'a>>;

/// A token, its probability, and those of others in its place.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Token<'a> {
    pub(super) text: Text<'a>,
    /// The natural logarithm, as it was written.
    pub(super) logarithm: Raw<'a>,
    /// The bytes that it stands for, as a list of numbers, where they are told.
    pub(super) bytes: Option<Raw<'a>>,
    pub(super) others: Vec<Token<'a>>,
}

/// What stands for a probability that was left out: JSON of Google's leaves out
/// what is zero.
pub(super) const CERTAIN: &str = "0";

impl Token<'_> {
    /// Its bytes as JSON: those that were told, else those of its text; `null`
    /// where it has none.
    pub(super) fn bytes(&self) -> String {
        if let Some(told) = self.bytes {
            return told.get().to_owned();
        }
        let Some(plain) = self.text.plain() else {
            return "null".to_owned();
        };
        let numbers: Vec<String> = plain.bytes().map(|byte| byte.to_string()).collect();
        format!("[{}]", numbers.join(","))
    }
}
