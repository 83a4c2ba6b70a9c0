//! One open file, and what keeps it as it is.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, ErrorKind, Read, Seek, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{Context, SHA256};
use rustix::fs::{Access, MemfdFlags, OFlags, SealFlags, access, fcntl_add_seals, memfd_create};

use super::{Role, SealError, Seen};
use crate::handed::at;
use crate::system::lease;

/// Largest binary: the largest runtimes have a few hundred megabytes.
const LARGEST: u64 = 1 << 30;
/// Largest script; it is held in memory.
const LARGEST_SCRIPT: u64 = 16 << 20;
/// Where only the system's owner puts programs, who can change anything.
const SYSTEM: [&str; 5] = ["/usr", "/bin", "/sbin", "/lib", "/opt"];
/// Bytes that are read at once.
const PART: usize = 128 << 10;
/// `S_ISUID` and `S_ISGID`.
const OTHER_RIGHTS: u32 = 0o6000;

/// A file or folder that was opened by its name, once.
#[derive(Debug)]
pub(crate) struct Opened {
    file: File,
    asked: PathBuf,
    /// Where the kernel says that it is: past every link.
    real: PathBuf,
    about: Metadata,
}

impl Opened {
    /// A plain file, for reading.
    pub(super) fn file(path: &Path) -> Result<Self, SealError> {
        // A pipe in its place must not make this wait.
        let opened = Self::with(path, OFlags::NONBLOCK)?;
        if !opened.about.is_file() {
            let path = path.to_owned();
            let (found, expected) = (kind(&opened.about), "a file");
            return Err(SealError::Kind {
                path,
                found,
                expected,
            });
        }
        Ok(opened)
    }

    /// A folder, for working in.
    pub(super) fn folder(path: &Path) -> Result<Self, SealError> {
        Self::with(path, OFlags::PATH | OFlags::DIRECTORY)
    }

    fn with(path: &Path, flags: OFlags) -> Result<Self, SealError> {
        let failed = unreadable(path);
        let flags = i32::try_from(flags.bits()).unwrap_or_default();
        let file = OpenOptions::new().read(true).custom_flags(flags).open(path);
        let file = file.map_err(&failed)?;
        Ok(Self {
            about: file.metadata().map_err(&failed)?,
            real: std::fs::read_link(at(&file)).map_err(&failed)?,
            file,
            asked: path.to_owned(),
        })
    }

    /// The path that it was opened by.
    pub(super) fn asked(&self) -> &Path {
        &self.asked
    }

    /// The path past every link.
    pub(crate) fn real(&self) -> &Path {
        &self.real
    }

    /// Whether this user may execute it.
    pub(super) fn is_executable(&self) -> bool {
        access(at(&self.file), Access::EXEC_OK).is_ok()
    }

    /// A small program that this user could exchange, and no part of the
    /// system: what a text names, and its shell starts by name. A larger one
    /// is not worth the memory.
    pub(super) fn is_own_work(&self) -> bool {
        self.about.len() <= LARGEST_SCRIPT
            && self.is_changeable()
            && !self.elevates()
            && !SYSTEM.iter().any(|system| self.real.starts_with(system))
    }

    /// Whether it takes other rights when it is executed.
    pub(super) fn elevates(&self) -> bool {
        let capabilities = rustix::fs::fgetxattr(&self.file, "security.capability", &mut [0u8; 0]);
        self.about.mode() & OTHER_RIGHTS != 0 || capabilities.is_ok_and(|length| length > 0)
    }

    /// Its first bytes, at most as many as `into` has.
    pub(super) fn begin(&self, into: &mut [u8]) -> Result<usize, SealError> {
        let read = rustix::io::pread(&self.file, into, 0);
        read.map_err(|why| unreadable(&self.asked)(why.into()))
    }

    /// What a person and a digest are told of it.
    pub(crate) fn seen(&self, role: Role, sha256: [u8; 32]) -> Seen {
        Seen {
            path: match role {
                Role::Folder => self.real.clone(),
                _ => self.asked.clone(),
            },
            role,
            sha256,
            device: self.about.dev(),
            inode: self.about.ino(),
            writable: self.is_changeable(),
        }
    }

    /// The link that it was reached by, if there is one: its digest is that
    /// of where it leads.
    pub(super) fn link(&self) -> Option<Seen> {
        if self.asked == self.real {
            return None;
        }
        let about = std::fs::symlink_metadata(&self.asked).ok()?;
        let target = self.real.as_os_str().as_encoded_bytes();
        Some(Seen {
            path: self.asked.clone(),
            role: Role::Link,
            sha256: digest(target),
            device: about.dev(),
            inode: about.ino(),
            writable: is_replaceable(&self.asked),
        })
    }

    /// The file as a descriptor.
    pub(super) fn into_descriptor(self) -> OwnedFd {
        self.file.into()
    }

    /// Its owner can always give the right to write to itself.
    fn is_writable(&self) -> bool {
        let own = rustix::process::geteuid().as_raw();
        self.about.uid() == own || access(at(&self.file), Access::WRITE_OK).is_ok()
    }

