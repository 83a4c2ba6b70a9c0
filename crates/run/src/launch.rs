//! Starting the command, in the keeper, which has one thread: what the keeper
//! is at this moment (session, cgroup, limits), the command inherits.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use nix::sys::resource::{Resource as Kernel, getrlimit, setrlimit};
use nix::unistd::{Pid, setsid};

use crate::cgroup::Cgroup;
use crate::handed::{Handed, at};
use crate::letter::{Came, Letter};
use crate::spec::{Resource, Session};
use crate::words::Word;

/// A group that this process can enter and leave again, if there is one.
pub(crate) fn group_for(letter: &Letter) -> Option<Cgroup> {
    let group = letter.cgroup.then(Cgroup::create)??;
    // Tried before it counts: a keeper that can't leave would freeze itself.
    if group.enter().is_ok() && group.leave().is_ok() {
        return Some(group);
    }
    group.leave().ok();
    group.remove();
    None
}

/// Starts the command and says what to tell the holder where it can't.
pub(crate) fn launch(
    letter: &Letter,
    (standard, mut handed): Came,
    group: Option<&Cgroup>,
) -> Result<Pid, Word> {
    if letter.session == Session::New {
        setsid().map_err(|error| failed(&error.into(), "session"))?;
    }
    if let Some(folder) = &letter.folder {
        std::fs::read_dir(folder).map_err(|error| failed(&error, "folder"))?;
    }
    // Open in the command as well, so they live until it is started.
    let _kept = handed
        .keep()
        .map_err(|error| failed(&error, "descriptor"))?;
    let mut command = command(letter, standard, &handed)?;
    if letter.session == Session::New {
        command.process_group(0);
    }
    if let Some(group) = group {
        group.enter().map_err(|error| failed(&error, "cgroup"))?;
    }
    let started = limit(letter).and_then(|()| spawn(&mut command));
    if let Some(group) = group {
        group.leave().map_err(|error| failed(&error, "cgroup"))?;
    }
    started
}

fn command(
    letter: &Letter,
    [input, output, errors]: [OwnedFd; 3],
    handed: &Handed,
) -> Result<Command, Word> {
    let (program, arguments) = letter
        .argv
        .split_first()
        .ok_or_else(|| failed(&io::ErrorKind::InvalidInput.into(), "program"))?;
    // By the descriptor, whatever stands at its path by now.
    let mut command = match &handed.program {
        Some(opened) => {
            let mut command = Command::new(at(opened));
            command.arg0(program);
            command
        }
        None => Command::new(program),
    };
    command
        .args(arguments)
        .env_clear()
        .envs(letter.environment.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::from(input))
        .stdout(Stdio::from(output))
        .stderr(Stdio::from(errors));
    match (&handed.folder, &letter.folder) {
        (Some(opened), _) => command.current_dir(at(opened)),
        (None, Some(folder)) => command.current_dir(folder),
        (None, None) => &mut command,
    };
    Ok(command)
}

fn spawn(command: &mut Command) -> Result<Pid, Word> {
    let child = command.spawn().map_err(|error| failed(&error, "program"))?;
    // Waited for by the reaper, with everybody else.
    i32::try_from(child.id())
        .map(Pid::from_raw)
        .map_err(|_| failed(&io::ErrorKind::InvalidData.into(), "program"))
}

/// Never looser than what already holds.
fn limit(letter: &Letter) -> Result<(), Word> {
    for (resource, wanted) in &letter.resources {
        let kernel = kernel(*resource);
        let set = getrlimit(kernel).and_then(|(_, hard)| {
            let limit = (*wanted).min(hard);
            setrlimit(kernel, limit, limit)
        });
        set.map_err(|error| failed(&error.into(), resource.word()))?;
    }
    Ok(())
}

const fn kernel(resource: Resource) -> Kernel {
    match resource {
        Resource::CoreBytes => Kernel::RLIMIT_CORE,
        Resource::CpuSeconds => Kernel::RLIMIT_CPU,
        Resource::FileBytes => Kernel::RLIMIT_FSIZE,
        Resource::OpenFiles => Kernel::RLIMIT_NOFILE,
        Resource::Processes => Kernel::RLIMIT_NPROC,
    }
}

fn failed(error: &io::Error, what: &str) -> Word {
    Word::Failed {
        errno: error.raw_os_error().unwrap_or(nix::libc::EINVAL),
        what: what.to_owned(),
    }
}
