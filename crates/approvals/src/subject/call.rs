use serde::{Deserialize, Serialize};
use tollgate_types::{AgentName, Label};

use crate::Digest;
use crate::encoding::Encoder;

/// A request to a model, before it goes anywhere.
///
/// The gateway makes it of what it has read itself; no field of it is the
/// caller's word about itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelCall {
    /// Whose request it is.
    pub agent: AgentName,
    /// In which run, where it is in one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<Label>,
    /// The endpoint that was called; of what is passed through, its path.
    pub endpoint: String,
    /// The name that the caller wrote.
    pub asked: String,
    /// `provider/model` of everybody who could get it. Their order does not
    /// count: an alloy tosses a coin for it.
    pub models: Vec<String>,
    /// Of the body's bytes as they were received.
    pub body: Digest,
    /// How many there are.
    pub size: u64,
    /// What was found in it and goes out with it: kind and place.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub found: Vec<(Label, Label)>,
    /// The rule that asks, where one does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<Label>,
    /// Version of the policy that judged it.
    pub policy_version: Label,
    /// Version of the configuration that judged it.
    pub config_version: u64,
}

impl ModelCall {
    pub(super) fn encode(&self, out: &mut Encoder) {
        out.text(self.agent.as_str());
        optional(out, self.run.as_deref());
        out.text(&self.endpoint);
        out.text(&self.asked);
        let mut models: Vec<&String> = self.models.iter().collect();
        models.sort();
        models.dedup();
        out.list(models.into_iter(), |out, model| out.text(model));
        out.raw(self.body.as_bytes());
        out.number(self.size);
        let mut found: Vec<_> = self.found.iter().collect();
        found.sort();
        found.dedup();
        out.list(found.into_iter(), |out, (kind, place)| {
            out.text(kind);
            out.text(place);
        });
        optional(out, self.rule.as_deref());
        out.text(&self.policy_version);
        out.number(self.config_version);
    }
}

fn optional(out: &mut Encoder, text: Option<&str>) {
    out.byte(text.is_some().into());
    if let Some(text) = text {
        out.text(text);
    }
}
