use std::ffi::OsString;
use std::fmt;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::time::Duration;

use crate::fault::StartError;
use crate::handed::Handed;

/// Output that is kept of each captured stream where nothing else is said, in
/// bytes.
const CAPTURED: usize = 1 << 20;

/// What to start, and how. The command gets exactly the environment and the
/// descriptors that stand here.
pub struct Spec {
    /// Program and arguments. A program without `/` is looked for in the
    /// `PATH` of `environment`; one that is relative, in `folder`.
    pub argv: Vec<OsString>,
    /// Where it works; the holder's own folder where there is none.
    pub folder: Option<PathBuf>,
    /// The whole environment; nothing is inherited.
    pub environment: Vec<(OsString, OsString)>,
    /// Standard input.
    pub input: Input,
    /// Standard output.
    pub output: Output,
    /// Standard error.
    pub errors: Output,
    /// Descriptors that it gets beside the three.
    pub handed: Handed,
    /// Whose terminal it has.
    pub session: Session,
    /// When it is enough.
    pub limits: Limits,
    /// Put it into a cgroup where one may be made. `false` leaves the tree to
    /// the subreaper alone.
    pub cgroup: bool,
}

/// Where standard input comes from.
#[derive(Debug, Default)]
pub enum Input {
    /// Nothing to read.
    #[default]
    Null,
    /// The holder's own.
    Inherit,
    /// This descriptor.
    From(OwnedFd),
}

/// Where an output goes.
#[derive(Debug, Default)]
pub enum Output {
    /// Nowhere.
    #[default]
    Null,
    /// Where the holder's own goes.
    Inherit,
    /// Into memory, at most [`Limits::output_bytes`]; past that the tree is
    /// killed.
    Captured,
    /// Where the holder's own goes, at most [`Limits::output_bytes`]; past that
    /// the tree is killed. The command sees a pipe, also where the holder has a
    /// terminal.
    Relayed,
    /// Into this descriptor.
    To(OwnedFd),
}

/// Whose session and terminal the command has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Session {
    /// A session of its own, without a terminal.
    #[default]
    New,
    /// The holder's process group: keys such as Ctrl-C and Ctrl-Z reach it as
    /// they reach the holder.
    Caller,
}

/// When a tree has had enough.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Killed after this time since its start, frozen or not.
    pub time: Option<Duration>,
    /// Bytes that are taken of each output that is captured or relayed.
    pub output_bytes: usize,
    /// How long others may go on after the command has ended, before they are
    /// killed: enough for the `tee` behind a shell to write its last line.
    pub linger: Duration,
    /// Hard limits of every process (`setrlimit(2)`).
    pub resources: Vec<(Resource, u64)>,
}

/// What `setrlimit(2)` limits. The limits hold for the keeper as well, so the
/// smallest ones that it can work under are refused. Memory is not among them:
/// address space, which is all that could be limited here, says little of what
/// a modern runtime uses, and the keeper's own allocator takes it ahead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resource {
    /// Size of a core dump in bytes.
    CoreBytes,
    /// Processor time of each process in seconds, at least 1.
    CpuSeconds,
    /// Size of a file that is written, in bytes.
    FileBytes,
    /// Open descriptors of each process, at least 32.
    OpenFiles,
    /// Processes and threads of the user, all of them; root is not bound.
    Processes,
}

impl Resource {
    pub(crate) const ALL: [Self; 5] = [
        Self::CoreBytes,
        Self::CpuSeconds,
        Self::FileBytes,
        Self::OpenFiles,
        Self::Processes,
    ];

    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::CoreBytes => "core_bytes",
            Self::CpuSeconds => "cpu_seconds",
            Self::FileBytes => "file_bytes",
            Self::OpenFiles => "open_files",
            Self::Processes => "processes",
        }
    }

    const fn least(self) -> u64 {
        match self {
            Self::OpenFiles => 32,
            Self::CpuSeconds => 1,
            Self::CoreBytes | Self::FileBytes | Self::Processes => 0,
        }
    }
}

/// How to start a keeper: a program that calls [`crate::keep`] first of all.
#[derive(Clone, Debug)]
pub struct Keeper {
    pub(crate) program: PathBuf,
    pub(crate) arguments: Vec<OsString>,
}

