use std::collections::HashMap;

use starlark::values::OwnedFrozenValue;
use tollgate_types::Label;

use crate::decision::{Decision, Verdict};
use crate::fault::PolicyFault;
use crate::load::Loading;
use crate::rule::{Expectation, Rule};
use crate::source::place_of;
use crate::{Facts, load, shipped};

/// Policy files, frozen and proven.
///
/// Evaluations share nothing that can change: any number of threads may ask at
/// once.
pub struct Engine {
    files: Vec<File>,
    places: Places,
    version: Label,
    straight: bool,
    libraries: Vec<String>,
}

/// One file that has a say.
pub struct File {
    pub(crate) name: String,
    /// Where `evaluate` stands.
    pub(crate) place: Label,
    pub(crate) evaluate: OwnedFrozenValue,
    pub(crate) rules: Vec<Rule>,
    pub(crate) expectations: Vec<Expectation>,
    pub(crate) paths: Vec<Vec<String>>,
    /// Nothing in it can see the moment.
    pub(crate) steady: bool,
}

/// What one file says to a call.
#[derive(Clone, Debug)]
pub struct Said {
    /// The file.
    pub file: String,
    /// Its word.
    pub decision: Decision,
    /// The declared rules that match, in the order of the file.
    pub rules: Vec<Decision>,
}

impl Engine {
    /// Reads, freezes and proves files: pairs of the name that decisions give
    /// them and their text. `library` gives the text of what they `load`, by
    /// the name that they wrote; `@tollgate/NAME.star` are the shipped files.
    ///
    /// # Errors
    /// Everything that is wrong with any of them, each with place and hint.
    pub fn load(
        files: &[(String, String)],
        library: &mut dyn FnMut(&str) -> Result<String, String>,
    ) -> Result<Self, Vec<PolicyFault>> {
        let mut loading = Loading::new(library);
        let mut kept = Vec::new();
        let mut faults = Vec::new();
        for (name, text) in files {
            match loading.policy(name, text) {
                Ok(file) => kept.push(file),
                Err(mut more) => faults.append(&mut more),
            }
        }
        if kept.is_empty() && faults.is_empty() {
            faults.push(PolicyFault::of_file(
                "policy",
                "no files, expected at least one",
            ));
        }
        let engine = Self {
            places: Places::new(loading.names(), loading.marks()),
            version: loading.version(),
            straight: loading.is_straight(),
            libraries: loading.libraries(),
            files: kept,
        };
        faults.extend(
            engine
                .files
                .iter()
                .flat_map(|file| file.prove(&engine.places)),
        );
        match faults.is_empty() {
            true => Ok(engine),
            false => Err(faults),
        }
    }

    /// A file that comes with Tollgate: `default`, `strict`, `ci` or `observe`.
    ///
    /// # Errors
    /// Where there is none of that name.
    pub fn shipped(name: &str) -> Result<Self, Vec<PolicyFault>> {
        let file = format!("{name}.star");
        let Some(text) = shipped::text(&file) else {
            let fault = PolicyFault::of_file(&file, "no shipped policy of this name");
            return Err(vec![fault.hint("expected default, strict, ci or observe")]);
        };
        Self::load(&[(file, text.to_owned())], &mut load::nothing)
    }

    /// The one place where a verdict is made: the strictest of all files.
    pub fn decide(&self, facts: &Facts<'_>) -> Decision {
        let mut strictest: Option<Decision> = None;
        for file in &self.files {
            let decision = file.ask(facts, &self.places);
            let stricter = match strictest {
                Some(known) => known.stricter(decision),
                None => decision,
            };
            if stricter.verdict() == Verdict::Deny {
                return stricter;
            }
            strictest = Some(stricter);
        }
        strictest.unwrap_or_else(|| Decision::failed(&crate::Failure::NeverLoaded))
    }

    /// What each file says, and which of its rules match.
    pub fn explain(&self, facts: &Facts<'_>) -> Vec<Said> {
        let said = self.files.iter().map(|file| Said {
            file: file.name.clone(),
            decision: file.ask(facts, &self.places),
            rules: file
                .rules
                .iter()
                .filter(|rule| file.matches(rule, facts) == Ok(true))
                .map(Rule::decision)
                .collect(),
        });
        said.collect()
    }

    /// Digest of all texts: the first 12 hexadecimal digits of their SHA-256.
    pub fn version(&self) -> &Label {
        &self.version
    }

    /// Whether the files are so simple that an evaluation is short whatever it
    /// is given: no loops, no recursion.
    pub fn is_straight(&self) -> bool {
        self.straight
    }

    /// Whether nothing in the files can see the time or what is left of a
    /// budget: the same facts get the same decision at every moment.
    pub fn is_steady(&self) -> bool {
        self.files.iter().all(|file| file.steady)
    }

    /// The files that have a say.
    pub fn files(&self) -> impl Iterator<Item = &File> {
        self.files.iter()
    }

    /// The files that they load, by the names that they wrote.
    pub fn libraries(&self) -> &[String] {
        &self.libraries
    }
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Engine({})", self.version)
    }
}

impl File {
    /// The name that decisions give it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How many rules it declares.
    pub fn rules(&self) -> usize {
        self.rules.len()
    }

    /// How many examples prove it.
    pub fn examples(&self) -> usize {
        let of_rules = self
            .rules
            .iter()
            .map(|rule| rule.matches.len() + rule.misses.len());
        of_rules.sum::<usize>() + self.expectations.len()
    }
}

/// From the mark of a `return` to the words that name its place.
#[derive(Default)]
pub(crate) struct Places(HashMap<u32, Label>);

impl Places {
    fn new(names: &[String], marks: &[u32]) -> Self {
        let place = |&mark: &u32| {
            let (file, line) = place_of(mark);
            let name = names.get(file)?;
            Some((mark, format!("{name}:{line}").into()))
        };
        Self(marks.iter().filter_map(place).collect())
    }

    pub(crate) fn of(&self, mark: u32) -> Option<Label> {
        self.0.get(&mark).cloned()
    }
}
