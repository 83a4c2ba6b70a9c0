use bytes::Bytes;
use tollgate_llm::{
    AnswerFrame, BadRequest, Drop, Edits, Endpoint, Framing, RequestView, read_request_at,
    translate_request,
};
use tollgate_types::{RequestId, UnixMillis};

use crate::admission::Planned;
use crate::snapshot::{AnswerModel, Provider};

/// The request as a candidate of another dialect gets it, and what is needed
/// to bring its answer back.
pub(crate) struct Translated {
    pub(crate) endpoint: Endpoint,
    pub(crate) view: RequestView,
    pub(crate) body: Bytes,
    /// The path as a caller of that dialect would write it.
    pub(crate) path: String,
    pub(crate) query: Option<&'static str>,
    /// What was left out or changed, for `why`.
    pub(crate) note: String,
    pub(crate) frame: AnswerFrame,
    /// How the caller's stream is held together.
    pub(crate) framing: Framing,
}

impl Translated {
    /// Writes the request, as it was cleared for the candidate, in the
    /// provider's dialect; none where it takes it as
    /// it is.
    pub(crate) fn of(
        planned: &Planned,
        (view, body): (&RequestView, &Bytes),
        provider: &Provider,
        model: &str,
        request: RequestId,
        now: UnixMillis,
    ) -> Result<Option<Self>, BadRequest> {
        let from = planned.endpoint();
        let Some(to) = provider.counterpart(from, view.stream) else {
            return Ok(None);
        };
        let snapshot = planned.snapshot();
        let most = snapshot.catalog.facts(&provider.id, model).max_output;
        let defaults = planned.agent().spec().defaults;
        // Anthropic wants a limit, and everybody else means the model's own
        // where there is none.
        let needed = most.filter(|_| to == Endpoint::Messages);
        let edits = Edits {
            model: Some(model),
            temperature: defaults.temperature,
            max_tokens: defaults.max_tokens.or(needed),
            lower_to: most,
            ..Edits::default()
        };
        let done = translate_request(from, to, view, body, &edits, snapshot.strictness)?;
        let path = to.path_for(model);
        let query = (to == Endpoint::StreamGenerateContent).then_some("alt=sse");
        let renames = snapshot.answer_model == AnswerModel::Asked;
        let name = if renames { view.model.as_str() } else { model };
        Ok(Some(Self {
            endpoint: to,
            view: read_request_at(to, &path, query, &done.body)?,
            body: done.body,
            path,
            query,
            note: note(&done.drops),
            frame: AnswerFrame {
                request,
                created: now.0 / 1000,
                model: name.to_owned(),
                rename: renames,
                usage_asked: view.usage_asked,
            },
            framing: view.framing,
        }))
    }
}

fn note(drops: &[Drop]) -> String {
    let words: Vec<String> = drops.iter().map(ToString::to_string).collect();
    words.join("; ")
}
