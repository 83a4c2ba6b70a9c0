//! The story of one command, or of one question, from the events that were
//! written about it.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use http::StatusCode;
use serde_json::Value;
use tollgate_api::{CommandStory, StoryStep};
use tollgate_types::{Event, Plane, UnixMillis};

use crate::Control;
use crate::answer::Refusal;
use crate::asked::{self, ASKED};

/// What became of a command.
const DECIDED: [&str; 2] = ["exec.allowed", "exec.denied"];
/// What its executor told of it.
const RAN: [&str; 2] = ["exec.not_run", "exec.ended"];
/// Newest events that are looked through.
const MOST: u32 = 10_000;

/// One command, by the id of its entry or of its approval; or a question about
/// something else, by its id or that of what waits for it.
pub(crate) async fn show(
    State(control): State<Arc<Control>>,
    Path(id): Path<String>,
) -> Result<Json<CommandStory>, Refusal> {
    let mut events = Vec::new();
    for kinds in [&ASKED, &DECIDED, &RAN] {
        let found = control.ledger.events_of(kinds, UnixMillis(0), MOST).await?;
        events.extend(found.into_iter().map(|entry| entry.event));
    }
    events.sort_by_key(|event| event.at);
    story(&id, &events).map(Json).ok_or_else(|| {
        let id: String = id.chars().filter(|c| !c.is_control()).take(64).collect();
        Refusal::new(
            StatusCode::NOT_FOUND,
            "not_found",
            format!("no command or approval `{id}`"),
        )
        .hint("`tollgate approvals list --all` and `tollgate audit tail` have ids")
    })
}

/// Pure: the same events always give the same story.
fn story(id: &str, events: &[Event]) -> Option<CommandStory> {
    let decided = events.iter().find(|event| {
        DECIDED.contains(&&*event.kind)
            && (event.id.to_string() == id || event.facts["approval"] == id)
    });
    let approval = match decided {
        Some(event) => event.facts["approval"].as_str(),
        None => Some(id),
    };
    let about = |event: &&Event| {
        let named = asked::approval(event);
        let waits = event.parent.is_some_and(|parent| parent.to_string() == id);
        named.is_some() && (named == approval || waits)
    };
    let about: Vec<&Event> = events.iter().filter(about).collect();
    let first = about.first().copied().or(decided)?;
    let mut steps = Vec::new();
    let since = |event: &Event| Some(event.at.since(first.at) as f64);
    steps.push(StoryStep {
        step: "judged".to_owned(),
        state: "done".to_owned(),
        at_ms: Some(0.0),
        detail: judged(decided, first),
    });
    if let Some(rule) = decided.and_then(|event| event.rule.as_deref()) {
        steps.push(step("permitted", "done", None, format!("rule {rule}")));
    }
    steps.extend(about.iter().map(|event| asked::step(event, first.at)));
    if let Some(event) = decided {
        let allowed = *event.kind == *DECIDED[0];
        let (state, name) = match allowed {
            true => ("done", "granted"),
            false => ("refused", "granted"),
        };
        steps.push(step(
            name,
            state,
            since(event),
            reason(&event.facts, allowed),
        ));
        // Before entries named what they belong to, the same command that ran
        // next was taken for it.
        let ran = events.iter().find(|ran| {
            RAN.contains(&&*ran.kind)
                && match ran.parent {
                    Some(parent) => parent == event.id,
                    None => ran.facts["subject"] == event.facts["subject"] && ran.at >= event.at,
                }
        });
        if let Some(ran) = ran.filter(|_| allowed) {
            let (name, state, detail) = ended(ran);
            steps.push(step(name, state, since(ran), detail));
        }
    }
    let whole = &first.facts["seat"]["question"];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let (agent, command) = match decided {
        Some(event) => (text(&event.facts["agent"]), text(&event.facts["command"])),
        None => (text(&whole["agent"]), text(&whole["summary"])),
    };
    Some(CommandStory {
        id: id.to_owned(),
        at: first.at.0,
        agent,
        command,
        ending: ending(decided, about.last().copied()),
        steps,
        config_version: first.versions.config,
        policy_version: first.versions.policy.to_string(),
    })
}

fn step(name: &str, state: &str, at_ms: Option<f64>, detail: String) -> StoryStep {
    StoryStep {
        step: name.to_owned(),
        state: state.to_owned(),
        at_ms,
        detail,
    }
}

fn judged(decided: Option<&Event>, first: &Event) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    match decided {
        Some(event) => {
            let rules = event.facts["rules"].as_array();
            let rules: Vec<String> = rules.into_iter().flatten().map(text).collect();
            let rules = match rules.is_empty() {
                true => "only reads or prints".to_owned(),
                false => rules.join(", "),
            };
            let (tier, known) = (text(&event.facts["tier"]), text(&event.facts["known"]));
            format!("{tier}, {known}: {rules}")
        }
        None => {
            let card = &first.facts["seat"]["question"]["card"];
            let (tier, known) = (text(&card["tier"]), text(&card["known"]));
            let sight = match &*known {
                "" => String::new(),
                known => format!(", {known}"),
            };
            format!("{tier}{sight}: {}", text(&card["reason"]))
        }
    }
}

/// How what was granted went, by its executor's word.
fn ended(event: &Event) -> (&'static str, &'static str, String) {
    let facts = &event.facts;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    if *event.outcome == *"lost" {
        let detail = "its executor went away without a word".to_owned();
        return ("ran", "lost", detail);
    }
    if *event.kind == *RAN[0] {
        return ("ran", "refused", text(&facts["reason"]));
    }
    let end = &facts["end"];
    let how = match end["signal"].as_i64() {
        Some(signal) => format!("ended by signal {signal}"),
        None => format!("ended with code {}", end["code"]),
    };
    match end["cause"].as_str() {
        None | Some("itself") => ("ran", "done", how),
        Some(cause) => ("ran", "done", format!("{how}, {cause}")),
    }
}

fn reason(facts: &Value, allowed: bool) -> String {
    let text = |name: &str| facts[name].as_str().unwrap_or_default();
    if !allowed {
        return format!("{}: {}", text("code"), text("reason"));
    }
    let detail = facts["detail"]
        .as_str()
        .map(|detail| format!(" ({detail})"));
    let smart = match facts["smart_approved"].as_bool() {
        Some(smart) => format!(", smart_approved: {smart}"),
        None => String::new(),
    };
    let subject: String = text("subject").chars().take(12).collect();
    format!(
        "by {}{}{smart}; subject {subject}",
        text("by"),
        detail.unwrap_or_default()
    )
}

fn ending(decided: Option<&Event>, last: Option<&Event>) -> String {
    match (decided, last) {
        (Some(event), _) if *event.kind == *DECIDED[0] => "allowed to run, once".to_owned(),
        (Some(_), _) => "not run".to_owned(),
        (None, Some(event)) if *event.kind == *ASKED[0] => "waits for an answer".to_owned(),
        (None, Some(event)) if event.plane == Plane::Model => request(event),
        (None, Some(event)) => {
            format!("{}; nothing was run by it", event.outcome.replace('_', " "))
        }
        (None, None) => "not run".to_owned(),
    }
}

/// What a question's last change means for the request that waited for it.
fn request(last: &Event) -> String {
    let outcome = last.outcome.replace('_', " ");
    if asked::is_collected(last) {
        let request = last.parent.map(|id| id.to_string()).unwrap_or_default();
        return format!("the request went on; `tollgate why {request}` tells how");
    }
    match &*last.outcome {
        "allowed_once" => format!("{outcome}; nobody has come for it yet"),
        _ => format!("{outcome}; nothing was sent by it"),
    }
}
