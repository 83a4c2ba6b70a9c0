use std::collections::HashMap;
use std::sync::Arc;

use tollgate_budget::AgentRate;
use tollgate_identity::{AgentBook, AgentSource, AgentSpec, ModelDefaults, RunKey};
use tollgate_judge::Judge;
use tollgate_ledger::StoredAgent;
use tollgate_llm::Dialect;
use tollgate_proxy::{
    Credential, Domains, Limits, Permissions, Provider, Rules, Scanning, Snapshot, Target, Times,
    Upstream,
};
use tollgate_routing::{CredentialSpec, Pool, ProviderRoutes, RouteTable};
use tollgate_types::{AgentName, Label, Secret, Versions};

use super::judge;
use crate::config::{self, ProviderSettings, RateSettings, Settings};

/// What judges requests: the settings, the local servers that were found, and
/// the agents that live in the ledger. Pools keep what `old` ones have learned.
pub(super) fn build(
    settings: &Settings,
    found: &[ProviderSettings],
    stored: &[StoredAgent],
    runs: Vec<RunKey>,
    version: u64,
    fixed: Fixed,
    old: Option<&Snapshot>,
) -> anyhow::Result<Snapshot> {
    let Fixed { judge, scanning } = fixed;
    let providers = settings.providers.iter().chain(found);
    let providers = providers
        .map(|it| provider(it, old))
        .collect::<anyhow::Result<_>>()?;
    let mut routing = settings.routing.clone();
    routing
        .providers
        .extend(found.iter().map(|it| ProviderRoutes {
            id: it.id.clone(),
            models: it.models.clone(),
            takes_callers_key: it.callers_key,
        }));
    let routes = RouteTable::new(routing, &config::windows(&settings.catalog))
        .map_err(|faults| all_of(&faults))?;
    let agents = agents(settings, stored)?.with_runs(runs);
    let anonymous = settings.server.anonymous.as_ref();
    Ok(Snapshot {
        versions: Versions {
            config: version,
            policy: judge.version().clone(),
        },
        limits: limits(settings),
        anonymous: anonymous.and_then(|name| agents.get(name)).cloned(),
        answer_model: match settings.server.answer_model {
            config::AnswerModel::Served => tollgate_proxy::AnswerModel::Served,
            config::AnswerModel::Asked => tollgate_proxy::AnswerModel::Asked,
        },
        strictness: match settings.server.strict_translation {
            true => tollgate_llm::Strictness::Strict,
            false => tollgate_llm::Strictness::Lenient,
        },
        holdback: settings.server.hold,
        routes,
        rates: rates(settings, old),
        catalog: settings.catalog.clone(),
        output_cap: settings.output_cap,
        clamp_floor: settings.clamp_floor,
        providers,
        agents,
        rules: rules(settings, judge),
        permissions: Permissions::default(),
        scanning,
    })
}

/// What is made of files and costs more than the rest.
pub(super) struct Fixed {
    /// The rules.
    pub(super) judge: Arc<Judge>,
    /// What looks at texts.
    pub(super) scanning: Arc<Scanning>,
}

impl Fixed {
    /// What is in force now.
    pub(super) fn of(snapshot: &Snapshot) -> Self {
        Self {
            judge: Arc::clone(&snapshot.rules.judge),
            scanning: Arc::clone(&snapshot.scanning),
        }
    }
}

fn rules(settings: &Settings, judge: Arc<Judge>) -> Rules {
    let domains = settings.policy.agents.iter().map(|it| {
        let domains = Domains {
            allowed: it.allowed.clone().into(),
            denied: it.denied.clone().into(),
            lists: it.lists.clone(),
            context: with(&settings.policy.context, &it.context),
        };
        (it.agent.clone(), domains)
    });
    Rules {
        judge,
        context: settings.policy.context.clone(),
        lists: settings.policy.lists.clone(),
        domains: domains.collect(),
    }
}

