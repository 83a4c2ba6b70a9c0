//! Looking into code that a command line carries: SQL, sed, awk, and by words
//! only the languages of interpreters.

mod awk;
mod ed;
mod script;
mod sed;
mod sql;

use crate::effect::Effect;

pub(crate) use awk::awk;
pub(crate) use ed::ed;
pub(crate) use script::{script, shell_calls};
pub(crate) use sed::sed;
pub(crate) use sql::sql;

/// What a small program was found to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Found {
    Does(Effect, &'static str),
    /// It runs this shell text.
    Shell(String),
    /// It writes this file.
    Writes(String),
    /// It reads this file.
    Reads(String),
}

#[cfg(test)]
mod tests;
