//! What was approved is what runs: the files of a command, opened once.
//!
//! Between the moment at which a person says yes and `execve(2)` everything
//! that has a name can change: the binary, the script, a link, the folder.
//! [`Sealed::open`] therefore opens all of them, says what they are
//! ([`Seen`]: path, digest, device and inode), and from then on only the open
//! files are used. Whoever compares what is seen with what was approved, and
//! then starts [`Sealed::into_spec`], has run that and nothing else.
//!
//! | what | how it is held |
//! |---|---|
//! | a binary of the own user | by its descriptor, under a read lease: nobody can write to it meanwhile |
//! | a binary of another user that this one can't write | by its descriptor |
//! | any other binary, where leases are not to be had | a sealed copy in memory (`memfd_create(2)`) |
//! | a script by path | a sealed copy, its interpreter as a binary; where this user can change neither it nor any folder on its way, by its path |
//! | shell text | the argument of `bash -c`, which the kernel copies |
//! | small programs of the user's own that it names | sealed copies, laid over their paths |
//! | the folder | by its descriptor |
//!
//! Not held: the libraries that a binary loads, and programs that it starts by
//! name itself. Other files that it depends on ([`Wanted::watched`]) are
//! compared at the start, and held where [`Sealed::into_confined`] lays their
//! copies over them. That a file is not there is compared at the start, too,
//! and can't be held.

mod fault;
mod grip;
mod interpreter;
pub(crate) mod search;

use std::ffi::{OsStr, OsString};
use std::io::ErrorKind::NotFound;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

pub use fault::SealError;
use grip::{Grip, Opened};
use interpreter::Head;
pub use search::SHELL_FOLDERS;

use crate::handed::{FIRST_KEPT, Handed, MOST_KEPT};
use crate::spec::Spec;

/// What is to run, as it was asked for.
#[derive(Debug)]
pub struct Wanted<'a> {
    /// The command.
    pub what: What<'a>,
    /// Where it works, absolute.
    pub folder: &'a Path,
    /// `PATH`: where programs without `/` are looked for. Relative folders in
    /// it are passed over.
    pub search: &'a OsStr,
    /// Further files that it depends on: what a `Makefile` says is run as much
    /// as a script. Relative ones are in `folder`.
    pub watched: &'a [(PathBuf, Role)],
}

/// A command.
#[derive(Clone, Copy, Debug)]
pub enum What<'a> {
    /// One program and its arguments; no shell is asked.
    Argv(&'a [OsString]),
    /// Text for `bash`.
    Text(&'a OsStr),
}

/// What a file is to a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Executed.
    Binary,
    /// Read by an interpreter that executes it.
    Script,
    /// A link on the way to one of the others; the digest is that of the path
    /// at its end.
    Link,
    /// Anything else whose bytes count, such as settings.
    Other,
    /// The folder to work in; it has no digest.
    Folder,
    /// Nothing, which is how it has to stay; digest and numbers are zero.
    Absent,
}

/// A file as it was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Absolute, as it was looked for.
    pub path: PathBuf,
    /// What it is to the command.
    pub role: Role,
    /// SHA-256 of its bytes; zeros for a folder.
    pub sha256: [u8; 32],
    /// Its file system.
    pub device: u64,
    /// Its number there.
    pub inode: u64,
    /// Whether this user could change it.
    pub writable: bool,
}

/// A command whose files are open.
#[derive(Debug)]
pub struct Sealed {
    seen: Vec<Seen>,
    folder_seen: Seen,
    argv: Vec<OsString>,
    program: Grip,
    folder: OwnedFd,
    /// Copies of scripts, in the order of `kept`, with their own paths.
    scripts: Vec<Script>,
    elevates: bool,
}

/// A script's copy.
#[derive(Debug)]
pub(crate) struct Script {
    /// Its own path, past every link.
    pub(crate) path: PathBuf,
    pub(crate) copy: OwnedFd,
    /// Where its path stands in the arguments.
    argument: Option<usize>,
}

/// What a confined command is put together from.
pub(crate) struct Parts {
    pub(crate) argv: Vec<OsString>,
    pub(crate) program: OwnedFd,
    pub(crate) folder: OwnedFd,
    pub(crate) folder_path: PathBuf,
    /// Device and inode.
    pub(crate) folder_identity: (u64, u64),
    pub(crate) scripts: Vec<Script>,
}

impl Sealed {
    /// Opens everything and reads what has to be compared.
    ///
    /// # Errors
    /// [`SealError`]: nothing can be run.
    pub fn open(wanted: &Wanted<'_>) -> Result<Self, SealError> {
        let folder = search::folder(wanted.folder)?;
        let mut files = Files::default();
        let (argv, opened) = match wanted.what {
            What::Text(text) => {
                let shell = search::shell()?;
                let argv = ["bash".into(), "-c".into(), text.to_owned()];
                (argv.to_vec(), shell)
            }
            What::Argv(argv) => {
                let name = argv.first().filter(|name| !name.is_empty());
                let name = name.ok_or(SealError::NoProgram)?;
                let opened = search::program(name, folder.real(), wanted.search)?;
                (argv.to_vec(), opened)
            }
        };
        let (argv, program, elevates) = files.take(argv, opened, wanted)?;
        for (path, role) in wanted.watched {
            files.watch(&folder.real().join(path), *role)?;
        }
        Ok(Self {
            seen: files.seen,
            folder_seen: folder.seen(Role::Folder, [0; 32]),
            argv,
            program,
            folder: folder.into_descriptor(),
            scripts: files.scripts,
            elevates,
        })
    }

