//! Taint as the ledger tells it: what operators have put down and taken back.
//! A start reads it back, so that nobody is clean because the gateway went
//! down; a replay follows it, to judge a call by what was known then.

use tollgate_desk::{DEFAULT_TTL, Desk, Subject, TaintKind};
use tollgate_ledger::{Ledger, ReadError};
use tollgate_types::{Event, UnixMillis};

/// The events that this is about.
pub(crate) const KINDS: [&str; 2] = ["taint.set", "taint.cleared"];

/// Newest events that are read back at a start. A desk keeps far fewer
/// subjects.
const MOST: u32 = 100_000;

/// Puts down what still counts. Runs are over when the gateway starts: their
/// keys are dead, so nothing about them is needed.
pub(crate) async fn recall(desk: &Desk, ledger: &Ledger, now: UnixMillis) -> Result<(), ReadError> {
    let ttl = u64::try_from(DEFAULT_TTL.as_millis()).unwrap_or(u64::MAX);
    let since = UnixMillis(now.0.saturating_sub(ttl));
    for entry in ledger.events_of(&KINDS, since, MOST).await? {
        if !matches!(subject(&entry.event), Some(Subject::Run(_))) {
            apply(desk, &entry.event);
        }
    }
    Ok(())
}

/// What an event says of a subject; other events say nothing.
pub(crate) fn apply(desk: &Desk, event: &Event) {
    let Some(subject) = subject(event) else {
        return;
    };
    match &*event.kind {
        "taint.cleared" => {
            desk.clear(&subject);
        }
        "taint.set" => {
            let kind = event.facts["kind"].as_str().unwrap_or_default();
            let source = event.facts["source"].as_str().unwrap_or_default();
            if let Ok(kind) = kind.parse::<TaintKind>() {
                let forgotten = desk.taint(subject, kind, source, event.at, DEFAULT_TTL);
                if let Some(forgotten) = forgotten {
                    tracing::debug!(subject = %forgotten, "too many were tainted");
                }
            }
        }
        _ => {}
    }
}

fn subject(event: &Event) -> Option<Subject> {
    if !KINDS.contains(&&*event.kind) {
        return None;
    }
    event.facts["subject"].as_str()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tollgate_types::{Plane, Principal, RequestId, Severity, Versions};

    use super::*;

    fn event(kind: &str, at: u64, facts: serde_json::Value) -> Event {
        Event {
            id: RequestId::fresh(),
            parent: None,
            at: UnixMillis(at),
            plane: Plane::Gateway,
            kind: kind.into(),
            principal: Principal::gateway(),
            rule: None,
            versions: Versions::default(),
            facts,
            outcome: "ok".into(),
            severity: Severity::Security,
        }
    }

    #[test]
    fn what_was_put_down_counts_as_long_as_it_would_have() {
        let desk = Desk::default();
        let bot: Subject = "agent:bot".parse().unwrap();
        let set = |kind| json!({"v": 1, "subject": "agent:bot", "kind": kind, "source": "web"});
        let ttl = u64::try_from(DEFAULT_TTL.as_millis()).unwrap();
        apply(&desk, &event("taint.set", 1_000, set("secret_seen")));
        let count = |now| desk.facts(&bot, UnixMillis(now)).len();
        assert_eq!((count(ttl + 999), count(ttl + 1_000)), (1, 0));
        apply(&desk, &event("taint.set", 2_000, set("untrusted_content")));
        assert_eq!(count(3_000), 2);
        apply(
            &desk,
            &event("taint.cleared", 3_000, json!({"subject": "agent:bot"})),
        );
        assert_eq!(count(3_000), 0);
        for odd in [
            event("taint.set", 1, json!({})),
            event("taint.set", 1, json!({"subject": 7, "kind": []})),
            event(
                "taint.set",
                1,
                json!({"subject": "agent:bot", "kind": "made_up"}),
            ),
            event("agent.added", 1, set("secret_seen")),
        ] {
            apply(&desk, &odd);
        }
        assert!(desk.is_empty());
    }
}
