//! What is said of a command.

use tollgate_types::Tier;

use crate::plan::Step;
use crate::sight::Sight;

/// One reason, of the many that a command may have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The tier that this alone would have.
    pub tier: Tier,
    /// Whether it is understood.
    pub sight: Sight,
    /// Stable name, such as `destroy` or `write.system`.
    pub rule: String,
    /// A sentence without a full stop.
    pub reason: String,
}

/// The judgement over a whole text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
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
