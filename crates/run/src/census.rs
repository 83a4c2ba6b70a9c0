//! Who is there: the kernel's table of processes (`proc(5)`).

use std::collections::{HashMap, HashSet};
use std::fs;
use std::io;

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

/// One process as `/proc/PID/stat` shows it. Process id and start time
/// together name a process for good; the id alone is used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Process {
    pub(crate) pid: i32,
    pub(crate) parent: i32,
    pub(crate) group: i32,
    pub(crate) session: i32,
    /// `R`, `S`, `D`, `T`, `t`, `Z` … of `proc(5)`.
    pub(crate) state: u8,
    /// Clock ticks since the machine's start.
    pub(crate) started: u64,
}

impl Process {
    /// The process's name for good.
    pub(crate) const fn identity(&self) -> (i32, u64) {
        (self.pid, self.started)
    }

    /// True where no instruction of it will ever run again.
    pub(crate) const fn is_dead(&self) -> bool {
        matches!(self.state, b'Z' | b'X' | b'x')
    }

    /// True where it was stopped, by a signal or a debugger.
    pub(crate) const fn is_stopped(&self) -> bool {
        matches!(self.state, b'T' | b't')
    }
}

/// Every process of the machine that this one may see. Processes that come
/// and go meanwhile may be missing: look twice.
///
/// # Errors
/// Where there is no `/proc`.
pub(crate) fn look() -> io::Result<Vec<Process>> {
    let mut processes = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let name = entry?.file_name();
        let pid = name.to_str().and_then(|name| name.parse().ok());
        processes.extend(pid.and_then(look_at));
    }
    Ok(processes)
}

/// One process, if it is there.
pub(crate) fn look_at(pid: i32) -> Option<Process> {
    let (mut process, threads) = parse(&fs::read(format!("/proc/{pid}/stat")).ok()?)?;
    // A first thread that left the others looks like a zombie: hiding behind
    // it is as easy as `pthread_exit` in main.
    if process.is_dead() && threads > 1 {
        process.state = state_of_the_others(pid).unwrap_or(process.state);
    }
    Some(process)
}

fn state_of_the_others(pid: i32) -> Option<u8> {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).ok()?;
    let states = threads.filter_map(|thread| {
        let stat = fs::read(thread.ok()?.path().join("stat")).ok()?;
        let (thread, _) = parse(&stat)?;
        (!thread.is_dead()).then_some(thread)
    });
    let states: Vec<Process> = states.collect();
    let running = states.iter().find(|thread| !thread.is_stopped());
    running.or(states.first()).map(|thread| thread.state)
}

/// Fields 1, 3 to 6, 20 and 22; the name in field 2 may hold spaces and `)`.
fn parse(stat: &[u8]) -> Option<(Process, u64)> {
    let open = stat.iter().position(|byte| *byte == b'(')?;
    let close = stat.iter().rposition(|byte| *byte == b')')?;
    let pid = std::str::from_utf8(stat.get(..open)?).ok()?.trim();
    let rest = std::str::from_utf8(stat.get(close + 1..)?).ok()?;
    let mut fields = rest.split_ascii_whitespace();
    let state = *fields.next()?.as_bytes().first()?;
    let mut number = |skip: usize| fields.nth(skip)?.parse::<i64>().ok();
    let narrow = |number: Option<i64>| i32::try_from(number?).ok();
    let process = Process {
        pid: pid.parse().ok()?,
        state,
        parent: narrow(number(0))?,
        group: narrow(number(0))?,
        session: narrow(number(0))?,
        started: 0,
    };
    let threads = u64::try_from(number(13)?).ok()?;
    let started = u64::try_from(number(1)?).ok()?;
    Some((Process { started, ..process }, threads))
}

/// Everybody below `roots` who lives, without the roots themselves.
pub(crate) fn descendants(all: &[Process], roots: &[i32]) -> Vec<Process> {
    let mut children: HashMap<i32, Vec<&Process>> = HashMap::new();
    for process in all {
        children.entry(process.parent).or_default().push(process);
    }
    let mut found = Vec::new();
    let mut seen: HashSet<i32> = roots.iter().copied().collect();
    let mut next: Vec<i32> = roots.to_vec();
    while let Some(parent) = next.pop() {
        for child in children.get(&parent).into_iter().flatten() {
            // A table that was read while it changed may hold a ring.
            if seen.insert(child.pid) {
                next.push(child.pid);
                found.extend((!child.is_dead()).then_some(**child));
            }
        }
    }
    found
}

/// Sends a signal to this process and to no later one of the same id: the
/// pidfd is opened first, and then the start time is looked at again.
///
/// # Errors
/// EPERM where it is another user's. A process that is gone is no error.
pub(crate) fn send(process: &Process, signal: Signal) -> io::Result<()> {
    let Some(pid) = Pid::from_raw(process.pid) else {
        return Ok(());
    };
    let sent = pidfd_open(pid, PidfdFlags::empty()).and_then(|pidfd| match look_at(process.pid) {
        Some(now) if now.started == process.started => pidfd_send_signal(pidfd, signal),
        _ => Ok(()),
    });
    match sent {
        Err(rustix::io::Errno::SRCH) => Ok(()),
        sent => Ok(sent?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STAT: &str = "42 (a) b (c) S 7 42 40 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 2 0 99123 1 2 3";

    #[test]
    fn a_name_with_brackets_hides_nothing() {
        let (process, threads) = parse(STAT.as_bytes()).unwrap();
        assert_eq!(
            process,
            Process {
                pid: 42,
                parent: 7,
                group: 42,
                session: 40,
                state: b'S',
                started: 99123,
            }
        );
        assert_eq!(threads, 2);
        assert!(parse(b"42 (a").is_none());
        assert!(parse(b"").is_none());
    }

    #[test]
    fn this_process_is_in_the_table() {
        let own = i32::try_from(std::process::id()).unwrap();
        let all = look().unwrap();
        let found = all.iter().find(|process| process.pid == own).unwrap();
        assert_eq!(found.identity(), look_at(own).unwrap().identity());
        assert!(!found.is_dead() && !found.is_stopped());
    }

    fn process(pid: i32, parent: i32, state: u8) -> Process {
        Process {
            pid,
            parent,
            group: pid,
            session: pid,
            state,
            started: 1,
        }
    }

    #[test]
    fn descendants_are_found_through_the_dead_and_rings_end() {
        let all = [
            process(2, 1, b'S'),
            process(3, 2, b'Z'),
            process(4, 3, b'T'),
            process(5, 1, b'S'),
            process(6, 7, b'S'),
            process(7, 6, b'S'),
        ];
        let pids = |roots: &[i32]| {
            let mut pids: Vec<i32> = descendants(&all, roots).iter().map(|p| p.pid).collect();
            pids.sort_unstable();
            pids
        };
        assert_eq!(pids(&[1]), [2, 4, 5]);
        assert_eq!(pids(&[2]), [4]);
        assert_eq!(pids(&[6]), [7]);
        assert!(pids(&[9]).is_empty());
    }

    #[test]
    fn another_process_of_the_same_id_is_spared() {
        let own = look_at(i32::try_from(std::process::id()).unwrap()).unwrap();
        let earlier = Process {
            started: own.started - 1,
            ..own
        };
        // This test would not live to see the next line.
        send(&earlier, Signal::KILL).unwrap();
    }
}
