use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use crate::backstop::Backstop;
use crate::handed::{at, close_all_but};

/// What a shell says of a command that it found and could not run.
const NOT_RUN: u8 = 126;

/// What [`enter`] is told.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// The descriptor of the program.
    pub(crate) program: i32,
    /// Device and inode of the folder to be in.
    pub(crate) folder: (u64, u64),
    pub(crate) backstop: Option<Backstop>,
    pub(crate) writable: Vec<PathBuf>,
}

impl Entry {
    /// As arguments; the command's own follow.
    pub(crate) fn words(&self) -> Vec<OsString> {
        let (device, inode) = self.folder;
        let backstop = self.backstop.unwrap_or_default();
        let head = [
            self.program.to_string(),
            device.to_string(),
            inode.to_string(),
            backstop.landlock.to_string(),
            backstop.seccomp.to_string(),
            self.writable.len().to_string(),
        ];
        let writable = self.writable.iter().map(|folder| folder.into());
        head.into_iter()
            .map(OsString::from)
            .chain(writable)
            .collect()
    }

    fn read(words: &mut impl Iterator<Item = OsString>) -> Option<Self> {
        fn next<T: std::str::FromStr>(words: &mut impl Iterator<Item = OsString>) -> Option<T> {
            words.next()?.to_str()?.parse().ok()
        }
        let program = next(words)?;
        let folder = (next(words)?, next(words)?);
        let backstop = Backstop {
            landlock: next(words)?,
            seccomp: next(words)?,
        };
        let count: usize = next(words)?;
        let writable: Vec<PathBuf> = words.take(count).map(PathBuf::from).collect();
        (writable.len() == count).then_some(Self {
            program,
            folder,
            backstop: Some(backstop),
            writable,
        })
    }
}

/// The last step behind the walls, a process of the program that calls it with
/// the words that [`crate::Sealed::into_confined`] made: compares the folder,
/// puts up Landlock and seccomp, and becomes the command. Returns only where
/// it was not run, with the reason on standard error.
#[allow(
    clippy::print_stderr,
    reason = "there is nobody else left to say why it was not run"
)]
pub fn enter(words: impl Iterator<Item = OsString>) -> ExitCode {
    let error = match become_command(words) {
        Ok(never) => match never {},
        Err(error) => error,
    };
    eprintln!("tollgate: not run: {error}");
    ExitCode::from(NOT_RUN)
}

fn become_command(
    mut words: impl Iterator<Item = OsString>,
) -> io::Result<std::convert::Infallible> {
    let wrong = || io::Error::other("started by hand");
    let entry = Entry::read(&mut words).ok_or_else(wrong)?;
    let name = words.next().ok_or_else(wrong)?;
    let here = std::fs::metadata(".")?;
    if (here.dev(), here.ino()) != entry.folder {
        return Err(io::Error::other("the folder is another one than before"));
    }
    // This program itself and copies of scripts are not the command's; the
    // program is opened anew, so that it is closed when it is executed.
    close_all_but(Some(entry.program))?;
    let program = File::open(format!("/proc/self/fd/{}", entry.program))?;
    nix::unistd::close(entry.program)?;
    let backstop = entry.backstop.unwrap_or_default();
    backstop.put_up(&entry.writable).map_err(io::Error::other)?;
    let mut command = Command::new(at(&program));
    Err(command.arg0(name).args(words).exec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_reads_back_and_leaves_the_command() {
        let entry = Entry {
            program: 101,
            folder: (u64::MAX, 7),
            backstop: Some(Backstop {
                landlock: true,
                seccomp: false,
            }),
            writable: vec!["/a b".into(), "/tmp".into()],
        };
        let mut words = entry.words();
        words.extend(["ls".into(), "-l".into()]);
        let mut words = words.into_iter();
        assert_eq!(Entry::read(&mut words), Some(entry));
        assert_eq!(words.collect::<Vec<_>>(), ["ls", "-l"]);
        assert_eq!(Entry::read(&mut ["101".into()].into_iter()), None);
    }
}
