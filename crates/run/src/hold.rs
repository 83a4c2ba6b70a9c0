//! Freeze, thaw and kill, as the keeper does it.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use nix::unistd::getpid;
use rustix::process::{Pid, Signal, kill_process_group};

use crate::census::{self, Process};
use crate::cgroup::{self, Cgroup};
use crate::reaper::Reaper;
use crate::spec::Session;

/// Longest that a kill is tried: only another user's process or one that is
/// stuck in the kernel takes it all.
const KILL: Duration = Duration::from_secs(5);
/// The same for a freeze.
const FREEZE: Duration = Duration::from_secs(2);
/// Between two looks, unless a child ends before.
const LOOK: Duration = Duration::from_millis(2);

/// What the keeper has its tree by.
#[derive(Debug)]
pub(crate) struct Hold {
    cgroup: Option<Cgroup>,
    session: Session,
    /// Stopped by us and not since continued.
    stopped: HashSet<(i32, u64)>,
}

impl Hold {
    pub(crate) fn new(cgroup: Option<Cgroup>, session: Session) -> Self {
        Self {
            cgroup,
            session,
            stopped: HashSet::new(),
        }
    }

    pub(crate) const fn cgroup(&self) -> Option<&Cgroup> {
        self.cgroup.as_ref()
    }

    /// Everybody below the keeper who lives.
    pub(crate) fn members(&self) -> Vec<Process> {
        let all = census::look().unwrap_or_default();
        census::descendants(&all, &[getpid().as_raw()])
    }

    /// Brings everybody to a halt and says how many it did not reach.
    ///
    /// A process that is stopped can't fork, so when two looks in a row find
    /// the same members and all of them halted, there is nobody else.
    pub(crate) fn freeze(&mut self, reaper: &mut Reaper) -> usize {
        let until = Instant::now() + FREEZE;
        if let Some(cgroup) = &self.cgroup {
            // A failure shows in what is left below.
            let frozen = cgroup.freeze(true).is_ok();
            while frozen && !cgroup.is_frozen() && Instant::now() < until {
                reaper.pause(LOOK);
            }
        }
        let mut before = None;
        loop {
            reaper.reap();
            let members = self.members();
            let running = self.stop(&members);
            let now: HashSet<_> = members.iter().map(Process::identity).collect();
            if running == 0 && before.as_ref() == Some(&now) {
                return 0;
            }
            if Instant::now() >= until {
                return running;
            }
            before = (running == 0).then_some(now);
            reaper.pause(LOOK);
        }
    }

    /// Stops whoever still runs; how many did at the time of the look.
    fn stop(&mut self, members: &[Process]) -> usize {
        let held: HashSet<i32> = match &self.cgroup {
            Some(cgroup) if cgroup.is_frozen() => cgroup.processes().into_iter().collect(),
            _ => HashSet::new(),
        };
        let loose = members.iter().filter(|member| !held.contains(&member.pid));
        let mut running = 0;
        for member in loose.filter(|member| !member.is_stopped()) {
            if self.stopped.insert(member.identity()) {
                running += 1;
                // EPERM leaves it running, and counted.
                if census::send(member, Signal::STOP).is_err() {
                    self.stopped.remove(&member.identity());
                }
                continue;
            }
            // In the kernel (`D`) with the signal waiting: it runs no
            // instruction of its own before it halts.
            running += usize::from(member.state != b'D');
        }
        running
    }

    /// Lets everybody go on who was halted by [`Hold::freeze`].
    pub(crate) fn thaw(&mut self) -> usize {
        let mut left = 0;
        if let Some(cgroup) = &self.cgroup {
            left += usize::from(cgroup.freeze(false).is_err());
        }
        for (pid, started) in std::mem::take(&mut self.stopped) {
            let process = census::look_at(pid).filter(|process| process.started == started);
            let sent = process.map(|process| census::send(&process, Signal::CONT));
            left += usize::from(sent.is_some_and(|sent| sent.is_err()));
        }
        left
    }

    /// Kills everybody and says how many are left.
    pub(crate) fn kill(&mut self, reaper: &mut Reaper) -> usize {
        let until = Instant::now() + KILL;
        let mut nobody = 0;
        loop {
            if let Some(cgroup) = &self.cgroup {
                // What it did not reach is found below.
                cgroup::kill(cgroup.folder()).ok();
            }
            reaper.reap();
            let members = self.members();
            nobody = if members.is_empty() { nobody + 1 } else { 0 };
            if nobody == 2 {
                return 0;
            }
            if Instant::now() >= until {
                return members.len();
            }
            self.strike(&members);
            if !members.is_empty() {
                reaper.pause(LOOK);
            }
        }
    }

    /// Whole groups first, which the kernel does in one go; then everybody is
    /// stopped before anybody is killed, so that no child is born to a parent
    /// further down the list.
    fn strike(&self, members: &[Process]) {
        for group in self.groups(members) {
            // One that is gone meanwhile is no loss.
            kill_process_group(group, Signal::KILL).ok();
        }
        for signal in [Signal::STOP, Signal::KILL] {
            for member in members {
                // Who can't be signalled is counted as left.
                census::send(member, signal).ok();
            }
        }
    }

    /// Process groups that hold nobody but members: those of sessions that
    /// began in the tree, but for the keeper's own group.
    fn groups(&self, members: &[Process]) -> HashSet<Pid> {
        let own = getpid().as_raw();
        let began_here = |session: i32| {
            let ours = self.session == Session::New && session == own;
            ours || members.iter().any(|member| member.pid == session)
        };
        let groups = members.iter().filter(|member| began_here(member.session));
        let groups = groups.map(|member| member.group);
        groups
            .filter(|group| *group > 1 && *group != own)
            .filter_map(Pid::from_raw)
            .collect()
    }
}
