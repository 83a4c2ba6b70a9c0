use std::fs::OpenOptions;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::process::{Child, Command};
use tokio::sync::{mpsc, oneshot, watch};

use crate::capture::{Capture, Captured};
use crate::census;
use crate::end::{Cause, End, Exit};
use crate::fault::{StartError, TreeError};
use crate::leash::{Leash, Request};
use crate::letter::{self, Letter};
use crate::remnants::Remnants;
use crate::spec::{Input, Keeper, Output, Spec};
use crate::words::{Order, Word};

/// Longest wait for a keeper's answer: twice what it takes at most to kill.
const ANSWER: Duration = Duration::from_secs(10);

/// A command and everything that came of it. Dropped, it is killed.
#[derive(Debug)]
pub struct Tree {
    pid: i32,
    keeper: i32,
    cgroup: Option<PathBuf>,
    requests: mpsc::Sender<Request>,
    end: watch::Receiver<Option<End>>,
    captures: Mutex<Option<[Option<Capture>; 2]>>,
}

impl Tree {
    /// Starts a keeper and, under it, the command. Needs a tokio runtime with
    /// I/O and time.
    ///
    /// # Errors
    /// [`StartError`]; nothing of the command has run then.
    pub async fn start(spec: Spec, keeper: &Keeper) -> Result<Self, StartError> {
        spec.check()?;
        let (here, there) = UnixStream::pair().map_err(StartError::Keeper)?;
        let child = spawn(keeper, there).map_err(StartError::Keeper)?;
        let keeper = child.id().and_then(|id| i32::try_from(id).ok());
        let keeper = keeper.unwrap_or_default();
        let names = Names::of(&spec);
        let body = Letter::write(&spec);
        let (session, time) = (spec.session, spec.limits.time);
        let (told, overflow) = mpsc::channel(1);
        let captures = hand_over(spec, &here, &body, &told)?;
        let (lines, socket, first) = converse(here, &body).await.map_err(StartError::Keeper)?;
        let (pid, cgroup) = match first {
            Some(Word::Started { pid, cgroup }) => (pid, cgroup.map(PathBuf::from)),
            Some(Word::Failed { errno, what }) => return Err(names.refusal(errno, what)),
            _ => return Err(StartError::Keeper(io::ErrorKind::BrokenPipe.into())),
        };
        let (requests, received) = mpsc::channel(8);
        let (ended, end) = watch::channel(None);
        let leash = Leash {
            lines,
            socket,
            requests: received,
            overflow,
            end: ended,
            keeper: child,
            remnants: Remnants {
                keeper,
                session,
                command: census::look_at(pid).filter(|process| process.parent == keeper),
                cgroup: cgroup.clone(),
            },
            time,
        };
        tokio::spawn(leash.hold());
        Ok(Self {
            pid,
            keeper,
            cgroup,
            requests,
            end,
            captures: Mutex::new(Some(captures)),
        })
    }

    /// The command's process id.
    pub const fn pid(&self) -> i32 {
        self.pid
    }

    /// Its keeper's process id.
    pub const fn keeper_pid(&self) -> i32 {
        self.keeper
    }

    /// True where it lives in a cgroup of its own.
    pub const fn has_cgroup(&self) -> bool {
        self.cgroup.is_some()
    }

    /// Brings every process to a halt. A second time looks again.
    ///
    /// # Errors
    /// [`TreeError::Left`] where some go on; the others stay halted.
    pub async fn freeze(&self) -> Result<(), TreeError> {
        self.done(Order::Freeze, "frozen").await
    }

    /// Lets those go on that [`Tree::freeze`] brought to a halt.
    ///
    /// # Errors
    /// [`TreeError`].
    pub async fn thaw(&self) -> Result<(), TreeError> {
        self.done(Order::Thaw, "thawed").await
    }

    /// Kills every process. A tree that has ended is no error.
    ///
    /// # Errors
    /// [`TreeError::Left`] where some can't be killed within 5 s.
    pub async fn kill(&self) -> Result<(), TreeError> {
        match self.done(Order::Kill, "killed").await {
            Err(TreeError::Ended(end)) if end.left == 0 => Ok(()),
            Err(TreeError::Ended(End { left, .. })) => Err(TreeError::Left {
                left,
                what: "killed",
            }),
            done => done,
        }
    }

    /// Sends a signal, by its number, to the command alone.
    ///
    /// # Errors
    /// [`TreeError::Ended`]; [`TreeError::Left`] where there is no such signal.
    pub async fn signal(&self, signal: i32) -> Result<(), TreeError> {
        self.done(Order::Signal(signal), "signalled").await
    }

    /// The process ids of everybody who lives. None once it has ended.
    ///
    /// # Errors
    /// [`TreeError::Silent`].
    pub async fn members(&self) -> Result<Vec<i32>, TreeError> {
        match self.order(Order::Members).await {
            Ok(Word::Members(pids)) => Ok(pids),
            Err(TreeError::Ended(_)) => Ok(Vec::new()),
            Ok(_) => Err(TreeError::Silent),
            Err(error) => Err(error),
        }
    }

    /// How it ended, once it has: the command, and whoever was left of its
    /// tree. May be asked as often as one likes.
    pub async fn wait(&self) -> End {
        self.ending().await
    }

    /// The same, without holding the tree.
    pub(crate) fn ending(&self) -> impl Future<Output = End> + Send + use<> {
        let mut end = self.end.clone();
        async move {
            let ended = end.wait_for(Option::is_some).await;
            ended.ok().and_then(|end| *end).unwrap_or(LOST)
        }
    }

