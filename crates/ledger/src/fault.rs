use std::path::Path;

use crate::{DatabaseFault, OpenError, ReadError, WriteError};

/// Primary result codes of SQLite, <https://www.sqlite.org/rescode.html>.
const BUSY: u32 = 5;
const READ_ONLY: u32 = 8;
const IO: u32 = 10;
const CORRUPT: u32 = 11;
const FULL: u32 = 13;
const CANNOT_OPEN: u32 = 14;
const NOT_A_DATABASE: u32 = 26;

/// SQLite's primary result code, where the error is SQLite's.
fn code(error: &sqlx::Error) -> Option<u32> {
    let extended: u32 = error.as_database_error()?.code()?.parse().ok()?;
    Some(extended & 0xff)
}

/// What SQLite's code means for whoever has to mend it.
pub(crate) fn kind(error: &sqlx::Error) -> DatabaseFault {
    match code(error) {
        Some(BUSY) => DatabaseFault::Busy,
        Some(READ_ONLY) => DatabaseFault::ReadOnly,
        Some(IO) => DatabaseFault::DiskFailed,
        Some(CORRUPT) => DatabaseFault::Damaged,
        Some(FULL) => DatabaseFault::DiskFull,
        Some(CANNOT_OPEN) => DatabaseFault::CannotOpen,
        Some(NOT_A_DATABASE) => DatabaseFault::NotADatabase,
        _ => DatabaseFault::Other,
    }
}

/// An error in plain words; never the statement, which may hold values.
pub(crate) fn words(error: &sqlx::Error) -> String {
    match kind(error) {
        DatabaseFault::Other => error.as_database_error().map_or_else(
            || error.to_string(),
            |database| database.message().to_owned(),
        ),
        kind => kind.as_str().to_owned(),
    }
}

pub(crate) fn open(path: &Path, error: &sqlx::Error) -> OpenError {
    let (path, found) = (path.to_owned(), words(error));
    match code(error) {
        Some(CORRUPT | NOT_A_DATABASE) => OpenError::Damaged { path, found },
        _ => OpenError::NotWritable { path, found },
    }
}

pub(crate) fn write(path: &Path, error: &sqlx::Error) -> WriteError {
    WriteError::Database {
        path: path.to_owned(),
        fault: kind(error),
        found: words(error),
    }
}

pub(crate) fn read(path: &Path, error: &sqlx::Error) -> ReadError {
    ReadError::Database {
        path: path.to_owned(),
        fault: kind(error),
        found: words(error),
    }
}
