use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::PathBuf;

use rustix::io::{FdFlags, fcntl_dupfd_cloexec, fcntl_setfd};

/// The number of the first descriptor that is kept; the others follow it.
/// Above whatever the keeper has open itself, and above what scripts use.
pub const FIRST_KEPT: i32 = 100;
/// As many may be kept.
pub const MOST_KEPT: usize = 48;

/// Descriptors that a command gets beside the three standard ones. What they
/// name was opened by the holder, so it is that very file whatever stands at
/// its path when the command starts.
#[derive(Debug, Default)]
pub struct Handed {
    /// The program itself; `argv[0]` is then only what it is called.
    pub program: Option<OwnedFd>,
    /// The folder to work in, in the place of [`crate::Spec::folder`].
    pub folder: Option<OwnedFd>,
    /// Open in the command as [`FIRST_KEPT`] and the numbers after it.
    pub kept: Vec<OwnedFd>,
}

impl Handed {
    /// As they go over the socket.
    pub(crate) fn in_order(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        let named = [&self.program, &self.folder].into_iter().flatten();
        named.chain(&self.kept).map(AsFd::as_fd)
    }

    /// In the keeper: gives those that are kept their numbers, open past
    /// `execve(2)`. They are no longer in here then.
    pub(crate) fn keep(&mut self) -> io::Result<Vec<OwnedFd>> {
        let mut kept = Vec::with_capacity(self.kept.len());
        for (wanted, opened) in (FIRST_KEPT..).zip(std::mem::take(&mut self.kept)) {
            let numbered = fcntl_dupfd_cloexec(&opened, wanted)?;
            if numbered.as_raw_fd() != wanted {
                return Err(io::ErrorKind::ResourceBusy.into());
            }
            fcntl_setfd(&numbered, FdFlags::empty())?;
            kept.push(numbered);
        }
        Ok(kept)
    }
}

/// The path by which the kernel finds an open file again.
pub(crate) fn at(opened: &impl AsRawFd) -> PathBuf {
    PathBuf::from(format!("/proc/self/fd/{}", opened.as_raw_fd()))
}

/// Closes everything but the three standard ones and `kept`.
pub(crate) fn close_all_but(kept: Option<i32>) -> io::Result<()> {
    let open: Vec<i32> = std::fs::read_dir("/proc/self/fd")?
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter(|descriptor| *descriptor > 2 && Some(*descriptor) != kept)
        .collect();
    for descriptor in open {
        // The one that this list was read through is closed already.
        nix::unistd::close(descriptor).ok();
    }
    Ok(())
}
