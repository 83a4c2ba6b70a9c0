use std::io;
use std::process::Stdio;

use serde::Serialize;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child as Process, ChildStdin, ChildStdout, Command};
use tollgate_policy::PolicyFault;

use crate::line::{Answer, Ask, Proven};
use crate::load::Place;

/// Longest line that a child may answer with, in bytes.
const LONGEST_LINE: u64 = 4 << 20;

/// Texts of files that other files load, by the names that they wrote.
pub(crate) type Libraries = Vec<(String, Result<String, String>)>;

/// One process that evaluates. Dropping it kills it.
pub(crate) struct Child {
    _process: Process,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

/// Why a child could not be used.
#[derive(Debug)]
pub(crate) enum Broken {
    /// The files are at fault.
    Faults(Vec<PolicyFault>),
    /// The process is.
    Process(String),
}

impl From<io::Error> for Broken {
    fn from(error: io::Error) -> Self {
        Self::Process(error.to_string())
    }
}

impl Child {
    /// Starts a child and has it load the files. `library` is asked for what
    /// they load.
    pub(crate) async fn start(
        place: &Place,
        files: &[(String, String)],
        library: &mut (dyn FnMut(&str) -> Result<String, String> + Send),
    ) -> Result<(Self, Proven), Broken> {
        let mut process = Command::new(&place.program)
            .args(&place.arguments)
            // Keys of providers stand in the environment.
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        let missing = || Broken::Process("no pipe to the child".to_owned());
        let mut child = Self {
            input: process.stdin.take().ok_or_else(missing)?,
            output: BufReader::new(process.stdout.take().ok_or_else(missing)?),
            _process: process,
        };
        child.say(&Ask::Load(files.to_vec())).await?;
        loop {
            match child.hear().await? {
                Answer::Need(name) => child.say(&Ask::Library(library(&name))).await?,
                Answer::Loaded(proven) => return Ok((child, proven)),
                Answer::Faults(faults) => return Err(Broken::Faults(faults)),
                _ => return Err(Broken::Process("it answered out of turn".to_owned())),
            }
        }
    }

    /// One question, one answer.
    pub(crate) async fn ask(&mut self, ask: &impl Serialize) -> Result<Answer, Broken> {
        self.say(ask).await?;
        match self.hear().await? {
            Answer::Unreadable(why) => Err(Broken::Process(why)),
            answer => Ok(answer),
        }
    }

    async fn say(&mut self, ask: &impl Serialize) -> Result<(), Broken> {
        let mut line = serde_json::to_vec(ask).map_err(io::Error::from)?;
        line.push(b'\n');
        self.input.write_all(&line).await?;
        Ok(self.input.flush().await?)
    }

    async fn hear(&mut self) -> Result<Answer, Broken> {
        let mut line = Vec::new();
        let mut bounded = (&mut self.output).take(LONGEST_LINE);
        if bounded.read_until(b'\n', &mut line).await? == 0 {
            return Err(Broken::Process("it ended".to_owned()));
        }
        Ok(serde_json::from_slice(&line).map_err(io::Error::from)?)
    }
}
