use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;

use super::*;

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

fn file(folder: &tempfile::TempDir, content: &[u8], mode: u32) -> PathBuf {
    let path = folder.path().join("key");
    std::fs::write(&path, content).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
    path
}

#[test]
fn one_line_end_is_taken_off() {
    let folder = folder();
    for (content, expected) in [
        ("sk-1", "sk-1"),
        ("sk-1\n", "sk-1"),
        ("sk-1\r\n", "sk-1"),
        ("sk-1\n\n", "sk-1\n"),
        (" sk-1 ", " sk-1 "),
        ("", ""),
    ] {
        let path = file(&folder, content.as_bytes(), 0o600);
        assert_eq!(read_private(&path, 100).unwrap().expose(), expected);
    }
}

#[test]
fn every_looser_mode_is_refused_with_its_mending_command() {
    let folder = folder();
    for bit in 0..6 {
        let mode = 0o600 | 1 << bit;
        let path = file(&folder, b"sk-1", mode);
        let error = read_private(&path, 100).unwrap_err();
        assert_eq!(
            error.mending(),
            Some(format!("chmod 600 {}", path.display()))
        );
        assert!(
            error
                .to_string()
                .contains(&format!("mode {mode:04o}, expected 0600")),
            "{error}"
        );
        assert!(check_private(&path).is_err());
    }
    for mode in [0o600, 0o400, 0o700] {
        let path = file(&folder, b"sk-1", mode);
        assert!(
            read_private(&path, 100).is_ok() && check_private(&path).is_ok(),
            "{mode:o}"
        );
    }
}

#[test]
fn a_link_is_refused_even_to_a_good_file() {
    let folder = folder();
    let target = file(&folder, b"sk-1", 0o600);
    let link = folder.path().join("link");
    symlink(target, &link).unwrap();
    for refused in [read_private(&link, 100).map(drop), check_private(&link)] {
        assert!(
            matches!(refused, Err(PrivateFileError::Link { .. })),
            "{refused:?}"
        );
    }
}

#[test]
fn what_is_no_file_is_refused_at_once() {
    let folder = folder();
    let inside = folder.path().join("inside");
    std::fs::create_dir(&inside).unwrap();
    // Without `O_NONBLOCK` the pipe would hold us until somebody writes to it.
    let pipe = folder.path().join("pipe");
    nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRUSR).unwrap();
    for path in [&inside, &pipe] {
        let refused = read_private(path, 100);
        assert!(
            matches!(refused, Err(PrivateFileError::Kind { .. })),
            "{refused:?}"
        );
    }
    let missing = read_private(&folder.path().join("missing"), 100).unwrap_err();
    assert!(missing.is_missing(), "{missing}");
}

#[test]
fn too_large_and_not_text_are_refused_without_their_content() {
    let folder = folder();
    let path = file(&folder, b"sk-secret-content", 0o600);
    assert!(read_private(&path, 17).is_ok());
    let large = read_private(&path, 16).unwrap_err();
    assert!(matches!(
        large,
        PrivateFileError::TooLarge { limit: 16, .. }
    ));
    let path = file(&folder, b"sk-secret-\xff", 0o600);
    let binary = read_private(&path, 100).unwrap_err();
    assert!(matches!(binary, PrivateFileError::NotText { .. }));
    for error in [large, binary] {
        assert!(!format!("{error} {error:?}").contains("sk-secret"));
    }
}

#[test]
fn another_users_file_is_refused() {
    let folder = folder();
    let path = file(&folder, b"sk-1", 0o600);
    if !nix::unistd::geteuid().is_root() {
        eprintln!("skipped: only root can give a file away");
        return;
    }
    std::os::unix::fs::chown(&path, Some(65534), None).unwrap();
    let refused = read_private(&path, 100).unwrap_err();
    assert!(
        matches!(refused, PrivateFileError::Owner { found: 65534, .. }),
        "{refused}"
    );
}