impl Keeper {
    /// `program` with `arguments` calls [`crate::keep`].
    pub fn new(program: impl Into<PathBuf>, arguments: &[&str]) -> Self {
        Self {
            program: program.into(),
            arguments: arguments.iter().map(OsString::from).collect(),
        }
    }

    /// The program that runs now, with `arguments`. Goes through
    /// `/proc/self/exe`, so that an upgrade under a running gateway doesn't
    /// mix two versions.
    pub fn this_program(arguments: &[&str]) -> Self {
        Self::new("/proc/self/exe", arguments)
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            time: None,
            output_bytes: CAPTURED,
            linger: Duration::from_millis(250),
            resources: Vec::new(),
        }
    }
}

impl Spec {
    /// `argv` with an empty environment, no input and no output.
    pub fn new<A: Into<OsString>>(argv: impl IntoIterator<Item = A>) -> Self {
        Self {
            argv: argv.into_iter().map(Into::into).collect(),
            folder: None,
            environment: Vec::new(),
            input: Input::default(),
            output: Output::default(),
            errors: Output::default(),
            handed: Handed::default(),
            session: Session::default(),
            limits: Limits::default(),
            cgroup: true,
        }
    }

    /// The program's name, for messages.
    pub(crate) fn program(&self) -> String {
        let program = self.argv.first().map(|name| name.to_string_lossy());
        program.unwrap_or_default().chars().take(200).collect()
    }

    /// # Errors
    /// What could never be started.
    pub(crate) fn check(&self) -> Result<(), StartError> {
        if self.argv.first().is_none_or(|program| program.is_empty()) {
            return Err(StartError::NoProgram);
        }
        let folder = self.folder.iter().map(|folder| folder.as_os_str());
        let pairs = self.environment.iter();
        let words = pairs.flat_map(|(name, value)| [name.as_os_str(), value.as_os_str()]);
        let mut words = words.chain(folder).chain(self.argv.iter().map(|a| &**a));
        if words.any(|word| word.as_bytes().contains(&0)) {
            return Err(StartError::Nul);
        }
        let odd = |name: &OsString| name.is_empty() || name.as_bytes().contains(&b'=');
        if let Some((name, _)) = self.environment.iter().find(|(name, _)| odd(name)) {
            return Err(StartError::Variable(
                name.to_string_lossy().chars().take(64).collect(),
            ));
        }
        let mut resources = self.limits.resources.iter();
        match resources.find(|(resource, limit)| *limit < resource.least()) {
            Some((resource, limit)) => Err(StartError::LimitTooSmall {
                resource: resource.word(),
                found: *limit,
                least: resource.least(),
            }),
            None => Ok(()),
        }
    }
}

/// Arguments and names of variables; never their values, which may be keys.
impl fmt::Debug for Spec {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&OsString> = self.environment.iter().map(|(name, _)| name).collect();
        out.debug_struct("Spec")
            .field("argv", &self.argv)
            .field("folder", &self.folder)
            .field("environment", &names)
            .field("session", &self.session)
            .field("limits", &self.limits)
            .field("cgroup", &self.cgroup)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_never_start_is_refused_by_name() {
        let text = |spec: &Spec| spec.check().unwrap_err().to_string();
        let none: [&str; 0] = [];
        assert_eq!(text(&Spec::new(none)), "no program, expected one");
        assert_eq!(text(&Spec::new([""])), "no program, expected one");
        assert!(text(&Spec::new(["a\0b"])).contains("zero byte"));
        let mut spec = Spec::new(["true"]);
        spec.environment.push(("A=B".into(), "secret".into()));
        assert_eq!(text(&spec), "variable `A=B` has an empty name or `=` in it");
        let mut spec = Spec::new(["true"]);
        spec.limits.resources.push((Resource::OpenFiles, 3));
        assert_eq!(text(&spec), "limit open_files is `3`, expected at least 32");
        spec.limits.resources = vec![(Resource::OpenFiles, 32), (Resource::FileBytes, 0)];
        assert!(spec.check().is_ok());
    }

    #[test]
    fn debug_shows_no_value_of_the_environment() {
        let mut spec = Spec::new(["true"]);
        spec.environment.push(("KEY".into(), "sk-secret".into()));
        let shown = format!("{spec:?}");
        assert!(shown.contains("KEY") && !shown.contains("sk-secret"));
    }
}
