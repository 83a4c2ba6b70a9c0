//! What the ledger's events say about a question to a person.

use serde_json::Value;
use tollgate_api::{Story, StoryStep};
use tollgate_ledger::StoredRequest;
use tollgate_types::{Event, UnixMillis};

/// A question, and each change of where it stands.
pub(crate) const ASKED: [&str; 2] = ["approval.asked", "approval.changed"];

/// The question that an event is about.
pub(crate) fn approval(event: &Event) -> Option<&str> {
    let facts = &event.facts;
    let is_about_one = ASKED.contains(&&*event.kind);
    let id = facts["id"].as_str().or_else(|| facts["approval"].as_str());
    id.filter(|_| is_about_one)
}

/// One event as a step; times are counted from `first`.
pub(crate) fn step(event: &Event, first: UnixMillis) -> StoryStep {
    let (name, state, detail) = told(event);
    StoryStep {
        step: name.to_owned(),
        state: state.to_owned(),
        at_ms: Some(event.at.since(first) as f64),
        detail,
    }
}

/// Whether a permission was handed out by this change.
pub(crate) fn is_collected(event: &Event) -> bool {
    let state = &event.facts["approval"]["state"];
    ["allowed_once", "allowed_always"]
        .iter()
        .any(|name| state[name]["used"] == Value::Bool(true))
}

/// Tells the question that a request waited for, where there was one, within
/// the request's story: before it was permitted, or refused.
pub(crate) fn weave(story: &mut Story, request: &StoredRequest, events: &[Event]) {
    // The same request after a restart takes the place of the one before.
    let about = |event: &&Event| {
        let named = approval(event).is_some_and(|id| request.message.contains(id));
        named || (approval(event).is_some() && event.parent == Some(request.id))
    };
    let steps = events
        .iter()
        .filter(about)
        .map(|event| step(event, request.at));
    let steps: Vec<StoryStep> = steps.collect();
    if steps.is_empty() {
        return;
    }
    // It is known when the first attempt began, but for the time of a person.
    for attempt in story.steps.iter_mut().filter(|it| it.step == "attempt 1") {
        attempt.at_ms = None;
    }
    let permitted = story.steps.iter().position(|it| it.step == "permitted");
    let place = permitted.unwrap_or(story.steps.len().saturating_sub(1));
    story.steps.splice(place..place, steps);
}

fn told(event: &Event) -> (&'static str, &'static str, String) {
    let facts = &event.facts;
    if *event.kind == *ASKED[0] {
        let why = facts["seat"]["question"]["why"].as_str();
        let id = facts["approval"].as_str().unwrap_or_default();
        let why = why.unwrap_or_default();
        return ("asked", "done", format!("{id}, because {why}"));
    }
    let who = event.principal.actor.name();
    match &*event.outcome {
        "allowed_once" | "allowed_always" if is_collected(event) => (
            "collected",
            "done",
            "the permission was handed out".to_owned(),
        ),
        outcome @ ("allowed_once" | "allowed_always") => (
            "answered",
            "done",
            format!("{} by {who}", outcome.replace('_', " ")),
        ),
        "denied" => {
            let reason = facts["approval"]["state"]["denied"]["reason"].as_str();
            let reason = reason.map(|reason| format!(": {reason}"));
            let detail = format!("denied by {who}{}", reason.unwrap_or_default());
            ("answered", "refused", detail)
        }
        other => ("answered", "refused", other.replace('_', " ")),
    }
}
