use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tollgate_types::{AgentName, Label};

use crate::Digest;
use crate::encoding::Encoder;

mod call;

pub use call::ModelCall;

const DOMAIN: &[u8] = b"tollgate-subject\n";
const VERSION: u8 = 1;
/// Longest text of a command, in bytes; beyond it nothing is judged either.
const LONGEST_TEXT: usize = 16 * 1024;
/// Most bytes of all words, or of all changes of the environment, together.
const LONGEST_WORDS: usize = 128 * 1024;
/// Most words, changes or files.
const MOST: usize = 4096;

/// What is asked about, whole: two subjects that differ in anything that could
/// change what happens have different digests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    /// A command on the machine of whoever asks.
    Command(Command),
    /// A request to a model.
    ModelCall(ModelCall),
}

/// A command that is to run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Command {
    /// What runs.
    pub words: Words,
    /// Where.
    pub folder: Folder,
    /// Changes over the environment that the executor would give by itself:
    /// set, or removed. By name, each once.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub environment: BTreeMap<String, Option<String>>,
    /// The bytes that run, and those that decide what runs. By role and path.
    pub files: Vec<SubjectFile>,
    /// Where it runs: `gateway`, or `sandbox:` and the back end's name.
    pub place: Label,
    /// What its confinement lacks, in words for the card: `landlock`,
    /// `seccomp`. Empty where nothing does, or where none was asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lacks: Vec<String>,
    /// Whose command it is.
    pub agent: AgentName,
    /// What the kernel says of the process that asks, such as `uid 1000 pid 7`.
    pub requester: Label,
    /// Version of the policy that judged it.
    pub policy_version: Label,
    /// Version of the configuration that judged it.
    pub config_version: u64,
}

/// What runs: commands without a shell, or text for one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Words {
    /// Simple commands, each program and arguments, run as they stand. More
    /// than one is a pipeline.
    Plan(Vec<Vec<String>>),
    /// Text for a shell, byte for byte; run from a sealed copy.
    Text(String),
}

/// The working folder: its path, and which folder that was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Folder {
    /// Absolute, links resolved.
    pub path: String,
    /// `st_dev`.
    pub device: u64,
    /// `st_ino`.
    pub inode: u64,
}

/// What a file is to a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// A program that is run.
    Binary,
    /// Text that an interpreter runs: a script, a package's script, a Makefile.
    Script,
    /// A link that was followed; the digest is of its target's path.
    Link,
    /// Anything else whose bytes count.
    Other,
    /// Nothing may stand there: a file that came to be would run in the place
    /// of another, or change what another does. Digest and numbers are zero.
    Absent,
}

/// One file, as it was when it was judged.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SubjectFile {
    /// What it is to the command.
    pub role: Role,
    /// Absolute path.
    pub path: String,
    /// Of its bytes.
    pub sha256: Digest,
    /// `st_dev`.
    pub device: u64,
    /// `st_ino`.
    pub inode: u64,
}

/// A subject that can't be asked about.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SubjectFault {
    /// Nothing to run.
    #[error("the command is empty")]
    Empty,
    /// More than is judged.
    #[error("{what} is {found} long, expected at most {limit}")]
    TooLong {
        /// Which part.
        what: &'static str,
        /// Bytes, or how many.
        found: usize,
        /// The most.
        limit: usize,
    },
    /// A byte that no argument, path or variable can hold.
    #[error("{0} holds a NUL character")]
    Nul(&'static str),
    /// A path that depends on where one stands.
    #[error("{what} is `{found}`, expected an absolute path")]
    Relative {
        /// Which path.
        what: &'static str,
        /// What stood there, cut.
        found: String,
    },
    /// A variable's name that none can have.
    #[error("`{0}` is not the name of a variable")]
    Variable(String),
}

impl Subject {
    /// The canonical bytes; the crate's documentation has the form.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Encoder::begin(DOMAIN, VERSION);
        match self {
            Self::Command(command) => {
                out.byte(1);
                command.encode(&mut out);
            }
            Self::ModelCall(call) => {
                out.byte(2);
                call.encode(&mut out);
            }
        }
        out.finish()
    }

    /// SHA-256 of [`Subject::encode`]: what is approved, and what a grant names.
    pub fn digest(&self) -> Digest {
        Digest::of(&self.encode())
    }

    /// Whose it is.
    pub fn agent(&self) -> &AgentName {
        match self {
            Self::Command(command) => &command.agent,
            Self::ModelCall(call) => &call.agent,
        }
    }
}

