//! The holder's end of the socket: one task per tree that passes orders on
//! and hears how it went.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::io::{AsyncWriteExt, BufReader, Lines};
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::process::Child;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant;

use crate::end::{Cause, End, Exit};
use crate::remnants::Remnants;
use crate::words::{Order, Word};

/// An order, and who waits for the answer.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) order: Order,
    pub(crate) answer: Option<oneshot::Sender<Word>>,
}

/// Everything that one tree's task has.
#[derive(Debug)]
pub(crate) struct Leash {
    pub(crate) lines: Lines<BufReader<OwnedReadHalf>>,
    pub(crate) socket: OwnedWriteHalf,
    pub(crate) requests: mpsc::Receiver<Request>,
    pub(crate) overflow: mpsc::Receiver<()>,
    pub(crate) end: watch::Sender<Option<End>>,
    pub(crate) keeper: Child,
    pub(crate) remnants: Remnants,
    pub(crate) time: Option<Duration>,
}

impl Leash {
    /// Goes on until the tree is gone, or nobody holds it any more: then the
    /// socket is closed, and the keeper kills it.
    pub(crate) async fn hold(mut self) {
        let lost = self.talk().await;
        if lost {
            let remnants = self.remnants.clone();
            let left = tokio::task::spawn_blocking(move || remnants.kill()).await;
            self.end.send_replace(Some(End {
                exit: Exit::Signal(nix::libc::SIGKILL),
                cause: Cause::KeeperLost,
                left: left.unwrap_or(0),
            }));
        }
        drop((self.lines, self.socket));
        // Takes it off the kernel's table; its code says nothing.
        self.keeper.wait().await.ok();
    }

    /// True where the keeper went away without a word.
    async fn talk(&mut self) -> bool {
        let mut asked = Asked::default();
        let mut deadline = self.time.and_then(|time| Instant::now().checked_add(time));
        loop {
            let order = tokio::select! {
                // Its end comes before a time-out that passed at the same time.
                biased;
                line = self.lines.next_line() => {
                    let word = line.ok().flatten().and_then(|line| line.parse().ok());
                    match word {
                        Some(Word::Ended { exit, left }) => {
                            let cause = asked.cause.unwrap_or(Cause::Itself);
                            self.end.send_replace(Some(End { exit, cause, left }));
                            if left == 0 {
                                return false;
                            }
                            deadline = None;
                        }
                        Some(word) => asked.answer(word),
                        None => return self.end.borrow().is_none(),
                    }
                    continue;
                }
                request = self.requests.recv() => match request {
                    Some(request) => asked.by(request),
                    None => return false,
                },
                () = passed(deadline) => {
                    deadline = None;
                    asked.kill_for(Cause::TimedOut)
                }
                Some(()) = self.overflow.recv() => asked.kill_for(Cause::OutputLimit),
            };
            // A keeper that is gone is noticed when its end is read.
            let line = format!("{order}\n");
            self.socket.write_all(line.as_bytes()).await.ok();
        }
    }
}

/// What the keeper was asked and has not answered yet; it answers in order.
#[derive(Debug, Default)]
struct Asked {
    waiting: VecDeque<Option<oneshot::Sender<Word>>>,
    /// Why it was told to kill first.
    cause: Option<Cause>,
}

impl Asked {
    fn by(&mut self, request: Request) -> Order {
        self.waiting.push_back(request.answer);
        if request.order == Order::Kill {
            self.cause.get_or_insert(Cause::Killed);
        }
        request.order
    }

    fn kill_for(&mut self, cause: Cause) -> Order {
        self.waiting.push_back(None);
        self.cause.get_or_insert(cause);
        Order::Kill
    }

    fn answer(&mut self, word: Word) {
        if let Some(Some(answer)) = self.waiting.pop_front() {
            // Who asked may have stopped waiting.
            answer.send(word).ok();
        }
    }
}

async fn passed(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}
