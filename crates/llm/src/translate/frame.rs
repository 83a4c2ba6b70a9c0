use tollgate_types::RequestId;

/// What an answer needs that its events don't say.
#[derive(Clone, Debug)]
pub struct AnswerFrame {
    /// The request, which lends its id where the provider gave none.
    pub request: RequestId,
    /// When the answer begins, in seconds since the epoch.
    pub created: u64,
    /// The model's name where the provider gives none.
    pub model: String,
    /// That name takes the place of the provider's.
    pub rename: bool,
    /// The caller of a chat stream wants the chunk with usage.
    pub usage_asked: bool,
}

impl AnswerFrame {
    /// The request's id without its prefix.
    pub(super) fn plain_id(&self) -> String {
        let id = self.request.to_string();
        id.trim_start_matches("req_").to_owned()
    }
}
