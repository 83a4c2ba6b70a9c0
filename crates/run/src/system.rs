//! The one file with `unsafe`: a lease on a file (`fcntl(2)`, `F_SETLEASE`),
//! for which no library that is used here has a safe call.

#![allow(unsafe_code, reason = "two calls of fcntl(2) with whole numbers")]

use std::io;
use std::os::fd::{AsFd, AsRawFd};

use nix::libc;

/// `linux/include/uapi/asm-generic/fcntl.h`; the libc crate does not have it.
const F_SETSIG: libc::c_int = 10;

/// Takes a read lease on an open file: until its last descriptor is closed,
/// whoever opens the file for writing or truncates it waits (`EWOULDBLOCK`
/// where it must not), at most `/proc/sys/fs/lease-break-time`, 45 s.
///
/// # Errors
/// `EAGAIN` where somebody has it open for writing, `EACCES` where it is
/// another user's, `EINVAL` where the file system has no leases.
pub(crate) fn lease(file: &impl AsFd) -> io::Result<()> {
    let descriptor = file.as_fd().as_raw_fd();
    // The word that somebody waits is SIGIO, which kills who does not expect
    // it. SIGURG is ignored where nobody asks for it.
    // SAFETY: both calls take whole numbers and touch no memory of ours; the
    // descriptor is open for as long as `file` is borrowed.
    let done = unsafe {
        match libc::fcntl(descriptor, F_SETSIG, libc::SIGURG) {
            0 => libc::fcntl(descriptor, libc::F_SETLEASE, libc::F_RDLCK),
            failed => failed,
        }
    };
    match done {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}
