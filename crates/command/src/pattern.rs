//! Patterns of an allowlist: an argv grammar, not a string.
//!
//! `git status` is exactly that; `git log *` is `git log` with any further
//! words, as long as none of them makes git run something else. What a pattern
//! allows is decided on the plan, so a quoted `*` or a second command never
//! slips through. Which file the program's name stands for is not the
//! pattern's matter: a [`Rule`](crate::Rule) binds it.

use tollgate_types::Tier;

use crate::plan::{Arg, Origin, Step};
use crate::sight::Sight;
use crate::verdict::{Finding, Verdict};
use crate::{grammar, judge, needs, setting::Setting, target};

/// A pattern that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    pub(crate) words: Vec<String>,
    pub(crate) open: bool,
    /// What the fixed words do by themselves: `npm install *` may install.
    own: Vec<String>,
}

/// Why a text is no pattern.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum PatternFault {
    /// It is not one plain command.
    #[error("pattern `{0}` is not one plain command, expected words such as `git log *`")]
    Plain(String),
    /// The program runs what it is given.
    #[error("pattern `{0}` would allow everything: `{1}` runs what it is given")]
    Runs(String, String),
    /// A person is asked about it whatever a list says.
    #[error("pattern `{0}` runs something that can't be seen, which a person decides each time")]
    Opaque(String),
}

impl Pattern {
    /// Reads a pattern: words of a command, `*` as the last one for any more.
    ///
    /// # Errors
    /// [`PatternFault`]: not one plain command, an open pattern for a shell, an
    /// interpreter or a wrapper, or a command that is opaque.
    pub fn parse(text: &str) -> Result<Self, PatternFault> {
        let shown = || text.chars().take(80).collect::<String>();
        let verdict = judge(text, &Setting::default());
        let open = text.trim_end().ends_with(" *");
        // A wrapper's plan has more than one step: it is refused by name first.
        if let Some(program) = verdict.steps.first().and_then(|step| step.argv.first())
            && open
            && runs_anything(&program.text)
        {
            return Err(PatternFault::Runs(shown(), program.text.clone()));
        }
        if !open && verdict.sight == Sight::Opaque {
            return Err(PatternFault::Opaque(shown()));
        }
        let step = only(&verdict).ok_or_else(|| PatternFault::Plain(shown()))?;
        let (last, fixed) = step
            .argv
            .split_last()
            .ok_or_else(|| PatternFault::Plain(shown()))?;
        let open = open && last.text == "*" && last.glob && !fixed.is_empty();
        let kept = if open { fixed } else { &step.argv };
        if kept.iter().any(|word| word.glob || word.dynamic) {
            return Err(PatternFault::Plain(shown()));
        }
        Ok(Self::of(
            kept.iter().map(|word| word.text.clone()).collect(),
            open,
        ))
    }

    /// From words that are known to be plain.
    pub(crate) fn of(words: Vec<String>, open: bool) -> Self {
        // `npm *` names no script, `make *` means every target of one file.
        let named = words.len() > 1 || words.first().is_some_and(|one| needs::runs_a_file(one));
        let own = match open && named {
            true => judge::judge_argv(&words, &Setting::default())
                .findings
                .into_iter()
                .map(|finding| finding.rule)
                .filter(|rule| OWN.contains(&rule.as_str()))
                .collect(),
            false => Vec::new(),
        };
        Self { words, open, own }
    }

    /// The program as it is written: a name, or a path of the system.
    pub fn program(&self) -> &str {
        self.words.first().map_or("", String::as_str)
    }

    /// Whether any further words are allowed.
    pub fn is_open(&self) -> bool {
        self.open
    }

    /// Whether the pattern would let a judged command pass, given that files
    /// are those that the rule was made for: it covers every step that would
    /// be asked about, and at least one.
    pub fn would_allow(&self, verdict: &Verdict) -> bool {
        let roots = verdict.roots();
        let mut covered = false;
        !roots.is_empty()
            && !verdict.is_hidden()
            && roots.into_iter().all(|place| {
                let fits = self.fits(verdict, place);
                covered |= fits;
                fits || verdict.is_harmless(place)
            })
            && covered
    }

