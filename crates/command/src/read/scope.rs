//! What a text says for sure about its variables and functions.

use std::collections::{HashMap, HashSet};

use crate::plan::Step;

/// What is known from the text so far.
#[derive(Debug, Clone, Default)]
pub(crate) struct Scope {
    /// Variables with a certain value.
    values: HashMap<String, String>,
    /// Names that were given what a substitution prints.
    computed: HashSet<String>,
    /// Names in the order in which they were given a value.
    given: Vec<String>,
    /// Names that a function of the text has taken.
    pub(crate) functions: HashSet<String>,
    /// Only tame text is read; whether some was not is kept beside.
    pub(crate) only_tame: bool,
    pub(crate) met_wild: bool,
    /// Bytes read so far, texts in texts counted again: each level costs anew.
    pub(crate) bytes_read: usize,
    /// How many texts deep this one stands.
    pub(crate) depth: usize,
}

impl Scope {
    pub(crate) fn new(home: Option<&str>) -> Self {
        let mut scope = Self::default();
        let home = home.unwrap_or("~").to_owned();
        scope.values.insert("HOME".to_owned(), home);
        scope
    }

    pub(super) fn known(&self, name: &str) -> Option<String> {
        self.values.get(name).cloned()
    }

    /// Keeps what a step says for sure about variables.
    pub(super) fn remember(&mut self, step: &Step, certain: bool) {
        let exports = step.argv.first().is_some_and(|name| {
            ["export", "declare", "typeset", "readonly", "local"].contains(&name.text.as_str())
        });
        if exports {
            for word in &step.argv[1..] {
                if let Some((name, value)) = word.text.split_once('=') {
                    self.set(name, value, certain && !word.dynamic && !word.glob);
                }
            }
        }
        if step.argv.is_empty() {
            for (name, value) in &step.assignments {
                self.set(name, &value.text, certain && !value.dynamic && !value.glob);
            }
        }
        let reads = step.argv.first().is_some_and(|name| {
            [
                "read",
                "unset",
                "printf",
                "mapfile",
                "readarray",
                "getopts",
                "let",
                "source",
                ".",
                "eval",
            ]
            .contains(&name.text.as_str())
        });
        if reads {
            for word in &step.argv[1..] {
                self.forget(&word.text);
            }
        }
    }

    fn set(&mut self, name: &str, value: &str, certain: bool) {
        if value.contains("$(") || value.contains('`') {
            self.computed.insert(name.to_owned());
        }
        match name {
            "IFS" => self.values.clear(),
            _ if !certain => self.forget(name),
            _ => {
                self.given.push(name.to_owned());
                self.values.insert(name.to_owned(), value.to_owned());
            }
        }
    }

    /// Whether a path with holes begins with one that the text fills itself:
    /// `$(…)`, or a variable that holds its output.
    pub(crate) fn is_computed(&self, path: &str) -> bool {
        let name = path
            .strip_prefix('$')
            .map(|rest| rest.trim_start_matches('{'));
        path.starts_with("$(")
            || path.starts_with('`')
            || name.is_some_and(|rest| {
                let end = rest.find(|one: char| one != '_' && !one.is_alphanumeric());
                self.computed.contains(&rest[..end.unwrap_or(rest.len())])
            })
    }

    /// Whether a part of a word is what the text computes.
    pub(crate) fn holds_computed(&self, text: &str) -> bool {
        text.contains("$(")
            || text.contains('`')
            || text
                .match_indices('$')
                .any(|(at, _)| self.is_computed(&text[at..]))
    }

    /// What `xargs` puts behind the words of its command is not known either.
    pub(crate) fn fill_by_input(&mut self, name: &str) {
        self.computed.insert(name.to_owned());
    }

    /// Where [`Self::forget_since`] goes back to.
    pub(super) fn mark(&self) -> usize {
        self.given.len()
    }

    /// Forgets what was assigned since a mark, for what may not have happened.
    pub(super) fn forget_since(&mut self, mark: usize) {
        for name in self.given.drain(mark.min(self.given.len())..) {
            self.values.remove(&name);
        }
    }

    pub(super) fn forget(&mut self, name: &str) {
        self.values.remove(name);
    }
}
