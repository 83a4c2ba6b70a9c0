use std::borrow::Cow;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use crate::{FaultClass, Principal, ReasonCode, RequestId, Sighting, Trace, UnixMillis, Usage};

/// A short text shared between configuration and records: cloning counts a
/// reference.
pub type Label = Arc<str>;

/// How a request ended, seen from the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Answered in full.
    Ok,
    /// Refused before anything was sent to a provider.
    Refused,
    /// Every attempt failed, or the one that had begun did.
    Failed,
    /// The caller left first.
    ClientLeft,
}

impl Outcome {
    /// The word in the ledger and in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Refused => "refused",
            Self::Failed => "failed",
            Self::ClientLeft => "client_left",
        }
    }
}

/// Which configuration and policy judged a call.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Versions {
    /// Counts reloads of the configuration since start, from 1.
    pub config: u64,
    /// Digest of the policy files, first 12 hexadecimal digits; `none` until
    /// there are any.
    pub policy: Label,
}

/// One attempt at one candidate with one credential.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// Provider id from the configuration.
    pub provider: Label,
    /// Model name as the provider knows it.
    pub model: Label,
    /// Credential profile id, never the key; empty where none was leased.
    pub credential: Label,
    /// HTTP status, where an answer came.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub status: Option<u16>,
    /// What went wrong; none for the attempt that served.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub fault: Option<FaultClass>,
    /// The log's text: what was found, without secrets, at most 300 bytes.
    #[serde(skip_serializing_if = "str::is_empty", default)]
    pub note: Cow<'static, str>,
    /// From lease to the attempt's end, in microseconds.
    pub micros: u64,
}

/// The model plane's event: one row for every request, refused ones too.
#[derive(Clone, Debug, Serialize)]
pub struct RequestRecord {
    /// Names the request everywhere.
    pub id: RequestId,
    /// When it was accepted.
    pub at: UnixMillis,
    /// Who asked; none where no one was identified.
    pub principal: Option<Principal>,
    /// `openai`, `anthropic` or `gemini`.
    pub dialect: &'static str,
    /// The endpoint's path without parameters, such as `/v1/messages`.
    pub endpoint: &'static str,
    /// Whether the caller asked for a stream.
    pub stream: bool,
    /// Provider that served, or was tried last.
    pub provider: Option<Label>,
    /// The name that the caller asked for, cut to 200 bytes.
    pub model_asked: Option<Label>,
    /// The concrete model that served, or was tried last.
    pub model_served: Option<Label>,
    /// Profile id of the credential that served, or was tried last.
    pub credential: Option<Label>,
    /// Tokens, and who counted them.
    pub usage: Usage,
    /// Every attempt, in order.
    pub attempts: SmallVec<[Attempt; 1]>,
    /// Status that the caller saw.
    pub status: u16,
    /// How it ended.
    pub outcome: Outcome,
    /// Why, where it did not end well.
    pub reason: Option<ReasonCode>,
    /// The log's text for what went wrong, without secrets.
    pub message: Cow<'static, str>,
    /// The rule that decided, such as `models.star:12`.
    pub rule: Option<Label>,
    /// The budget that governs, such as `ci-bot` or `host/anthropic`; none
    /// where no budget stands in the way.
    pub budget: Option<Label>,
    /// The most tokens that were set aside for it at once.
    pub reserved_tokens: u64,
    /// What the tokens cost, in billionths of a US dollar; none where the
    /// model has no price, which is not free.
    pub cost_nanos: Option<u64>,
    /// What judged it.
    pub versions: Versions,
    /// From acceptance to the last byte, in microseconds.
    pub latency_micros: u64,
    /// From acceptance to the first byte of the answer, in microseconds.
    pub first_byte_micros: Option<u64>,
    /// Gateway's own part of the time before the first attempt was sent, in
    /// microseconds.
    pub overhead_micros: u64,
    /// What the scanner found in it and in its answer.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<Sighting>,
    /// For the spans of a trace; none where none are sent. Not in the ledger.
    #[serde(skip)]
    pub trace: Option<Box<Trace>>,
}
