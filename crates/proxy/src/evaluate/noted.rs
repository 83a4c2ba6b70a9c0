//! What the ledger keeps of a question.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tollgate_identity::Agent;
use tollgate_policy::{Decision, Fact, Facts};
use tollgate_types::{AgentName, Event, Label, Plane, RequestId, Severity};

use super::{Question, Unasked};
use crate::account::now;
use crate::gateway::Gateway;
use crate::snapshot::Snapshot;

/// What the ledger keeps: what was asked and answered, without the arguments
/// themselves, because nothing has looked for secrets in them.
pub(super) fn noted(facts: &Facts<'_>, decision: &Decision, rewritten: bool) -> Value {
    let names: Vec<&str> = match &facts.args {
        Fact::Map(pairs) => pairs
            .iter()
            .map(|(name, _)| name.as_ref())
            .take(32)
            .collect(),
        _ => Vec::new(),
    };
    let args = serde_json::to_vec(&facts.args).unwrap_or_default();
    json!({
        "v": tollgate_policy::FACTS_VERSION,
        "tool": facts.tool.chars().take(200).collect::<String>(),
        "agent_id": facts.context.agent_id,
        "domain": facts.context.domain,
        "domain_lists": facts.context.domain_lists.iter().map(|list| &**list).collect::<Vec<_>>(),
        "taint": facts.context.taint.iter().map(|taint| &taint.kind).collect::<Vec<_>>(),
        "args_names": names,
        "args_sha256": sha256(&args),
        "args": safe(facts),
        "reason": decision.reason(),
        "rewritten": rewritten,
    })
}

/// The arguments that can hold no secret: numbers, yes or no, and the method.
fn safe(facts: &Facts<'_>) -> Value {
    let Fact::Map(pairs) = &facts.args else {
        return json!({});
    };
    let kept = pairs.iter().take(32).filter_map(|(name, fact)| {
        let value = match (name.as_ref(), fact) {
            (_, Fact::Flag(flag)) => json!(flag),
            (_, Fact::Whole(number)) => json!(number),
            ("method", Fact::Text(method)) if is_method(method) => json!(method),
            _ => return None,
        };
        (name.len() <= 64).then(|| (name.to_string(), value))
    });
    Value::Object(kept.collect())
}

fn is_method(text: &str) -> bool {
    (1..=16).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphabetic())
}

/// What the ledger keeps of what zeroclaw tells: that it did, and how much.
/// Nothing has looked for secrets in it, so its words stay out.
pub(super) fn heard(question: &Question, named: &AgentName, body: &[u8]) -> Value {
    let keys: Vec<&str> = question
        .claims
        .iter()
        .map(|(name, _)| name.as_ref())
        .filter(|name| name.len() <= 64)
        .take(32)
        .collect();
    json!({
        "v": 1,
        "agent_id": named.as_str(),
        "tool": question.tool_name(),
        "keys": keys,
        "bytes": body.len(),
        "sha256": sha256(body),
    })
}

fn sha256(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(super) async fn record(
    gateway: &Gateway,
    snapshot: &Snapshot,
    agent: &Agent,
    kind: &'static str,
    rule: Option<&Label>,
    facts: Value,
    outcome: &str,
) -> Result<(), Unasked> {
    let event = Event {
        id: RequestId::fresh(),
        parent: None,
        at: now(),
        plane: Plane::People,
        kind: kind.into(),
        principal: agent.principal().clone(),
        rule: rule.cloned(),
        versions: snapshot.versions.clone(),
        facts,
        outcome: outcome.into(),
        severity: match kind {
            "identity.forged" => Severity::Security,
            _ => Severity::Record,
        },
    };
    let written = gateway.ledger.write_event(event).await;
    written.map_err(|error| {
        tracing::error!(%error, "a decision is not in the ledger");
        Unasked::Ledger
    })
}
