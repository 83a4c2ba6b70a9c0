use serde::{Deserialize, Serialize};

/// A request to a model, as a person sees it.
///
/// Everything in it is what the gateway has read itself, [`CardCall::words`]
/// apart: those were written by whoever writes to the model, and are a claim.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CardCall {
    /// The name that the caller wrote.
    pub asked: String,
    /// The endpoint that was called.
    pub endpoint: String,
    /// `provider/model`, in the order in which they would be asked.
    pub models: Vec<String>,
    /// Messages and bytes, and the digest of the body.
    pub size: String,
    /// Tokens and money: what it is likely to use, and the most.
    pub cost: String,
    /// Tools that the model is told of.
    pub tools: Vec<String>,
    /// What was found in it that should not leave, and where; never the text.
    pub found: Vec<String>,
    /// The last that the user says in it.
    pub words: Option<String>,
}

impl CardCall {
    /// Every text in it that somebody else wrote.
    pub(super) fn texts(&mut self) -> impl Iterator<Item = &mut String> {
        [&mut self.asked, &mut self.endpoint]
            .into_iter()
            .chain(&mut self.tools)
            .chain(self.words.as_mut())
    }
}
