//! A command in a container of podman's: the program and its libraries are the
//! image's, the folder and what was named beside it are the machine's.
//!
//! ```text
//! keeper ── podman run ── conmon ── the program, in namespaces of its own
//! ```
//! Podman, since it starts containers as children of whoever calls it: they are
//! in the tree, so that they freeze and die with it. A service that starts them
//! elsewhere (docker's) would put them out of the keeper's reach.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use nix::sys::resource::{Resource, getrlimit};

use crate::handed::Handed;
use crate::seal::{Files, Role, SealError, Seen, search};
use crate::spec::Spec;

/// Where podman is looked for: where only the system's owner puts it.
const PLACES: [&str; 2] = ["/usr/bin/podman", "/usr/local/bin/podman"];
/// What reads text there. Every image with a shell has this one.
pub const CONTAINER_SHELL: &str = "/bin/sh";
/// `PATH` for podman itself: it looks for runtimes and helpers.
const SEARCH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// Bytes of an image's id in hex.
const ID: usize = 64;
/// Most processes in one container.
const PROCESSES: u64 = 4096;

/// Podman, and whose containers it makes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Podman {
    program: PathBuf,
    /// The home of its user, where it keeps images.
    home: PathBuf,
    /// As root: no user namespace, and images that only root can change.
    pub plain: bool,
}

/// An image that is here, by the digest of all that it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// SHA-256 of its configuration, which names its layers by theirs; 64
    /// characters of hex.
    pub id: String,
}

/// Why there is no container.
#[derive(Debug, thiserror::Error)]
pub enum ContainerError {
    /// Podman is nowhere.
    #[error("podman is not installed")]
    NoEngine,
    /// Podman can't be started.
    #[error("podman can't be started: {0}")]
    NotStarted(io::Error),
    /// It is not among the images here; none is fetched.
    #[error("podman has no image `{0}`")]
    NoImage(String),
    /// A path that podman's options can't hold.
    #[error("a container can't be given `{0}`: its path has a comma, a quote or a line break")]
    Path(String),
    /// A file of the command.
    #[error(transparent)]
    Seal(#[from] SealError),
}

impl Podman {
    /// # Errors
    /// [`ContainerError::NoEngine`].
    pub fn find() -> Result<Self, ContainerError> {
        let mut places = PLACES.iter().map(PathBuf::from);
        let program = places.find(|place| place.is_file());
        let own = rustix::process::geteuid();
        // By the system's table: `HOME` would let a caller bring images along.
        let user = nix::unistd::User::from_uid(nix::unistd::Uid::from_raw(own.as_raw()));
        let home = user.ok().flatten().map(|user| user.dir);
        Ok(Self {
            program: program.ok_or(ContainerError::NoEngine)?,
            home: home.unwrap_or_else(|| PathBuf::from("/")),
            plain: own.is_root(),
        })
    }

    /// Looks an image up; about 0.1 s. What is not here is not fetched.
    ///
    /// # Errors
    /// [`ContainerError`].
    pub fn image(&self, name: &str) -> Result<Image, ContainerError> {
        let asked = self
            .command()
            .args(["image", "inspect", "--format", "{{.Id}}", "--", name])
            .stderr(Stdio::null())
            .output()
            .map_err(ContainerError::NotStarted)?;
        let id = String::from_utf8_lossy(&asked.stdout);
        let id = id.trim().trim_start_matches("sha256:");
        let is_id = id.len() == ID && id.bytes().all(|byte| byte.is_ascii_hexdigit());
        match asked.status.success() && is_id {
            true => Ok(Image { id: id.to_owned() }),
            false => Err(ContainerError::NoImage(name.to_owned())),
        }
    }

    /// Takes a container away, running or not; one that is gone is as good.
    pub fn remove(&self, name: &str) {
        let removed = self
            .command()
            .args(["rm", "--force", "--ignore", "--time", "0", "--", name])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        drop(removed);
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command
            .env_clear()
            .envs(self.environment())
            .current_dir("/")
            .stdin(Stdio::null());
        command
    }