    /// Whether this user could change it, or put another in its place.
    pub(super) fn is_changeable(&self) -> bool {
        self.is_writable() || is_replaceable(&self.real)
    }
}

/// A binary that nobody changes until it is started.
#[derive(Debug)]
pub(super) struct Grip(OwnedFd);

impl Grip {
    /// Holds the file, and only then reads it.
    pub(super) fn take(mut opened: Opened) -> Result<(Self, [u8; 32], Opened), SealError> {
        small_enough(&opened, LARGEST)?;
        let leased = lease(&opened.file).is_ok();
        if !leased && opened.is_writable() {
            let (copy, digest) = copy_up_to(&opened, LARGEST)?;
            return Ok((Self(copy), digest, opened));
        }
        let mut context = Context::new(&SHA256);
        let failed = unreadable(&opened.asked);
        each_part(&mut opened.file, |part| {
            context.update(part);
            Ok(())
        })
        .map_err(&failed)?;
        // The lease is the open file's, so the copy of the descriptor has it.
        let held = opened.file.as_fd().try_clone_to_owned().map_err(failed)?;
        Ok((Self(held), finish(context), opened))
    }

    pub(super) fn into_descriptor(self) -> OwnedFd {
        self.0
    }
}

/// A place where nothing stands, or a link that leads nowhere. `None` where
/// something does.
pub(super) fn absent(path: &Path) -> Result<Option<Seen>, SealError> {
    match std::fs::metadata(path) {
        Ok(_) => Ok(None),
        Err(why) if matches!(why.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            Ok(Some(Seen {
                path: path.to_owned(),
                role: Role::Absent,
                sha256: [0; 32],
                device: 0,
                inode: 0,
                writable: false,
            }))
        }
        Err(why) => Err(unreadable(path)(why)),
    }
}

/// A sealed copy of a script, and its digest.
pub(super) fn copy(opened: &Opened) -> Result<(OwnedFd, [u8; 32]), SealError> {
    copy_up_to(opened, LARGEST_SCRIPT)
}

/// Digest and copy are made of the same bytes, whatever happens to the file.
fn copy_up_to(opened: &Opened, most: u64) -> Result<(OwnedFd, [u8; 32]), SealError> {
    small_enough(opened, most)?;
    let failed = unreadable(&opened.asked);
    let mut context = Context::new(&SHA256);
    let mut copied = || -> io::Result<OwnedFd> {
        let mut source = opened.file.try_clone()?;
        let mut copy = File::from(memory()?);
        let mut room = most;
        each_part(&mut source, |part| {
            // It may have grown since it was looked at.
            room = room
                .checked_sub(part.len() as u64)
                .ok_or(io::ErrorKind::FileTooLarge)?;
            context.update(part);
            copy.write_all(part)
        })?;
        copy.rewind()?;
        fcntl_add_seals(
            &copy,
            SealFlags::SEAL | SealFlags::SHRINK | SealFlags::GROW | SealFlags::WRITE,
        )?;
        reopened(&copy)
    };
    let copy = copied().map_err(failed)?;
    Ok((copy, finish(context)))
}

/// A file in memory that may be executed and sealed.
fn memory() -> io::Result<OwnedFd> {
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    // Kernels before 6.3 don't know EXEC, and need none.
    let made = memfd_create("tollgate-sealed", flags | MemfdFlags::EXEC);
    Ok(made.or_else(|_| memfd_create("tollgate-sealed", flags))?)
}

/// For reading only: a file that is open for writing can't be executed.
fn reopened(copy: &File) -> io::Result<OwnedFd> {
    Ok(File::open(at(copy))?.into())
}

fn each_part(file: &mut File, mut each: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
    file.rewind()?;
    let mut part = vec![0; PART];
    loop {
        match file.read(&mut part) {
            Ok(0) => break,
            Ok(read) => each(part.get(..read).unwrap_or_default())?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    file.rewind()
}

fn small_enough(opened: &Opened, most: u64) -> Result<(), SealError> {
    let found = opened.about.len();
    match found <= most {
        true => Ok(()),
        false => Err(SealError::TooLarge {
            path: opened.asked.clone(),
            found,
            most,
        }),
    }
}

fn digest(bytes: &[u8]) -> [u8; 32] {
    let mut context = Context::new(&SHA256);
    context.update(bytes);
    finish(context)
}

fn finish(context: Context) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes.copy_from_slice(context.finish().as_ref());
    bytes
}

/// Who may write to a folder may put another file in the place of any in it
/// (the sticky bit aside), and so with every folder above.
fn is_replaceable(path: &Path) -> bool {
    let mut folders = path.ancestors().skip(1);
    folders.any(|folder| access(folder, Access::WRITE_OK).is_ok())
}

fn kind(about: &Metadata) -> &'static str {
    match about.is_dir() {
        true => "a folder",
        false => "no plain file",
    }
}

fn unreadable(path: &Path) -> impl Fn(io::Error) -> SealError {
    let path = path.to_owned();
    move |why| SealError::Unreadable {
        path: path.clone(),
        why,
    }
}
