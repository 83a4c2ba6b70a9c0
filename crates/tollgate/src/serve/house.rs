mod catalog;
mod credentials;
mod live;
mod reload;
mod report;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Instant, SystemTime};

use tollgate_judge::Judge;
use tollgate_ledger::{Ledger, StoredAgent};
use tollgate_proxy::Gateway;
use tollgate_types::{Label, UnixMillis};

use super::commands::Commands;
use super::scanning::Lookout;
use super::snapshot::{self, Fixed};
use super::treasury::Treasury;
use crate::config::{ProviderSettings, Settings, Source, probe};
use crate::paths::Paths;
use reload::{Look, looks};

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
    lookout: Lookout,
    commands: Arc<Commands>,
    state: Mutex<State>,
}

/// Those who are told of a reload.
pub(super) struct Offices {
    pub(super) treasury: Arc<Treasury>,
    pub(super) lookout: Lookout,
    pub(super) commands: Arc<Commands>,
}

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
        offices: Offices,
    ) -> Arc<Self> {
        let Offices {
            treasury,
            lookout,
            commands,
        } = offices;
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
            lookout,
            commands,
            state: Mutex::new(state),
        });
        let seen = looks(&house.files());
        house.change(|state| state.seen = seen);
        house
    }

    /// Says why the rules on disk were not in force from the beginning.
    pub(super) fn began_without_rules(&self, fault: String) {
        self.change(|state| state.fault = Some(fault));
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

    /// What is in force and need not be made anew.
    fn fixed(&self) -> Fixed {
        Fixed::of(&self.gateway.snapshot())
    }

    /// The rules in force.
    fn judge(&self) -> Arc<Judge> {
        Arc::clone(&self.gateway.snapshot().rules.judge)
    }

    /// A bottle and those above it.
    pub(super) fn bottle(&self, name: &str) -> Option<Vec<Label>> {
        self.state().settings.bottles.get(name).cloned()
    }

    /// Puts a new snapshot in place and returns its version.
    async fn put(
        &self,
        settings: &Settings,
        found: &[ProviderSettings],
        fixed: Fixed,
    ) -> Result<u64, String> {
        let stored = self
            .ledger
            .agents()
            .await
            .map_err(|error| error.to_string())?;
        self.place(settings, found, stored, fixed)
    }

    fn place(
        &self,
        settings: &Settings,
        found: &[ProviderSettings],
        stored: Vec<StoredAgent>,
        fixed: Fixed,
    ) -> Result<u64, String> {
        let old = self.gateway.snapshot();
        let version = old.versions.config + 1;
        let runs = self.treasury.roster().keys();
        let snapshot = snapshot::build(settings, found, &stored, runs, version, fixed, Some(&old))
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
        self.place(&state.settings, &state.found, state.stored, self.fixed())
            .map(drop)
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
        match self.put(&settings, &found, self.fixed()).await {
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

pub(super) fn now() -> UnixMillis {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    UnixMillis(since.map_or(0, |since| {
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    }))
}
