use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use http::{HeaderName, HeaderValue, Uri};
use tollgate_approvals::Ladder;
use tollgate_budget::BudgetSpec;
use tollgate_identity::{AgentSpec, ModelDefaults};
use tollgate_llm::{Api, Catalog, Dialect};
use tollgate_proxy::{DlpSettings, Holdback, Passage};
use tollgate_routing::{CredentialSpec, RoutingConfig};
use tollgate_types::{AgentName, Label, Secret};

use super::fault::Fault;
use super::policy::PolicySettings;
use super::scan::{Guarded, ScanSettings};

/// A configuration in which nothing is wrong, with every default filled in.
#[derive(Debug)]
pub struct Settings {
    /// Where it came from.
    pub source: Source,
    /// The listener and its limits.
    pub server: ServerSettings,
    /// Where the ledger stands.
    pub ledger: LedgerSettings,
    /// Who serves models, in the order of the file.
    pub providers: Vec<ProviderSettings>,
    /// Which model goes where.
    pub routing: RoutingConfig,
    /// Who may call. With `anonymous`, an agent `main` is always among them.
    pub agents: Vec<AgentSpec>,
    /// What a request of any agent gets where it says nothing; already in
    /// every [`AgentSpec`] above, for agents that come from elsewhere.
    pub agent_defaults: ModelDefaults,
    /// How much agents may ask for in a minute, where that is limited.
    pub rates: Vec<RateSettings>,
    /// The rules that judge every call.
    pub policy: PolicySettings,
    /// Bottles and those above each.
    pub bottles: Bottles,
    /// What agents, bottles and this machine may use, from `[agents.NAME]`,
    /// `[bottles.NAME]` and `settings.yml`; each of its kind stands once.
    pub budgets: Vec<BudgetSpec>,
    /// What models take, give and cost.
    pub catalog: Catalog,
    /// Most tokens of an answer where nothing else says it.
    pub output_cap: Option<u64>,
    /// Requests are shortened to what their budget has left, but not to fewer
    /// tokens of an answer; none where they are refused.
    pub clamp_floor: Option<u64>,
    /// What the scanner looks for.
    pub scan: ScanSettings,
    /// Values that must not leave; taken out when the settings are put in force.
    pub guarded: Guarded,
    /// Who is asked about commands.
    pub approvals: ApprovalSettings,
    /// What is kept to look at.
    pub monitoring: MonitoringSettings,
    /// Where telemetry goes, where it goes anywhere.
    pub telemetry: Option<TelemetrySettings>,
    /// Where commands run.
    pub exec: ExecSettings,
    /// Every file that the configuration names, itself first: a change of any
    /// of them is a reload.
    pub files: Vec<PathBuf>,
    /// What is worth a word but stops nothing.
    pub warnings: Vec<Fault>,
}

/// `rate_limit_rpm` and `rate_limit_tpm` of an agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RateSettings {
    /// Whose they are.
    pub agent: AgentName,
    /// Requests in any minute.
    pub requests: Option<u64>,
    /// Tokens in any minute.
    pub tokens: Option<u64>,
}

/// Every bottle with its chain: itself first, then what it extends, nearest
/// first and each once.
pub type Bottles = BTreeMap<Label, Vec<Label>>;

/// Where a configuration came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// This file.
    File(PathBuf),
    /// The environment, as there was no such file.
    Environment(PathBuf),
}

/// `[server]`.
#[derive(Clone, Debug)]
pub struct ServerSettings {
    /// Where to listen; port 0 takes a free one.
    pub bind: SocketAddr,
    /// Who anonymous callers on loopback are; none are let in without.
    pub anonymous: Option<AgentName>,
    /// How long running streams may go on after SIGTERM.
    pub drain: Duration,
    /// Which model name answers carry.
    pub answer_model: AnswerModel,
    /// Whether hints that another dialect has no place for are refused.
    pub strict_translation: bool,
    /// How much of a stream is kept back before its first byte goes out.
    pub hold: Holdback,
    /// Largest request body, in bytes.
    pub max_body: usize,
    /// Memory for all request bodies at once, in bytes; at least `max_body`.
    pub bodies_in_flight: usize,
    /// How long a client may take for its headers.
    pub header_read: Duration,
    /// How long a client may pause inside a body.
    pub body_idle: Duration,
}

/// Which model name an answer carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnswerModel {
    /// As the provider gave it.
    Served,
    /// As the caller asked.
    Asked,
}

/// `[ledger]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerSettings {
    /// The SQLite file.
    pub path: PathBuf,
}

/// `[approvals]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApprovalSettings {
    /// `exec-approvals.json`.
    pub file: PathBuf,
    /// The model that judges LOW.
    pub judge: Option<String>,
    /// LOW is asked about where no model judges.
    pub ask_low: bool,
    /// How long questions wait.
    pub ladder: Ladder,
}

/// `[monitoring]` and `[telemetry]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MonitoringSettings {
    /// How many recent requests are kept in memory.
    pub ring_buffer_size: usize,
    /// `/metrics` answers without a token.
    pub metrics_public: bool,
}

/// `[exec]`: where commands run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExecSettings {
    /// Beside the gateway, or in a sandbox.
    pub host: ExecHost,
    /// A sandbox has the machine's network.
    pub network: bool,
    /// Folders that can be written in a sandbox beside the command's own.
    pub writable: Vec<PathBuf>,
    /// The image of containers; none where bubblewrap makes the sandbox.
    pub image: Option<String>,
}

/// Where commands run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ExecHost {
    /// Beside the gateway.
    #[default]
    Gateway,
    /// In a sandbox, or not at all.
    Sandbox,
}

/// Where telemetry goes: `[telemetry] otlp_*`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TelemetrySettings {
    /// The collector: `http` or `https`, a host, and a path; no user, no query.
    pub endpoint: Uri,
    /// Sent with every export.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// Between two exports of metrics.
    pub interval: Duration,
}

/// `[providers.ID]`.
#[derive(Clone, Debug)]
pub struct ProviderSettings {
    /// The id that routes and reports use.
    pub id: Label,
    /// What it speaks, and where.
    pub upstream: Upstream,
    /// Its pool; empty for a provider that wants no key.
    pub keys: Vec<(CredentialSpec, Secret)>,
    /// `auth = "client"`: it is sent the caller's own credential.
    pub callers_key: bool,
    /// Where the keys came from, such as `OPENAI_API_KEY`, for the start-up
    /// text; empty where a file has them.
    pub keys_from: String,
    /// Headers set on every request; none of them carries a credential.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// Globs for bare model names, also in [`Settings::routing`].
    pub models: Vec<String>,
    /// Longest whole request.
    pub timeout: Duration,
    /// Longest wait for the first byte of an answer.
    pub first_byte: Duration,
    /// Longest pause within an answer.
    pub idle: Duration,
    /// Which of OpenAI's APIs it has, where that is its wire.
    pub api: Api,
    /// Ask for usage in streams even where the client did not.
    pub stream_usage: bool,
    /// What `/passthrough` takes beside the endpoints of its wire.
    pub passages: Vec<Passage>,
    /// What is looked for in what goes there and comes back.
    pub dlp: DlpSettings,
}

/// Where a provider's answers come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Upstream {
    /// A server.
    Server {
        /// The dialect that it speaks.
        dialect: Dialect,
        /// `http` or `https`, a host, and a path; no user, no query. Take a
        /// `/` off the end of its path before appending: an empty path
        /// reads as `/`.
        base_url: Uri,
    },
    /// The built-in demo model.
    Demo,
}
