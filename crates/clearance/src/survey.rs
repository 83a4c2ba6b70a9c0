//! A look at the files that a command is made of.
//!
//! What is found here binds: it goes into the subject, and the executor
//! compares it with what it has open. A file that changes in between is a
//! subject that nobody approved.

use std::collections::HashMap;
use std::fs::{File, Metadata, OpenOptions};
use std::io::Read;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use sha2::{Digest as _, Sha256};
use tollgate_approvals::{CardFile, Digest, Folder, Role, SubjectFile};
use tollgate_command::{Evidence, Need, Verdict, needs};

use crate::place::{self, Place, could_appear};

/// Largest file whose text is read; a larger one can't be bound.
const LARGEST_TEXT: u64 = 4 << 20;
/// Largest binary that is hashed.
const LARGEST_BINARY: u64 = 512 << 20;
/// Digests that are remembered.
const REMEMBERED: usize = 4096;

/// What is known of where a command would run.
pub(crate) struct Site<'s> {
    /// The working folder, resolved.
    pub(crate) folder: &'s Path,
    /// `PATH`, where one was given.
    pub(crate) search: Option<&'s str>,
    /// The home of whoever asks.
    pub(crate) home: Option<&'s Path>,
    /// Whose process it is, by the kernel.
    pub(crate) uid: u32,
    /// Programs are those of a container's image: this machine's of the same
    /// name say nothing of them.
    pub(crate) in_image: bool,
}

/// What was found.
#[derive(Debug, Default)]
pub(crate) struct Survey {
    /// For the rules of an allowlist.
    pub(crate) evidence: Vec<Evidence>,
    /// For the subject.
    pub(crate) files: Vec<SubjectFile>,
    /// For the card.
    pub(crate) shown: Vec<CardFile>,
    /// What could not be looked at, in words.
    pub(crate) unseen: Vec<String>,
    /// What must not come to be, for the card.
    pub(crate) absent: Vec<String>,
}

/// Looks at the folder, following links.
pub(crate) fn folder(path: &str) -> Result<Folder, String> {
    let fault = |error: std::io::Error| format!("folder `{}`: {error}", path.escape_debug());
    if !path.starts_with('/') {
        return Err(format!(
            "folder is `{}`, expected an absolute path",
            path.escape_debug()
        ));
    }
    let real = std::fs::canonicalize(path).map_err(fault)?;
    let about = std::fs::metadata(&real).map_err(fault)?;
    if !about.is_dir() {
        return Err(format!("`{}` is no folder", path.escape_debug()));
    }
    let real = real.to_str().ok_or("the folder's name is not UTF-8")?;
    Ok(Folder {
        path: real.to_owned(),
        device: about.dev(),
        inode: about.ino(),
    })
}

/// Looks at everything that a judged command depends on. What the executor
/// found itself (`claimed`) is looked at again.
///
/// # Errors
/// A file that is not what the executor found: somebody is changing it. One
/// that a change of its mode would put in the place of the judged one.
pub(crate) fn survey(
    verdict: &Verdict,
    claimed: &[SubjectFile],
    site: &Site<'_>,
) -> Result<Survey, String> {
    let mut found = Survey::default();
    for claim in claimed {
        found.check(claim, site)?;
    }
    let is_here = |need: &Need| need.role != tollgate_command::Role::Binary || !site.in_image;
    for need in needs(verdict).into_iter().filter(is_here) {
        found.look(&need, site)?;
    }
    let absent = found.files.iter().filter(|it| it.role == Role::Absent);
    found.absent = place::together(absent.map(|it| Path::new(&it.path)));
    Ok(found)
}

