use std::sync::Arc;

use serde_json::{Value, json};
use tollgate_approvals::{Rule, State};
use tollgate_desk::{BoxFuture, Question, Record, Seat};
use tollgate_ledger::{Ledger, ReadError};
use tollgate_types::{
    AgentName, Event, Label, Plane, Principal, RequestId, Severity, UnixMillis, Versions,
};

use crate::past::Past;
use crate::{Rulebook, now};

/// The events that say what waits and what became of it.
pub const KINDS: [&str; 2] = ["approval.asked", "approval.changed"];

/// The events that say what became of a command.
const DECIDED: [&str; 2] = ["exec.allowed", "exec.denied"];
/// How far back a proposed rule is held against what was asked, in
/// milliseconds: a week.
const PAST: u64 = 7 * 24 * 60 * 60 * 1000;
/// Newest commands that it is held against.
const MOST_PAST: u32 = 200;
/// On the card of a question that was read back.
const NOT_KEPT: &str = "the words of its user: the ledger keeps none";
/// Newest events that are read back at a start.
const MOST: u32 = 10_000;

/// What is written of questions, answers and grants: security events, each on
/// the disk before anybody acts on it.
pub struct Journal {
    ledger: Ledger,
    rulebook: Arc<Rulebook>,
    mask: Mask,
    past: Past,
}

/// Takes secrets out of text that is kept.
pub type Mask = Box<dyn Fn(&str) -> String + Send + Sync>;

/// What was decided about one command.
pub(crate) struct Decided {
    pub(crate) principal: Principal,
    pub(crate) versions: Versions,
    pub(crate) rule: Option<Label>,
    pub(crate) allowed: bool,
    pub(crate) facts: Value,
}

/// What became of a grant.
pub(crate) struct After {
    pub(crate) principal: Principal,
    /// The entry that allowed it.
    pub(crate) parent: Option<RequestId>,
    pub(crate) kind: &'static str,
    pub(crate) outcome: &'static str,
    pub(crate) facts: Value,
}

impl Journal {
    /// A journal in this ledger; `mask` takes secrets out of what is kept.
    pub fn new(ledger: Ledger, rulebook: Arc<Rulebook>, mask: Mask) -> Self {
        Self {
            ledger,
            rulebook,
            mask,
            past: Past::default(),
        }
    }

    /// What was open when the gateway went down: questions without an answer,
    /// and answers that nobody has taken. Older than `within` milliseconds
    /// they are over in any case.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn waiting(&self, within: u64) -> Result<Vec<Seat>, ReadError> {
        let since = UnixMillis(now().0.saturating_sub(within));
        let mut open: Vec<Seat> = Vec::new();
        for entry in self.ledger.events_of(&KINDS, since, MOST).await? {
            let facts = entry.event.facts;
            if *entry.event.kind == *KINDS[0] {
                open.extend(serde_json::from_value::<Seat>(facts["seat"].clone()));
                continue;
            }
            let changed = serde_json::from_value(facts["approval"].clone());
            let Ok(changed) = changed else { continue };
            let changed: tollgate_approvals::Approval = changed;
            let place = open.iter().position(|seat| seat.approval.id == changed.id);
            if let Some(place) = place {
                open[place].approval = changed;
            }
        }
        open.retain(|seat| match &seat.approval.state {
            State::Pending { .. } => true,
            State::AllowedOnce(yes) | State::AllowedAlways(yes) => !yes.used,
            _ => false,
        });
        Ok(open)
    }

    /// Writes down what was decided about a command.
    pub(crate) async fn decided(&self, decided: Decided) -> Result<RequestId, String> {
        let event = self.event_of(decided);
        self.write(event.clone()).await?;
        self.decided_by(&event);
        Ok(event.id)
    }

    /// What was decided about a command, to be written down.
    pub(crate) fn event_of(&self, mut decided: Decided) -> Event {
        if let Some(text) = decided.facts["command"].as_str() {
            decided.facts["command"] = (self.mask)(text).into();
        }
        let (kind, outcome) = match decided.allowed {
            true => (DECIDED[0], "ok"),
            false => (DECIDED[1], "refused"),
        };
        let Decided {
            principal,
            versions,
            facts,
            ..
        } = decided;
        Event {
            rule: decided.rule,
            ..event(principal, versions, kind, outcome, facts)
        }
    }

    /// It is written down.
    pub(crate) fn decided_by(&self, event: &Event) {
        self.past.add(event);
    }

    /// What an agent asked for lately, each once, the newest first: a proposed
    /// rule is held against it.
    pub(crate) fn past(&self, agent: &AgentName) -> Vec<String> {
        self.past.of(agent)
    }

    /// Reads back what agents asked for within the last week.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn recall(&self) -> Result<(), ReadError> {
        let since = UnixMillis(now().0.saturating_sub(PAST));
        for entry in self.ledger.events_of(&DECIDED, since, MOST_PAST).await? {
            self.past.add(&entry.event);
        }
        Ok(())
    }

    /// Writes down what became of a grant.
    pub(crate) async fn after(&self, after: After, versions: Versions) -> Result<(), String> {
        let After {
            principal,
            parent,
            kind,
            outcome,
            mut facts,
        } = after;
        if let Some(text) = facts["reason"].as_str() {
            facts["reason"] = (self.mask)(text).into();
        }
        let event = event(principal, versions, kind, outcome, facts);
        self.write(Event { parent, ..event }).await
    }

    async fn write(&self, event: Event) -> Result<(), String> {
        let written = self.ledger.write_event(event).await;
        written.map_err(|error| error.to_string())
    }
}

