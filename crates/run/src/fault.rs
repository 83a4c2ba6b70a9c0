use std::io;

use crate::end::End;

/// Why a command was not run. Nothing of it has run then.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// There is no program to run.
    #[error("no program, expected one")]
    NoProgram,
    /// The kernel's strings end at a zero byte.
    #[error("an argument, a variable or the folder holds a zero byte")]
    Nul,
    /// A variable that no environment can hold.
    #[error("variable `{0}` has an empty name or `=` in it")]
    Variable(String),
    /// A limit that the keeper can't work under.
    #[error("limit {resource} is `{found}`, expected at least {least}")]
    LimitTooSmall {
        /// Which one.
        resource: &'static str,
        /// What was asked for.
        found: u64,
        /// The smallest that works.
        least: u64,
    },
    /// The kernel did not take the program.
    #[error("can't run `{program}`: {}", plain(.why))]
    Program {
        /// Which program.
        program: String,
        /// The system's reason; in the text, so not a cause of its own.
        why: io::Error,
    },
    /// The folder to work in is not there.
    #[error("can't work in `{folder}`: {}", plain(.why))]
    Folder {
        /// Which folder.
        folder: String,
        /// The system's reason; in the text, so not a cause of its own.
        why: io::Error,
    },
    /// A limit or the session could not be set.
    #[error("can't set up {what}: {}", plain(.why))]
    SetUp {
        /// What.
        what: String,
        /// The system's reason; in the text, so not a cause of its own.
        why: io::Error,
    },
    /// There is no keeper to run it under.
    #[error("can't start its keeper: {}", plain(.0))]
    Keeper(io::Error),
    /// The agent is frozen or cut off.
    #[error("agent `{agent}` is {standing}, nothing is started for it")]
    Standing {
        /// Whose.
        agent: String,
        /// `frozen` or `cut off`.
        standing: &'static str,
    },
}

/// Why an order to a tree was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum TreeError {
    /// There is no tree any more.
    #[error("the tree has ended ({0})")]
    Ended(End),
    /// Some processes go on: another user's, or stuck in the kernel.
    #[error("{left} processes of the tree could not be {what}")]
    Left {
        /// How many.
        left: usize,
        /// `frozen` or `killed`.
        what: &'static str,
    },
    /// The keeper doesn't answer.
    #[error("the tree's keeper does not answer")]
    Silent,
}

/// The system's words without `(os error 2)`.
pub(crate) fn plain(error: &io::Error) -> String {
    let text = error.to_string().to_lowercase();
    match text.split_once(" (os error") {
        Some((words, _)) => words.to_owned(),
        None => text,
    }
}
