//! Settings without a file: what the environment has, and the demo.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

use http::Uri;
use tollgate_identity::ModelDefaults;
use tollgate_llm::{Api, Catalog, Dialect};
use tollgate_routing::{CredentialSpec, RoutingConfig};
use tollgate_types::{AgentName, Label, Secret};

use super::agent::nobody_else;
use super::approvals;
use super::fault::Findings;
use super::routing::routes_of;
use super::server;
use super::settings::{Bottles, ProviderSettings, Settings, Source, Upstream};
use super::surroundings::Surroundings;
use super::tree::Table;
use crate::paths::Paths;

/// Where the model API listens unless something else is said.
pub const PORT: u16 = 4100;

/// A provider that is known by the variable that holds its key.
pub(super) struct Known {
    pub(super) id: &'static str,
    variables: &'static [&'static str],
    pub(super) dialect: Dialect,
    pub(super) base_url: &'static str,
    models: &'static [&'static str],
}

/// In the order in which they are asked for a bare name. Providers that resell
/// everybody's models take none: they are asked as `provider/model`.
pub(super) static KNOWN: [Known; 9] = [
    Known {
        id: "openai",
        variables: &["OPENAI_API_KEY"],
        dialect: Dialect::OpenAi,
        base_url: "https://api.openai.com/v1",
        models: &[
            "gpt-*",
            "o1*",
            "o3*",
            "o4*",
            "chatgpt-*",
            "text-embedding-*",
        ],
    },
    Known {
        id: "anthropic",
        variables: &["ANTHROPIC_API_KEY"],
        dialect: Dialect::Anthropic,
        base_url: "https://api.anthropic.com",
        models: &["claude-*"],
    },
    Known {
        id: "google",
        variables: &["GEMINI_API_KEY", "GOOGLE_API_KEY"],
        dialect: Dialect::Gemini,
        base_url: "https://generativelanguage.googleapis.com",
        models: &["gemini-*"],
    },
    Known {
        id: "openrouter",
        variables: &["OPENROUTER_API_KEY"],
        dialect: Dialect::OpenAi,
        base_url: "https://openrouter.ai/api/v1",
        models: &[],
    },
    Known {
        id: "groq",
        variables: &["GROQ_API_KEY"],
        dialect: Dialect::OpenAi,
        base_url: "https://api.groq.com/openai/v1",
        models: &[],
    },
    Known {
        id: "mistral",
        variables: &["MISTRAL_API_KEY"],
        dialect: Dialect::OpenAi,
        base_url: "https://api.mistral.ai/v1",
        models: &[
            "mistral-*",
            "ministral-*",
            "magistral-*",
            "codestral-*",
            "devstral-*",
            "pixtral-*",
        ],
    },
    Known {
        id: "deepseek",
        variables: &["DEEPSEEK_API_KEY"],
        dialect: Dialect::OpenAi,
        base_url: "https://api.deepseek.com/v1",
        models: &["deepseek-*"],
    },
    Known {
        id: "xai",
        variables: &["XAI_API_KEY"],
        dialect: Dialect::OpenAi,
        base_url: "https://api.x.ai/v1",
        models: &["grok-*"],
    },
    Known {
        id: "together",
        variables: &["TOGETHER_API_KEY"],
        dialect: Dialect::OpenAi,
        base_url: "https://api.together.xyz/v1",
        models: &[],
    },
];

/// The variables that may hold a provider's key.
pub fn variables() -> impl Iterator<Item = &'static str> {
    KNOWN.iter().flat_map(|known| known.variables).copied()
}

/// The settings of a machine without a configuration: every provider whose key
/// is in the environment, the demo, and anonymous callers as agent `main`.
pub fn settings(paths: &Paths, surroundings: &dyn Surroundings) -> Settings {
    let mut findings = Findings::new(std::path::Path::new("environment"));
    let mut providers: Vec<ProviderSettings> = KNOWN
        .iter()
        .filter_map(|known| look_for(known, surroundings, &mut findings))
        .collect();
    providers.push(demo());
    let warnings = findings.settle(Some(())).map(|((), warnings)| warnings);
    let anonymous = AgentName::new("main").ok();
    let agent_defaults = ModelDefaults::default();
    let bind = SocketAddr::from((Ipv4Addr::LOCALHOST, PORT));
    Settings {
        source: Source::Environment(paths.config.clone()),
        server: server::listener(&Table::default_of("server"), bind, anonymous.clone()),
        ledger: server::beside_state(&paths.state),
        routing: RoutingConfig {
            providers: routes_of(&providers),
            ..RoutingConfig::default()
        },
        providers,
        agents: anonymous
            .into_iter()
            .map(|name| nobody_else(name, agent_defaults))
            .collect(),
        agent_defaults,
        rates: Vec::new(),
        policy: super::PolicySettings::default(),
        budgets: Vec::new(),
        catalog: Catalog::built_in(),
        output_cap: None,
        clamp_floor: None,
        bottles: Bottles::new(),
        approvals: approvals::approvals(
            &Table::default_of("approvals"),
            Path::new(""),
            &paths.approvals(),
        ),
        monitoring: server::monitoring(
            &Table::default_of("monitoring"),
            &Table::default_of("telemetry"),
        ),
        telemetry: None,
        scan: super::ScanSettings::default(),
        guarded: super::Guarded::default(),
        exec: super::ExecSettings::default(),
        // It is not there yet; that it appears is a reload too.
        files: vec![paths.config.clone()],
        warnings: warnings.unwrap_or_default(),
    }
}

/// The built-in demo model.
pub fn demo() -> ProviderSettings {
    provider("demo", Upstream::Demo, &[])
}

/// A provider with every key of the schema at its default.
pub(super) fn provider(id: &str, upstream: Upstream, models: &[&str]) -> ProviderSettings {
    let table = Table::default_of("providers");
    ProviderSettings {
        id: id.into(),
        upstream,
        keys: Vec::new(),
        callers_key: false,
        keys_from: String::new(),
        headers: Vec::new(),
        models: models.iter().map(|&model| model.to_owned()).collect(),
        timeout: table.seconds("timeout_seconds"),
        first_byte: table.seconds("first_byte_seconds"),
        idle: table.seconds("idle_seconds"),
        api: Api::Any,
        stream_usage: table.flag("stream_usage"),
        passages: Vec::new(),
        dlp: tollgate_proxy::DlpSettings::default(),
    }
}

fn look_for(
    known: &'static Known,
    surroundings: &dyn Surroundings,
    findings: &mut Findings,
) -> Option<ProviderSettings> {
    let found = known.variables.iter().find_map(|&name| {
        let value = surroundings.variable(name)?;
        (!value.trim().is_empty()).then(|| (name, Secret::new(value.trim().to_owned())))
    });
    let (name, secret) = found?;
    if !secret.expose().bytes().all(|byte| byte.is_ascii_graphic()) {
        let message = format!("{name} has a character that no header carries; ignored");
        findings
            .warn(0, message)
            .hint("export it again without quotes and line breaks");
        return None;
    }
    let upstream = Upstream::Server {
        dialect: known.dialect,
        base_url: Uri::from_static(known.base_url),
    };
    let spec = CredentialSpec {
        profile: Label::from(format!("{}:1", known.id)),
        weight: 100,
        priority: 1,
    };
    Some(ProviderSettings {
        keys: vec![(spec, secret)],
        keys_from: name.to_owned(),
        ..provider(known.id, upstream, known.models)
    })
}
