use super::conversation::{Call, Conversation, Part, Role, Setting, Tool, Value};
use super::pen::Pen;
use super::raw::{Fault, Raw};
use super::{Drop, Strictness};

/// A request that is being written in another dialect, and what had no place
/// in it.
pub(super) struct Draft<'a, 't> {
    pub(super) pen: Pen,
    pub(super) target: &'t Target<'t>,
    dropped: Vec<(Raw<'a>, &'static str)>,
}

/// Whom the request goes to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Target<'t> {
    pub(super) model: &'t str,
    pub(super) stream: bool,
    /// Its tokens are only counted.
    pub(super) counts: bool,
    pub(super) temperature: Option<f64>,
    /// Most output tokens where the caller sets no limit.
    pub(super) max_tokens: Option<u64>,
    /// No limit may be above it.
    pub(super) lower_to: Option<u64>,
    pub(super) strictness: Strictness,
}

/// Why a field has no place, for what is dropped as a hint.
pub(super) const NO_PLACE: &str = "dropped: the provider's API has no place for it";

/// What becomes of marks for a cache that needs none.
const CACHED: &str = "dropped: the provider caches by itself";

/// More is not worth reading; a conversation can have thousands of marks.
const MOST_DROPS: usize = 32;

impl<'a, 't> Draft<'a, 't> {
    pub(super) fn new(target: &'t Target<'t>, capacity: usize) -> Self {
        Self {
            pen: Pen::with_capacity(capacity),
            target,
            dropped: Vec::new(),
        }
    }

    /// Leaves something out that does not change what is meant; strictly, that
    /// is a fault as well.
    pub(super) fn leave_out(&mut self, at: Raw<'a>, why: &'static str) -> Result<(), Fault<'a>> {
        match self.target.strictness {
            Strictness::Strict => Err(refused(at)),
            Strictness::Lenient => {
                self.note(at, why);
                Ok(())
            }
        }
    }

    /// Records what was changed or left out for good reason, whatever the
    /// caller wishes: a signature of another maker.
    pub(super) fn note(&mut self, at: Raw<'a>, why: &'static str) {
        let again = self.dropped.iter().any(|(_, known)| *known == why) && why != NO_PLACE;
        if !again && self.dropped.len() < MOST_DROPS {
            self.dropped.push((at, why));
        }
    }

    /// Every system prompt, for an API that has them at the beginning only:
    /// those in the middle of a conversation are moved there.
    pub(super) fn prompts<'c>(
        &mut self,
        conversation: &'c Conversation<'a>,
        why: &'static str,
    ) -> Result<Vec<&'c Part<'a>>, Fault<'a>> {
        let mut prompts: Vec<&Part<'a>> = conversation.system.iter().collect();
        let turns = conversation.turns.iter();
        for turn in turns.filter(|turn| turn.role == Role::System) {
            self.leave_out(turn.at, why)?;
            prompts.extend(&turn.parts);
        }
        Ok(prompts)
    }

    /// What becomes of a setting that the dialect has no word for.
    pub(super) fn no_place(&mut self, setting: &Setting<'a>) -> Result<(), Fault<'a>> {
        match setting.value {
            Value::Foreign
            | Value::Logprobs
            | Value::TopLogprobs(_)
            | Value::Stop(_)
            | Value::Choices(_)
            | Value::ToolChoice(_)
            | Value::Format(_) => Err(refused(setting.at)),
            _ => self.leave_out(setting.at, NO_PLACE),
        }
    }

    /// Marks of a prompt cache that the provider keeps by itself.
    pub(super) fn cached_anyway(&mut self, part: &Part<'a>) -> Result<(), Fault<'a>> {
        match part.cache {
            Some(mark) => self.leave_out(mark, CACHED),
            None => Ok(()),
        }
    }

    /// Thoughts go back to whoever can prove them, and to nobody else.
    pub(super) fn thoughts_of_another(&mut self, part: &Part<'a>) {
        self.note(
            part.at,
            "dropped: thoughts of another model can't be proven to this one",
        );
    }

    /// Records that a call's signature is not the provider's own.
    pub(super) fn signature_of_another(&mut self, call: &Call<'a>, at: Raw<'a>) {
        if call.signature.as_ref().is_some_and(|it| !it.is_empty()) {
            self.note(at, "dropped: a thought signature of another model");
        }
    }

    /// Refuses a tool that the caller's own provider runs, and records a mark
    /// of a cache that keeps itself.
    pub(super) fn only_functions(&mut self, tool: &Tool<'a>) -> Result<(), Fault<'a>> {
        match (tool.is_foreign, tool.cache) {
            (true, _) => Err(refused(tool.at)),
            (false, Some(mark)) => self.leave_out(mark, CACHED),
            (false, None) => Ok(()),
        }
    }

    /// The limit of output: the caller's (the largest of several), else the
    /// one that is set for it, and never above what is allowed.
    pub(super) fn max_output(&self, conversation: &Conversation<'a>) -> Option<u64> {
        let said = conversation
            .settings
            .iter()
            .filter_map(|it| match it.value {
                Value::MaxOutput(tokens) => Some(tokens),
                _ => None,
            });
        let limit = said.max().or(self.target.max_tokens);
        match self.target.lower_to {
            Some(most) => limit.map(|limit| limit.min(most)),
            None => limit,
        }
    }

    /// The text, and what was left out of it by its path.
    pub(super) fn finish(self, body: &str) -> (String, Vec<Drop>) {
        let drops = self.dropped.iter().map(|(at, why)| Drop {
            path: Fault::at(*at, "").path(body),
            words: why,
        });
        let drops = drops.collect();
        (self.pen.finish(), drops)
    }
}

/// The fault that something can't be said to this provider.
pub(super) fn refused(at: Raw<'_>) -> Fault<'_> {
    Fault::at(
        at,
        "the provider that is to answer speaks another API, which has no place for this",
    )
    .hinting("leave it out, or ask for a model whose provider speaks the API of your request")
}
