use std::collections::HashMap;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;
use tollgate_approvals::{
    BoundScript, Digest, Rule, RulesFault, RulesFile, Security, SocketEntry, Standing,
};
use tollgate_command::{Allowlist, Evidence, Pattern, PatternFault, ScriptBinding, Verdict};
use tollgate_secrets::{PrivateFileError, read_private, write_private};
use tollgate_types::{AgentName, UnixMillis};

use crate::place::{USUAL, in_folders};

mod examine;

pub use examine::{Flaw, examine};

/// Largest file, in bytes: 100,000 rules and more.
pub const LARGEST: usize = 64 << 20;

/// `exec-approvals.json` as it is in force.
///
/// It is looked at before each use: one `stat(2)`. A file that was changed is
/// read again; one that is broken leaves the last good one in force and says
/// so. Where there never was a good one, nothing is allowed and nobody asked.
pub struct Rulebook {
    path: ArcSwap<PathBuf>,
    force: ArcSwap<Force>,
    /// Held by whoever reads or writes the file.
    changing: Mutex<Change>,
}

#[derive(Default)]
struct Change {
    seen: Option<Look>,
    fault: Option<String>,
    /// When rules were used, by agent and id, since the file was written.
    used: HashMap<(AgentName, String), UnixMillis>,
}

/// What tells a changed file.
type Look = (i64, i64, u64, u64);

/// The rules as they are matched.
struct Force {
    file: RulesFile,
    lists: HashMap<AgentName, Allowlist>,
    /// There never was a good file.
    closed: bool,
}

/// Why the file is not in force, or could not be changed.
#[derive(Debug, thiserror::Error)]
pub enum RulebookFault {
    /// It can't be opened or written as it is.
    #[error(transparent)]
    File(#[from] PrivateFileError),
    /// Not of the form.
    #[error("`{path}`: {fault}")]
    Form {
        /// The file.
        path: PathBuf,
        /// What was found.
        fault: RulesFault,
    },
    /// A pattern that would allow too much, or is none.
    #[error("`{path}`: agents.{agent}.allowlist[{place}]: {fault}")]
    Pattern {
        /// The file.
        path: PathBuf,
        /// Whose rule.
        agent: AgentName,
        /// Its place, from 0.
        place: usize,
        /// What was found.
        fault: PatternFault,
    },
}

impl Rulebook {
    /// Opens the file, and gives requesters a fresh token in it. Where there is
    /// none it is made, with the defaults. A broken file is left alone; its
    /// fault is given back, and nothing is allowed until it is mended.
    pub fn open(path: PathBuf, socket: SocketEntry) -> (Self, Option<RulebookFault>) {
        let book = Self {
            path: ArcSwap::from_pointee(path),
            force: ArcSwap::from_pointee(Force::closed()),
            changing: Mutex::default(),
        };
        let fault = book.begin(socket).err();
        if let Some(fault) = &fault {
            book.changing().fault = Some(fault.to_string());
        }
        (book, fault)
    }

    fn begin(&self, socket: SocketEntry) -> Result<(), RulebookFault> {
        let mut change = self.changing();
        change.seen = look(&self.path.load());
        let mut file = self.read()?;
        file.socket = Some(socket);
        self.write(&mut change, file)
    }

    /// Another file holds from now on, and its requesters get a fresh token in
    /// it. Where it is broken, the rules that are in force stay until it is
    /// mended; its fault is given back.
    pub fn move_to(&self, path: PathBuf, socket: SocketEntry) -> Option<RulebookFault> {
        if let Err(error) = self.write_used() {
            tracing::warn!(%error, "when rules were used last is not in the file");
        }
        self.path.store(Arc::new(path));
        self.changing().used.clear();
        let fault = self.begin(socket).err();
        self.changing().fault = fault.as_ref().map(ToString::to_string);
        fault
    }

    /// The file's path.
    pub fn path(&self) -> Arc<PathBuf> {
        self.path.load_full()
    }

