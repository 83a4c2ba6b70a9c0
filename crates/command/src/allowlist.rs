//! Many rules, and whether they cover a plan.
//!
//! A rule is a pattern bound to files: the binary that its program stood for,
//! and the text of the scripts that the command runs. This crate reads no
//! file: [`needs`](crate::needs) says what a plan depends on, the caller finds
//! it and hands in [`Evidence`].

use std::collections::HashMap;

use crate::needs::Role;
use crate::pattern::{Pattern, base};
use crate::verdict::Verdict;

/// A file as it was when a rule was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScriptBinding {
    /// Absolute.
    pub path: String,
    /// SHA-256 of what counts of it ([`Need::counted`](crate::Need::counted));
    /// `None` where there was no such file, and must be none.
    pub sha256: Option<[u8; 32]>,
}

/// A pattern bound to files.
#[derive(Debug, Clone)]
pub struct Rule {
    /// The words.
    pub pattern: Pattern,
    /// Absolute path of the program's file.
    pub binary: String,
    /// Scripts, for commands that run some.
    pub scripts: Vec<ScriptBinding>,
}

/// A file that a plan depends on, as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    /// Of the [`Need`](crate::Need).
    pub step: usize,
    /// Of the need.
    pub role: Role,
    /// Absolute path of what was found, or of what is not there.
    pub path: String,
    /// SHA-256 of what counts of it; `None` where it is not there. Not looked at
    /// for a binary, whose path counts.
    pub sha256: Option<[u8; 32]>,
}

/// Rules, indexed by their words.
#[derive(Debug, Default)]
pub struct Allowlist {
    rules: Vec<Rule>,
    /// Base name of the program and the words after it, joined; the flag is
    /// whether the pattern is open.
    index: HashMap<(String, bool), Vec<usize>, foldhash::fast::RandomState>,
    /// Words of the longest open pattern.
    longest: usize,
}

impl Allowlist {
    /// Indexes rules; places in later answers are places in this list.
    pub fn new(rules: Vec<Rule>) -> Self {
        let mut list = Self::default();
        for (place, rule) in rules.iter().enumerate() {
            let words = rule.pattern.words.iter().map(String::as_str);
            let key = key(words, rule.pattern.open);
            list.index.entry(key).or_default().push(place);
            if rule.pattern.open {
                list.longest = list.longest.max(rule.pattern.words.len());
            }
        }
        list.rules = rules;
        list
    }

    /// The rules in their order.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// The rules that together cover a plan, each once, in the order of its
    /// steps; `None` where a step is left that they don't cover. Steps that are
    /// SAFE by themselves need no rule where `safe_is_free`, but a plan of
    /// nothing else is not covered: no rule matches it.
    pub fn covers(
        &self,
        verdict: &Verdict,
        evidence: &[Evidence],
        safe_is_free: bool,
    ) -> Option<Vec<usize>> {
        if verdict.is_hidden() {
            return None;
        }
        let mut used = Vec::new();
        for place in verdict.roots() {
            match self.rule_for(verdict, place, evidence) {
                Some(rule) if used.contains(&rule) => {}
                Some(rule) => used.push(rule),
                None if safe_is_free && verdict.is_harmless(place) => {}
                None => return None,
            }
        }
        (!used.is_empty()).then_some(used)
    }

    fn rule_for(&self, verdict: &Verdict, place: usize, evidence: &[Evidence]) -> Option<usize> {
        let words: Vec<&str> = verdict.steps[place]
            .argv
            .iter()
            .map(|word| word.text.as_str())
            .collect();
        let open = (1..=words.len().min(self.longest)).map(|end| (end, true));
        std::iter::once((words.len(), false))
            .chain(open)
            .filter_map(|(end, open)| self.index.get(&key(words[..end].iter().copied(), open)))
            .flatten()
            .copied()
            .find(|rule| {
                let rule = &self.rules[*rule];
                rule.pattern.fits(verdict, place) && rule.holds(verdict, place, evidence)
            })
    }
}

impl Rule {
    /// Whether the files are still those that the rule was made for.
    fn holds(&self, verdict: &Verdict, place: usize, evidence: &[Evidence]) -> bool {
        let mut own = evidence.iter().filter(|one| one.step == place);
        let binary = own
            .clone()
            .any(|one| one.role == Role::Binary && one.path == self.binary);
        let runs_scripts = verdict.of_step(place).any(|finding| finding.rule == "task");
        let scripts = || {
            let found = own.clone().filter(|one| one.role != Role::Binary).count();
            found > 0 && found == self.scripts.len()
        };
        binary
            && (!runs_scripts
                || scripts()
                    && own.all(|one| {
                        one.role == Role::Binary
                            || self
                                .scripts
                                .iter()
                                .any(|bound| bound.path == one.path && bound.sha256 == one.sha256)
                    }))
    }
}

fn key<'a>(words: impl Iterator<Item = &'a str>, open: bool) -> (String, bool) {
    let mut key = String::new();
    for (place, word) in words.enumerate() {
        match place {
            0 => key.push_str(base(word)),
            _ => {
                key.push('\0');
                key.push_str(word);
            }
        }
    }
    (key, open)
}

#[cfg(test)]
mod tests;
