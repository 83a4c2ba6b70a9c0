//! Is what stands open here what was approved?

use tollgate_approvals::{Command as Approved, Folder, Role, Subject};
use tollgate_types::UnixMillis;

use super::ask::{Granted, now};
use super::command::{Command, files};
use super::confinement::Place;
use super::doorway::Doorway;
use super::held::Held;
use crate::cli::failure::Failure;

/// Who a grant for this program is made out to.
const PLACE: &str = "exec";

/// Builds the subject of what would run now and holds the grant against it.
///
/// # Errors
/// Nothing may run: something is another than it was when it was judged, or
/// the grant is not for this.
pub(super) fn prove(
    command: &Command,
    held: &Held,
    place: &Place,
    granted: &Granted,
    doorway: &Doorway,
) -> Result<(), Failure> {
    let own = subject(command, held, place, &granted.approved)?;
    if let Some(change) = difference(&granted.approved, &own) {
        return Err(Failure::failed(anyhow::anyhow!("not run: {change}"))
            .hint("ask again: what was approved is not there any more"));
    }
    let digest = Subject::Command(own).digest();
    let verified = granted.grant.verify(
        &doorway.key,
        &digest,
        PLACE,
        &granted.nonce,
        UnixMillis(now()?),
    );
    verified.map_err(|fault| Failure::failed(anyhow::anyhow!("not run: {fault}")))
}

/// What this process has open and would do. Who asked and what judged is not
/// its to know.
fn subject(
    command: &Command,
    held: &Held,
    place: &Place,
    approved: &Approved,
) -> Result<Approved, Failure> {
    let folder = held.folder();
    let mut own = Approved {
        words: command.words.clone(),
        folder: Folder {
            path: folder.path.display().to_string(),
            device: folder.device,
            inode: folder.inode,
        },
        environment: command.environment.changes.clone(),
        files: files(held)?,
        place: place.label.clone().into(),
        lacks: place.lacks.clone(),
        agent: approved.agent.clone(),
        requester: approved.requester.clone(),
        policy_version: approved.policy_version.clone(),
        config_version: approved.config_version,
    };
    own.sort_files();
    Ok(own)
}

/// The first thing that differs, in words. The digest decides; this says what
/// a person would ask next.
fn difference(approved: &Approved, own: &Approved) -> Option<String> {
    if approved.words != own.words {
        return Some("other words were approved".to_owned());
    }
    if approved.folder != own.folder {
        let path = &own.folder.path;
        return Some(format!("folder `{path}` is another one than was approved"));
    }
    if approved.environment != own.environment {
        return Some("another environment was approved".to_owned());
    }
    if (&approved.place, &approved.lacks) != (&own.place, &own.lacks) {
        return Some("it was approved for another place".to_owned());
    }
    let mut files = approved.clone();
    files.sort_files();
    let is_in = |files: &Approved, file| files.files.contains(file);
    let gone = files.files.iter().find(|file| !is_in(own, file));
    let new = own.files.iter().find(|file| !is_in(&files, file));
    let changed = gone.or(new)?;
    Some(match changed.role {
        Role::Absent => format!("`{}` was not there when it was approved", changed.path),
        _ => format!("`{}` changed since it was approved", changed.path),
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use tollgate_approvals::{Digest, SubjectFile, Words};

    use super::*;

    fn approved() -> Approved {
        let file = |role, path: &str| SubjectFile {
            role,
            path: path.to_owned(),
            sha256: Digest::of(path.as_bytes()),
            device: 1,
            inode: 2,
        };
        Approved {
            words: Words::Text("make".to_owned()),
            folder: Folder {
                path: "/home/u/shop".to_owned(),
                device: 1,
                inode: 7,
            },
            environment: [("A".to_owned(), Some("1".to_owned()))].into(),
            files: vec![
                file(Role::Binary, "/usr/bin/make"),
                file(Role::Script, "/home/u/shop/Makefile"),
            ],
            place: "gateway".into(),
            lacks: Vec::new(),
            agent: tollgate_types::AgentName::new("main").unwrap(),
            requester: "uid 0".into(),
            policy_version: "p".into(),
            config_version: 1,
        }
    }

    /// What is said of a change, and that the digest changes with it.
    fn said(change: impl FnOnce(&mut Approved)) -> String {
        let (before, mut after) = (approved(), approved());
        change(&mut after);
        let digests = [&before, &after].map(|it| Subject::Command(it.clone()).digest());
        assert_ne!(digests[0], digests[1]);
        difference(&before, &after).unwrap()
    }

    #[test]
    fn every_part_that_changes_what_happens_is_named() {
        assert_eq!(difference(&approved(), &approved()), None);
        let other = said(|it| it.words = Words::Text("make install".to_owned()));
        assert_eq!(other, "other words were approved");
        let other = said(|it| it.folder.inode = 8);
        assert_eq!(
            other,
            "folder `/home/u/shop` is another one than was approved"
        );
        let other = said(|it| drop(it.environment.insert("A".to_owned(), Some("2".to_owned()))));
        assert_eq!(other, "another environment was approved");
        let other = said(|it| drop(it.environment.insert("LD_PRELOAD".to_owned(), None)));
        assert_eq!(other, "another environment was approved");
        let other = said(|it| it.lacks.push("seccomp".to_owned()));
        assert_eq!(other, "it was approved for another place");
        for place in [0, 1] {
            let path = approved().files[place].path.clone();
            let name = Path::new(&path).display().to_string();
            let changed = format!("`{name}` changed since it was approved");
            assert_eq!(
                said(|it| it.files[place].sha256 = Digest::of(b"x")),
                changed
            );
            assert_eq!(said(|it| it.files[place].inode = 9), changed);
            assert_eq!(said(|it| drop(it.files.remove(place))), changed);
        }
    }
}