    /// The folder to work in, as it was found.
    pub fn folder(&self) -> &Seen {
        &self.folder_seen
    }

    /// The files, as they were found: of the program first, then those that
    /// it depends on.
    pub fn files(&self) -> &[Seen] {
        &self.seen
    }

    /// True where a script, or a program of the user's own that a text names,
    /// could be changed between its reading and its use, so that it has to run
    /// from its copy.
    pub fn has_copies(&self) -> bool {
        !self.scripts.is_empty()
    }

    /// True where the program takes other rights (set-user-id, capabilities),
    /// which a sandbox would not let it.
    pub const fn elevates(&self) -> bool {
        self.elevates
    }

    pub(crate) fn into_parts(self) -> Parts {
        Parts {
            argv: self.argv,
            program: self.program.into_descriptor(),
            folder: self.folder,
            folder_path: self.folder_seen.path,
            folder_identity: (self.folder_seen.device, self.folder_seen.inode),
            scripts: self.scripts,
        }
    }

    /// The command, to be started: exactly what was opened. Terminal, input,
    /// output, limits and environment are the caller's to add.
    ///
    /// The copy of a script has no folder of its own: `$0` is `/dev/fd/N`.
    pub fn into_spec(self) -> Spec {
        let mut parts = self.into_parts();
        for (number, script) in (FIRST_KEPT..).zip(&parts.scripts) {
            let place = script.argument.and_then(|at| parts.argv.get_mut(at));
            if let Some(place) = place {
                *place = format!("/dev/fd/{number}").into();
            }
        }
        let mut spec = Spec::new(parts.argv);
        let kept = parts.scripts.into_iter();
        spec.handed = Handed {
            program: Some(parts.program),
            folder: Some(parts.folder),
            kept: kept.map(|script| script.copy).collect(),
        };
        spec.folder = Some(parts.folder_path);
        spec
    }
}

/// The files of one command, as they are opened.
#[derive(Debug, Default)]
pub(crate) struct Files {
    seen: Vec<Seen>,
    scripts: Vec<Script>,
}

impl Files {
    /// The program that will really be executed: of a script, its interpreter.
    fn take(
        &mut self,
        mut argv: Vec<OsString>,
        opened: Opened,
        wanted: &Wanted<'_>,
    ) -> Result<(Vec<OsString>, Grip, bool), SealError> {
        let head = Head::of(&opened)?;
        self.seen.extend(opened.link());
        let Head::Script {
            interpreter,
            option,
        } = head
        else {
            let elevates = opened.elevates();
            return Ok((argv, self.binary(opened)?, elevates));
        };
        // Past every link: a copy is laid over that path and no other.
        let path = opened.real().as_os_str().to_owned();
        let found = interpreter::find(&interpreter, option, wanted.search, &path)?;
        let (interpreter, mut front) = found;
        self.seen.extend(interpreter.link());
        let argument = front.len();
        front.push(path);
        argv.splice(..1, front);
        self.text(opened, Role::Script, Some(argument))?;
        let program = self.binary(interpreter)?;
        Ok((argv, program, false))
    }

    pub(crate) fn into_seen(self) -> Vec<Seen> {
        self.seen
    }

    fn binary(&mut self, opened: Opened) -> Result<Grip, SealError> {
        let (program, digest, opened) = Grip::take(opened)?;
        self.seen.push(opened.seen(Role::Binary, digest));
        Ok(program)
    }

    /// A copy of it, unless nobody of this user's rights could change it.
    fn text(
        &mut self,
        opened: Opened,
        role: Role,
        argument: Option<usize>,
    ) -> Result<(), SealError> {
        if self.scripts.len() == MOST_KEPT {
            return Err(SealError::TooMany(MOST_KEPT));
        }
        if !opened.is_changeable() {
            let (_, digest, opened) = Grip::take(opened)?;
            self.seen.push(opened.seen(role, digest));
            return Ok(());
        }
        let (copy, digest) = grip::copy(&opened)?;
        self.seen.push(opened.seen(role, digest));
        self.scripts.push(Script {
            path: opened.real().to_owned(),
            copy,
            argument,
        });
        Ok(())
    }

    pub(crate) fn watch(&mut self, path: &Path, role: Role) -> Result<(), SealError> {
        if role == Role::Absent {
            self.seen.extend(grip::absent(path)?);
            return Ok(());
        }
        // What is not there is not seen: once it is, something else is seen.
        let opened = match Opened::file(path) {
            Err(SealError::Unreadable { why, .. }) if why.kind() == NotFound => return Ok(()),
            opened => opened?,
        };
        // Nothing is gained by a second look at the same file.
        if self.seen.iter().any(|seen| seen.path == opened.asked()) {
            return Ok(());
        }
        match role {
            Role::Binary if opened.is_own_work() && self.scripts.len() < MOST_KEPT => {
                self.text(opened, role, None)
            }
            Role::Binary => self.binary(opened).map(drop),
            Role::Link | Role::Folder | Role::Absent => Ok(()),
            Role::Script | Role::Other => self.text(opened, role, None),
        }
    }
}