    /// Nothing of the caller's: podman follows a dozen variables to other
    /// images, other settings, other machines.
    fn environment(&self) -> Vec<(OsString, OsString)> {
        let own = rustix::process::geteuid().as_raw();
        let runtime = PathBuf::from(format!("/run/user/{own}"));
        let mut variables = vec![
            ("PATH".into(), SEARCH.into()),
            ("HOME".into(), self.home.clone().into_os_string()),
        ];
        if runtime.is_dir() {
            variables.push(("XDG_RUNTIME_DIR".into(), runtime.into_os_string()));
        }
        variables
    }
}

/// A command for a container, with what of it is on this machine: the folder
/// and the files there that it depends on. The program is not looked for, it is
/// the image's.
#[derive(Debug)]
pub struct Contained {
    folder: Seen,
    seen: Vec<Seen>,
    argv: Vec<OsString>,
}

/// How a container is made.
#[derive(Debug)]
pub struct Container<'a> {
    /// By what.
    pub podman: &'a Podman,
    /// Of what.
    pub image: &'a Image,
    /// What it is called while it is there; nobody else's may be called so.
    pub name: &'a str,
    /// Folders that can be written beside the command's own.
    pub writable: &'a [PathBuf],
    /// What of these folders looks empty from inside.
    pub masked: &'a [PathBuf],
    /// The machine's network, or none.
    pub network: bool,
    /// The command's own variables. What the image sets stays otherwise.
    pub environment: &'a [(OsString, OsString)],
    /// The caller has a terminal that it shares.
    pub terminal: bool,
}

impl Contained {
    /// Looks at the folder and the watched files. They are compared and not
    /// held: podman takes paths.
    ///
    /// # Errors
    /// [`SealError`].
    pub fn open(
        argv: Vec<OsString>,
        folder: &Path,
        watched: &[(PathBuf, Role)],
    ) -> Result<Self, SealError> {
        if argv.first().is_none_or(|name| name.is_empty()) {
            return Err(SealError::NoProgram);
        }
        let folder = search::folder(folder)?;
        let mut files = Files::default();
        for (path, role) in watched {
            files.watch(&folder.real().join(path), *role)?;
        }
        Ok(Self {
            folder: folder.seen(Role::Folder, [0; 32]),
            seen: files.into_seen(),
            argv,
        })
    }

    /// The folder to work in, as it was found.
    pub const fn folder(&self) -> &Seen {
        &self.folder
    }

    /// The files that it depends on, as they were found.
    pub fn files(&self) -> &[Seen] {
        &self.seen
    }

    /// The container as a command. Input, outputs and limits are the caller's
    /// to add, the environment is podman's own.
    ///
    /// # Errors
    /// [`ContainerError::Path`], or podman can't be opened.
    pub fn into_spec(self, container: &Container<'_>) -> Result<Spec, ContainerError> {
        let podman = container.podman;
        let opened = File::open(&podman.program).map_err(ContainerError::NotStarted)?;
        let mut argv: Vec<OsString> = vec!["podman".into()];
        argv.extend(options(container));
        let folders = container.writable.iter().map(PathBuf::as_path);
        let folders: Vec<&Path> = folders.chain([self.folder.path.as_path()]).collect();
        for folder in &folders {
            argv.extend(["--mount".into(), mount(folder)?]);
        }
        for path in container.masked {
            if path.exists() && folders.iter().any(|folder| path.starts_with(folder)) {
                argv.extend(["--mount".into(), mask(path)?]);
            }
        }
        argv.extend(["--workdir".into(), self.folder.path.into_os_string()]);
        let (passed, inline) = variables(container.environment);
        argv.extend(inline);
        argv.push(format!("sha256:{}", container.image.id).into());
        argv.extend(self.argv);
        let mut spec = Spec::new(argv);
        spec.environment = podman.environment();
        spec.environment.extend(passed);
        spec.handed = Handed {
            program: Some(opened.into()),
            ..Handed::default()
        };
        spec.folder = Some(PathBuf::from("/"));
        Ok(spec)
    }
}

