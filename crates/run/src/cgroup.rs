//! A cgroup of version 2 for a tree, where one may be made (`cgroups(7)` and
//! the kernel's `cgroup-v2.rst`).

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use nix::unistd::{geteuid, getpid};

/// Deepest nesting and most groups that a tree's own groups are followed
/// into; the kernel's strokes reach them all, this is only for counting.
const MOST_GROUPS: usize = 4096;

/// Present where systemd runs the machine (`sd_booted(3)`).
const SYSTEMD: &str = "/run/systemd/system";

/// The group of one tree.
#[derive(Debug)]
pub(crate) struct Cgroup {
    folder: PathBuf,
    above: PathBuf,
}

impl Cgroup {
    /// A new, empty group below the one that this process is in. `None` where
    /// there is no such thing, where it is not ours to make, or where the
    /// kernel is older than 5.14 and can't kill a group.
    pub(crate) fn create() -> Option<Self> {
        let above = own_folder()?;
        if !is_ours(&above) {
            return None;
        }
        let folder = above.join(format!("tollgate-{}", getpid()));
        if fs::create_dir(&folder).is_err() {
            // Left behind by a keeper of the same id that was killed: empty,
            // or it can't be removed and is somebody's.
            fs::remove_dir(&folder).ok()?;
            fs::create_dir(&folder).ok()?;
        }
        let group = Self { folder, above };
        let able = ["cgroup.kill", "cgroup.freeze", "cgroup.procs"];
        if able.iter().any(|file| !group.folder.join(file).exists()) {
            fs::remove_dir(&group.folder).ok();
            return None;
        }
        Some(group)
    }

    /// Moves this process in: what it starts from now on is born there.
    pub(crate) fn enter(&self) -> io::Result<()> {
        fs::write(self.folder.join("cgroup.procs"), "0")
    }

    /// Moves this process back to where it came from.
    pub(crate) fn leave(&self) -> io::Result<()> {
        fs::write(self.above.join("cgroup.procs"), "0")
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn freeze(&self, frozen: bool) -> io::Result<()> {
        let word = if frozen { "1" } else { "0" };
        fs::write(self.folder.join("cgroup.freeze"), word)
    }

    /// True once the kernel has brought everybody in it to a halt.
    pub(crate) fn is_frozen(&self) -> bool {
        let events = fs::read_to_string(self.folder.join("cgroup.events"));
        events.is_ok_and(|events| events.lines().any(|line| line == "frozen 1"))
    }

    /// Everybody in it and in groups below it.
    pub(crate) fn processes(&self) -> Vec<i32> {
        let mut found = Vec::new();
        for folder in folders(&self.folder) {
            let procs = fs::read_to_string(folder.join("cgroup.procs")).unwrap_or_default();
            found.extend(procs.lines().filter_map(|pid| pid.parse::<i32>().ok()));
        }
        found
    }

    /// Removes the group and what is below it. False where somebody is still
    /// in it.
    pub(crate) fn remove(&self) -> bool {
        let folders = folders(&self.folder);
        folders
            .iter()
            .rev()
            .all(|folder| fs::remove_dir(folder).is_ok())
    }
}

/// Kills everybody in the group in one stroke, forks included.
pub(crate) fn kill(folder: &Path) -> io::Result<()> {
    fs::write(folder.join("cgroup.kill"), "1")
}

/// The group and all below it, each after the one above it.
fn folders(top: &Path) -> Vec<PathBuf> {
    let mut found = vec![top.to_owned()];
    let mut at = 0;
    while let Some(folder) = found.get(at).filter(|_| at < MOST_GROUPS) {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        let below = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
        let below: Vec<PathBuf> = below.map(|entry| entry.path()).collect();
        found.extend(below);
        at += 1;
    }
    found
}

/// Where this process's own group stands in the file system.
fn own_folder() -> Option<PathBuf> {
    let own = fs::read_to_string("/proc/self/cgroup").ok()?;
    let mounts = fs::read_to_string("/proc/self/mountinfo").ok()?;
    folder_of(&own, &mounts)
}

/// `0::/a/b` is below the mount whose root (field 4) is `/a` or `/`.
fn folder_of(own: &str, mounts: &str) -> Option<PathBuf> {
    let own = Path::new(own.lines().find_map(|line| line.strip_prefix("0::"))?);
    // Outside of what this namespace shows.
    if own.components().any(|part| part.as_os_str() == "..") {
        return None;
    }
    mounts.lines().find_map(|line| {
        let (mount, source) = line.split_once(" - ")?;
        let mut fields = mount.split(' ').skip(3);
        let (root, point) = (fields.next()?, fields.next()?);
        // A `\` would be an octal escape; nobody mounts it at such a place.
        let usable = source.starts_with("cgroup2 ") && !point.contains('\\');
        let below = own.strip_prefix(root).ok().filter(|_| usable)?;
        Some(Path::new(point).join(below))
    })
}

/// Whether making groups below `folder` is our business. For a user the
/// kernel decides: only a delegated group lets her. Root could do it
/// everywhere, but under systemd a group has one writer, and that is us only
/// where the unit says `Delegate=`.
fn is_ours(folder: &Path) -> bool {
    !geteuid().is_root() || !Path::new(SYSTEMD).exists() || is_delegated(folder)
}

fn is_delegated(folder: &Path) -> bool {
    folder.ancestors().any(|folder| {
        ["trusted.delegate", "user.delegate"].iter().any(|name| {
            let mut value = [0; 8];
            let length = rustix::fs::getxattr(folder, *name, &mut value[..]);
            length.is_ok_and(|length| value.get(..length) == Some(b"1"))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOUNTS: &str = "\
29 23 0:26 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory
30 23 0:27 /user.slice /mnt/part rw,nosuid shared:4 - cgroup2 cgroup2 rw
31 23 0:27 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw
";

    #[test]
    fn the_own_group_is_found_below_its_mount() {
        let found = |own: &str| folder_of(own, MOUNTS);
        assert_eq!(
            found("3:cpu:/x\n0::/system.slice/a.service\n"),
            Some("/sys/fs/cgroup/system.slice/a.service".into())
        );
        assert_eq!(
            found("0::/user.slice/b.scope\n"),
            Some("/mnt/part/b.scope".into())
        );
        assert_eq!(found("0::/../outside\n"), None);
        assert_eq!(found("3:cpu:/x\n"), None);
        assert_eq!(folder_of("0::/\n", ""), None);
    }
}
