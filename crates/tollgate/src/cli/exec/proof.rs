//! Is what stands open here what was approved?

use tollgate_approvals::{Command as Approved, Folder, Subject};
use tollgate_run::Sealed;
use tollgate_types::UnixMillis;

use super::ask::{Granted, now};
use super::command::{Command, files};
use super::confinement::Place;
use super::doorway::Doorway;
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
    sealed: &Sealed,
    place: &Place,
    granted: &Granted,
    doorway: &Doorway,
) -> Result<(), Failure> {
    let own = subject(command, sealed, place, &granted.approved)?;
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
    sealed: &Sealed,
    place: &Place,
    approved: &Approved,
) -> Result<Approved, Failure> {
    let folder = sealed.folder();
    let mut own = Approved {
        words: command.words.clone(),
        folder: Folder {
            path: folder.path.display().to_string(),
            device: folder.device,
            inode: folder.inode,
        },
        environment: command.environment.changes.clone(),
        files: files(sealed)?,
        place: place.label.into(),
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
    Some(format!("`{}` changed since it was approved", changed.path))
}
