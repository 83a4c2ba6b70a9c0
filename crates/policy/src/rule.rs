use starlark::values::OwnedFrozenValue;
use tollgate_types::Label;

use crate::decision::{Decision, Verdict};
use crate::facts::Seen;
use crate::glob::Glob;
use crate::{Fact, Facts};

/// A declared rule, compiled.
pub(crate) struct Rule {
    pub(crate) place: Label,
    pub(crate) line: u32,
    pub(crate) verdict: Verdict,
    pub(crate) reason: String,
    /// Any of them; empty means every tool.
    pub(crate) tools: Vec<Glob>,
    /// All of them: the slot of a fact, and the patterns of which one fits.
    pub(crate) wants: Vec<(usize, Vec<Pattern>)>,
    /// The condition in Starlark, asked last.
    pub(crate) when: Option<OwnedFrozenValue>,
    pub(crate) matches: Vec<Facts<'static>>,
    pub(crate) misses: Vec<Facts<'static>>,
}

/// What a fact may be.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Pattern {
    Glob(Glob),
    Flag(bool),
    Whole(i64),
    /// The fact is not there.
    Nothing,
}

/// What a file must say to a call.
pub(crate) struct Expectation {
    pub(crate) line: u32,
    pub(crate) verdict: Verdict,
    pub(crate) reason: Option<String>,
    pub(crate) facts: Facts<'static>,
}

impl Rule {
    /// Whether everything but `when` fits. `seen` is what stands in the slots.
    pub(crate) fn fits(&self, tool: &str, seen: &[Option<Seen<'_>>]) -> bool {
        let named = self.tools.is_empty() || self.tools.iter().any(|glob| glob.matches(tool));
        let wanted = |(slot, patterns): &(usize, Vec<Pattern>)| {
            let seen = seen.get(*slot).copied().flatten();
            patterns.iter().any(|pattern| pattern.fits(seen))
        };
        named && self.wants.iter().all(wanted)
    }

    pub(crate) fn decision(&self) -> Decision {
        Decision::new(self.verdict, self.place.clone(), self.reason.clone())
    }
}

impl Pattern {
    /// A list fits where one of its elements does.
    fn fits(&self, seen: Option<Seen<'_>>) -> bool {
        match seen {
            None | Some(Seen::Fact(Fact::Nothing)) => *self == Self::Nothing,
            Some(Seen::Text(text)) => self.fits_text(text),
            Some(Seen::Labels(labels)) => labels.iter().any(|label| self.fits_text(label)),
            Some(Seen::Taints(taints)) => taints.iter().any(|taint| self.fits_text(&taint.kind)),
            Some(Seen::Whole(number)) => {
                i64::try_from(number).is_ok_and(|it| *self == Self::Whole(it))
            }
            Some(Seen::Fact(Fact::List(list))) => {
                list.iter().any(|item| self.fits(Some(Seen::Fact(item))))
            }
            Some(Seen::Fact(Fact::Text(text))) => self.fits_text(text),
            Some(Seen::Fact(Fact::Flag(flag))) => *self == Self::Flag(*flag),
            Some(Seen::Fact(Fact::Whole(number))) => *self == Self::Whole(*number),
            Some(Seen::Fact(Fact::Number(_) | Fact::Map(_))) => false,
        }
    }

    fn fits_text(&self, text: &str) -> bool {
        matches!(self, Self::Glob(glob) if glob.matches(text))
    }
}
