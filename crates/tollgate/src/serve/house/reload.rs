//! Reading the configuration again: which files, whether they changed, and
//! what becomes of a bad one.

use std::collections::HashMap;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError};

use tollgate_api::ReloadReport;
use tollgate_control::ReloadFault;
use tollgate_types::{Event, Plane, Principal, RequestId, Severity, Versions};

use super::{House, now};
use crate::config::{self, Machine, Settings};
use crate::paths::Paths;
use crate::serve::policy;
use crate::serve::snapshot::Fixed;

/// What tells a changed file: seconds and nanoseconds of its last change, its
/// inode (editors replace files) and its length.
pub(super) type Look = (i64, i64, u64, u64);

impl House {
    /// The files whose change is a reload.
    pub(in crate::serve) fn files(&self) -> Vec<PathBuf> {
        let settings = self.state().settings;
        let mut files = watched(&settings, &self.paths);
        let beside = policy::folder(&settings.policy.files);
        let judge = self.judge();
        files.extend(judge.libraries().iter().map(|name| beside.join(name)));
        files
    }

    /// Whether any of them is another one than at the last look.
    pub(in crate::serve) fn files_changed(&self) -> bool {
        let seen = looks(&self.files());
        let before = std::mem::take(
            &mut self
                .state
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .seen,
        );
        let changed = before != seen;
        self.change(|state| state.seen = seen);
        changed
    }

    /// Reads the configuration again; the last good one stays where it is bad.
    pub(super) async fn reload_now(&self) -> Result<ReloadReport, ReloadFault> {
        let _one = self.changing.lock().await;
        let before = self.state();
        // Looked at before they are read: a change in between is seen next time.
        let looked = looks(&self.files());
        let loaded = config::load(&self.paths, &Machine).map_err(|faults| faults.to_string());
        let mut settings = match loaded {
            Ok(settings) => settings,
            Err(message) => return Err(self.refuse(message)),
        };
        let mut notes: Vec<_> = settings.warnings.iter().map(ToString::to_string).collect();
        if settings.server.bind != before.settings.server.bind {
            notes.push("server.bind holds from the next start".to_owned());
        }
        if settings.ledger != before.settings.ledger {
            notes.push("ledger.url holds from the next start".to_owned());
        }
        if settings.telemetry != before.settings.telemetry {
            notes.push("telemetry.otlp_* holds from the next start".to_owned());
        }
        let judge = policy::load(&settings.policy).await;
        let judge = judge.map_err(|faults| self.refuse(policy::lines(&faults)))?;
        let guarded = std::mem::take(&mut settings.guarded);
        let scanning = self.lookout.scanning(&settings, &guarded);
        drop(guarded);
        let scanning = scanning.map_err(|error| self.refuse(error.to_string()))?;
        let fixed = Fixed { judge, scanning };
        let version = self
            .put(&settings, &before.found, fixed)
            .await
            .map_err(|error| self.refuse(error))?;
        let budgets = self.treasury.reload(&settings).await;
        budgets.map_err(|error| self.refuse(error))?;
        notes.extend(self.commands.reload(&settings, &self.paths).await);
        let files = settings
            .files
            .iter()
            .map(|file| file.display().to_string())
            .collect();
        self.change(|state| {
            state.settings = Arc::new(settings);
            state.fault = None;
        });
        let mut seen = looks(&self.files());
        for (file, look) in looked {
            seen.entry(file).and_modify(|seen| *seen = look);
        }
        self.change(|state| state.seen = seen);
        Ok(ReloadReport {
            config_version: version,
            files,
            notes,
        })
    }

    fn refuse(&self, message: String) -> ReloadFault {
        self.change(|state| state.fault = Some(message.clone()));
        ReloadFault {
            message,
            hint: Some("the last good configuration stays in force; `tollgate config check` looks at the file again".to_owned()),
        }
    }

    /// A reload that nobody waits for: says what came of it, loudly if bad.
    pub(in crate::serve) async fn reload_and_say(&self) {
        let done = self.reload_now().await;
        let outcome = if done.is_ok() { "ok" } else { "refused" };
        let version = self.gateway.snapshot().versions.clone();
        let event = event("config.reloaded", outcome, version);
        if let Err(error) = self.ledger.write_event(event).await {
            tracing::error!(%error, "the reload is not in the ledger");
        }
        match done {
            Ok(report) => {
                for note in &report.notes {
                    tracing::warn!("{note}");
                }
                tracing::info!(version = report.config_version, "configuration reloaded");
            }
            Err(fault) => {
                tracing::error!(
                    "configuration not taken, the last good one stays:\n{}",
                    fault.message
                );
            }
        }
    }
}

fn event(kind: &'static str, outcome: &'static str, versions: Versions) -> Event {
    Event {
        id: RequestId::fresh(),
        parent: None,
        at: now(),
        plane: Plane::Gateway,
        kind: kind.into(),
        principal: Principal::gateway(),
        rule: None,
        facts: serde_json::json!({"v": 1, "config_version": versions.config}),
        versions,
        outcome: outcome.into(),
        severity: Severity::Security,
    }
}

/// The files that the settings name, and the one that could appear.
fn watched(settings: &Settings, paths: &Paths) -> Vec<PathBuf> {
    let mut files = settings.files.clone();
    if !files.contains(&paths.config) {
        files.push(paths.config.clone());
    }
    files
}

pub(super) fn looks(files: &[PathBuf]) -> HashMap<PathBuf, Option<Look>> {
    let look = |file: &PathBuf| {
        let found = std::fs::metadata(file).ok()?;
        Some((found.mtime(), found.mtime_nsec(), found.ino(), found.len()))
    };
    files
        .iter()
        .map(|file| (file.clone(), look(file)))
        .collect()
}