/// What agents may ask for in a minute; the last minute counts over a reload.
fn rates(settings: &Settings, old: Option<&Snapshot>) -> HashMap<AgentName, Arc<AgentRate>> {
    let rate = |it: &RateSettings| {
        let rate = AgentRate::new(it.requests, it.tokens);
        let before = old.and_then(|old| old.rates.get(&it.agent));
        let rate = match before {
            Some(before) => rate.with_state_of(before),
            None => rate,
        };
        (it.agent.clone(), Arc::new(rate))
    };
    settings.rates.iter().map(rate).collect()
}

/// Facts for every agent, with those of one agent over them.
fn with(all: &[(Label, Label)], own: &[(Label, Label)]) -> Vec<(Label, Label)> {
    let others = all
        .iter()
        .filter(|(name, _)| own.iter().all(|(known, _)| known != name));
    others.chain(own).cloned().collect()
}

fn limits(settings: &Settings) -> Limits {
    Limits {
        body_bytes: settings.server.max_body,
        bodies_in_flight_bytes: settings.server.bodies_in_flight,
        body_idle: settings.server.body_idle,
        ..Limits::default()
    }
}

fn provider(settings: &ProviderSettings, old: Option<&Snapshot>) -> anyhow::Result<Provider> {
    let (wire, upstream) = match &settings.upstream {
        config::Upstream::Demo => (Dialect::OpenAi, Upstream::Demo),
        config::Upstream::Server { dialect, base_url } => (
            *dialect,
            Upstream::Http(Arc::new(Target::new(&base_url.to_string())?)),
        ),
    };
    let keys = keys(settings);
    let pool = match keys.as_slice() {
        [(spec, _)] if settings.callers_key => Pool::of_callers(spec.profile.clone()),
        keys => Pool::new(keys.iter().map(|(spec, _)| spec.clone()).collect()),
    };
    let before = old.and_then(|old| old.providers.iter().find(|it| it.id == settings.id));
    let credentials = keys
        .into_iter()
        .map(|(spec, key)| Credential::new(wire, &spec.profile, key));
    Ok(Provider {
        id: settings.id.clone(),
        wire,
        api: settings.api,
        upstream,
        credentials: credentials.collect::<Result<_, _>>()?,
        pool: Arc::new(match before {
            Some(before) => pool.with_state_of(&before.pool),
            None => pool,
        }),
        headers: settings.headers.iter().cloned().collect(),
        times: Times {
            whole: settings.timeout,
            first_byte: settings.first_byte,
            idle: settings.idle,
        },
        ask_usage: settings.stream_usage,
        passages: settings.passages.clone(),
        dlp: settings.dlp,
    })
}

/// The pool's credentials; a provider that wants no key has one without.
fn keys(settings: &ProviderSettings) -> Vec<(CredentialSpec, Secret)> {
    if !settings.keys.is_empty() {
        return settings.keys.clone();
    }
    let kind = match settings.callers_key {
        true => "client",
        false => "keyless",
    };
    let profile = format!("{}:{kind}", settings.id).into();
    vec![(
        CredentialSpec {
            profile,
            weight: 1,
            priority: 1,
        },
        Secret::new(String::new()),
    )]
}

fn agents(settings: &Settings, stored: &[StoredAgent]) -> anyhow::Result<AgentBook> {
    let stored = stored
        .iter()
        .map(|agent| from_ledger(agent, settings.agent_defaults));
    let mut specs: Vec<_> = settings.agents.iter().cloned().chain(stored).collect();
    if let Some(model) = &settings.approvals.judge {
        judge::admit(&mut specs, model)?;
    }
    AgentBook::new(specs).map_err(|faults| all_of(&faults))
}

fn from_ledger(agent: &StoredAgent, defaults: ModelDefaults) -> AgentSpec {
    AgentSpec {
        name: agent.name.clone(),
        keys: vec![agent.digest.into()],
        allowed_models: agent.allowed_models.clone(),
        blocked_models: agent.blocked_models.clone(),
        may_act_for: Vec::new(),
        bottles: Vec::new(),
        source: AgentSource::Ledger,
        defaults,
    }
}

/// All faults as one error, a line each.
fn all_of<F: std::fmt::Display>(faults: &[F]) -> anyhow::Error {
    let lines: Vec<_> = faults.iter().map(ToString::to_string).collect();
    anyhow::anyhow!("{}", lines.join("\n"))
}
