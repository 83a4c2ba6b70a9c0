use std::fs::{DirBuilder, OpenOptions};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::OFlag;

use crate::PrivateFileError;
use crate::fault::{OPEN_FLAGS, is_link_error};
use crate::read::judge;

/// Makes a folder that only we can enter (mode 0700), and those above it that
/// are missing. One that is there already must be ours or root's, and nobody
/// else's to write into: who may write into a folder can replace the private
/// files in it. Who may only look sees their names.
///
/// # Errors
/// [`PrivateFileError`]; for a looser mode with the command that mends it.
pub fn make_private_dir(path: &Path) -> Result<(), PrivateFileError> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
    let flags = OPEN_FLAGS | OFlag::O_DIRECTORY.bits();
    let mut options = OpenOptions::new();
    let folder = match options.read(true).custom_flags(flags).open(path) {
        Ok(folder) => folder,
        Err(error) => return Err(not_opened(path, made, error)),
    };
    let metadata = folder.metadata();
    let metadata = metadata.map_err(|error| PrivateFileError::system(path, "read", error))?;
    judge(path, &metadata, 0o022, 0o700)
}

fn not_opened(path: &Path, made: std::io::Result<()>, error: std::io::Error) -> PrivateFileError {
    let target = path.symlink_metadata();
    let is_link = target.is_ok_and(|target| target.is_symlink());
    if is_link || is_link_error(&error) {
        return PrivateFileError::Link {
            path: path.to_owned(),
            expected: "folder",
        };
    }
    if error.raw_os_error() == Some(Errno::ENOTDIR as i32) {
        return PrivateFileError::Kind {
            path: path.to_owned(),
            expected: "folder",
        };
    }
    match made {
        Err(made) => PrivateFileError::system(path, "made", made),
        Ok(()) => PrivateFileError::system(path, "opened", error),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    fn mode(path: &Path) -> u32 {
        path.metadata().unwrap().permissions().mode() & 0o7777
    }

    #[test]
    fn new_folders_are_private_all_the_way() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("state/tollgate");
        for _ in 0..2 {
            make_private_dir(&path).unwrap();
        }
        assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o700, 0o700));
    }

    #[test]
    fn a_folder_that_others_may_look_into_serves() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("open");
        std::fs::create_dir(&path).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        make_private_dir(&path).unwrap();
        assert_eq!(mode(&path), 0o755);
    }

    #[test]
    fn a_folder_that_others_may_write_into_is_refused_with_its_mending_command() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("loose");
        std::fs::create_dir(&path).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o775)).unwrap();
        let error = make_private_dir(&path).unwrap_err();
        assert_eq!(
            error.mending(),
            Some(format!("chmod 700 {}", path.display()))
        );
        assert_eq!(mode(&path), 0o775);
    }

    #[test]
    fn links_and_files_are_no_folders() {
        let root = tempfile::tempdir().unwrap();
        let (folder, link, file) = (
            root.path().join("a"),
            root.path().join("b"),
            root.path().join("c"),
        );
        make_private_dir(&folder).unwrap();
        symlink(&folder, &link).unwrap();
        std::fs::write(&file, "").unwrap();
        let refused = make_private_dir(&link);
        assert!(
            matches!(refused, Err(PrivateFileError::Link { .. })),
            "{refused:?}"
        );
        for path in [file.clone(), file.join("below")] {
            let refused = make_private_dir(&path);
            assert!(
                matches!(refused, Err(PrivateFileError::Kind { .. })),
                "{refused:?}"
            );
        }
    }
}
