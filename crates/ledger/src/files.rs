use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::OpenError;

const FILE_MODE: u32 = 0o600;
const FOLDER_MODE: u32 = 0o700;

/// Makes folder and file where they are missing, refuses looser modes and
/// anything that is not a regular file, and takes the lock.
///
/// Must be done before SQLite opens the file: closing a descriptor of a file
/// drops the process's POSIX locks on it, SQLite's among them.
pub(crate) fn prepare(path: &Path) -> Result<File, OpenError> {
    let failed = |error: io::Error| OpenError::Folder {
        path: path.to_owned(),
        found: plain(&error),
    };
    if let Some(folder) = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
    {
        DirBuilder::new()
            .recursive(true)
            .mode(FOLDER_MODE)
            .create(folder)
            .map_err(failed)?;
        let mode = fs::metadata(folder).map_err(failed)?.permissions().mode();
        // Who may look sees names; who may write can replace the ledger.
        private(folder, mode & 0o022, mode, FOLDER_MODE)?;
    }
    let lock = lock(path)?;
    make(path)?;
    Ok(lock)
}

fn lock(path: &Path) -> Result<File, OpenError> {
    let beside = beside(path, "-lock");
    make(&beside)?;
    let failed = |error: io::Error| OpenError::Folder {
        path: path.to_owned(),
        found: plain(&error),
    };
    let file = File::open(&beside).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(OpenError::InUse {
            path: path.to_owned(),
        }),
        Err(TryLockError::Error(error)) => Err(failed(error)),
    }
}

fn make(path: &Path) -> Result<(), OpenError> {
    let failed = |error: io::Error| OpenError::Folder {
        path: path.to_owned(),
        found: plain(&error),
    };
    // `create_new` does not follow a link that stands there.
    let made = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(FILE_MODE)
        .open(path);
    match made {
        Ok(_) => return Ok(()),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
        Err(error) => return Err(failed(error)),
    }
    let found = fs::symlink_metadata(path).map_err(failed)?;
    if !found.is_file() {
        return Err(OpenError::NotAFile {
            path: path.to_owned(),
            found: match found.file_type() {
                kind if kind.is_symlink() => "a symbolic link",
                kind if kind.is_dir() => "a folder",
                _ => "a device, socket or pipe",
            },
        });
    }
    let mode = found.permissions().mode();
    private(path, mode & 0o077, mode, FILE_MODE)
}

fn private(path: &Path, too_loose: u32, mode: u32, wanted: u32) -> Result<(), OpenError> {
    if too_loose == 0 {
        return Ok(());
    }
    Err(OpenError::Mode {
        path: path.to_owned(),
        mode: mode & 0o7777,
        wanted,
    })
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// The system's words without `(os error 13)`.
fn plain(error: &io::Error) -> String {
    let text = error.to_string().to_lowercase();
    match text.split_once(" (os error") {
        Some((words, _)) => words.to_owned(),
        None => text,
    }
}
