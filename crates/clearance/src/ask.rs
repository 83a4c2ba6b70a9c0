//! Who says yes where neither a rule nor a tier does: a model for LOW, a person
//! for everything else.

use std::sync::Arc;

use tollgate_api::ExecOutcome;
use tollgate_approvals::{Advice, Card, Fallback, Ruling, State};
use tollgate_desk::{AskFault, Question, Seat, Ticket};
use tollgate_policy::Decision;

use crate::advice;
use crate::card;
use crate::case::{Case, Denial, Yes};
use crate::claim::{self, Facts};
use crate::clear::Clearance;
use crate::now;

impl Clearance {
    /// LOW: the judge model where there is one, else what holds without it.
    pub(crate) async fn low(
        &self,
        case: &Case<'_>,
        tell: &(impl Fn(ExecOutcome) + Send),
        policy: &Decision,
    ) -> Result<Yes, Denial> {
        let terms = self.terms.load_full();
        if let Some(model) = &terms.judge {
            let said = advice::advice(self.house(), model, case.judged).await;
            if said.verdict == "allow" {
                return Ok(Yes {
                    by: "judge",
                    detail: Some(format!("{}: {}", said.model, said.reason)),
                    smart: Some(true),
                    ..Yes::default()
                });
            }
            return self.ask_with(case, tell, policy, false, Some(said)).await;
        }
        if terms.ask_low {
            return self.ask(case, tell, policy, false).await;
        }
        Ok(Yes {
            by: "tier",
            smart: Some(false),
            ..Yes::default()
        })
    }

    /// A person, with what the judge model thinks beside it.
    pub(crate) async fn ask(
        &self,
        case: &Case<'_>,
        tell: &(impl Fn(ExecOutcome) + Send),
        policy: &Decision,
        rule_matches: bool,
    ) -> Result<Yes, Denial> {
        let terms = self.terms.load_full();
        let said = match &terms.judge {
            Some(model) => Some(advice::advice(self.house(), model, case.judged).await),
            None => None,
        };
        self.ask_with(case, tell, policy, rule_matches, said).await
    }

    /// A person. Nobody but a person can turn this into a yes, except where the
    /// operator has said beforehand what holds when nobody is there.
    async fn ask_with(
        &self,
        case: &Case<'_>,
        tell: &(impl Fn(ExecOutcome) + Send),
        policy: &Decision,
        rule_matches: bool,
        said: Option<Advice>,
    ) -> Result<Yes, Denial> {
        let past = self.journal.past(&case.asker.named);
        let (rules, proposal) = card::proposal(case.judged, &past);
        let card = Card {
            advice: said,
            ..card::card(case.asker, case.request, case.judged, proposal)
        };
        let why = match policy.is_allowed() {
            true => case.judged.verdict.reason.clone(),
            false => format!("rule {}: {}", policy.rule(), policy.reason()),
        };
        let question = Question {
            principal: case.asker.principal(),
            agent: case.asker.named.clone(),
            request: None,
            summary: card::summary(case.judged),
            why,
            card,
            rules,
            versions: case.versions.clone(),
            pid: case.asker.peer.pid,
        };
        let (subject, tier) = (case.subject.digest(), case.judged.tier());
        let ticket = self.room.ask(subject, tier, question).await;
        let ticket = ticket.map_err(crowded)?;
        let (fallback, _) = claim::strictest(&self.rulebook, case.asker);
        if fallback != Fallback::Deny && self.room.followers() == 0 {
            self.room.nobody_there(ticket.id).await;
        }
        let seat = self.wait(ticket, tell).await;
        let id = seat.approval.id;
        match &seat.approval.state {
            State::AllowedOnce(yes) | State::AllowedAlways(yes) => Ok(Yes {
                by: "operator",
                detail: Some(yes.by.to_string()),
                approval: Some(id),
                collects: true,
                ..Yes::default()
            }),
            State::Undeliverable { .. } => self
                .nobody(case, fallback, rule_matches)
                .ok_or_else(|| ended(&seat))
                .map(|yes| Yes {
                    approval: Some(id),
                    ..yes
                }),
            _ => Err(ended(&seat)),
        }
    }

    /// What holds when nobody can be asked.
    fn nobody(&self, case: &Case<'_>, fallback: Fallback, rule_matches: bool) -> Option<Yes> {
        let facts = Facts {
            tier: case.judged.tier(),
            is_opaque: case.judged.is_opaque(),
            rule_matches,
        };
        let standing = self.rulebook.standing(&case.asker.named);
        let ruling = facts.case(standing).fallback(fallback);
        (ruling == Ruling::Allow).then(|| Yes {
            by: "fallback",
            ..Yes::default()
        })
    }

    /// Until it has ended; whoever stops waiting withdraws it.
    async fn wait(&self, ticket: Ticket, tell: &(impl Fn(ExecOutcome) + Send)) -> Arc<Seat> {
        let mut wait = self.room.wait(ticket);
        loop {
            let seat = wait.next().await;
            let Some(until) = seat.approval.until() else {
                return seat;
            };
            tell(ExecOutcome::Pending {
                approval_id: wait.id(),
                tier: seat.approval.level(),
                reason: seat.question.why.clone(),
                expires_at_ms: until.0,
                timeout_ms: until.since(now()),
                card: Box::new(seat.question.card.clone()),
            });
        }
    }
}

fn crowded(fault: AskFault) -> Denial {
    let code = match fault {
        AskFault::Crowded { .. } | AskFault::TooFast { .. } | AskFault::Full(_) => "flood",
        AskFault::Unwritten(_) | AskFault::Closed => "failed",
    };
    Denial::new(code, fault.to_string())
        .hint("`tollgate approvals list` shows what waits".to_owned())
}

/// Why a question did not become a yes.
fn ended(seat: &Seat) -> Denial {
    let (code, text) = match &seat.approval.state {
        State::Denied { by, reason, .. } => {
            let reason = reason.as_deref().map(|reason| format!(": {reason}"));
            (
                "operator",
                format!("denied by `{by}`{}", reason.unwrap_or_default()),
            )
        }
        State::TimedOut { .. } => ("timed_out", "nobody answered in time".to_owned()),
        State::Undeliverable { .. } => (
            "undeliverable",
            "no operator had the question before them".to_owned(),
        ),
        other => ("withdrawn", format!("the question is {}", other.as_str())),
    };
    let hint = matches!(seat.approval.state, State::Undeliverable { .. })
        .then(|| "have somebody at `tollgate approvals watch`, then ask again".to_owned());
    Denial {
        approval: Some(seat.approval.id),
        hint,
        ..Denial::new(code, text)
    }
}
