use std::path::{Path, PathBuf};

use tollgate_types::AgentName;

/// What is wrong with the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DatabaseFault {
    /// Another process holds its lock.
    Busy,
    /// It may only be read.
    ReadOnly,
    /// The disk reported an error.
    DiskFailed,
    /// What stands in it makes no sense.
    Damaged,
    /// The disk has no room left.
    DiskFull,
    /// The file can't be opened.
    CannotOpen,
    /// The file is something else.
    NotADatabase,
    /// Anything else.
    Other,
}

impl DatabaseFault {
    /// In plain words.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Busy => "another process holds it",
            Self::ReadOnly => "it is read-only",
            Self::DiskFailed => "the disk failed",
            Self::Damaged => "it is damaged",
            Self::DiskFull => "the disk is full",
            Self::CannotOpen => "it can't be opened",
            Self::NotADatabase => "it is not a database",
            Self::Other => "it can't be written",
        }
    }

    /// The one thing to try.
    fn hint(self, path: &Path) -> Option<String> {
        let path = path.display();
        match self {
            Self::Busy => Some(format!("end what holds `{path}` open: a backup, a shell")),
            Self::ReadOnly | Self::CannotOpen => Some(format!(
                "`{path}` and its folder must be writable by this user"
            )),
            Self::DiskFull => Some(format!(
                "make room on the disk of `{path}`; records wait in memory and nothing is lost while the gateway runs"
            )),
            Self::DiskFailed => Some("see the system's log for errors of the disk".into()),
            Self::Damaged | Self::NotADatabase => Some(damaged(&path.to_string())),
            Self::Other => None,
        }
    }
}

fn damaged(path: &str) -> String {
    format!(
        "restore it from a backup, or move `{path}`, `{path}-wal` and `{path}-shm` away to begin a new one"
    )
}

/// Why a ledger can't be opened. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The folder can't be made or read.
    #[error("ledger `{path}`: {found}", path = path.display())]
    Folder {
        /// The ledger's file.
        path: PathBuf,
        /// What the system said.
        found: String,
    },
    /// Not a regular file.
    #[error("ledger `{path}` is {found}, expected a regular file", path = path.display())]
    NotAFile {
        /// The ledger's file.
        path: PathBuf,
        /// What stands there.
        found: &'static str,
    },
    /// Others can read or write it.
    #[error("`{path}` has mode {mode:04o}, expected {wanted:04o}", path = path.display())]
    Mode {
        /// The file or folder.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
        /// The permission bits that it should have.
        wanted: u32,
    },
    /// Another gateway writes it.
    #[error("ledger `{path}` is in use by another gateway", path = path.display())]
    InUse {
        /// The ledger's file.
        path: PathBuf,
    },
    /// A database, but of another program.
    #[error("`{path}` is a database of another program, expected a ledger", path = path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// Written by a newer Tollgate.
    #[error(
        "ledger `{path}` has schema version {found}, this program knows up to {known}",
        path = path.display()
    )]
    Newer {
        /// The ledger's file.
        path: PathBuf,
        /// Version found.
        found: u32,
        /// Newest version known.
        known: u32,
    },
    /// Not a database, or a damaged one.
    #[error("ledger `{path}` can't be read: {found}", path = path.display())]
    Damaged {
        /// The ledger's file.
        path: PathBuf,
        /// What SQLite said.
        found: String,
    },
    /// It can be read but not written.
    #[error("ledger `{path}` can't be written: {found}", path = path.display())]
    NotWritable {
        /// The ledger's file.
        path: PathBuf,
        /// What SQLite said.
        found: String,
    },
}

impl OpenError {
    /// The one thing to try.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Folder { path, .. } | Self::NotWritable { path, .. } => Some(format!(
                "`{}` must be writable by this user and its disk must have room",
                path.parent().unwrap_or(path).display()
            )),
            Self::NotAFile { .. } => None,
            Self::Mode { path, wanted, .. } => Some(format!("chmod {wanted:o} {}", path.display())),
            Self::InUse { .. } => {
                Some("stop the other one, or give this one its own `TOLLGATE_HOME`".into())
            }
            Self::Foreign { .. } => Some("name another file".into()),
            Self::Newer { .. } => Some("start the tollgate that wrote it, or a newer one".into()),
            Self::Damaged { path, .. } => Some(damaged(&path.display().to_string())),
        }
    }
}