impl Survey {
    /// A claim that can be checked must be true; one that can't be read here
    /// binds the executor all the same, and the card says so.
    fn check(&mut self, claim: &SubjectFile, site: &Site<'_>) -> Result<(), String> {
        let path = Path::new(&claim.path);
        let changeable = match claim.role {
            Role::Link => link(path).map(|(digest, about)| (digest, about, true)),
            _ => read(path, LARGEST_BINARY).map(|(digest, about)| (digest, about, false)),
        };
        let changeable = match changeable {
            Ok((digest, about, _)) => {
                let same = (digest, about.dev(), about.ino());
                if same != (claim.sha256, claim.device, claim.inode) {
                    let path = claim.path.escape_debug();
                    return Err(format!("`{path}` changed while it was asked about"));
                }
                Some(is_changeable(path, &about, site.uid))
            }
            Err(why) => {
                let path = claim.path.escape_debug();
                self.unseen
                    .push(format!("`{path}` can't be read by the gateway: {why}"));
                None
            }
        };
        self.add(claim.clone(), changeable);
        Ok(())
    }

    fn look(&mut self, need: &Need, site: &Site<'_>) -> Result<(), String> {
        use tollgate_command::Role as Needed;
        let (role, most) = match need.role {
            Needed::Binary => (Role::Binary, LARGEST_BINARY),
            Needed::Script | Needed::PackageScript | Needed::Makefile => {
                (Role::Script, LARGEST_TEXT)
            }
            Needed::Config => (Role::Other, LARGEST_TEXT),
        };
        let Some(place) = Place::of(need, site) else {
            let what = need.file.escape_debug();
            self.unseen.push(match need.role {
                Needed::Binary => format!("no program `{what}` was found"),
                _ => format!("where `{what}` stands is known only when it runs"),
            });
            return Ok(());
        };
        self.before(&place, site)?;
        let path = place.file;
        let Some(text) = path.to_str().map(str::to_owned) else {
            self.unseen
                .push("a file whose name is not UTF-8".to_owned());
            return Ok(());
        };
        let evidence = |sha256| Evidence {
            step: need.step,
            role: need.role,
            path: text.clone(),
            sha256,
        };
        match read(&path, most) {
            Ok((digest, about)) => {
                let counted = match need.role {
                    Needed::PackageScript => counted(need, &path),
                    _ => Some(*digest.as_bytes()),
                };
                let changeable = is_changeable(&path, &about, site.uid);
                self.evidence.push(evidence(counted));
                let file = SubjectFile {
                    role,
                    path: text,
                    sha256: digest,
                    device: about.dev(),
                    inode: about.ino(),
                };
                self.add(file, Some(changeable));
            }
            Err(Unread::Missing) if need.role != Needed::Binary => {
                self.evidence.push(evidence(None));
                self.watch_for(&path, site);
            }
            Err(why) => self
                .unseen
                .push(format!("`{}`: {why}", text.escape_debug())),
        }
        Ok(())
    }

    /// Nothing may come to stand in front of what was judged.
    fn before(&mut self, place: &Place, site: &Site<'_>) -> Result<(), String> {
        let file = &place.file;
        for path in &place.passed_over {
            if std::fs::metadata(path).is_ok_and(|about| is_changeable(path, &about, site.uid)) {
                return Err(format!(
                    "`{}` stands before `{}` in PATH and only lacks the right to be executed",
                    path.display().to_string().escape_debug(),
                    file.display().to_string().escape_debug(),
                ));
            }
        }
        for path in &place.before {
            self.watch_for(path, site);
        }
        Ok(())
    }

    /// Where nobody but the system's owner could put a file, none is watched
    /// for.
    fn watch_for(&mut self, path: &Path, site: &Site<'_>) {
        if !could_appear(path, site.uid) {
            return;
        }
        match path.to_str() {
            Some(text) => {
                let absent = SubjectFile::absent(text.to_owned());
                if !self.files.contains(&absent) {
                    self.files.push(absent);
                }
            }
            None => self
                .unseen
                .push("a file whose name is not UTF-8".to_owned()),
        }
    }

    fn add(&mut self, file: SubjectFile, changeable: Option<bool>) {
        let known = |it: &SubjectFile| it.path == file.path && it.sha256 == file.sha256;
        if self.files.iter().any(known) {
            return;
        }
        self.shown.push(CardFile {
            role: file.role,
            path: file.path.clone(),
            sha256: file.sha256,
            changeable,
        });
        self.files.push(file);
    }
}

