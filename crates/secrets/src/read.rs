use std::fs::{File, Metadata, OpenOptions};
use std::io::Read;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use tollgate_types::Secret;
use zeroize::Zeroize;

use crate::PrivateFileError;
use crate::fault::{OPEN_FLAGS, is_link_error};

/// Reads a secret of at most `limit` bytes from a file that nobody but us and
/// root can read: a regular file, no link, owned by us or root, without any
/// right for group or others. One line end at the end is taken off.
///
/// # Errors
/// [`PrivateFileError`] says what was found; for a loose mode with the command
/// that mends it.
pub fn read_private(path: &Path, limit: usize) -> Result<Secret, PrivateFileError> {
    let (file, metadata) = open(path)?;
    let too_large = || PrivateFileError::TooLarge {
        path: path.to_owned(),
        limit,
    };
    // All the room at once: a buffer that grows leaves copies behind.
    let size = usize::try_from(metadata.len()).unwrap_or(usize::MAX);
    if size > limit {
        return Err(too_large());
    }
    let mut bytes = Vec::with_capacity(size.saturating_add(1));
    let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    let read = file.take(most).read_to_end(&mut bytes);
    // From here on the content is a `Secret`, which wipes what it drops.
    let text = String::from_utf8(bytes).map(Secret::new).map_err(|error| {
        error.into_bytes().zeroize();
        PrivateFileError::NotText {
            path: path.to_owned(),
        }
    });
    read.map_err(|error| PrivateFileError::system(path, "read", error))?;
    let text = text?;
    if text.expose().len() > limit {
        return Err(too_large());
    }
    Ok(without_line_end(text))
}

/// Whether [`read_private`] would open the file; reads nothing.
///
/// # Errors
/// As [`read_private`], but for what only reading shows.
pub fn check_private(path: &Path) -> Result<(), PrivateFileError> {
    open(path).map(drop)
}

fn open(path: &Path) -> Result<(File, Metadata), PrivateFileError> {
    let mut options = OpenOptions::new();
    let opened = options.read(true).custom_flags(OPEN_FLAGS).open(path);
    let file = opened.map_err(|error| match is_link_error(&error) {
        true => PrivateFileError::Link {
            path: path.to_owned(),
            expected: "file",
        },
        false => PrivateFileError::system(path, "opened", error),
    })?;
    let metadata = file.metadata();
    let metadata = metadata.map_err(|error| PrivateFileError::system(path, "read", error))?;
    if !metadata.is_file() {
        return Err(PrivateFileError::Kind {
            path: path.to_owned(),
            expected: "regular file",
        });
    }
    judge(path, &metadata, 0o077, 0o600)?;
    Ok((file, metadata))
}

/// Owner and mode of what is open: no bit of `refused` may be set, and
/// `mended` is the mode that mends it.
pub(crate) fn judge(
    path: &Path,
    metadata: &Metadata,
    refused: u32,
    mended: u32,
) -> Result<(), PrivateFileError> {
    let (found, expected) = (metadata.uid(), nix::unistd::geteuid().as_raw());
    if found != expected && found != 0 {
        return Err(PrivateFileError::Owner {
            path: path.to_owned(),
            found,
            expected,
        });
    }
    let mode = metadata.mode() & 0o7777;
    if mode & refused != 0 {
        return Err(PrivateFileError::Loose {
            path: path.to_owned(),
            found: mode,
            expected: mended,
        });
    }
    Ok(())
}

fn without_line_end(text: Secret) -> Secret {
    let whole = text.expose();
    let kept = whole
        .strip_suffix('\n')
        .map(|kept| kept.strip_suffix('\r').unwrap_or(kept));
    match kept {
        Some(kept) => Secret::new(kept.to_owned()),
        None => text,
    }
}

#[cfg(test)]
mod tests;