    /// Waits for the end and takes what it wrote; empty the second time.
    pub async fn captured(&self) -> Captured {
        self.wait().await;
        let taken = self
            .captures
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let [output, errors] = taken.unwrap_or_default();
        Captured {
            output: finish(output).await,
            errors: finish(errors).await,
        }
    }

    async fn done(&self, order: Order, what: &'static str) -> Result<(), TreeError> {
        match self.order(order).await? {
            Word::Done { left: 0 } => Ok(()),
            Word::Done { left } => Err(TreeError::Left { left, what }),
            _ => Err(TreeError::Silent),
        }
    }

    async fn order(&self, order: Order) -> Result<Word, TreeError> {
        let (answer, told) = oneshot::channel();
        let request = Request {
            order,
            answer: Some(answer),
        };
        let asked = async {
            self.requests.send(request).await.ok()?;
            told.await.ok()
        };
        match tokio::time::timeout(ANSWER, asked).await {
            Ok(Some(word)) => Ok(word),
            Ok(None) => Err(TreeError::Ended(self.wait().await)),
            Err(_) => Err(TreeError::Silent),
        }
    }
}

/// A task that is gone without having told of an end.
const LOST: End = End {
    exit: Exit::Signal(nix::libc::SIGKILL),
    cause: Cause::KeeperLost,
    left: 0,
};

/// The keeper gets a socket and nothing else: no environment, no output.
fn spawn(keeper: &Keeper, socket: UnixStream) -> io::Result<Child> {
    Command::new(&keeper.program)
        .arg0("tollgate")
        .args(&keeper.arguments)
        .env_clear()
        .stdin(Stdio::from(OwnedFd::from(socket)))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
}

type Said = Lines<BufReader<OwnedReadHalf>>;

/// Sends the letter's body and hears what came of it.
async fn converse(
    socket: UnixStream,
    body: &[u8],
) -> io::Result<(Said, OwnedWriteHalf, Option<Word>)> {
    socket.set_nonblocking(true)?;
    let (read, mut write) = tokio::net::UnixStream::from_std(socket)?.into_split();
    let mut lines = BufReader::new(read).lines();
    let first = tokio::time::timeout(ANSWER, async {
        write.write_all(body).await?;
        lines.next_line().await
    });
    let first = first.await.map_err(|_| io::ErrorKind::TimedOut)??;
    let word = first.and_then(|line| line.parse().ok());
    Ok((lines, write, word))
}

/// Opens the three descriptors and sends them, and those of the holder, ahead of the letter; the
/// holder's own copies are closed with the return, so that a pipe ends when
/// the tree does.
fn hand_over(
    spec: Spec,
    socket: &UnixStream,
    body: &[u8],
    overflow: &mpsc::Sender<()>,
) -> Result<[Option<Capture>; 2], StartError> {
    let limit = spec.limits.output_bytes;
    let failed = |what: &str| {
        let what = what.to_owned();
        move |why| StartError::SetUp { what, why }
    };
    let input = open_input(spec.input).map_err(failed("standard input"))?;
    let (output, captured) = open(spec.output, io::stdout().as_fd(), limit, overflow)
        .map_err(failed("standard output"))?;
    let (errors, captured_errors) = open(spec.errors, io::stderr().as_fd(), limit, overflow)
        .map_err(failed("standard error"))?;
    let mut descriptors = vec![input.as_fd(), output.as_fd(), errors.as_fd()];
    descriptors.extend(spec.handed.in_order());
    letter::send_head(socket, body, &descriptors).map_err(StartError::Keeper)?;
    Ok([captured, captured_errors])
}

fn open_input(input: Input) -> io::Result<OwnedFd> {
    match input {
        Input::Null => Ok(OpenOptions::new().read(true).open("/dev/null")?.into()),
        Input::Inherit => io::stdin().as_fd().try_clone_to_owned(),
        Input::From(descriptor) => Ok(descriptor),
    }
}

fn open(
    output: Output,
    own: std::os::fd::BorrowedFd<'_>,
    limit: usize,
    overflow: &mpsc::Sender<()>,
) -> io::Result<(OwnedFd, Option<Capture>)> {
    match output {
        Output::Null => {
            let null = OpenOptions::new().write(true).open("/dev/null")?;
            Ok((null.into(), None))
        }
        Output::Inherit => Ok((own.try_clone_to_owned()?, None)),
        Output::To(descriptor) => Ok((descriptor, None)),
        Output::Captured | Output::Relayed => {
            let (reader, writer) = io::pipe()?;
            let to = match output {
                Output::Relayed => Some(own.try_clone_to_owned()?),
                _ => None,
            };
            let capture = Capture::start(reader.into(), to, limit, overflow.clone())?;
            Ok((writer.into(), Some(capture)))
        }
    }
}

/// What a refusal has to name.
struct Names {
    program: String,
    folder: String,
}

impl Names {
    fn of(spec: &Spec) -> Self {
        let folder = spec.folder.as_deref().unwrap_or(Path::new(""));
        Self {
            program: spec.program(),
            folder: folder.display().to_string(),
        }
    }

    fn refusal(self, errno: i32, what: String) -> StartError {
        let why = io::Error::from_raw_os_error(errno);
        let Self { program, folder } = self;
        match what.as_str() {
            "program" => StartError::Program { program, why },
            "folder" => StartError::Folder { folder, why },
            _ => StartError::SetUp { what, why },
        }
    }
}

async fn finish(capture: Option<Capture>) -> Vec<u8> {
    match capture {
        Some(capture) => capture.finish().await,
        None => Vec::new(),
    }
}
