use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use nix::sys::prctl;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use crate::census::Process;
use crate::cgroup::Cgroup;
use crate::handed::close_all_but;
use crate::hold::Hold;
use crate::launch;
use crate::letter::{self, Letter};
use crate::reaper::Reaper;
use crate::words::{Order, Word};

/// Between two looks at who lingers.
const LINGER_LOOK: Duration = Duration::from_millis(5);
/// How often a cgroup is tried to be removed: the last of its processes may
/// still be on the way out.
const REMOVALS: u32 = 40;
/// Longest line of orders.
const LONGEST_ORDER: usize = 64;

/// The keeper of one tree: call it first thing in `main` of the program that
/// [`crate::Keeper`] names, with the socket of the holder as standard input.
/// Returns once the tree is gone.
///
/// Everything but standard input is closed, so no descriptor that somebody
/// forgot to mark can get into the tree.
pub fn keep() -> ExitCode {
    match serve() {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn serve() -> io::Result<()> {
    // Rust marks what it opens, whoever started this program may not have.
    close_all_but(None)?;
    let mut control = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    // Nobody of the same user reads its memory or traces it.
    prctl::set_dumpable(false)?;
    prctl::set_child_subreaper(true)?;
    let mut reaper = Reaper::new()?;
    let Some((letter, descriptors)) = letter::receive(&mut control)? else {
        return Ok(());
    };
    let group = launch::group_for(&letter);
    let launched = launch::launch(&letter, descriptors, group.as_ref());
    let mut keeping = Keeping::new(control, &letter, group);
    match launched {
        Ok(pid) => {
            reaper.watch(pid);
            // Its holder's folder is not its to keep busy.
            std::env::set_current_dir("/").ok();
            let cgroup = keeping.hold.cgroup().map(Cgroup::folder);
            let cgroup = cgroup.and_then(|folder| folder.to_str()).map(str::to_owned);
            let pid = pid.as_raw();
            keeping.say(&Word::Started { pid, cgroup });
            keeping.keep(&mut reaper);
        }
        Err(word) => {
            keeping.end(&mut reaper);
            keeping.say(&word);
        }
    }
    Ok(())
}

struct Keeping {
    control: UnixStream,
    heard: Vec<u8>,
    hold: Hold,
    linger: Duration,
    over_at: Option<Instant>,
    has_ended: bool,
}

impl Keeping {
    fn new(control: UnixStream, letter: &Letter, group: Option<Cgroup>) -> Self {
        Self {
            control,
            heard: Vec::new(),
            hold: Hold::new(group, letter.session),
            linger: letter.linger,
            over_at: None,
            has_ended: false,
        }
    }

    /// Obeys until the tree is gone, or the holder: then the tree goes too.
    fn keep(&mut self, reaper: &mut Reaper) {
        loop {
            reaper.reap();
            let ended = reaper.exit().filter(|_| !self.has_ended);
            if let Some(exit) = ended.filter(|_| self.is_over()) {
                let left = self.end(reaper);
                self.has_ended = true;
                self.say(&Word::Ended { exit, left });
                if left == 0 {
                    return;
                }
            }
            let lingers = self.over_at.is_some() && !self.has_ended;
            let time = lingers.then_some(LINGER_LOOK);
            let control = self.control.try_clone();
            let told = control.is_ok_and(|control| reaper.wait(control.as_fd(), time));
            if told && !self.listen(reaper) {
                self.end(reaper);
                return;
            }
        }
    }

    /// The command has ended: are the others through, or out of time?
    fn is_over(&mut self) -> bool {
        let now = Instant::now();
        let linger = self.linger;
        let until = *self
            .over_at
            .get_or_insert_with(|| now.checked_add(linger).unwrap_or(now));
        now >= until || self.hold.members().is_empty()
    }

    /// Kills what is there and takes the cgroup away; how many are left.
    fn end(&mut self, reaper: &mut Reaper) -> usize {
        let left = self.hold.kill(reaper);
        let mut tries = if left == 0 { REMOVALS } else { 1 };
        while tries > 0 && self.hold.cgroup().is_some_and(|group| !group.remove()) {
            tries -= 1;
            reaper.pause(LINGER_LOOK);
        }
        left
    }

    /// Reads orders and obeys. False where the holder is gone, or is none.
    fn listen(&mut self, reaper: &mut Reaper) -> bool {
        let mut part = [0; 512];
        let read = match self.control.read(&mut part) {
            Ok(read) if read > 0 => part.get(..read).unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return true,
            _ => return false,
        };
        self.heard.extend_from_slice(read);
        while let Some(end) = self.heard.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.heard.drain(..=end).collect();
            let line = String::from_utf8_lossy(&line);
            let Ok(order) = line.trim_end().parse() else {
                return false;
            };
            let word = self.obey(order, reaper);
            self.say(&word);
        }
        self.heard.len() < LONGEST_ORDER
    }

    fn obey(&mut self, order: Order, reaper: &mut Reaper) -> Word {
        let left = match order {
            Order::Freeze => self.hold.freeze(reaper),
            Order::Thaw => self.hold.thaw(),
            Order::Kill => self.hold.kill(reaper),
            Order::Signal(signal) => usize::from(!signal_command(reaper, signal)),
            Order::Members => {
                let members = self.hold.members();
                return Word::Members(members.iter().map(|Process { pid, .. }| *pid).collect());
            }
        };
        Word::Done { left }
    }

    /// A holder that is gone is noticed when its end is read.
    fn say(&mut self, word: &Word) {
        self.control.write_all(format!("{word}\n").as_bytes()).ok();
    }
}

/// Its own child, not yet waited for: the id can't be another's.
fn signal_command(reaper: &Reaper, signal: i32) -> bool {
    let command = reaper.living().and_then(|pid| Pid::from_raw(pid.as_raw()));
    let (Some(pid), Some(signal)) = (command, Signal::from_named_raw(signal)) else {
        return false;
    };
    let pidfd = pidfd_open(pid, PidfdFlags::empty());
    pidfd.is_ok_and(|pidfd| pidfd_send_signal(pidfd, signal).is_ok())
}