impl Record for Journal {
    fn asked<'f>(&'f self, seat: &'f Seat) -> BoxFuture<'f, Result<(), String>> {
        Box::pin(async move {
            let mut kept = seat.clone();
            let Question {
                card, summary, why, ..
            } = &mut kept.question;
            // What is said to models is nowhere in the ledger.
            if let Some(call) = &mut card.call
                && call.words.take().is_some()
            {
                card.unseen.push(NOT_KEPT.to_owned());
            }
            card.each_text(&mut |text| *text = (self.mask)(text));
            for text in [summary, why] {
                *text = (self.mask)(text);
            }
            let facts = json!({
                "v": 1,
                "approval": seat.approval.id,
                "seat": serde_json::to_value(&kept).map_err(|error| error.to_string())?,
            });
            let Question {
                principal,
                versions,
                ..
            } = &seat.question;
            let (principal, versions) = (principal.clone(), versions.clone());
            let asked = event(principal, versions, KINDS[0], "pending", facts);
            self.write(of(&seat.question, asked)).await
        })
    }

    fn changed<'f>(
        &'f self,
        seat: &'f Seat,
        with: Option<Event>,
    ) -> BoxFuture<'f, Result<(), String>> {
        Box::pin(async move {
            let facts = json!({
                "v": 1,
                "id": seat.approval.id,
                "agent": seat.question.agent,
                "approval": serde_json::to_value(&seat.approval)
                    .map_err(|error| error.to_string())?,
            });
            let principal = match seat.approval.state.by() {
                Some(operator) => Principal::operator(operator.clone()),
                None => Principal::gateway(),
            };
            let outcome = seat.approval.state.as_str();
            let versions = seat.question.versions.clone();
            let changed = event(principal, versions, KINDS[1], outcome, facts);
            let changed = of(&seat.question, changed);
            let both = std::iter::once(changed).chain(with).collect();
            let written = self.ledger.write_events(both).await;
            written.map_err(|error| error.to_string())
        })
    }

    fn remember<'f>(
        &'f self,
        agent: &'f AgentName,
        rules: &'f [Rule],
    ) -> BoxFuture<'f, Result<(), String>> {
        let kept = self.rulebook.remember(agent, rules);
        Box::pin(async move { kept.map_err(|fault| fault.to_string()) })
    }

    fn forget<'f>(&'f self, agent: &'f AgentName, rules: &'f [Rule]) -> BoxFuture<'f, ()> {
        if let Err(error) = self.rulebook.forget(agent, rules) {
            tracing::error!(%error, %agent, "a rule stands in the file without its answer in the ledger");
        }
        Box::pin(async {})
    }
}

/// An event about a question stands on the plane of what is asked about, below
/// the request that waits.
fn of(question: &Question, event: Event) -> Event {
    match question.request {
        None => event,
        Some(request) => Event {
            plane: Plane::Model,
            parent: Some(request),
            ..event
        },
    }
}

fn event(
    principal: Principal,
    versions: Versions,
    kind: &'static str,
    outcome: &'static str,
    facts: Value,
) -> Event {
    Event {
        id: RequestId::fresh(),
        parent: None,
        at: now(),
        plane: Plane::Command,
        kind: kind.into(),
        principal,
        rule: None,
        versions,
        facts,
        outcome: outcome.into(),
        severity: Severity::Security,
    }
}
