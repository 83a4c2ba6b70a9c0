//! What is left of a tree whose keeper was killed.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::census::{self, Process};
use crate::cgroup;
use crate::spec::Session;

/// Longest that remnants are hunted.
const HUNT: Duration = Duration::from_secs(2);
/// Between two looks.
const LOOK: Duration = Duration::from_millis(2);

/// What the holder still knows once the keeper is gone.
#[derive(Clone, Debug)]
pub(crate) struct Remnants {
    /// The keeper's id; also the tree's session where it has its own.
    pub(crate) keeper: i32,
    pub(crate) session: Session,
    /// The command, if it was seen alive.
    pub(crate) command: Option<Process>,
    pub(crate) cgroup: Option<PathBuf>,
}

impl Remnants {
    /// Kills the cgroup, the session, the command and everybody below them;
    /// how many are left. Who left all of these is out of reach.
    ///
    /// The keeper must not have been waited for: as long as it is a zombie,
    /// its id is nobody else's session.
    pub(crate) fn kill(&self) -> usize {
        let until = Instant::now() + HUNT;
        let mut nobody = 0;
        loop {
            if let Some(cgroup) = &self.cgroup {
                // Gone with the last of its processes, or found below.
                cgroup::kill(cgroup).ok();
            }
            let found = self.find();
            nobody = if found.is_empty() { nobody + 1 } else { 0 };
            if nobody == 2 || Instant::now() >= until {
                if let Some(cgroup) = &self.cgroup {
                    std::fs::remove_dir(cgroup).ok();
                }
                return found.len();
            }
            for signal in [Signal::STOP, Signal::KILL] {
                // Who can't be signalled is counted as left.
                for process in &found {
                    census::send(process, signal).ok();
                }
            }
            std::thread::sleep(LOOK);
        }
    }

    fn find(&self) -> Vec<Process> {
        let all = census::look().unwrap_or_default();
        let is_root = |process: &Process| {
            let in_session = self.session == Session::New && process.session == self.keeper;
            let command = self.command.as_ref().map(Process::identity);
            process.pid != self.keeper && (in_session || command == Some(process.identity()))
        };
        let roots: Vec<Process> = all.iter().filter(|p| is_root(p)).copied().collect();
        let pids: Vec<i32> = roots.iter().map(|process| process.pid).collect();
        let mut found = census::descendants(&all, &pids);
        found.extend(roots.into_iter().filter(|process| !process.is_dead()));
        found
    }
}
