//! The one table of what `tollgate.toml` may hold.
//!
//! Everything else is made from it: the faults for unknown keys and wrong
//! types ([`super::check`]), the defaults ([`super::tree`]), the JSON Schema
//! ([`json`]) and the page of documentation ([`markdown`]).

mod approvals;
mod json;
mod later;
mod markdown;
mod policy;
mod scan;
mod synthetic;
mod tables;

pub use json::json_schema;
pub use markdown::markdown;
pub(crate) use tables::{BUDGET, ROOT};

/// What a value must be.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    /// Any string.
    Text,
    /// One of these words.
    Word(&'static [&'static str]),
    /// One of these words, or `false`.
    WordOrFalse(&'static [&'static str]),
    /// A whole number within the range, both ends included.
    Integer(i64, i64),
    /// Whole seconds within the range, both ends included.
    Seconds(i64, i64),
    /// A number within the range, both ends included.
    Float(f64, f64),
    /// An amount of US dollars, exact.
    Usd,
    /// `true` or `false`.
    Boolean,
    /// A list of strings.
    Texts,
    /// A string or a list of strings.
    TextOrTexts,
    /// A table whose keys the user chooses, with strings as values.
    Map,
    /// One table.
    Table(&'static Section),
    /// Tables by names that the user chooses; `defaults` may be set apart.
    Named(&'static Section, Option<&'static Section>),
    /// An array of tables.
    Tables(&'static Section),
    /// A table, an array of them, or the value of the first key alone.
    OneOrMore(&'static Section),
}

/// What holds where the key is absent.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Default {
    /// Nothing.
    Absent,
    /// The file is refused.
    Required,
    /// A string.
    Text(&'static str),
    /// A number.
    Integer(i64),
    /// `true` or `false`.
    Boolean(bool),
    /// A list of strings.
    Texts(&'static [&'static str]),
}

/// Who may see the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Secrecy {
    /// Errors quote it.
    Open,
    /// It may hold a secret, errors never quote it.
    Hidden,
    /// It is a secret: never quoted, and where it is written out the file
    /// must be private.
    Secret,
}

/// Whether this version does what the key asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It does.
    Works,
    /// It doesn't, and nobody is less safe for it: a warning.
    Ignored,
}

/// One key of a section.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Key {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) default: Default,
    pub(crate) secrecy: Secrecy,
    pub(crate) standing: Standing,
    pub(crate) doc: &'static str,
}

impl Key {
    const fn new(name: &'static str, kind: Kind, doc: &'static str) -> Self {
        Self {
            name,
            kind,
            default: Default::Absent,
            secrecy: Secrecy::Open,
            standing: Standing::Works,
            doc,
        }
    }

    const fn or(mut self, default: Default) -> Self {
        self.default = default;
        self
    }

    const fn required(self) -> Self {
        self.or(Default::Required)
    }

    const fn secret(mut self) -> Self {
        self.secrecy = Secrecy::Secret;
        self
    }

    const fn hidden(mut self) -> Self {
        self.secrecy = Secrecy::Hidden;
        self
    }

    const fn ignored(mut self) -> Self {
        self.standing = Standing::Ignored;
        self
    }
}

/// A table of the file.
#[derive(Debug)]
pub(crate) struct Section {
    /// What faults call it: `provider "openai"`, `model route 2`.
    pub(crate) noun: &'static str,
    pub(crate) keys: &'static [Key],
}

impl Section {
    pub(crate) fn key(&self, name: &str) -> Option<&'static Key> {
        self.keys.iter().find(|key| key.name == name)
    }
}
