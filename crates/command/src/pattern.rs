//! Patterns of an allowlist: an argv grammar, not a string.
//!
//! `git status` is exactly that; `git log *` is `git log` with any further
//! words, as long as none of them makes git run something else. What a pattern
//! allows is decided on the plan, so a quoted `*` or a second command never
//! slips through.

use crate::plan::{Origin, Step};
use crate::sight::Sight;
use crate::verdict::Verdict;
use crate::{grammar, judge, setting::Setting};

/// A pattern that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    words: Vec<String>,
    open: bool,
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
}

impl Pattern {
    /// Reads a pattern: words of a command, `*` as the last one for any more.
    ///
    /// # Errors
    /// [`PatternFault`]: not one plain command, or an open pattern for a shell,
    /// an interpreter or a wrapper.
    pub fn read(text: &str) -> Result<Self, PatternFault> {
        let fault = || PatternFault::Plain(text.chars().take(80).collect());
        let verdict = judge(text, &Setting::default());
        // A wrapper's plan has more than one step: it is refused by name first.
        if let Some(program) = verdict.steps.first().and_then(|step| step.argv.first())
            && text.trim_end().ends_with(" *")
            && runs_anything(&program.text)
        {
            let text = text.chars().take(80).collect();
            return Err(PatternFault::Runs(text, program.text.clone()));
        }
        let step = plain(&verdict).ok_or_else(fault)?;
        let mut words: Vec<String> = step.argv.iter().map(|word| word.text.clone()).collect();
        let open = words.len() > 1
            && step
                .argv
                .last()
                .is_some_and(|last| last.text == "*" && last.glob);
        if open {
            words.pop();
        }
        let globs = step
            .argv
            .iter()
            .take(words.len())
            .any(|word| word.glob || word.dynamic);
        match globs || open && runs_anything(&words[0]) {
            true => Err(fault()),
            false => Ok(Self { words, open }),
        }
    }

    /// Whether the pattern allows a judged command: one plain step, understood,
    /// that runs nothing else and starts with these words.
    pub fn allows(&self, verdict: &Verdict) -> bool {
        let Some(step) = plain(verdict) else {
            return false;
        };
        let words = &step.argv;
        let fits = match self.open {
            true => words.len() >= self.words.len(),
            false => words.len() == self.words.len(),
        };
        fits && verdict.sight == Sight::Known
            && !words.iter().any(|word| word.dynamic)
            && self
                .words
                .iter()
                .zip(words)
                .all(|(wanted, word)| *wanted == word.text && !word.glob)
            && (!self.open
                || !verdict
                    .findings
                    .iter()
                    .any(|finding| RUNS.contains(&finding.rule.as_str())))
    }

    /// The narrowest useful pattern for a command: program and subcommand with
    /// any further words where the program only does what it is named for, the
    /// whole line otherwise. `None` where none may be kept.
    pub fn propose(verdict: &Verdict) -> Option<Self> {
        let step = plain(verdict)?;
        let words: Vec<String> = step.argv.iter().map(|word| word.text.clone()).collect();
        let risky = verdict.tier >= tollgate_types::Tier::High || verdict.sight != Sight::Known;
        if risky || runs_anything(words.first()?) || step.argv.iter().any(|word| word.dynamic) {
            return None;
        }
        let depth = grammar::find(&words[0]).map_or(0, |grammar| {
            grammar::fit(grammar, &step.argv[1..])
                .path
                .split('.')
                .filter(|part| !part.is_empty())
                .count()
        });
        let named = words
            .iter()
            .skip(1)
            .take(depth)
            .all(|word| !word.starts_with('-'));
        Some(
            match depth > 0
                && named
                && verdict
                    .findings
                    .iter()
                    .all(|finding| finding.tier <= tollgate_types::Tier::Low)
            {
                true => Self {
                    words: words[..=depth].to_vec(),
                    open: true,
                },
                false => Self { words, open: false },
            },
        )
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

/// Findings that mean that something else runs, or that nobody knows.
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

/// The one step of a verdict, if it is one and brings nothing with it.
fn plain(verdict: &Verdict) -> Option<&Step> {
    match verdict.steps.as_slice() {
        [step]
            if step.origin == Origin::Text
                && step.assignments.is_empty()
                && step.redirects.is_empty()
                && !step.argv.is_empty() =>
        {
            Some(step)
        }
        _ => None,
    }
}

/// Shells, interpreters, wrappers: a pattern must never be wide for them.
fn runs_anything(program: &str) -> bool {
    let name = program.rsplit('/').next().unwrap_or(program);
    grammar::find(name).is_none_or(grammar::Grammar::runs_anything)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allows(pattern: &str, command: &str) -> bool {
        Pattern::read(pattern)
            .unwrap()
            .allows(&judge(command, &Setting::default()))
    }

    #[test]
    fn a_pattern_allows_its_own_words() {
        assert!(allows("git status", "git status"));
        assert!(allows("git log *", "git log --oneline -5"));
        assert!(allows("git *", "git push origin main"));
        assert!(allows("cargo test *", "cargo test -p x"));
    }

    #[test]
    fn a_pattern_allows_nothing_else() {
        for (pattern, command) in [
            ("git status", "git status; rm -rf x"),
            ("git status", "git status && ls"),
            ("git status", "git status > x"),
            ("git status", "X=1 git status"),
            ("git status", "git status $(id)"),
            ("git log *", "git push"),
            ("git *", "git -c core.pager='sh -c id' log"),
            ("git *", "git -c alias.x='!sh' x"),
            ("git *", "git clone --upload-pack=sh a"),
            ("git *", "git nosuchsubcommand"),
            ("git *", "./git status"),
            ("git *", "git log $x"),
            ("tar *", "tar cf a b --checkpoint-action=exec=sh"),
            ("find *", "find . -exec id ;"),
        ] {
            assert!(!allows(pattern, command), "{pattern} / {command}");
        }
    }

    #[test]
    fn no_pattern_is_wide_for_what_runs_anything() {
        for pattern in [
            "bash *",
            "python3 *",
            "sudo *",
            "env *",
            "xargs *",
            "ssh *",
            "node *",
            "timeout *",
            "nosuchprogram *",
            "npx *",
        ] {
            assert!(
                matches!(Pattern::read(pattern), Err(PatternFault::Runs(..))),
                "{pattern}"
            );
        }
        assert!(matches!(
            Pattern::read("git status; ls"),
            Err(PatternFault::Plain(_))
        ));
    }

    #[test]
    fn the_narrowest_useful_pattern_is_proposed() {
        let propose = |text: &str| {
            Pattern::propose(&judge(text, &Setting::default())).map(|pattern| pattern.to_string())
        };
        assert_eq!(propose("git log --oneline"), Some("git log *".to_owned()));
        assert_eq!(propose("npm test"), Some("npm test".to_owned()));
        assert_eq!(propose("touch 'a b'"), Some("touch 'a b'".to_owned()));
        for never in [
            "bash -c ls",
            "sudo ls",
            "rm -rf x",
            "./x",
            "nosuchprogram",
            "ls | sh",
        ] {
            assert_eq!(propose(never), None, "{never}");
        }
    }
}