/// Why a file's bytes are not known.
#[derive(Debug, thiserror::Error)]
enum Unread {
    #[error("there is no such file")]
    Missing,
    #[error("it is no plain file")]
    Kind,
    #[error("it is larger than {0} bytes")]
    Large(u64),
    #[error("{0}")]
    System(std::io::Error),
}

impl From<std::io::Error> for Unread {
    fn from(error: std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory => Self::Missing,
            _ => Self::System(error),
        }
    }
}

/// The digest of a file's bytes. Remembered by what the kernel says of the
/// file: its change time can't be set back by who owns it.
fn read(path: &Path, most: u64) -> Result<(Digest, Metadata), Unread> {
    static KNOWN: Mutex<Option<HashMap<Known, Digest>>> = Mutex::new(None);
    let mut options = OpenOptions::new();
    // A pipe in its place must not make this wait.
    let flags = nix::fcntl::OFlag::O_NONBLOCK | nix::fcntl::OFlag::O_NOCTTY;
    options.read(true).custom_flags(flags.bits());
    let mut file = options.open(path)?;
    let about = file.metadata()?;
    if !about.is_file() {
        return Err(Unread::Kind);
    }
    if about.len() > most {
        return Err(Unread::Large(most));
    }
    let known = Known::of(&about);
    let remembered = |known: &Known| {
        let all = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        all.as_ref().and_then(|all| all.get(known).copied())
    };
    if let Some(digest) = remembered(&known) {
        return Ok((digest, about));
    }
    let digest = digest(&mut file, most)?;
    // What was being written while it was read has another change time now.
    let after = file.metadata()?;
    if Known::of(&after) == known && is_settled(&after) {
        let mut all = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        let all = all.get_or_insert_default();
        if all.len() >= REMEMBERED {
            all.clear();
        }
        all.insert(known, digest);
    }
    Ok((digest, about))
}

#[derive(PartialEq, Eq, Hash)]
struct Known(u64, u64, i64, i64, u64);

impl Known {
    fn of(about: &Metadata) -> Self {
        let (seconds, nanos) = (about.ctime(), about.ctime_nsec());
        Self(about.dev(), about.ino(), seconds, nanos, about.len())
    }
}

/// A file that was changed within the clock's last tick could be changed again
/// without a new change time.
fn is_settled(about: &Metadata) -> bool {
    let now = i64::try_from(crate::now().0 / 1000).unwrap_or(i64::MAX);
    now.saturating_sub(about.ctime()) >= 2
}

fn digest(file: &mut File, most: u64) -> Result<Digest, Unread> {
    let (mut hasher, mut part, mut left) = (Sha256::new(), vec![0; 64 << 10], most);
    loop {
        let length = file.read(&mut part)?;
        if length == 0 {
            return Ok(Digest::from_bytes(hasher.finalize().into()));
        }
        left = left.checked_sub(length as u64).ok_or(Unread::Large(most))?;
        hasher.update(&part[..length]);
    }
}

/// What counts of a package's description.
fn counted(need: &Need, path: &Path) -> Option<[u8; 32]> {
    let mut bytes = Vec::new();
    let file = File::open(path).ok()?;
    file.take(LARGEST_TEXT).read_to_end(&mut bytes).ok()?;
    Some(*Digest::of(&need.counted(&bytes)).as_bytes())
}

fn link(path: &Path) -> Result<(Digest, Metadata), Unread> {
    let about = std::fs::symlink_metadata(path)?;
    let real = std::fs::canonicalize(path)?;
    Ok((Digest::of(real.as_os_str().as_encoded_bytes()), about))
}

/// Whether this user could change the file, or put another one in its place.
fn is_changeable(path: &Path, about: &Metadata, uid: u32) -> bool {
    let by = |about: &Metadata| place::is_changeable(about, uid);
    let folder = path
        .parent()
        .and_then(|folder| std::fs::metadata(folder).ok());
    // In a sticky folder others' files can't be replaced.
    let replaced = folder.is_some_and(|folder| by(&folder) && folder.mode() & 0o1000 == 0);
    by(about) || replaced
}
