//! Where programs and folders are.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::SealError;
use super::grip::Opened;

/// Where the shell is looked for: in no folder that a caller names.
pub const SHELL_FOLDERS: &str = "/usr/bin:/bin:/usr/local/bin";

/// The shell that text is for.
pub(super) fn shell() -> Result<Opened, SealError> {
    in_path(OsStr::new("bash"), OsStr::new(SHELL_FOLDERS))
}

/// A program as a shell finds it: by path where there is a `/` in its name,
/// else in `search`.
pub(super) fn program(name: &OsStr, folder: &Path, search: &OsStr) -> Result<Opened, SealError> {
    if !name.as_bytes().contains(&b'/') {
        return in_path(name, search);
    }
    let opened = Opened::file(&joined(folder, name))?;
    match opened.is_executable() {
        true => Ok(opened),
        false => Err(SealError::NotExecutable(opened.asked().to_owned())),
    }
}

/// The first of this name in `search` that is a file which may be executed.
pub(super) fn in_path(name: &OsStr, search: &OsStr) -> Result<Opened, SealError> {
    let folders = std::env::split_paths(search).filter(|folder| folder.is_absolute());
    let found = folders
        .filter_map(|folder| Opened::file(&folder.join(name)).ok())
        .find(Opened::is_executable);
    found.ok_or_else(|| SealError::NotFound(name.to_string_lossy().chars().take(200).collect()))
}

/// The folder to work in.
pub(crate) fn folder(path: &Path) -> Result<Opened, SealError> {
    if !path.is_absolute() {
        let path = path.to_owned();
        let (found, expected) = ("relative", "an absolute folder");
        return Err(SealError::Kind {
            path,
            found,
            expected,
        });
    }
    Opened::folder(path)
}

/// Without the `.` in the middle, so that one file has one name here.
fn joined(folder: &Path, name: &OsStr) -> PathBuf {
    folder.join(name).components().collect()
}
