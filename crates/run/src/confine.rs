//! A command behind a mount namespace (bubblewrap), and from there behind
//! Landlock and seccomp.
//!
//! ```text
//! keeper ── bwrap: mounts ── enter(): folder compared, Landlock, seccomp ── the program
//! ```
//! The program and its scripts come along as descriptors: bubblewrap lays the
//! copies of scripts over their own paths, so that `$0` and files beside them
//! are where a script looks for them, and [`crate::enter`] executes the program
//! by its descriptor.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::backstop::Backstop;
use crate::enter::Entry;
use crate::handed::{FIRST_KEPT, Handed};
use crate::seal::Sealed;
use crate::spec::{Keeper, Spec};

/// Where bubblewrap is looked for: where only the system's owner puts it.
const PLACES: [&str; 2] = ["/usr/bin/bwrap", "/usr/local/bin/bwrap"];
/// What is never writable in a sandbox, whatever the folder.
const ROOT: &str = "/";

/// Bubblewrap, and what it can do on this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bubblewrap {
    program: PathBuf,
    /// A mount namespace without a user namespace: the file system looks the
    /// same from inside, owners too.
    pub plain: bool,
}

/// What a command is kept from.
#[derive(Debug)]
pub struct Confinement<'a> {
    /// By what.
    pub bubblewrap: &'a Bubblewrap,
    /// The program and the arguments that call [`crate::enter`].
    pub enter: &'a Keeper,
    /// Folders that look empty from inside, files that can't be read.
    pub masked: &'a [PathBuf],
    /// More than that.
    pub sandbox: Option<Sandbox<'a>>,
}

/// A file system that can be read, and one folder that can be written.
#[derive(Debug)]
pub struct Sandbox<'a> {
    /// Beside the command's own folder.
    pub writable: &'a [PathBuf],
    /// The machine's network, or none.
    pub network: bool,
    /// What stands behind the mounts.
    pub backstop: Backstop,
}

impl Bubblewrap {
    /// Looks for it and tries it: about 5 ms.
    pub fn find() -> Option<Self> {
        let program = PLACES
            .iter()
            .map(PathBuf::from)
            .find(|place| place.is_file())?;
        // Root's mount namespace needs no user namespace.
        let plain = rustix::process::geteuid().is_root();
        let tried = Command::new(&program)
            .args(["--dev-bind", ROOT, ROOT, "--", "/bin/true"])
            .env_clear()
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        let works = tried.is_ok_and(|status| status.success());
        works.then_some(Self { program, plain })
    }
}

impl Sealed {
    /// The command behind these walls.
    ///
    /// # Errors
    /// Where bubblewrap or this program itself can't be opened.
    pub fn into_confined(self, confinement: &Confinement<'_>) -> io::Result<Spec> {
        let bubblewrap = File::open(&confinement.bubblewrap.program)?;
        let parts = self.into_parts();
        // The numbers are those that the keeper gives to `kept`, in order.
        let mut kept: Vec<OwnedFd> = vec![
            File::open(&confinement.enter.program)?.into(),
            parts.program,
        ];
        let mut options = Options::default();
        options.mounts(confinement, &parts.folder_path);
        for script in parts.scripts {
            let number = FIRST_KEPT.saturating_add(i32::try_from(kept.len()).unwrap_or(i32::MAX));
            options.script(number, &script.path);
            kept.push(script.copy);
        }
        options.masks(confinement.masked);
        options.end(&parts.folder_path);
        let entry = Entry {
            program: FIRST_KEPT + 1,
            folder: parts.folder_identity,
            backstop: confinement.sandbox.as_ref().map(|sandbox| sandbox.backstop),
            writable: writable(confinement, &parts.folder_path),
        };
        let mut argv = vec![OsString::from("bwrap")];
        argv.extend(options.words);
        argv.push(format!("/proc/self/fd/{FIRST_KEPT}").into());
        argv.extend(confinement.enter.arguments.iter().cloned());
        argv.extend(entry.words());
        argv.extend(parts.argv);
        let mut spec = Spec::new(argv);
        spec.handed = Handed {
            program: Some(bubblewrap.into()),
            folder: Some(parts.folder),
            kept,
        };
        spec.folder = Some(parts.folder_path);
        Ok(spec)
    }
}

fn writable(confinement: &Confinement<'_>, folder: &Path) -> Vec<PathBuf> {
    let Some(sandbox) = &confinement.sandbox else {
        return Vec::new();
    };
    let own = ["/tmp", "/dev", "/proc"].map(PathBuf::from);
    let mut writable: Vec<PathBuf> = sandbox.writable.to_vec();
    writable.push(folder.to_owned());
    writable.extend(own);
    writable.retain(|folder| folder != Path::new(ROOT));
    writable
}

/// The words for bubblewrap (`bwrap(1)`), in its order: later mounts lie over
/// earlier ones.
#[derive(Default)]
struct Options {
    words: Vec<OsString>,
}

impl Options {
    fn add<W: AsRef<OsStr>>(&mut self, words: impl IntoIterator<Item = W>) {
        let words = words.into_iter().map(|word| word.as_ref().to_owned());
        self.words.extend(words);
    }

    fn mounts(&mut self, confinement: &Confinement<'_>, folder: &Path) {
        let Some(sandbox) = &confinement.sandbox else {
            return self.add(["--dev-bind", ROOT, ROOT]);
        };
        self.add(["--unshare-ipc", "--unshare-uts", "--unshare-pid"]);
        if !sandbox.network {
            self.add(["--unshare-net"]);
        }
        self.add(["--ro-bind", ROOT, ROOT, "--dev", "/dev", "--proc", "/proc"]);
        // Sockets of services that would act in the command's place.
        for own in ["/tmp", "/run", "/var/run", "/var/tmp"] {
            let is_link = std::fs::symlink_metadata(own).is_ok_and(|about| about.is_symlink());
            if !is_link && Path::new(own).is_dir() {
                self.add(["--tmpfs", own]);
            }
        }
        let folders = sandbox.writable.iter().map(PathBuf::as_path);
        for folder in folders
            .chain([folder])
            .filter(|folder| *folder != Path::new(ROOT))
        {
            self.add([OsStr::new("--bind"), folder.as_os_str(), folder.as_os_str()]);
        }
    }

    fn script(&mut self, number: i32, path: &Path) {
        let number = number.to_string();
        self.add(["--perms", "0755", "--ro-bind-data", &number]);
        self.add([path]);
    }

    fn masks(&mut self, masked: &[PathBuf]) {
        for path in masked {
            match path.is_dir() {
                true => self.add([OsStr::new("--tmpfs"), path.as_os_str()]),
                false if path.exists() => {
                    self.add(["--ro-bind", "/dev/null"]);
                    self.add([path]);
                }
                false => {}
            }
        }
    }

    fn end(&mut self, folder: &Path) {
        self.add([OsStr::new("--chdir"), folder.as_os_str(), OsStr::new("--")]);
    }
}
