use std::io;
use std::path::{Path, PathBuf};

use nix::fcntl::OFlag;

/// A private file or folder that can't be used as it is. Never holds any of
/// its content.
#[derive(Debug, thiserror::Error)]
pub enum PrivateFileError {
    /// The system refused.
    #[error("`{path}` can't be {verb}: {source}")]
    System {
        /// The file or folder.
        path: PathBuf,
        /// `opened`, `read`, `written` …
        verb: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// A link, which somebody else may point elsewhere.
    #[error("`{path}` is a symbolic link, expected the {expected} itself")]
    Link {
        /// The link.
        path: PathBuf,
        /// `file` or `folder`.
        expected: &'static str,
    },
    /// A folder, pipe, socket or device; or no folder where one should be.
    #[error("`{path}` is no {expected}")]
    Kind {
        /// What stands there.
        path: PathBuf,
        /// `regular file` or `folder`.
        expected: &'static str,
    },
    /// Another user owns it, and could change it.
    #[error("`{path}` belongs to user {found}, expected user {expected} or root")]
    Owner {
        /// The file or folder.
        path: PathBuf,
        /// Its owner's id.
        found: u32,
        /// Our effective id.
        expected: u32,
    },
    /// Others may read or write it.
    #[error("`{path}` has mode {found:04o}, expected {expected:04o} or stricter; run `chmod {expected:o} {quoted}`", quoted = quoted(path))]
    Loose {
        /// The file or folder.
        path: PathBuf,
        /// Its permission bits.
        found: u32,
        /// The most it may have.
        expected: u32,
    },
    /// More than was allowed.
    #[error("`{path}` is larger than {limit} bytes")]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The limit.
        limit: usize,
    },
    /// Not UTF-8.
    #[error("`{path}` is not UTF-8 text")]
    NotText {
        /// The file.
        path: PathBuf,
    },
}

impl PrivateFileError {
    pub(crate) fn system(path: &Path, verb: &'static str, source: io::Error) -> Self {
        Self::System {
            path: path.to_owned(),
            verb,
            source,
        }
    }

    /// Whether there is nothing of that name.
    pub fn is_missing(&self) -> bool {
        matches!(self, Self::System { source, .. } if source.kind() == io::ErrorKind::NotFound)
    }

    /// The command that mends it, where one does.
    pub fn mending(&self) -> Option<String> {
        match self {
            Self::Loose { path, expected, .. } => {
                Some(format!("chmod {expected:o} {}", quoted(path)))
            }
            _ => None,
        }
    }
}

/// What `open` says of a link under `O_NOFOLLOW`.
pub(crate) fn is_link_error(error: &io::Error) -> bool {
    error.raw_os_error() == Some(nix::errno::Errno::ELOOP as i32)
}

/// Flags of every open: no link at the end of the path, not passed on to
/// children, no wait for the other end of a pipe, no terminal taken over.
pub(crate) const OPEN_FLAGS: i32 = OFlag::O_NOFOLLOW
    .union(OFlag::O_CLOEXEC)
    .union(OFlag::O_NONBLOCK)
    .union(OFlag::O_NOCTTY)
    .bits();

/// A path that can be pasted into a shell.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:@%,=".contains(c);
    if !text.is_empty() && !text.starts_with('-') && text.chars().all(plain) {
        return text;
    }
    let dash = if text.starts_with('-') { "./" } else { "" };
    format!("'{dash}{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mending_command_can_be_pasted() {
        let loose = |path: &str| PrivateFileError::Loose {
            path: path.into(),
            found: 0o644,
            expected: 0o600,
        };
        let error = loose("/etc/tollgate/key");
        assert_eq!(
            error.to_string(),
            "`/etc/tollgate/key` has mode 0644, expected 0600 or stricter; run `chmod 600 /etc/tollgate/key`"
        );
        assert_eq!(
            loose("/a b/it's").mending().unwrap(),
            r"chmod 600 '/a b/it'\''s'"
        );
        assert_eq!(loose("-rf").mending().unwrap(), "chmod 600 './-rf'");
        assert_eq!(loose("$(x)").mending().unwrap(), "chmod 600 '$(x)'");
    }
}
