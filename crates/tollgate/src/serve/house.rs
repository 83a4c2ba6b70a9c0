use std::collections::HashMap;
use std::net::SocketAddr;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Instant, SystemTime};

use tollgate_api::{
    AgentReport, LedgerStatus, ModelReport, ProfileReport, ProviderStatus, ReloadReport,
    StatusReport,
};
use tollgate_control::{BoxFuture, MintFault, MintedKey, ReloadFault};
use tollgate_identity::{AgentSource, mint_agent_key};
use tollgate_judge::Judge;
use tollgate_ledger::{Ledger, StoredAgent};
use tollgate_proxy::{Gateway, Provider, Snapshot, Upstream};
use tollgate_routing::Standing;
use tollgate_types::{Event, Plane, Principal, RequestId, Severity, UnixMillis, Versions};

use super::snapshot;
use super::treasury::Treasury;
use crate::config::{self, Machine, ProviderSettings, Settings, Source, probe};
use crate::paths::Paths;

/// The running gateway as the operator plane sees it, and what a reload needs
/// to know.
pub(super) struct House {
    paths: Paths,
    address: SocketAddr,
    started: Instant,
    started_at: UnixMillis,
    gateway: Arc<Gateway>,
    ledger: Ledger,
    /// One change at a time; a request never waits for it.
    changing: tokio::sync::Mutex<()>,
    treasury: Arc<Treasury>,
    state: Mutex<State>,
}

/// What tells a changed file: seconds and nanoseconds of its last change, its
/// inode (editors replace files) and its length.
type Look = (i64, i64, u64, u64);

/// What the last good configuration was made of.
#[derive(Clone)]
struct State {
    settings: Arc<Settings>,
    found: Vec<ProviderSettings>,
    stored: Vec<StoredAgent>,
    fault: Option<String>,
    seen: HashMap<PathBuf, Option<Look>>,
}

impl House {
    pub(super) fn new(
        settings: Settings,
        paths: Paths,
        address: SocketAddr,
        gateway: Arc<Gateway>,
        ledger: Ledger,
        stored: Vec<StoredAgent>,
        treasury: Arc<Treasury>,
    ) -> Arc<Self> {
        let state = State {
            seen: HashMap::new(),
            settings: Arc::new(settings),
            found: Vec::new(),
            stored,
            fault: None,
        };
        let house = Arc::new(Self {
            paths,
            address,
            started: Instant::now(),
            started_at: now(),
            gateway,
            ledger,
            changing: tokio::sync::Mutex::default(),
            treasury,
            state: Mutex::new(state),
        });
        let seen = looks(&house.files());
        house.change(|state| state.seen = seen);
        house
    }

