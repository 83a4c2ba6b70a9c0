use std::sync::Arc;

use super::rule::{self, Rule, RuleFault};
use crate::sieve::Sieve;

/// What the prefilter hands on to when it sees a literal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Target {
    /// A rule whose literal is the beginning (or the middle) of the value.
    Rule(u32),
    /// A word that a secret's name ends with.
    Word(Word),
    /// A service that gives out keys; the number is its kind's.
    Service(u32),
    /// `://`
    Address,
    /// `-----BEGIN `
    Pem,
    /// `kind:`, that of a Kubernetes manifest.
    Manifest,
}

/// Words that names of secrets end with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Word {
    /// People choose these values: short, sometimes words.
    Password,
    /// Programs make these values: long and random.
    Token,
    /// The same, where the word alone says too little (`key`, `access`).
    Vague,
    /// `Authorization`, `Bearer`.
    Header,
}

const WORDS: &[(&str, Word)] = &[
    ("password", Word::Password),
    ("passwd", Word::Password),
    ("passphrase", Word::Password),
    ("passcode", Word::Password),
    ("pass", Word::Password),
    ("pwd", Word::Password),
    ("secret", Word::Token),
    ("token", Word::Token),
    ("credential", Word::Token),
    ("authorization", Word::Header),
    ("bearer", Word::Header),
    ("auth", Word::Vague),
    ("key", Word::Vague),
    ("access", Word::Vague),
    ("private", Word::Vague),
    ("_pat", Word::Vague),
    ("secrete", Word::Token),
];

/// Every rule, and the sieve that finds all their literals in one pass.
pub struct Catalog {
    pub(crate) rules: Vec<Rule>,
    pub(crate) services: Vec<Arc<str>>,
    pub(crate) sieve: Sieve,
    /// By literal of the sieve.
    pub(crate) targets: Vec<Vec<Target>>,
    /// By literal: whether it only says something where a word begins.
    pub(crate) begins: Vec<bool>,
}

impl std::fmt::Debug for Catalog {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            out,
            "Catalog({} rules, {} services)",
            self.rules.len(),
            self.services.len()
        )
    }
}

impl Catalog {
    /// The rules that come with Tollgate.
    ///
    /// # Errors
    /// None in practice: a test holds the shipped files.
    pub fn shipped() -> Result<Self, RuleFault> {
        Self::with(&[])
    }

    /// The shipped rules and those of the given files, which are compiled at
    /// once; an explosive pattern is refused under its rule's name.
    ///
    /// # Errors
    /// A file or a rule that is wrong.
    pub fn with(files: &[&str]) -> Result<Self, RuleFault> {
        let mut rules = rule::read(include_str!("../../rules/formats.toml"))?;
        rules.extend(rule::read(include_str!("../../rules/contexts.toml"))?);
        for file in files {
            rules.extend(rule::read_foreign(file)?);
        }
        let services = services();
        let mut literals = Literals::default();
        for (number, rule) in rules.iter().enumerate() {
            let target = Target::Rule(u32::try_from(number).unwrap_or(u32::MAX));
            let is_exact = rule.near == 0;
            rule.literals
                .iter()
                .for_each(|literal| literals.add(literal, target, is_exact));
        }
        for (word, class) in WORDS {
            literals.add(word, Target::Word(*class), false);
        }
        for (number, name) in services.iter().enumerate() {
            let target = Target::Service(u32::try_from(number).unwrap_or(u32::MAX));
            literals.add(name, target, false);
        }
        literals.add("://", Target::Address, false);
        literals.add("-----BEGIN ", Target::Pem, true);
        literals.add("kind:", Target::Manifest, false);
        let kinds = services
            .iter()
            .map(|name| format!("{name}-key").into())
            .collect();
        let only_begins = |target: &Target| match target {
            Target::Rule(number) => {
                let rule = &rules[*number as usize];
                rule.near == 0 && rule.back == 0
            }
            _ => false,
        };
        let begins = literals.targets.iter();
        let begins = begins.map(|all| all.iter().all(only_begins)).collect();
        Ok(Self {
            rules,
            begins,
            services: kinds,
            sieve: literals.sieve(),
            targets: literals.targets,
        })
    }

    /// How many kinds of credential are known, words and services included.
    pub fn kinds(&self) -> usize {
        let mut kinds: Vec<&str> = self.rules.iter().map(|rule| &*rule.kind).collect();
        kinds.extend(self.services.iter().map(|kind| &**kind));
        kinds.sort_unstable();
        kinds.dedup();
        kinds.len()
    }

    /// The kinds that have a rule of their own, with a form that is checked.
    pub fn formats(&self) -> usize {
        let mut kinds: Vec<&str> = self.rules.iter().map(|rule| &*rule.kind).collect();
        kinds.sort_unstable();
        kinds.dedup();
        kinds.len()
    }
}

fn services() -> Vec<&'static str> {
    let text = include_str!("../../rules/services.txt");
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let mut names: Vec<&str> = lines.flat_map(str::split_whitespace).collect();
    names.sort_unstable();
    names.dedup();
    names
}

#[derive(Default)]
struct Literals {
    /// In small letters.
    texts: Vec<String>,
    /// As they are spelled, where nobody looks for them in other letters.
    spelled: Vec<Option<String>>,
    targets: Vec<Vec<Target>>,
}

impl Literals {
    fn add(&mut self, spelled: &str, target: Target, is_exact: bool) {
        let text = spelled.to_ascii_lowercase();
        match self.texts.iter().position(|known| *known == text) {
            Some(at) => {
                self.targets[at].push(target);
                self.spelled[at].take_if(|known| !is_exact || known != spelled);
            }
            None => {
                self.texts.push(text);
                self.spelled.push(is_exact.then(|| spelled.to_owned()));
                self.targets.push(vec![target]);
            }
        }
    }

    fn sieve(&self) -> Sieve {
        let both = self.texts.iter().zip(&self.spelled);
        Sieve::spelled(both.map(|(text, spelled)| match spelled {
            Some(spelled) => (spelled.as_bytes(), true),
            None => (text.as_bytes(), false),
        }))
    }
}
