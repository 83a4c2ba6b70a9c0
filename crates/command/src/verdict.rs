//! What is said of a command.

use serde::{Deserialize, Serialize};
use tollgate_types::Tier;

use crate::plan::{Origin, Step};
use crate::sight::Sight;

/// One reason, of the many that a command may have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The tier that this alone would have.
    pub tier: Tier,
    /// Whether it is understood.
    pub sight: Sight,
    /// Stable name, such as `destroy` or `write.system`.
    pub rule: String,
    /// A sentence without a full stop.
    pub reason: String,
    /// Place in [`Verdict::steps`] of the step that it is about: the one that
    /// is written, where it was found in what that one runs. `None` for what
    /// was found in the text as a whole.
    pub step: Option<usize>,
}

/// The judgement over a whole text.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// The worst of the findings.
    pub tier: Tier,
    /// The least clear of the findings.
    pub sight: Sight,
    /// The reason of the worst finding.
    pub reason: String,
    /// Everything above SAFE or not understood, worst first.
    pub findings: Vec<Finding>,
    /// What would run, wrappers unwrapped, in order.
    pub steps: Vec<Step>,
}

impl Verdict {
    /// Names of the rules that spoke, worst first, each once.
    pub fn rules(&self) -> Vec<&str> {
        let mut rules: Vec<&str> = Vec::new();
        for finding in &self.findings {
            if !rules.contains(&finding.rule.as_str()) {
                rules.push(&finding.rule);
            }
        }
        rules
    }

    /// Places of the steps that no other step unwraps to.
    pub(crate) fn roots(&self) -> Vec<usize> {
        let steps = self.steps.iter().enumerate();
        steps
            .filter(|(_, step)| !matches!(step.origin, Origin::Inside(_)))
            .map(|(place, _)| place)
            .collect()
    }

    /// What was found in one of the [roots](Self::roots).
    pub(crate) fn of_step(&self, place: usize) -> impl Iterator<Item = &Finding> {
        self.findings
            .iter()
            .filter(move |finding| finding.step == Some(place))
    }

    /// Whether a step runs another command.
    pub(crate) fn unwraps(&self, place: usize) -> bool {
        let next = self.steps.get(place + 1);
        next.is_some_and(|next| matches!(next.origin, Origin::Inside(_)))
    }

    /// Whether a step is SAFE and known by itself.
    pub(crate) fn is_harmless(&self, place: usize) -> bool {
        self.of_step(place).next().is_none()
    }

    /// Whether something was found that belongs to no step.
    pub(crate) fn is_hidden(&self) -> bool {
        self.findings.iter().any(|finding| finding.step.is_none())
    }

    pub(crate) fn of(mut findings: Vec<Finding>, steps: Vec<Step>) -> Self {
        findings.sort_by_key(|finding| std::cmp::Reverse((finding.tier, finding.sight)));
        let tier = findings
            .iter()
            .map(|finding| finding.tier)
            .max()
            .unwrap_or_default();
        let sight = findings
            .iter()
            .map(|finding| finding.sight)
            .max()
            .unwrap_or_default();
        let reason = findings.first().map_or_else(
            || "only reads or prints".to_owned(),
            |finding| finding.reason.clone(),
        );
        Self {
            tier,
            sight,
            reason,
            findings,
            steps,
        }
    }
}
