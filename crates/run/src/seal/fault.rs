use std::io;
use std::path::PathBuf;

use crate::fault::plain;

/// Why the files of a command can't be held.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// There is no program to run.
    #[error("no program, expected one")]
    NoProgram,
    /// No folder of `PATH` has it.
    #[error("no program `{0}` in PATH")]
    NotFound(String),
    /// It can't be opened, read or copied.
    #[error("can't read `{}`: {}", .path.display(), plain(.why))]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// The system's reason; in the text, so not a cause of its own.
        why: io::Error,
    },
    /// A program that nobody may execute.
    #[error("`{}` is not executable", .0.display())]
    NotExecutable(PathBuf),
    /// A device, a pipe, a folder in the place of a file.
    #[error("`{}` is {found}, expected {expected}", .path.display())]
    Kind {
        /// Which file.
        path: PathBuf,
        /// What it is.
        found: &'static str,
        /// What it should be.
        expected: &'static str,
    },
    /// Too large to be read.
    #[error("`{}` has {found} bytes, expected at most {most}", .path.display())]
    TooLarge {
        /// Which file.
        path: PathBuf,
        /// Its size.
        found: u64,
        /// The largest that is taken.
        most: u64,
    },
    /// A script for a script.
    #[error("`{0}` is run by `{1}`, which is a script itself")]
    Nested(String, String),
    /// `#!` and nothing that can be followed.
    #[error("the first line of `{0}` names no interpreter by its whole path")]
    Interpreter(String),
    /// More scripts than a command can hold.
    #[error("more than {0} scripts in one command")]
    TooMany(usize),
}
