use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use crate::PrivateFileError;
use crate::fault::OPEN_FLAGS;

/// Writes a file that only we can read (mode 0600): beside the old one, to
/// disk, then renamed over it. Durable when it returns.
///
/// # Errors
/// [`PrivateFileError`]; the old file stands as it was.
pub fn write_private(path: &Path, bytes: &[u8]) -> Result<(), PrivateFileError> {
    replace(path, bytes, |file| file.sync_all())?;
    sync_folder(path).map_err(|error| PrivateFileError::system(path, "made durable", error))
}

/// The same for what is worth nothing after a power cut, such as where a
/// running process listens: nothing waits for the disk.
///
/// # Errors
/// [`PrivateFileError`]; the old file stands as it was.
pub fn publish_private(path: &Path, bytes: &[u8]) -> Result<(), PrivateFileError> {
    replace(path, bytes, |_| Ok(()))
}

fn replace(
    path: &Path,
    bytes: &[u8],
    sync: impl FnOnce(&File) -> io::Result<()>,
) -> Result<(), PrivateFileError> {
    let fault = |verb| move |error| PrivateFileError::system(path, verb, error);
    let target = path.symlink_metadata();
    if target.is_ok_and(|target| target.is_symlink()) {
        // The rename would replace the link, which is safe, but surely not
        // what whoever made the link expects.
        return Err(PrivateFileError::Link {
            path: path.to_owned(),
            expected: "file",
        });
    }
    let (temporary, mut file) = create_beside(path).map_err(fault("created"))?;
    let filled = file.write_all(bytes).and_then(|()| sync(&file));
    let written = filled.and_then(|()| std::fs::rename(&temporary, path));
    written.map_err(|error| {
        std::fs::remove_file(&temporary).ok();
        fault("written")(error)
    })
}

/// A new file in the same folder, so that the rename stays on one file system.
fn create_beside(path: &Path) -> io::Result<(PathBuf, File)> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    let mut options = OpenOptions::new();
    options
        .write(true)
        .create_new(true)
        .mode(0o600)
        .custom_flags(OPEN_FLAGS);
    // A crashed process with our id may have left one or two behind.
    for _ in 0..64 {
        let number = NEXT.fetch_add(1, Relaxed);
        let mut beside = std::ffi::OsString::from(".");
        beside.push(name);
        beside.push(format!(".{}-{number}.new", std::process::id()));
        let beside = path.with_file_name(beside);
        match options.open(&beside) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            opened => return opened.map(|file| (beside, file)),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

/// Without it a power cut may undo the rename.
fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let mut options = OpenOptions::new();
    let folder = options.read(true).open(folder.unwrap_or(Path::new(".")))?;
    folder.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;
    use crate::read_private;

    #[test]
    fn what_is_written_is_private_and_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("operator.token");
        for content in ["tgo-1", "tgo-2"] {
            write_private(&path, content.as_bytes()).unwrap();
            assert_eq!(read_private(&path, 100).unwrap().expose(), content);
        }
        let mode = path.metadata().unwrap().permissions().mode() & 0o7777;
        assert_eq!(
            (mode, folder.path().read_dir().unwrap().count()),
            (0o600, 1)
        );
    }

    #[test]
    fn a_looser_file_is_replaced_by_a_strict_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        std::fs::write(&path, "old").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o666)).unwrap();
        write_private(&path, b"new").unwrap();
        assert_eq!(read_private(&path, 100).unwrap().expose(), "new");
    }

    #[test]
    fn a_link_is_not_written_through() {
        let folder = tempfile::tempdir().unwrap();
        let (target, link) = (folder.path().join("target"), folder.path().join("link"));
        std::fs::write(&target, "old").unwrap();
        symlink(&target, &link).unwrap();
        let refused = write_private(&link, b"new");
        assert!(
            matches!(refused, Err(PrivateFileError::Link { .. })),
            "{refused:?}"
        );
        assert_eq!(std::fs::read_to_string(&target).unwrap(), "old");
    }

    #[test]
    fn a_failed_write_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        std::fs::create_dir(&path).unwrap();
        std::fs::write(path.join("inside"), "x").unwrap();
        let error = write_private(&path, b"sk-secret").unwrap_err();
        assert!(!format!("{error:?}").contains("sk-secret"));
        assert_eq!(folder.path().read_dir().unwrap().count(), 1);
        assert!(write_private(Path::new("/"), b"x").is_err());
        assert!(
            write_private(&folder.path().join("no/such/folder"), b"x")
                .unwrap_err()
                .is_missing()
        );
    }
}