    /// Why the file on the disk is not the one in force, where it is not.
    pub fn fault(&self) -> Option<String> {
        self.freshen();
        self.changing().fault.clone()
    }

    /// What holds for an agent.
    pub fn standing(&self, agent: &AgentName) -> Standing {
        self.freshen();
        let force = self.force.load();
        let mut standing = force.file.standing(agent);
        if force.closed {
            standing.security = Security::Deny;
        }
        standing
    }

    /// The rules of an agent that together cover a command, by id and pattern.
    pub fn covers(
        &self,
        agent: &AgentName,
        verdict: &Verdict,
        evidence: &[Evidence],
        safe_is_free: bool,
    ) -> Vec<(String, String)> {
        let force = self.force.load();
        let Some(list) = force.lists.get(agent) else {
            return Vec::new();
        };
        let places = list.covers(verdict, evidence, safe_is_free);
        let rules = force.file.agents.get(agent).map(|it| &it.allowlist);
        let named = places.unwrap_or_default().into_iter().filter_map(|place| {
            let rule = rules?.get(place)?;
            Some((rule.id.clone(), rule.pattern.clone()))
        });
        named.collect()
    }

    /// Notes that rules allowed something; written into the file now and then.
    pub fn used(&self, agent: &AgentName, rules: &[(String, String)], now: UnixMillis) {
        if rules.is_empty() {
            return;
        }
        let mut change = self.changing();
        for (id, _) in rules {
            change.used.insert((agent.clone(), id.clone()), now);
        }
    }

    /// Writes when rules were used last. A file that is broken now is left
    /// alone, and the times are kept.
    ///
    /// # Errors
    /// [`RulebookFault`].
    pub fn write_used(&self) -> Result<(), RulebookFault> {
        let mut change = self.changing();
        if change.used.is_empty() {
            return Ok(());
        }
        let mut file = self.read()?;
        for ((agent, id), at) in &change.used {
            let rules = file.agents.get_mut(agent).map(|it| &mut it.allowlist);
            let rule = rules.and_then(|rules| rules.iter_mut().find(|rule| rule.id == *id));
            if let Some(rule) = rule {
                rule.last_used_at = Some(at.0);
            }
        }
        self.write(&mut change, file)?;
        change.used.clear();
        Ok(())
    }

    /// Keeps rules for an agent: on the disk and in force when this returns.
    /// One that stands there with the same words and binary is bound anew.
    ///
    /// # Errors
    /// [`RulebookFault`]: nothing was kept.
    pub fn remember(&self, agent: &AgentName, rules: &[Rule]) -> Result<(), RulebookFault> {
        self.edit(agent, |list| {
            for rule in rules {
                let same = |it: &Rule| {
                    it.pattern == rule.pattern
                        && it.resolved_path == rule.resolved_path
                        && folders(&it.scripts) == folders(&rule.scripts)
                };
                list.retain(|it| !same(it));
                list.push(rule.clone());
            }
        })
    }

    /// Takes rules back, by id.
    ///
    /// # Errors
    /// [`RulebookFault`]: they stay.
    pub fn forget(&self, agent: &AgentName, rules: &[Rule]) -> Result<(), RulebookFault> {
        self.edit(agent, |list| {
            list.retain(|it| rules.iter().all(|rule| rule.id != it.id));
        })
    }

    /// What stands on the disk is edited, not what is in force: an edit by hand
    /// that is not read yet must not be undone, and a broken one not be lost.
    fn edit(
        &self,
        agent: &AgentName,
        edit: impl FnOnce(&mut Vec<Rule>),
    ) -> Result<(), RulebookFault> {
        let mut change = self.changing();
        let mut file = self.read()?;
        edit(&mut file.agents.entry(agent.clone()).or_default().allowlist);
        self.write(&mut change, file)
    }

