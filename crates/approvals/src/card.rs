use serde::{Deserialize, Serialize};

use crate::{Digest, Role};

mod call;
mod lines;

pub use call::CardCall;

/// A subject as a person sees it, and all that they should know.
///
/// Whoever fills it in puts text through [`crate::visible`]; whoever draws it
/// may wrap a line and must not cut one. [`Card::lines`] is the drawing that
/// every surface of text uses.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Card {
    /// `SAFE` to `CRITICAL`.
    pub tier: String,
    /// `known`, `unknown` or `opaque`; empty where it is no command.
    pub known: String,
    /// Why, in one sentence.
    pub reason: String,
    /// Whose it is.
    pub agent: String,
    /// What the kernel says of the process that asks, or where a request came
    /// from.
    pub requester: String,
    /// The text as it was given, where it was text.
    pub raw: Option<String>,
    /// What would run: each command one argument an entry, decoded.
    pub commands: Vec<Vec<String>>,
    /// Where.
    pub folder: String,
    /// Where it runs: `gateway`, or `sandbox:` and the back end.
    pub place: String,
    /// What the confinement lacks.
    pub lacks: Vec<String>,
    /// Changes of the environment, `NAME=value` or `NAME removed`.
    pub environment: Vec<String>,
    /// Binaries and scripts.
    pub files: Vec<CardFile>,
    /// Files that are not there and must not come to be before it runs, those
    /// of one name together.
    pub absent: Vec<String>,
    /// Files that it touches, as far as that is known.
    pub touches: Vec<String>,
    /// Hosts that it speaks to, as far as that is known.
    pub hosts: Vec<String>,
    /// What could not be inspected.
    pub unseen: Vec<String>,
    /// The rules behind the tier, worst first.
    pub rules: Vec<CardRule>,
    /// What the agent says of itself; nothing of it is known to be true.
    pub claims: Vec<String>,
    /// What the judge model thinks.
    pub advice: Option<Advice>,
    /// What `allow-always` would keep.
    pub proposal: Option<Proposal>,
    /// The request to a model, where that is what is asked about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub call: Option<CardCall>,
}

/// A file whose bytes count.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CardFile {
    /// What it is to the command.
    pub role: Role,
    /// Where.
    pub path: String,
    /// Of its bytes.
    pub sha256: Digest,
    /// Whether the agent could have changed it; none where that is not known.
    pub changeable: Option<bool>,
}

/// One rule that spoke.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CardRule {
    /// Its name, such as `destroy`.
    pub rule: String,
    /// The tier that it alone would give.
    pub tier: String,
    /// What it says.
    pub reason: String,
}

/// What a model thinks of it. It never allows what is above LOW.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Advice {
    /// Which model.
    pub model: String,
    /// `allow`, `ask` or `failed`.
    pub verdict: String,
    /// In its words.
    pub reason: String,
}

/// The rule that `allow-always` would keep.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proposal {
    /// As it stands in the file.
    pub pattern: String,
    /// Past commands of the agent that it would have allowed.
    pub would_allow: Vec<String>,
    /// Past commands with the same program that it would not have allowed.
    pub would_not_allow: Vec<String>,
}

impl Card {
    /// Every text in it, to take secrets out before it is kept.
    pub fn each_text(&mut self, change: &mut impl FnMut(&mut String)) {
        let single = [&mut self.reason, &mut self.folder, &mut self.requester];
        let lists = [
            &mut self.environment,
            &mut self.absent,
            &mut self.touches,
            &mut self.hosts,
            &mut self.unseen,
            &mut self.claims,
        ];
        let all = single
            .into_iter()
            .chain(self.raw.as_mut())
            .chain(self.commands.iter_mut().flatten())
            .chain(lists.into_iter().flatten())
            .chain(self.rules.iter_mut().map(|rule| &mut rule.reason))
            .chain(self.proposal.iter_mut().map(|it| &mut it.pattern))
            .chain(self.advice.iter_mut().map(|it| &mut it.reason))
            .chain(self.call.iter_mut().flat_map(CardCall::texts));
        all.for_each(change);
    }
}
