//! Instructions that text from outside gives to a model.
//!
//! ```text
//! naive     the detector that routes name: two phrases close to each other
//! normal    one spelling for many: compatibility forms, look-alikes, spaces
//! passages  what hides in the text: comments, attributes, encodings
//! anchors   what a text can come to at most, told in one pass
//! concepts  words of many languages by what they mean, found in one pass
//! signals   which meanings stand together, what that weighs, and the sum
//! profile   how strict, by context; the numbers of the systems replaced
//! outside   second opinions: a remote scanner, a script of the operator
//! ```
//!
//! A finding here is first of all taint on the run that read the text.

mod anchors;
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

use anchors::{Anchored, Anchors};
use concepts::Concepts;
use normal::View;
use passages::Passage;
use signals::{Signals, Sum};

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
    anchors: Anchors,
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
            anchors: Anchors::new(&file)?,
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
        let reading = self.read(text);
        if how.naive
            && reading.anchored.may_be_naive()
            && let Some((finding, naive)) = self.naive.look(text)
        {
            verdict = naive;
            report.findings.push(finding);
        }
        if how.signals
            && let Some((judged, found)) = self.judge(text, &reading, how)
        {
            report.findings.extend(found);
            verdict = verdict.max(judged);
        }
        report
            .findings
            .sort_by_key(|finding| (finding.start, finding.end));
        report.judged = Some(verdict);
        report
    }

    /// What the signals come to, and where they are; nothing where that is
    /// less than a review.
    fn judge(
        &self,
        text: &[u8],
        reading: &Reading,
        how: Inbound,
    ) -> Option<(Verdict, Vec<Finding>)> {
        let (review, unsafe_) = how.profile.thresholds(how.context);
        let repeated = passages::repeated(&reading.view.text);
        let turned = reading.anchored.may_be_turned();
        let hidden: Vec<(Passage, Reading)> = passages::of(text, &reading.view, turned)
            .into_iter()
            .map(|passage| {
                let inner = self.read(&passage.text);
                (passage, inner)
            })
            .collect();
        if self.bound(reading, repeated, &hidden) < review {
            return None;
        }
        let sum = self.weigh(text.len(), reading, repeated, &hidden);
        if sum.score < review {
            return None;
        }
        let talk = self
            .concepts
            .mentions(&reading.view.text, self.signals.discussion);
        let talk = u32::try_from(talk).unwrap_or(u32::MAX);
        let discussed = how.profile.is_discussion(talk, sum.count);
        let score = if discussed { sum.score / 2 } else { sum.score };
        let judged = match score {
            score if score >= unsafe_ && !discussed => Verdict::Unsafe,
            score if score >= review => Verdict::Review,
            _ => return None,
        };
        Some((judged, sum.findings))
    }

    fn read(&self, text: &[u8]) -> Reading {
        let view = normal::view(text);
        let anchored = self.anchors.of(&view.text);
        Reading { view, anchored }
    }

    /// What [`Self::weigh`] can come to at most, by the anchors alone: the same
    /// steps, each with its bound.
    fn bound(&self, reading: &Reading, repeated: u32, hidden: &[(Passage, Reading)]) -> u32 {
        let mut bound = self.signals.bound(reading.anchored.present) + repeated;
        for (passage, inner) in hidden {
            let most = self.signals.bound(inner.anchored.present);
            match passage.hidden {
                false if most > 0 => bound = bound.max(most + passage.weight),
                false => {}
                true if most >= 4 => bound += most + passage.weight,
                true => bound += passage.weight.saturating_sub(4),
            }
        }
        bound
    }

    /// The sum of the signals.
    fn weigh(
        &self,
        length: usize,
        reading: &Reading,
        repeated: u32,
        hidden: &[(Passage, Reading)],
    ) -> Sum {
        let mut sum = self.sum(reading);
        sum.add(repeated, "repeated-token", (0, length));
        for (passage, inner) in hidden {
            let inner = self.sum(inner).score;
            let place = (passage.start, passage.end);
            // Another reading of text that is seen anyway only counts where it
            // says more; one that hides weighs more than one that does not.
            if !passage.hidden {
                if inner > sum.score {
                    let more = inner - sum.score + passage.weight;
                    sum.add(more, passage.kind, place);
                }
            } else if inner >= 4 {
                sum.add(inner + passage.weight, passage.kind, place);
            } else {
                sum.add(passage.weight.saturating_sub(4), passage.kind, place);
            }
        }
        sum
    }

    /// The signals of one text, which all stand around its anchors.
    fn sum(&self, reading: &Reading) -> Sum {
        let text = &reading.view.text;
        // Anchors come by their ends, and a word may reach out of its gram.
        let within = self.signals.widest + 3 * crate::sieve::LONGEST;
        let parts = reading.anchored.around(within, text.len());
        let hits = self.concepts.hits(text, &parts);
        self.signals.weigh(&hits, &reading.view)
    }
}

/// A text in one spelling, with the words in it that few texts have.
struct Reading {
    view: View,
    anchored: Anchored,
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
