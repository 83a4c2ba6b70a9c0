//! The running gateway as the operator plane reads it: status, profiles,
//! models, agents.

use tollgate_api::{
    AgentReport, LedgerStatus, ModelReport, ProfileReport, ProviderStatus, ReloadReport,
    StatusReport,
};
use tollgate_control::{BoxFuture, MintFault, MintedKey, ReloadFault};
use tollgate_identity::{AgentSource, mint_agent_key};
use tollgate_proxy::{Provider, Snapshot, Upstream};
use tollgate_routing::Standing;

use super::{House, State, catalog, credentials, live, now};
use crate::config::Source;
use crate::serve::policy;

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
            policy: policy::status(&self.judge(), &state.settings.policy),
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
            profiles: None,
        }
    }

    fn profiles(&self) -> Vec<ProfileReport> {
        credentials::profiles(&self.gateway.snapshot(), now())
    }

    fn models(&self) -> Vec<ModelReport> {
        let (snapshot, state) = (self.gateway.snapshot(), self.state());
        catalog::known(models(&snapshot, &state), &snapshot)
    }

    fn live_models(&self, provider: Option<String>) -> BoxFuture<'_, Vec<ModelReport>> {
        Box::pin(live::models(&self.gateway, self.models(), provider))
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
            self.put(&state.settings, &state.found, self.fixed())
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
        breaker: credentials::breaker(provider, now()),
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
    let listed = snapshot.routes.names().map(|listed| {
        let kind = match aliases.iter().any(|(alias, _)| *alias == listed.name) {
            _ if listed.is_synthetic => "synthetic",
            true => "alias",
            false => "model",
        };
        let targets = listed
            .candidates
            .iter()
            .map(|it| match listed.is_synthetic {
                true => format!("{}/{}", provider(it.provider), it.model),
                false => it.model.to_string(),
            });
        let first = listed.candidates.first().filter(|_| !listed.is_synthetic);
        ModelReport {
            id: listed.name.clone(),
            kind: kind.to_owned(),
            provider: first.map(|first| provider(first.provider)),
            target: Some(targets.collect::<Vec<_>>().join(", ")),
            ..ModelReport::default()
        }
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
                ..ModelReport::default()
            })
        });
    listed.chain(globs).collect()
}