/// `podman-run(1)`. Its filter of system calls is the default one.
fn options(container: &Container<'_>) -> Vec<OsString> {
    let network = match container.network {
        true => "host",
        false => "none",
    };
    let mut words: Vec<OsString> = [
        "run",
        "--rm",
        "--interactive",
        // What was looked up runs, and nothing is fetched in its place.
        "--pull=never",
        "--entrypoint=",
        "--read-only",
        "--cap-drop=ALL",
        "--security-opt=no-new-privileges",
        "--log-driver=none",
        "--no-healthcheck",
    ]
    .map(OsString::from)
    .to_vec();
    words.push(format!("--network={network}").into());
    words.push(format!("--name={}", container.name).into());
    for (what, resource, most) in [
        ("nofile", Resource::RLIMIT_NOFILE, u64::MAX),
        ("nproc", Resource::RLIMIT_NPROC, PROCESSES),
    ] {
        // Podman's own defaults may be more than this process may give.
        let hard = getrlimit(resource).map_or(most, |(_, hard)| hard.min(most));
        words.push(format!("--ulimit={what}={hard}:{hard}").into());
    }
    if container.terminal {
        words.push("--tty".into());
    }
    words
}

fn mount(folder: &Path) -> Result<OsString, ContainerError> {
    let mut option = OsString::from("type=bind,source=");
    option.push(folder);
    destination(option, folder)
}

/// An empty folder in the place of one, nothing to read in the place of a file.
fn mask(path: &Path) -> Result<OsString, ContainerError> {
    let source = match path.is_dir() {
        true => "type=tmpfs",
        false => "type=bind,source=/dev/null",
    };
    destination(source.into(), path)
}

/// Read by podman as a line of comma-separated values.
fn destination(mut option: OsString, path: &Path) -> Result<OsString, ContainerError> {
    let is_plain = |byte: &u8| !b",\"\n\r".contains(byte);
    if !path.as_os_str().as_bytes().iter().all(is_plain) {
        return Err(ContainerError::Path(path.display().to_string()));
    }
    option.push(",destination=");
    option.push(path);
    Ok(option)
}

/// A variable's value goes through podman's environment and not through its
/// arguments, which every user of the machine can read; except those that
/// podman would follow itself.
fn variables(wanted: &[(OsString, OsString)]) -> (Vec<(OsString, OsString)>, Vec<OsString>) {
    let (mut passed, mut words) = (Vec::new(), Vec::new());
    for (name, value) in wanted {
        words.push(OsString::from("--env"));
        match is_podmans(name) {
            true => {
                let mut both = name.clone();
                both.push("=");
                both.push(value);
                words.push(both);
            }
            false => {
                passed.push((name.clone(), value.clone()));
                words.push(name.clone());
            }
        }
    }
    (passed, words)
}

fn is_podmans(name: &OsStr) -> bool {
    const NAMES: [&str; 7] = [
        "PATH",
        "HOME",
        "USER",
        "TMPDIR",
        "LISTEN_FDS",
        "TERM",
        "SSL_CERT_FILE",
    ];
    const BEGINS: [&str; 12] = [
        "XDG_",
        "CONTAINER",
        "PODMAN",
        "STORAGE_",
        "BUILDAH_",
        "DOCKER_",
        "REGISTRY_",
        "DBUS_",
        "GO",
        "NOTIFY_",
        "_",
        "CNI_",
    ];
    let name = name.to_string_lossy();
    let upper = name.to_uppercase();
    NAMES.contains(&&*upper)
        || upper.ends_with("_PROXY")
        || BEGINS.iter().any(|begin| upper.starts_with(begin))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(name: &str, value: &str) -> (OsString, OsString) {
        (name.into(), value.into())
    }

    #[test]
    fn values_stand_in_no_argument_unless_podman_would_follow_them() {
        let wanted = [
            pair("TOKEN", "hidden"),
            pair("CONTAINERS_CONF", "/x"),
            pair("PATH", "/p"),
        ];
        let (passed, words) = variables(&wanted);
        assert_eq!(passed, [pair("TOKEN", "hidden")]);
        let expected = [
            "--env",
            "TOKEN",
            "--env",
            "CONTAINERS_CONF=/x",
            "--env",
            "PATH=/p",
        ];
        assert_eq!(words, expected.map(OsString::from));
    }

    #[test]
    fn a_path_that_would_be_read_as_an_option_is_refused() {
        assert_eq!(
            mount(Path::new("/a b:c")).unwrap(),
            "type=bind,source=/a b:c,destination=/a b:c"
        );
        for path in ["/a,readonly", "/a\"b", "/a\nb"] {
            let error = mount(Path::new(path)).unwrap_err().to_string();
            assert!(error.contains("can't be given"), "{error}");
        }
    }
}
