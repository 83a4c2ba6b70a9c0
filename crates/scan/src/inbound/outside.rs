use super::{Context, Profile};
use crate::finding::Verdict;

/// What is asked of a second opinion: `{"url","content","context"}` of the
/// remote contract, and the `input` of a script's `scan(input)`.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// Where the text came from, if it has an address.
    pub url: Option<&'a str>,
    /// The text.
    pub content: &'a str,
    /// What kind of place that is.
    pub context: Context,
    /// `discussion_ratio_threshold` and `min_signals_for_ratio` are its.
    pub profile: Profile,
}

/// What came back: `{"verdict":"clean|review|unsafe","reason"?}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opinion {
    /// The verdict.
    pub verdict: Verdict,
    /// Why, in somebody else's words.
    pub reason: Option<String>,
}

/// Why there is no opinion.
#[derive(Debug, thiserror::Error)]
#[error("the second opinion `{name}` failed: {what}")]
pub struct OpinionFault {
    /// Which one.
    pub name: String,
    /// What happened.
    pub what: String,
}

/// What one second opinion came to.
pub type Answer = Result<Opinion, OpinionFault>;

/// A scanner outside this crate: a remote one, or an operator's script. Who
/// implements it owns the network and the interpreter.
pub trait SecondOpinion {
    /// Its name in messages.
    fn name(&self) -> &str;

    /// Whether its failure counts as unsafe.
    fn fails_closed(&self) -> bool;

    /// Looks at the text.
    ///
    /// # Errors
    /// It can't be reached, or what it said is no verdict.
    fn scan(&self, asked: &Asked<'_>) -> Answer;
}

/// Asks one after the other: clean goes on to the next, a review is kept,
/// unsafe ends it.
pub fn combine(first: Verdict, others: &[&dyn SecondOpinion], asked: &Asked<'_>) -> Opinion {
    let mut kept = Opinion {
        verdict: first,
        reason: None,
    };
    for other in others {
        if kept.verdict == Verdict::Unsafe {
            break;
        }
        let opinion = match other.scan(asked) {
            Ok(opinion) => opinion,
            Err(fault) if other.fails_closed() => Opinion {
                verdict: Verdict::Unsafe,
                reason: Some(fault.to_string()),
            },
            Err(_) => continue,
        };
        if opinion.verdict > kept.verdict {
            kept = opinion;
        }
    }
    kept
}
