use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use signal_hook::consts::{SIGCHLD, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP};
use signal_hook::{flag, low_level::pipe};

use crate::end::Exit;
use crate::ignored::is_ignored;

/// Waits for children: the command, and every orphan of its tree.
#[derive(Debug)]
pub(crate) struct Reaper {
    /// Can be read once a child has ended.
    ended: UnixStream,
    command: Option<Pid>,
    exit: Option<Exit>,
}

impl Reaper {
    /// Takes SIGCHLD as bytes, and the signals that a terminal sends to
    /// everybody as nothing: the keeper stays until its tree is gone.
    ///
    /// By handlers, not by a mask: a mask would be inherited by the command,
    /// which would then be deaf to Ctrl-C.
    pub(crate) fn new() -> io::Result<Self> {
        let (ended, tell) = UnixStream::pair()?;
        ended.set_nonblocking(true)?;
        pipe::register(SIGCHLD, tell)?;
        for signal in [SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP] {
            if !is_ignored(signal) {
                flag::register(signal, Arc::new(AtomicBool::new(false)))?;
            }
        }
        Ok(Self {
            ended,
            command: None,
            exit: None,
        })
    }

    /// Whose end is the tree's.
    pub(crate) fn watch(&mut self, command: Pid) {
        self.command = Some(command);
    }

    /// How the command ended, once it has.
    pub(crate) const fn exit(&self) -> Option<Exit> {
        self.exit
    }

    /// The command, while it is there to be signalled.
    pub(crate) fn living(&self) -> Option<Pid> {
        self.command.filter(|_| self.exit.is_none())
    }

    /// Takes everybody who ended off the kernel's table.
    pub(crate) fn reap(&mut self) {
        let mut told = [0; 64];
        while let Ok(1..) = self.ended.read(&mut told) {}
        while let Ok(status) = waitpid(None, Some(WaitPidFlag::WNOHANG)) {
            let exit = match status {
                WaitStatus::Exited(_, code) => Exit::Code(u8::try_from(code).unwrap_or(u8::MAX)),
                WaitStatus::Signaled(_, signal, _) => Exit::Signal(signal as i32),
                WaitStatus::StillAlive => return,
                _ => continue,
            };
            if status.pid() == self.command {
                self.exit = Some(exit);
            }
        }
    }

    /// Waits until a child ends, at most `time`, and reaps.
    pub(crate) fn pause(&mut self, time: Duration) {
        let mut one = [PollFd::new(&self.ended, PollFlags::IN)];
        // Interrupted or not: what matters is looked at afterwards.
        if poll(&mut one, Some(&timespec(time))).is_ok() {
            self.reap();
        }
    }

    /// Waits until a child ends or `other` can be read, at most `time`, and
    /// reaps. True where `other` can be read.
    pub(crate) fn wait(&mut self, other: BorrowedFd<'_>, time: Option<Duration>) -> bool {
        let mut both = [
            PollFd::new(&self.ended, PollFlags::IN),
            PollFd::from_borrowed_fd(other.as_fd(), PollFlags::IN),
        ];
        let time = time.map(timespec);
        let told = poll(&mut both, time.as_ref()).is_ok() && !both[1].revents().is_empty();
        self.reap();
        told
    }
}

fn timespec(time: Duration) -> Timespec {
    Timespec::try_from(time).unwrap_or(Timespec {
        tv_sec: 3600,
        tv_nsec: 0,
    })
}