    /// Whether the step at `place` is one that the pattern allows.
    pub(crate) fn fits(&self, verdict: &Verdict, place: usize) -> bool {
        let Some(step) = verdict.steps.get(place).filter(|step| plain(step)) else {
            return false;
        };
        let words = &step.argv;
        let long_enough = match self.open {
            true => words.len() >= self.words.len(),
            false => words.len() == self.words.len(),
        };
        let hides = words.iter().any(|word| word.dynamic) || self.is_lured(words);
        if !long_enough || hides || self.open && verdict.unwraps(place) {
            return false;
        }
        verdict.of_step(place).all(|finding| self.permits(finding))
            && self
                .words
                .iter()
                .zip(words)
                .enumerate()
                .all(|(at, (wanted, word))| {
                    !word.glob && (*wanted == word.text || at == 0 && same_name(wanted, &word.text))
                })
    }

    /// `tar cf a *` takes a file named `--checkpoint-action=…` for an option.
    fn is_lured(&self, words: &[Arg]) -> bool {
        let end = words.iter().position(|word| word.text == "--");
        words[..end.unwrap_or(words.len())]
            .iter()
            .any(|word| word.glob && word.text.starts_with(['*', '?', '[', '-']))
    }

    /// What a command that fits may do besides.
    fn permits(&self, finding: &Finding) -> bool {
        let seen = match self.open {
            true => finding.sight == Sight::Known,
            false => finding.sight != Sight::Opaque,
        };
        let rule = finding.rule.as_str();
        seen && (!self.open
            || finding.tier < Tier::Critical
                && !target::is_taken_over(rule)
                && !RUNS.contains(&rule)
                && (!OWN.contains(&rule) || self.own.iter().any(|own| own == rule)))
    }
}

impl std::fmt::Display for Pattern {
    /// As it would be written, with quotes where a shell would want them.
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (place, word) in self.words.iter().enumerate() {
            let gap = if place > 0 { " " } else { "" };
            let bare = !word.is_empty()
                && word
                    .chars()
                    .all(|one| one.is_alphanumeric() || "-_./:=@,+%".contains(one));
            match bare {
                true => write!(out, "{gap}{word}")?,
                false => write!(out, "{gap}'{}'", word.replace('\'', "'\\''"))?,
            }
        }
        if self.open { write!(out, " *") } else { Ok(()) }
    }
}

impl std::str::FromStr for Pattern {
    type Err = PatternFault;

    fn from_str(text: &str) -> Result<Self, PatternFault> {
        Self::parse(text)
    }
}

/// Findings that mean that something else runs, or that nobody knows: no open
/// pattern allows them.
const RUNS: &[&str] = &[
    "run",
    "shell",
    "code",
    "unsure",
    "page",
    "hidden",
    "unreadable",
    "git-alias",
    "git-setting",
    "command-variable",
    "loading-variable",
];

/// What an open pattern allows only where its fixed words say it: `npm *` does
/// not install, `npm install *` does.
const OWN: &[&str] = &["task", "install", "deploy", "secret", "guard", "root"];

/// The one step of a verdict, if it is one and brings nothing with it.
fn only(verdict: &Verdict) -> Option<&Step> {
    match verdict.steps.as_slice() {
        [step] if plain(step) => Some(step),
        _ => None,
    }
}

/// Written in the text, with nothing before the program and no file behind it
/// but `/dev/null`.
fn plain(step: &Step) -> bool {
    step.origin == Origin::Text
        && step.assignments.is_empty()
        && !step.argv.is_empty()
        && step
            .redirects
            .iter()
            .all(|redirect| redirect.file.text == "/dev/null")
}

/// `/usr/bin/git` in a command is the `git` of a pattern and the other way
/// round; which file it is the rule's binding says.
fn same_name(wanted: &str, word: &str) -> bool {
    base(wanted) == base(word)
}

pub(crate) fn base(program: &str) -> &str {
    program.rsplit('/').next().unwrap_or(program)
}

/// Shells, interpreters, wrappers: a pattern must never be wide for them.
pub(crate) fn runs_anything(program: &str) -> bool {
    grammar::find(base(program)).is_none_or(grammar::Grammar::runs_anything)
}

#[cfg(test)]
mod tests;
