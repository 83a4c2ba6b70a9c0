use serde::Serialize;
use sqlx::sqlite::SqliteRow;
use tollgate_types::{
    Attempt, Event, Label, Outcome, Plane, Principal, ReasonCode, RequestId, RequestRecord,
    Severity, Sighting, TokenUsage, UnixMillis, Usage, Versions,
};

use crate::columns::Reading;
use crate::{Cursor, ReadError};

/// A request record read back: everything that was known of the request.
///
/// The fields are those of [`tollgate_types::RequestRecord`].
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StoredRequest {
    /// Its place in the ledger's sequence.
    pub cursor: Cursor,
    /// Names the request everywhere.
    pub id: RequestId,
    /// When it was accepted.
    pub at: UnixMillis,
    /// Who asked; none where no one was identified.
    pub principal: Option<Principal>,
    /// `openai`, `anthropic` or `gemini`.
    pub dialect: Label,
    /// The endpoint's path without parameters.
    pub endpoint: Label,
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
    pub attempts: Vec<Attempt>,
    /// Status that the caller saw.
    pub status: u16,
    /// How it ended.
    pub outcome: Outcome,
    /// Why, where it did not end well.
    pub reason: Option<ReasonCode>,
    /// The log's text for what went wrong, without secrets; may be empty.
    pub message: String,
    /// The rule that decided.
    pub rule: Option<Label>,
    /// The budget that governs; none where none stands in the way.
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
    /// Gateway's own part before the first attempt, in microseconds.
    pub overhead_micros: u64,
    /// What the scanner found.
    pub findings: Vec<Sighting>,
}

/// The record as it will be read back, before it has a place: its cursor is
/// the beginning.
impl From<&RequestRecord> for StoredRequest {
    fn from(record: &RequestRecord) -> Self {
        Self {
            cursor: Cursor::default(),
            id: record.id,
            at: record.at,
            principal: record.principal.clone(),
            dialect: record.dialect.into(),
            endpoint: record.endpoint.into(),
            stream: record.stream,
            provider: record.provider.clone(),
            model_asked: record.model_asked.clone(),
            model_served: record.model_served.clone(),
            credential: record.credential.clone(),
            usage: record.usage,
            attempts: record.attempts.to_vec(),
            status: record.status,
            outcome: record.outcome,
            reason: record.reason,
            message: record.message.clone().into_owned(),
            rule: record.rule.clone(),
            budget: record.budget.clone(),
            reserved_tokens: record.reserved_tokens,
            cost_nanos: record.cost_nanos,
            versions: record.versions.clone(),
            latency_micros: record.latency_micros,
            first_byte_micros: record.first_byte_micros,
            overhead_micros: record.overhead_micros,
            findings: record.findings.clone(),
        }
    }
}

impl StoredRequest {
    pub(crate) fn read(row: &SqliteRow) -> Result<Self, ReadError> {
        let row = Reading::new(row);
        let mut request = Self {
            cursor: Cursor(row.seq),
            id: row.id("id")?,
            at: UnixMillis(row.count("at")?),
            principal: principal(&row)?,
            dialect: row.label("dialect")?.unwrap_or_default(),
            endpoint: row.label("endpoint")?.unwrap_or_default(),
            stream: row.get("stream")?,
            provider: row.label("provider")?,
            model_asked: row.label("model_asked")?,
            model_served: row.label("model_served")?,
            credential: row.label("credential")?,
            usage: usage(&row)?,
            attempts: Vec::new(),
            status: row.get("status")?,
            outcome: row.word("outcome")?,
            reason: row.optional_word("reason")?,
            message: row
                .get::<Option<&str>>("message")?
                .unwrap_or_default()
                .into(),
            rule: row.label("rule")?,
            budget: row.label("budget")?,
            reserved_tokens: row.optional_count("reserved")?.unwrap_or(0),
            cost_nanos: row.optional_count("cost")?,
            versions: row.versions()?,
            latency_micros: row.count("latency_micros")?,
            first_byte_micros: row.optional_count("first_byte_micros")?,
            overhead_micros: row.count("overhead_micros")?,
            findings: Vec::new(),
        };
        request.attempts = attempts(&row, &request)?;
        if let Some(json) = row.get::<Option<&str>>("findings")? {
            request.findings = row.json("findings", json)?;
        }
        Ok(request)
    }

    /// The request as an event of the model plane, for readers that follow
    /// every plane. Where no one was identified the gateway itself is the
    /// principal, since it was the one that acted: it refused.
    pub(crate) fn into_event(self) -> Event {
        let mut facts = serde_json::json!({
            "v": 1,
            "dialect": self.dialect,
            "endpoint": self.endpoint,
            "stream": self.stream,
            "provider": self.provider,
            "model_asked": self.model_asked,
            "model_served": self.model_served,
            "credential": self.credential,
            "usage": self.usage,
            "attempts": self.attempts.len(),
            "status": self.status,
            "reason": self.reason,
            "budget": self.budget,
            "reserved_tokens": self.reserved_tokens,
            "cost_nanos": self.cost_nanos,
            "latency_micros": self.latency_micros,
        });
        if !self.findings.is_empty() {
            facts["findings"] = serde_json::json!(self.findings);
        }
        Event {
            id: self.id,
            parent: None,
            at: self.at,
            plane: Plane::Model,
            kind: "request.finished".into(),
            principal: self.principal.unwrap_or_else(Principal::gateway),
            rule: self.rule,
            versions: self.versions,
            facts,
            outcome: self.outcome.as_str().into(),
            severity: Severity::Record,
        }
    }
}

fn principal(row: &Reading<'_>) -> Result<Option<Principal>, ReadError> {
    let mut found = row.principal()?;
    if let Some(principal) = &mut found {
        principal.bottle = row.label("bottle")?;
    }
    Ok(found)
}

fn usage(row: &Reading<'_>) -> Result<Usage, ReadError> {
    Ok(Usage {
        tokens: TokenUsage {
            input: row.count("input")?,
            cache_read: row.count("cache_read")?,
            cache_write: row.count("cache_write")?,
            output: row.count("output")?,
        },
        source: row.word("usage_source")?,
    })
}

/// The attempts, or the one plain attempt that the columns stand for.
fn attempts(row: &Reading<'_>, request: &StoredRequest) -> Result<Vec<Attempt>, ReadError> {
    if let Some(json) = row.get::<Option<&str>>("attempts")? {
        return row.json("attempts", json);
    }
    let Some(micros) = row.optional_count("attempt_micros")? else {
        return Ok(Vec::new());
    };
    Ok(vec![Attempt {
        provider: request.provider.clone().unwrap_or_default(),
        model: request.model_served.clone().unwrap_or_default(),
        credential: request.credential.clone().unwrap_or_default(),
        status: Some(request.status),
        fault: None,
        note: "".into(),
        micros,
    }])
}
