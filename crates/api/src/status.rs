use serde::{Deserialize, Serialize};

use crate::ProfileReport;

/// The gateway as a whole, as `GET /control/status` answers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusReport {
    /// `ready` or `draining`.
    pub state: String,
    /// Version of the program.
    pub version: String,
    /// Process id.
    pub pid: u32,
    /// When it started, in Unix milliseconds.
    pub started_at: u64,
    /// Seconds since then.
    pub uptime_seconds: u64,
    /// Address of the model and control API.
    pub bind: String,
    /// The configuration's file; absent where it runs without one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub config_file: Option<String>,
    /// Counts reloads of the configuration since start, from 1.
    pub config_version: u64,
    /// Why the files on disk are not what is in force, where they could not be
    /// taken.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub config_fault: Option<String>,
    /// The rules in force.
    #[serde(default)]
    pub policy: PolicyStatus,
    /// The agent that anonymous callers on loopback are; absent where every
    /// caller needs a key.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub anonymous: Option<String>,
    /// Requests in flight now.
    pub in_flight: u64,
    /// Agents known.
    pub agents: u64,
    /// Every provider.
    #[serde(default)]
    pub providers: Vec<ProviderStatus>,
    /// The ledger.
    pub ledger: LedgerStatus,
    /// Every credential, where `deep` asked for it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub profiles: Option<Vec<ProfileReport>>,
}

/// The rules in force.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyStatus {
    /// Digest of all files; `never-loaded` where none have.
    pub version: String,
    /// False: the files that were named have never loaded, and everything is
    /// denied.
    pub loaded: bool,
    /// No files are named, so the shipped default holds.
    pub shipped: bool,
    /// Rules are evaluated in a process of their own.
    pub isolated: bool,
    /// The files that have a say, in order.
    pub files: Vec<PolicyFileStatus>,
}

/// One file of rules.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyFileStatus {
    /// The name that decisions give it.
    pub file: String,
    /// Declared rules.
    pub rules: u64,
    /// Examples that prove it.
    pub examples: u64,
}

/// One provider.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProviderStatus {
    /// Id from the configuration.
    pub id: String,
    /// The dialect that it speaks: `openai`, `anthropic`, `gemini`.
    pub wire: String,
    /// Where it is; without user, password and query.
    pub base_url: String,
    /// Where it was found: `config`, `environment`, `local` or `built-in`.
    pub source: String,
    /// `ready`, `cooling`, `down` or `no_credential`.
    pub state: String,
    /// Credentials that can be leased now.
    pub credentials_ready: u32,
    /// All credentials.
    pub credentials: u32,
    /// Attempts in flight now.
    pub in_flight: u64,
    /// The circuit breaker: `closed`, `open` or `half_open`; absent where
    /// there is none.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub breaker: Option<String>,
    /// What is wrong, where something is.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub note: Option<String>,
}

/// The ledger's writer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerStatus {
    /// Its file.
    pub path: String,
    /// Request records written since start.
    pub written: u64,
    /// Request records that wait for the next batch.
    pub queued: u64,
    /// Request records lost since start; anything but 0 is a fault.
    pub lost: u64,
    /// The last write's error, until one succeeds.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub last_error: Option<String>,
}