    fn state(&self) -> State {
        self.state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// The rules in force.
    fn judge(&self) -> Arc<Judge> {
        Arc::clone(&self.gateway.snapshot().rules.judge)
    }

    /// The files whose change is a reload.
    pub(super) fn files(&self) -> Vec<PathBuf> {
        let settings = self.state().settings;
        let mut files = watched(&settings, &self.paths);
        let beside = super::policy::folder(&settings.policy.files);
        let judge = self.judge();
        files.extend(judge.libraries().iter().map(|name| beside.join(name)));
        files
    }

    /// Whether any of them is another one than at the last look.
    pub(super) fn files_changed(&self) -> bool {
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
    async fn reload_now(&self) -> Result<ReloadReport, ReloadFault> {
        let _one = self.changing.lock().await;
        let before = self.state();
        // Looked at before they are read: a change in between is seen next time.
        let looked = looks(&self.files());
        let loaded = config::load(&self.paths, &Machine).map_err(|faults| faults.to_string());
        let settings = match loaded {
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
        let judge = super::policy::load(&settings.policy).await;
        let judge = judge.map_err(|faults| self.refuse(super::policy::lines(&faults)))?;
        let version = self
            .put(&settings, &before.found, judge)
            .await
            .map_err(|error| self.refuse(error))?;
        let budgets = self.treasury.reload(&settings.budgets).await;
        budgets.map_err(|error| self.refuse(error))?;
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

    /// Puts a new snapshot in place and returns its version.
    async fn put(
        &self,
        settings: &Settings,
        found: &[ProviderSettings],
        judge: Arc<Judge>,
    ) -> Result<u64, String> {
        let stored = self
            .ledger
            .agents()
            .await
            .map_err(|error| error.to_string())?;
        self.place(settings, found, stored, judge)
    }

    fn place(
        &self,
        settings: &Settings,
        found: &[ProviderSettings],
        stored: Vec<StoredAgent>,
        judge: Arc<Judge>,
    ) -> Result<u64, String> {
        let old = self.gateway.snapshot();
        let version = old.versions.config + 1;
        let runs = self.treasury.roster().keys();
        let snapshot = snapshot::build(settings, found, &stored, runs, version, judge, Some(&old))
            .map_err(|error| error.to_string())?;
        self.gateway.replace(snapshot);
        self.change(|state| state.stored = stored);
        Ok(version)
    }

    /// When this returns, the keys of the runs that go on are those that work.
    /// Needs no disk: a key must die also where that is full.
    pub(super) async fn take_runs(&self) -> Result<(), String> {
        let _one = self.changing.lock().await;
        let state = self.state();
        self.place(&state.settings, &state.found, state.stored, self.judge())
            .map(drop)
    }

    /// A reload that nobody waits for: says what came of it, loudly if bad.
    pub(super) async fn reload_and_say(&self) {
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

    /// Looks for local model servers, once, where no file says what there is.
    pub(super) async fn probe(&self) {
        if !matches!(self.state().settings.source, Source::Environment(_)) {
            return;
        }
        let servers = probe::find(self.address).await;
        let found: Vec<_> = servers
            .iter()
            .filter_map(probe::LocalServer::provider)
            .collect();
        if found.is_empty() {
            return;
        }
        let _one = self.changing.lock().await;
        let settings = self.state().settings;
        match self.put(&settings, &found, self.judge()).await {
            Ok(_) => {
                for server in &servers {
                    tracing::info!(
                        address = %server.address,
                        models = server.models.len(),
                        "found {}",
                        server.kind.name()
                    );
                }
                self.change(|state| state.found = found);
            }
            Err(error) => tracing::warn!(error, "local servers were found and not taken"),
        }
    }
}

impl tollgate_control::Gateway for House {
    fn status(&self) -> StatusReport {
        let (state, snapshot) = (self.state(), self.gateway.snapshot());
        let stats = self.ledger.stats();
        StatusReport {
            state: if self.gateway.is_draining() {
                "draining"
            } else {
                "ready"
            }
            .to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            pid: std::process::id(),
            started_at: self.started_at.0,
            uptime_seconds: self.started.elapsed().as_secs(),
            bind: self.address.to_string(),
            config_file: match &state.settings.source {
                Source::File(file) => Some(file.display().to_string()),
                Source::Environment(_) => None,
            },
            config_version: snapshot.versions.config,
            config_fault: state.fault.clone(),
            anonymous: snapshot
                .anonymous
                .as_ref()
                .map(|agent| agent.name().to_string()),
            in_flight: self.gateway.in_flight().into(),
            agents: snapshot.agents.iter().count() as u64,
            providers: snapshot
                .providers
                .iter()
                .map(|provider| provider_status(provider, &state))
                .collect(),
            ledger: LedgerStatus {
                path: self.ledger.path().display().to_string(),
                written: stats.written,
                queued: stats.queued,
                lost: stats.lost,
                last_error: stats.last_error,
            },
        }
    }

    fn profiles(&self) -> Vec<ProfileReport> {
        let snapshot = self.gateway.snapshot();
        let states = snapshot
            .providers
            .iter()
            .flat_map(|provider| provider.pool.profiles(now()));
        states
            .map(|state| ProfileReport {
                profile_id: state.profile.to_string(),
                requests_count: state.requests,
                last_used_at: state.last_used.map(|at| at.0),
                cooldown_until: state.cooldown_until.map(|at| at.0),
                failure_count: state.failures,
                standing: state.standing.as_str().to_owned(),
                last_fault: state.last_fault.map(|fault| fault.as_str().to_owned()),
            })
            .collect()
    }

    fn models(&self) -> Vec<ModelReport> {
        models(&self.gateway.snapshot(), &self.state())
    }

    fn agents(&self) -> Vec<AgentReport> {
        let (snapshot, state) = (self.gateway.snapshot(), self.state());
        let agents = snapshot.agents.iter().map(|agent| {
            let spec = agent.spec();
            let stored = state.stored.iter().find(|stored| stored.name == spec.name);
            AgentReport {
                name: spec.name.to_string(),
                source: match spec.source {
                    AgentSource::Config => "config",
                    AgentSource::Ledger => "ledger",
                    AgentSource::File => "file",
                }
                .to_owned(),
                key_hints: stored
                    .map(|stored| stored.hint.clone())
                    .into_iter()
                    .collect(),
                allowed_models: spec.allowed_models.clone(),
                blocked_models: spec.blocked_models.clone(),
                created_at: stored.map(|stored| stored.created.0),
            }
        });
        agents.collect()
    }

    fn in_flight(&self) -> u64 {
        self.gateway.in_flight().into()
    }

    fn mint(&self) -> Result<MintedKey, MintFault> {
        let minted = mint_agent_key().map_err(|error| MintFault(error.to_string()))?;
        Ok(MintedKey {
            digest: *minted.digest.as_bytes(),
            token: minted.token,
            hint: minted.hint,
        })
    }

    fn reload(&self) -> BoxFuture<'_, Result<ReloadReport, ReloadFault>> {
        Box::pin(self.reload_now())
    }

    fn refresh_agents(&self) -> BoxFuture<'_, Result<(), String>> {
        Box::pin(async {
            let _one = self.changing.lock().await;
            let state = self.state();
            self.put(&state.settings, &state.found, self.judge())
                .await
                .map(drop)
        })
    }
}

fn provider_status(provider: &Provider, state: &State) -> ProviderStatus {
    let profiles = provider.pool.profiles(now());
    let ready = profiles
        .iter()
        .filter(|it| it.standing == Standing::Ready)
        .count();
    let settings = state
        .settings
        .providers
        .iter()
        .find(|it| it.id == provider.id);
    let found = settings.is_none();
    let (base_url, wire) = match &provider.upstream {
        Upstream::Http(target) => (target.url(), provider.wire.as_str()),
        Upstream::Demo => ("built in".to_owned(), "any"),
    };
    let worst = profiles
        .iter()
        .map(|it| it.standing)
        .find(|it| *it != Standing::Ready);
    ProviderStatus {
        id: provider.id.to_string(),
        wire: wire.to_owned(),
        base_url,
        source: match (found, &state.settings.source) {
            (true, _) => "found",
            (false, Source::File(_)) => "config",
            (false, Source::Environment(_)) => "environment",
        }
        .to_owned(),
        state: match (ready, worst) {
            (0, Some(standing)) => standing.as_str(),
            _ => "ready",
        }
        .to_owned(),
        credentials_ready: u32::try_from(ready).unwrap_or(u32::MAX),
        credentials: u32::try_from(profiles.len()).unwrap_or(u32::MAX),
        in_flight: provider.pool.in_flight().into(),
        note: profiles
            .iter()
            .find_map(|it| it.last_fault)
            .map(|fault| format!("last fault: {}", fault.as_str())),
    }
}

/// Names that can be asked for, and the globs behind which more may be.
fn models(snapshot: &Snapshot, state: &State) -> Vec<ModelReport> {
    let provider = |index| snapshot.routes.provider(index).to_string();
    let aliases = &state.settings.routing.shortcuts;
    let listed = snapshot.routes.names().map(|listed| ModelReport {
        id: listed.name.clone(),
        kind: match aliases.iter().any(|(alias, _)| *alias == listed.name) {
            true => "alias",
            false => "model",
        }
        .to_owned(),
        provider: Some(provider(listed.candidate.provider)),
        target: Some(listed.candidate.model.to_string()),
    });
    let globs = state
        .settings
        .providers
        .iter()
        .chain(&state.found)
        .flat_map(|provider| {
            let globs = provider
                .models
                .iter()
                .filter(|glob| glob.contains(['*', '?']));
            globs.map(|glob| ModelReport {
                id: glob.clone(),
                kind: "pattern".to_owned(),
                provider: Some(provider.id.to_string()),
                target: None,
            })
        });
    listed.chain(globs).collect()
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

fn looks(files: &[PathBuf]) -> HashMap<PathBuf, Option<Look>> {
    let look = |file: &PathBuf| {
        let found = std::fs::metadata(file).ok()?;
        Some((found.mtime(), found.mtime_nsec(), found.ino(), found.len()))
    };
    files
        .iter()
        .map(|file| (file.clone(), look(file)))
        .collect()
}

pub(super) fn now() -> UnixMillis {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    UnixMillis(since.map_or(0, |since| {
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    }))
}