/// Why something was not written.
#[derive(Clone, Debug, thiserror::Error)]
pub enum WriteError {
    /// The writer has ended: the ledger was closed.
    #[error("the ledger is closed")]
    Closed,
    /// SQLite said no; request records stay queued and are tried again, an
    /// event was not written.
    #[error("ledger `{path}`: {found}", path = path.display())]
    Database {
        /// The ledger's file.
        path: PathBuf,
        /// What that means.
        fault: DatabaseFault,
        /// What SQLite said, in plain words.
        found: String,
    },
    /// Pruning needs a key to sign what it removes with.
    #[error("nothing is pruned without a key that signs what was removed")]
    NoNotary,
    /// The ledger was closed while records could not be written.
    #[error("ledger `{path}` closed with {rows} records unwritten: {found}", path = path.display())]
    Unwritten {
        /// The ledger's file.
        path: PathBuf,
        /// How many.
        rows: u64,
        /// What SQLite said, in plain words.
        found: String,
    },
}

impl WriteError {
    /// The one thing to try.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Database { path, fault, .. } => fault.hint(path),
            Self::Closed | Self::NoNotary | Self::Unwritten { .. } => None,
        }
    }
}

/// Why something can't be read.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ReadError {
    /// SQLite said no.
    #[error("ledger `{path}`: {found}", path = path.display())]
    Database {
        /// The ledger's file.
        path: PathBuf,
        /// What that means.
        fault: DatabaseFault,
        /// What SQLite said, in plain words.
        found: String,
    },
    /// A row holds what this program does not know.
    #[error("ledger row {seq}: {found}")]
    Row {
        /// The row's place in the sequence.
        seq: u64,
        /// What was found.
        found: String,
    },
}

impl ReadError {
    /// The one thing to try.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Database { path, fault, .. } => fault.hint(path),
            Self::Row { .. } => {
                Some("`tollgate audit verify` says whether the row was changed".into())
            }
        }
    }
}

/// Why a ledger can't be audited.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// There is no such file.
    #[error("there is no ledger `{path}`", path = path.display())]
    Missing {
        /// The ledger's file.
        path: PathBuf,
    },
    /// Written before there was a chain.
    #[error("ledger `{path}` has no audit chain yet", path = path.display())]
    NoChain {
        /// The ledger's file.
        path: PathBuf,
    },
    /// Not a ledger, or one of a newer Tollgate.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// It can't be read to the end.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// What was found can't be written out.
    #[error("the export can't be written: {0}")]
    Output(String),
}

impl AuditError {
    /// The one thing to try.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Missing { .. } => Some("name the file: `--ledger FILE`".into()),
            Self::NoChain { .. } => Some("start the gateway once: it links older records".into()),
            Self::Open(error) => error.hint(),
            Self::Read(error) => error.hint(),
            Self::Output(_) => None,
        }
    }
}

/// Why a request can't be given a place: it must be refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unavailable {
    /// Every place is taken by records that wait for the disk, or by requests
    /// in flight.
    #[error("the ledger's queue of {queue} records is full")]
    Full {
        /// Places in all.
        queue: usize,
    },
    /// The last write failed: until one succeeds, nothing more is spent.
    #[error("the ledger can't be written: {}", .0.as_str())]
    Failing(DatabaseFault),
    /// The writer has ended.
    #[error("the ledger is closed")]
    Closed,
}

/// Why a change was not made.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ChangeError {
    /// There is nothing to be changed.
    #[error("no {what} `{name}` in the ledger")]
    Unknown {
        /// `budget` or `cutoff of agent`.
        what: &'static str,
        /// Its name.
        name: String,
    },
    /// The ledger can't be written.
    #[error(transparent)]
    Write(#[from] WriteError),
}

/// Why an agent was not added.
#[derive(Clone, Debug, thiserror::Error)]
pub enum AddAgentError {
    /// There is one of that name.
    #[error("agent `{0}` exists")]
    Exists(AgentName),
    /// The ledger can't be written.
    #[error(transparent)]
    Write(#[from] WriteError),
}

/// Why an agent was not removed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum RemoveAgentError {
    /// There is none of that name in the ledger.
    #[error("no agent `{0}` in the ledger")]
    Unknown(AgentName),
    /// The ledger can't be written.
    #[error(transparent)]
    Write(#[from] WriteError),
}