impl Command {
    /// Bounds, and what no process could be given. Whoever takes a subject from
    /// outside calls this before anything else.
    ///
    /// # Errors
    /// [`SubjectFault`].
    pub fn check(&self) -> Result<(), SubjectFault> {
        self.words.check()?;
        path("the folder", &self.folder.path)?;
        many("the list of files", self.files.len(), MOST)?;
        for file in &self.files {
            path("a file", &file.path)?;
        }
        many("the environment", self.environment.len(), MOST)?;
        let mut bytes = 0;
        for (name, value) in &self.environment {
            if name.is_empty() || name.contains(['=', '\0']) {
                return Err(SubjectFault::Variable(name.chars().take(64).collect()));
            }
            let value = value.as_deref().unwrap_or_default();
            nul("a variable", value)?;
            bytes += name.len() + value.len();
        }
        many("the environment", bytes, LONGEST_WORDS)
    }

    /// Files in their canonical order, each once.
    pub fn sort_files(&mut self) {
        self.files.sort();
        self.files.dedup();
    }

    fn encode(&self, out: &mut Encoder) {
        self.words.encode(out);
        out.text(&self.folder.path);
        out.number(self.folder.device);
        out.number(self.folder.inode);
        out.list(self.environment.iter(), |out, (name, value)| {
            out.text(name);
            out.byte(value.is_some().into());
            if let Some(value) = value {
                out.text(value);
            }
        });
        let mut files: Vec<&SubjectFile> = self.files.iter().collect();
        files.sort();
        files.dedup();
        out.list(files.into_iter(), |out, file| file.encode(out));
        out.text(&self.place);
        out.list(self.lacks.iter(), |out, lack| out.text(lack));
        out.text(self.agent.as_str());
        out.text(&self.requester);
        out.text(&self.policy_version);
        out.number(self.config_version);
    }
}

impl Words {
    fn check(&self) -> Result<(), SubjectFault> {
        let plan = match self {
            Self::Text(text) => {
                many("the text", text.len(), LONGEST_TEXT)?;
                nul("the text", text)?;
                return match text.trim().is_empty() {
                    true => Err(SubjectFault::Empty),
                    false => Ok(()),
                };
            }
            Self::Plan(plan) => plan,
        };
        if plan.is_empty()
            || plan
                .iter()
                .any(|argv| argv.first().is_none_or(String::is_empty))
        {
            return Err(SubjectFault::Empty);
        }
        many("the command", plan.iter().map(Vec::len).sum(), MOST)?;
        let words = || plan.iter().flatten();
        many("the command", words().map(String::len).sum(), LONGEST_WORDS)?;
        words().try_for_each(|word| nul("an argument", word))
    }

    fn encode(&self, out: &mut Encoder) {
        match self {
            Self::Plan(plan) => {
                out.byte(1);
                out.list(plan.iter(), |out, argv| {
                    out.list(argv.iter(), |out, word| out.text(word));
                });
            }
            Self::Text(text) => {
                out.byte(2);
                out.text(text);
            }
        }
    }
}

impl SubjectFile {
    /// A place that has to stay empty.
    pub fn absent(path: String) -> Self {
        Self {
            role: Role::Absent,
            path,
            sha256: Digest::from_bytes([0; 32]),
            device: 0,
            inode: 0,
        }
    }

    fn encode(&self, out: &mut Encoder) {
        out.byte(match self.role {
            Role::Binary => 1,
            Role::Script => 2,
            Role::Link => 3,
            Role::Other => 4,
            Role::Absent => 5,
        });
        out.text(&self.path);
        out.raw(self.sha256.as_bytes());
        out.number(self.device);
        out.number(self.inode);
    }
}

fn many(what: &'static str, found: usize, limit: usize) -> Result<(), SubjectFault> {
    match found > limit {
        true => Err(SubjectFault::TooLong { what, found, limit }),
        false => Ok(()),
    }
}

fn nul(what: &'static str, text: &str) -> Result<(), SubjectFault> {
    match text.contains('\0') {
        true => Err(SubjectFault::Nul(what)),
        false => Ok(()),
    }
}

fn path(what: &'static str, path: &str) -> Result<(), SubjectFault> {
    nul(what, path)?;
    match path.starts_with('/') {
        true => many(what, path.len(), LONGEST_TEXT),
        false => Err(SubjectFault::Relative {
            what,
            found: path.chars().take(80).collect(),
        }),
    }
}

#[cfg(test)]
mod tests;
