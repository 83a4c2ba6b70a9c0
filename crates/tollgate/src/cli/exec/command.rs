//! What is to run, before anybody was asked.

use std::ffi::OsString;
use std::path::PathBuf;

use tollgate_approvals::{Digest, Role, SubjectFile, Words};
use tollgate_command::{Setting, Sight, judge_argv_tame, judge_tame};
use tollgate_run::{Role as Found, SealError, Sealed, Seen, Wanted, What};
use tollgate_types::Tier;

use super::Arguments;
use super::confinement::Walls;
use super::engine::Engine;
use super::environment::Environment;
use super::held::Held;
use super::words::words;
use crate::cli::failure::Failure;
use crate::cli::run::Secrets;

/// One command, its folder and its environment.
pub(super) struct Command {
    pub(super) words: Words,
    pub(super) folder: PathBuf,
    pub(super) environment: Environment,
}

impl Command {
    pub(super) fn read(
        arguments: &Arguments,
        walls: &Walls,
        secrets: &Secrets,
    ) -> Result<Self, Failure> {
        let wrong = |message: String| Failure::failed(anyhow::anyhow!(message));
        let callers: Vec<(OsString, OsString)> = std::env::vars_os().collect();
        let environment = Environment::of(
            &callers,
            &arguments.environment,
            secrets,
            walls.is_container(),
        );
        let here = std::env::current_dir().map_err(Failure::failed)?;
        Ok(Self {
            words: words(&arguments.command).map_err(wrong)?,
            folder: match &arguments.cwd {
                Some(folder) => here.join(folder),
                None => here,
            },
            environment: environment.map_err(wrong)?,
        })
    }

    /// Whether the judge's own grammars know that it only reads. Text that
    /// would need a process of its own to be read is not known to.
    pub(super) fn only_reads(&self) -> bool {
        let setting = Setting {
            folder: self.folder.to_str().map(str::to_owned),
            ..Setting::default()
        };
        let verdict = match &self.words {
            Words::Text(text) => judge_tame(text, &setting),
            Words::Plan(plan) => plan
                .first()
                .and_then(|argv| judge_argv_tame(argv, &setting)),
        };
        verdict.is_some_and(|it| it.tier == Tier::Safe && it.sight == Sight::Known)
    }

    /// Opens its files, and those of `watched`.
    pub(super) fn look(
        &self,
        walls: &Walls,
        watched: &[(PathBuf, Found)],
    ) -> Result<Held, Failure> {
        let held = match walls.is_container() {
            true => Engine::look(&self.words, &self.folder, watched).map(Held::Inside),
            false => self.seal(watched).map(Held::Here),
        };
        held.map_err(Failure::failed)
    }

    fn seal(&self, watched: &[(PathBuf, Found)]) -> Result<Sealed, SealError> {
        let argv: Vec<OsString>;
        let what = match &self.words {
            Words::Text(text) => What::Text(text.as_ref()),
            Words::Plan(plan) => {
                let words = plan.first().into_iter().flatten();
                argv = words.map(OsString::from).collect();
                What::Argv(&argv)
            }
        };
        Sealed::open(&Wanted {
            what,
            folder: &self.folder,
            search: self.environment.search(),
            watched,
        })
    }
}

/// Files as the gateway knows them.
///
/// # Errors
/// A path that no subject can hold.
pub(super) fn files(held: &Held) -> Result<Vec<SubjectFile>, Failure> {
    held.files().iter().map(file).collect()
}

fn file(seen: &Seen) -> Result<SubjectFile, Failure> {
    let path = seen.path.to_str().ok_or_else(|| {
        let shown = seen.path.display();
        Failure::failed(anyhow::anyhow!("`{shown}` is not UTF-8, expected UTF-8"))
    })?;
    Ok(SubjectFile {
        role: match seen.role {
            Found::Binary => Role::Binary,
            Found::Script => Role::Script,
            Found::Link => Role::Link,
            Found::Absent => Role::Absent,
            Found::Other | Found::Folder => Role::Other,
        },
        path: path.to_owned(),
        sha256: Digest::from_bytes(seen.sha256),
        device: seen.device,
        inode: seen.inode,
    })
}

/// The other way round, for what the gateway found beside them.
pub(super) const fn found(role: Role) -> Found {
    match role {
        Role::Binary => Found::Binary,
        Role::Script => Found::Script,
        Role::Link => Found::Link,
        Role::Other => Found::Other,
        Role::Absent => Found::Absent,
    }
}
