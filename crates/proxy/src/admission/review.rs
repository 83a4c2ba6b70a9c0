//! The part of permitting that a person does: a rule wants them to look at the
//! request, or something stands in it that should not leave.
//!
//! The caller waits before the first byte of an answer, so that a no is still a
//! status. Nothing is reserved or leased meanwhile. What was judged and shown is
//! what goes on, because the very bytes wait here with their caller.

use std::sync::Arc;
use std::time::Instant;

use tollgate_approvals::{Digest, ModelCall, State, Subject};
use tollgate_desk::{AskFault, Question, Seat, Wait};
use tollgate_llm::gist;
use tollgate_policy::Decision;
use tollgate_scan::Severity;
use tollgate_types::{Label, Tier};

use super::Planned;
use crate::account::Account;
use crate::gateway::Gateway;
use crate::lanes::Found;
use crate::peer::Peer;
use crate::people::People;
use crate::refusal::{Refusal, Unreleased};

mod card;

/// What keeps a request back until a person has looked at it.
pub(super) struct Held {
    /// The rule that wants it, and what that is about.
    pub(super) rule: Option<(Decision, String)>,
    /// What would go out although it should not.
    pub(super) found: Vec<Found>,
}

impl Held {
    pub(super) fn is_nothing(&self) -> bool {
        self.rule.is_none() && self.found.is_empty()
    }

    /// Asking a model is MEDIUM; sending it a secret is as bad as using one.
    fn tier(&self) -> Tier {
        let grave = |it: &Found| it.severity >= Severity::High;
        match self.found.iter().any(grave) {
            true => Tier::High,
            false => Tier::Medium,
        }
    }

    fn rule(&self) -> Option<&Label> {
        self.rule.as_ref().map(|(said, _)| said.rule())
    }

    /// In one sentence, for the caller and the ledger.
    fn what(&self, planned: &Planned) -> String {
        let agent = planned.identified.agent.name();
        let rule = self.rule.as_ref().map(|(said, model)| {
            let reason = match said.reason() {
                "" => String::new(),
                reason => format!(": {reason}"),
            };
            let rule = said.rule();
            format!("model \"{model}\" is held for review for agent \"{agent}\" by rule \"{rule}\"{reason}")
        });
        let found = self.found.first().map(|first| {
            let (kind, place) = (&first.kind, &first.place);
            format!("`{kind}` was found in {place}, which a person has to allow")
        });
        let both: Vec<String> = rule.into_iter().chain(found).collect();
        both.join("; ")
    }
}

impl Planned {
    /// Waits until a person has let the request go on; says who did.
    pub(super) async fn released(
        &self,
        gateway: &Gateway,
        peer: &Peer,
        held: &Held,
        account: &mut Account,
    ) -> Result<String, Refusal> {
        let what = held.what(self);
        let Some(people) = gateway.people() else {
            return Err(self.without_people(held));
        };
        let (subject, question) = self.question(peer, held, account).await?;
        let began = Instant::now();
        let room = people.room();
        let ticket = room.ask(subject.digest(), held.tier(), question).await;
        let ticket = ticket.map_err(|fault| unasked(&what, fault))?;
        if people.nobody_is_there(self.identified.agent.name()) {
            room.nobody_there(ticket.id).await;
        }
        let mut wait = room.wait(ticket);
        let seat = tokio::select! {
            seat = ended(&mut wait) => seat,
            // The question stays: the same request finds it after a restart.
            () = gateway.drained() => {
                wait.leave();
                return Err(Refusal::Draining);
            }
        };
        account.held(began.elapsed());
        self.collected(people, held, what, &seat).await
    }

    /// Takes the permission, which is written down before anything is sent.
    async fn collected(
        &self,
        people: &People,
        held: &Held,
        what: String,
        seat: &Seat,
    ) -> Result<String, Refusal> {
        let id = seat.approval.id;
        if let State::AllowedOnce(yes) | State::AllowedAlways(yes) = &seat.approval.state {
            let collected = people.room().collect(id, None).await;
            collected.map_err(|_| Refusal::Ledger)?;
            let why = match &held.rule {
                Some(_) => "held for review",
                None => "left to a person",
            };
            return Ok(format!("{why}: allowed once by \"{}\" ({id})", yes.by));
        }
        Err(Refusal::Unreleased(Unreleased {
            what,
            state: seat.approval.state.clone(),
            approval: id,
            rule: held.rule().cloned(),
        }))
    }

    /// A gateway that can ask nobody refuses, as it always did.
    fn without_people(&self, held: &Held) -> Refusal {
        match &held.rule {
            Some((said, model)) => {
                Refusal::denied(model.clone(), self.identified.agent.name(), said)
            }
            None => Refusal::Internal("dlp supervises, and nobody can be asked"),
        }
    }

    async fn question(
        &self,
        peer: &Peer,
        held: &Held,
        account: &Account,
    ) -> Result<(Subject, Question), Refusal> {
        let snapshot = Arc::clone(&self.identified.snapshot);
        let (endpoint, body, opaque) = (self.endpoint, self.body.clone(), self.is_opaque());
        // Both read the whole body, which may be large.
        let read = tokio::task::spawn_blocking(move || {
            let digest = Digest::of(&body);
            let gist = (!opaque).then(|| gist(endpoint, &body)).flatten();
            (digest, card::shown(&snapshot.scanning, gist))
        });
        // Only a panic ends it early; what was not read is not asked about.
        let unread = |_| Refusal::Internal("the request could not be read for a person");
        let (digest, gist) = read.await.map_err(unread)?;
        let agent = &self.identified.agent;
        let versions = &self.identified.snapshot.versions;
        let run = agent.principal().run.as_ref();
        let subject = Subject::ModelCall(ModelCall {
            agent: agent.name().clone(),
            run: run.map(|run| run.as_str().into()),
            endpoint: self.path().to_owned(),
            asked: self.asked().into_owned(),
            models: self.models(),
            body: digest,
            size: self.body.len() as u64,
            found: held.found.iter().map(Found::named).collect(),
            rule: held.rule().cloned(),
            policy_version: versions.policy.clone(),
            config_version: versions.config,
        });
        let question = Question {
            principal: agent.principal().clone(),
            agent: agent.name().clone(),
            request: Some(account.id()),
            summary: card::summary(self, held),
            why: held.what(self),
            card: card::card(self, peer, held, digest, gist),
            rules: Vec::new(),
            versions: versions.clone(),
            pid: 0,
        };
        Ok((subject, question))
    }

    /// `provider/model` of every candidate.
    fn models(&self) -> Vec<String> {
        let routes = &self.identified.snapshot.routes;
        let candidates = self.candidates.iter();
        candidates
            .map(|it| format!("{}/{}", routes.provider(it.provider), it.model))
            .collect()
    }
}

async fn ended(wait: &mut Wait) -> Arc<Seat> {
    loop {
        let seat = wait.next().await;
        if !seat.approval.state.is_pending() {
            return seat;
        }
    }
}

fn unasked(what: &str, fault: AskFault) -> Refusal {
    match fault {
        AskFault::Crowded { .. } | AskFault::TooFast { .. } | AskFault::Full(_) => {
            Refusal::Crowded(format!("{what}; nobody is asked: {fault}"))
        }
        AskFault::Unwritten(_) => Refusal::Ledger,
        AskFault::Closed => Refusal::Draining,
    }
}
