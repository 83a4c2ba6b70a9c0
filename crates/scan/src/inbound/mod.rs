//! Instructions that text from outside gives to a model.
//!
//! ```text
//! naive     the detector that routes name: two phrases close to each other
//! normal    one spelling for many: compatibility forms, look-alikes, spaces
//! passages  what hides in the text: comments, attributes, encodings
//! concepts  words of many languages by what they mean, found in one pass
//! signals   which meanings stand together, what that weighs, and the sum
//! profile   how strict, by context; the numbers of the systems replaced
//! outside   second opinions: a remote scanner, a script of the operator
//! ```
//!
//! A finding here is first of all taint on the run that read the text.

mod concepts;
mod naive;
mod normal;
mod outside;
mod passages;
mod profile;
mod signals;

use crate::finding::{Detector, Finding, Report, Severity, Verdict};

pub use outside::{Answer, Asked, Opinion, OpinionFault, SecondOpinion, combine};
pub use profile::{Context, Profile, Rate};

use concepts::Concepts;
use signals::Signals;

/// What is looked for, and how strictly.
#[derive(Debug, Clone, Copy)]
pub struct Inbound {
    /// Where the text came from.
    pub context: Context,
    /// How strict.
    pub profile: Profile,
    /// `naive_injection_detection`
    pub naive: bool,
    /// `injection_signals`
    pub signals: bool,
}

impl Default for Inbound {
    fn default() -> Self {
        Self {
            context: Context::Api,
            profile: Profile::Balanced,
            naive: true,
            signals: true,
        }
    }
}

/// Why the shipped concepts can't be read.
#[derive(Debug, thiserror::Error)]
#[error("concepts can't be read: {0}")]
pub struct ConceptFault(pub(crate) String);

/// Finds injections in text. Cheap to share, holds no text.
#[derive(Debug)]
pub struct Injections {
    concepts: Concepts,
    signals: Signals,
    naive: naive::Naive,
}

impl Injections {
    /// The concepts and signals that come with Tollgate.
    ///
    /// # Errors
    /// None in practice: a test holds the shipped file.
    pub fn shipped() -> Result<Self, ConceptFault> {
        let file = concepts::read(include_str!("../../rules/concepts.toml"))?;
        Ok(Self {
            concepts: Concepts::new(&file)?,
            signals: Signals::new(&file)?,
            naive: naive::Naive::new(),
        })
    }

    /// What this text means to make a model do. Bytes that are no UTF-8 are
    /// read as if they were missing.
    pub fn inbound(&self, text: &[u8], how: Inbound) -> Report {
        let mut report = Report::default();
        let mut verdict = Verdict::Clean;
        if how.naive
            && let Some((finding, naive)) = self.naive.look(text)
        {
            verdict = naive;
            report.findings.push(finding);
        }
        if how.signals {
            let (score, discussed, found) = self.weigh(text, how);
            report.findings.extend(found);
            let (review, unsafe_) = how.profile.thresholds(how.context);
            let judged = match score {
                score if score >= unsafe_ && !discussed => Verdict::Unsafe,
                score if score >= review => Verdict::Review,
                _ => Verdict::Clean,
            };
            if judged == Verdict::Clean {
                report
                    .findings
                    .retain(|finding| finding.detector == Detector::NaiveInjection);
            }
            verdict = verdict.max(judged);
        }
        if verdict == Verdict::Clean {
            report.findings.clear();
        }
        report
            .findings
            .sort_by_key(|finding| (finding.start, finding.end));
        report.judged = Some(verdict);
        report
    }

    /// The sum of the signals, whether the text talks about injections rather
    /// than being one, and where they are.
    fn weigh(&self, text: &[u8], how: Inbound) -> (u32, bool, Vec<Finding>) {
        let view = normal::view(text);
        let hits = self.concepts.hits(&view.text);
        let mut sum = self.signals.weigh(&hits, &view);
        sum.add(
            passages::repeated(&view.text),
            "repeated-token",
            (0, text.len()),
        );
        for passage in passages::of(text, &view) {
            let inner = normal::view(&passage.text);
            let inner_hits = self.concepts.hits(&inner.text);
            let inner_sum = self.signals.weigh(&inner_hits, &inner);
            // Another reading of text that is seen anyway only counts where it
            // says more; one that hides weighs more than one that does not.
            if !passage.hidden {
                if inner_sum.score > sum.score {
                    let more = inner_sum.score - sum.score + passage.weight;
                    sum.add(more, passage.kind, (passage.start, passage.end));
                }
            } else if inner_sum.score >= 4 {
                let weight = inner_sum.score + passage.weight;
                sum.add(weight, passage.kind, (passage.start, passage.end));
            } else if passage.weight > 4 {
                sum.add(
                    passage.weight - 4,
                    passage.kind,
                    (passage.start, passage.end),
                );
            }
        }
        let discussed = how.profile.is_discussion(sum.discussion, sum.count);
        let score = if discussed { sum.score / 2 } else { sum.score };
        (score, discussed, sum.findings)
    }
}

pub(crate) fn finding(kind: &str, weight: u32, start: usize, end: usize) -> Finding {
    Finding {
        detector: Detector::InjectionSignals,
        kind: kind.into(),
        severity: match weight {
            0..=2 => Severity::Low,
            3..=5 => Severity::Medium,
            _ => Severity::High,
        },
        start,
        end,
    }
}

#[cfg(test)]
mod tests;