    fn write(&self, change: &mut Change, mut file: RulesFile) -> Result<(), RulebookFault> {
        name_rules(&mut file);
        let force = self.check(file)?;
        let path = self.path.load();
        write_private(&path, force.file.write().as_bytes())?;
        change.seen = look(&path);
        change.fault = None;
        self.force.store(Arc::new(force));
        Ok(())
    }

    fn freshen(&self) {
        let mut change = self.changing();
        let now = look(&self.path.load());
        if now == change.seen {
            return;
        }
        change.seen = now;
        match self.read().and_then(|file| self.check(file)) {
            Ok(force) => {
                change.fault = None;
                self.force.store(Arc::new(force));
                tracing::info!(path = %self.path.load().display(), "rules for commands reloaded");
            }
            Err(fault) => {
                tracing::error!("rules for commands not taken, the last good ones stay: {fault}");
                change.fault = Some(fault.to_string());
            }
        }
    }

    /// The file as it is; the defaults where there is none.
    fn read(&self) -> Result<RulesFile, RulebookFault> {
        let text = match read_private(&self.path.load(), LARGEST) {
            Ok(text) => text,
            Err(error) if error.is_missing() => return Ok(RulesFile::default()),
            Err(error) => return Err(error.into()),
        };
        RulesFile::read(text.expose()).map_err(|fault| RulebookFault::Form {
            path: PathBuf::clone(&self.path.load()),
            fault,
        })
    }

    fn check(&self, mut file: RulesFile) -> Result<Force, RulebookFault> {
        name_rules(&mut file);
        let mut lists = HashMap::new();
        for (agent, rules) in &file.agents {
            let mut list = Vec::with_capacity(rules.allowlist.len());
            for (place, rule) in rules.allowlist.iter().enumerate() {
                let pattern = Pattern::parse(&rule.pattern);
                let pattern = pattern.map_err(|fault| RulebookFault::Pattern {
                    path: PathBuf::clone(&self.path.load()),
                    agent: agent.clone(),
                    place,
                    fault,
                })?;
                list.push(bound(rule, pattern));
            }
            lists.insert(agent.clone(), Allowlist::new(list));
        }
        Ok(Force {
            file,
            lists,
            closed: false,
        })
    }

    fn changing(&self) -> MutexGuard<'_, Change> {
        self.changing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Force {
    fn closed() -> Self {
        Self {
            file: RulesFile::default(),
            lists: HashMap::new(),
            closed: true,
        }
    }
}

/// A rule without a path is about the program that the usual folders have; one
/// that is nowhere allows nothing.
fn bound(rule: &Rule, pattern: Pattern) -> tollgate_command::Rule {
    let binary = rule.resolved_path.clone().or_else(|| {
        let found = in_folders(pattern.program(), USUAL)?;
        found.to_str().map(str::to_owned)
    });
    let scripts = rule.scripts.iter().map(|script| ScriptBinding {
        path: script.path.clone(),
        sha256: script.sha256.map(|digest| *digest.as_bytes()),
    });
    tollgate_command::Rule {
        pattern,
        binary: binary.unwrap_or_default(),
        scripts: scripts.collect(),
    }
}

/// A rule that was written by hand has no id; its place and words make one.
fn name_rules(file: &mut RulesFile) {
    for (agent, rules) in &mut file.agents {
        for (place, rule) in rules.allowlist.iter_mut().enumerate() {
            if rule.id.is_empty() {
                let text = format!("{agent}\n{place}\n{}", rule.pattern);
                rule.id = Digest::of(text.as_bytes()).short();
            }
        }
    }
}

fn folders(scripts: &[BoundScript]) -> Vec<&str> {
    let mut all: Vec<_> = scripts.iter().map(|it| it.path.as_str()).collect();
    all.sort_unstable();
    all
}

fn look(path: &Path) -> Option<Look> {
    let found = std::fs::symlink_metadata(path).ok()?;
    Some((found.ctime(), found.ctime_nsec(), found.ino(), found.len()))
}

#[cfg(test)]
mod tests;
