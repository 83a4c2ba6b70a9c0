//! `[agents.NAME]` and `[agents.defaults]`.

use std::collections::HashMap;

use tollgate_identity::{AgentSource, AgentSpec, KeyDigest, ModelDefaults};
use tollgate_types::AgentName;

use super::build::Build;
use super::settings::{Bottles, RateSettings};
use super::tree::Table;

impl Build<'_> {
    /// Every agent of the file; `anonymous` is added where it is not there.
    pub(super) fn agents(
        &mut self,
        tables: &[(String, Table)],
        defaults: ModelDefaults,
        anonymous: Option<&AgentName>,
        bottles: &Bottles,
    ) -> Vec<AgentSpec> {
        let mut agents = Vec::new();
        let mut seen = HashMap::new();
        for (name, table) in tables.iter().filter(|(name, _)| name != "defaults") {
            if anonymous.is_none_or(|main| main.as_str() != name) {
                self.keyless(table);
            }
            let keys = self.agent_keys(table, &mut seen);
            let [allowed_models, blocked_models] =
                ["allowed_models", "blocked_models"].map(|key| self.globs(table, key));
            let may_act_for = self.may_act_for(table);
            let bottles = self.bottle_of(table, bottles);
            let name = self.agent_name(name, table);
            agents.extend(name.map(|name| AgentSpec {
                name,
                keys,
                allowed_models,
                blocked_models,
                may_act_for,
                bottles,
                source: AgentSource::Config,
                defaults: over(requests(table), defaults),
            }));
        }
        if let Some(name) = anonymous
            && agents.iter().all(|agent| agent.name != *name)
        {
            agents.push(nobody_else(name.clone(), defaults));
        }
        agents
    }

    /// An agent that no key opens is a table that does nothing.
    fn keyless(&mut self, table: &Table) {
        // Where something is wrong, a key may be there and just not readable.
        if table.texts("keys").is_empty() && !(table.has("keys") && self.findings.any()) {
            let message = format!("{}: no keys, so nobody can be this agent", table.place);
            self.findings.warn(table.line, message).hint(
                "write keys = [\"${VAR}\"]; `tollgate agents add` is for agents that stand nowhere else",
            );
        }
    }

    fn agent_name(&mut self, name: &str, table: &Table) -> Option<AgentName> {
        let name = AgentName::new(name).ok();
        if name.is_none() {
            let message = "name can't be used, expected 1 to 64 lower-case letters, digits, `-`, `_` \
                           and `.`, the first one a letter or digit";
            self.fault(table, table.line, message);
        }
        name
    }

    fn may_act_for(&mut self, table: &Table) -> Vec<AgentName> {
        let mut names = Vec::new();
        for text in table.texts("may_act_for") {
            match AgentName::new(text.as_str()) {
                Ok(name) => names.push(name),
                Err(_) => {
                    let message = format!(
                        "{}: may_act_for has {}, expected the name of an agent",
                        table.place, text.shown
                    );
                    self.findings.fault(text.line, message);
                }
            }
        }
        names
    }

    /// The digests of an agent's keys. A key that two agents share would make
    /// one of them the other.
    fn agent_keys(&mut self, table: &Table, seen: &mut HashMap<String, u32>) -> Vec<KeyDigest> {
        let mut digests = Vec::new();
        for text in table.texts("keys") {
            let key = text.as_str();
            if let Some(weakness) = tollgate_identity::weakness(key) {
                self.fault(table, text.line, format!("a key is too weak: {weakness}"))
                    .hint("`tollgate agents add NAME` makes one; or take `openssl rand -hex 32`");
                continue;
            }
            let digest = KeyDigest::of(key);
            if let Some(first) = seen.insert(digest.to_string(), text.line) {
                let message = format!(
                    "{}: the key is the same as the one at line {first}",
                    table.place
                );
                self.findings
                    .fault(text.line, message)
                    .hint("every agent needs a key of its own");
                continue;
            }
            digests.push(digest);
        }
        digests
    }
}

/// The agent of anonymous callers, where the file does not describe it.
pub(super) fn nobody_else(name: AgentName, defaults: ModelDefaults) -> AgentSpec {
    AgentSpec {
        name,
        keys: Vec::new(),
        allowed_models: vec!["*".to_owned()],
        blocked_models: Vec::new(),
        may_act_for: Vec::new(),
        bottles: Vec::new(),
        source: AgentSource::Config,
        defaults,
    }
}

/// `[agents.defaults]`: what a request gets where it says nothing.
pub(super) fn defaults(tables: &[(String, Table)]) -> ModelDefaults {
    let defaults = tables.iter().find(|(name, _)| name == "defaults");
    let requests = defaults.map(|(_, table)| requests(table));
    requests.unwrap_or_default()
}

fn requests(agent: &Table) -> ModelDefaults {
    let model = agent.table("model");
    let limit = model.map(|model| model.number("max_tokens"));
    let said = |key| agent.has(key).then(|| agent.number(key));
    ModelDefaults {
        temperature: model.and_then(|model| model.float("temperature")),
        max_tokens: limit.filter(|&tokens| tokens > 0),
        hold_tokens: said("hold_tokens"),
        hold_ms: said("hold_ms"),
    }
}

/// An agent's own word, and where there is none, everybody's.
fn over(own: ModelDefaults, all: ModelDefaults) -> ModelDefaults {
    ModelDefaults {
        temperature: own.temperature.or(all.temperature),
        max_tokens: own.max_tokens.or(all.max_tokens),
        hold_tokens: own.hold_tokens.or(all.hold_tokens),
        hold_ms: own.hold_ms.or(all.hold_ms),
    }
}

/// `rate_limit_rpm` and `rate_limit_tpm` of those that have one.
pub(super) fn rates(tables: &[(String, Table)]) -> Vec<RateSettings> {
    let rate = |(name, table): &(String, Table)| {
        let number = |key: &str| Some(table.number(key)).filter(|&limit| limit > 0);
        Some(RateSettings {
            agent: AgentName::new(name).ok()?,
            requests: number("rate_limit_rpm"),
            tokens: number("rate_limit_tpm"),
        })
    };
    tables
        .iter()
        .filter(|(name, _)| name != "defaults")
        .filter_map(rate)
        .filter(|rate| rate.requests.is_some() || rate.tokens.is_some())
        .collect()
}
