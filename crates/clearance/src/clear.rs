use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::sync::Semaphore;
use tollgate_api::{ExecOutcome, ExecRequest};
use tollgate_approvals::{
    Advice, ApprovalId, Card, Fallback, Grant, GrantPublicKey, Nonce, Ruling, SafeTier,
    SignedGrant, State, Subject, visible,
};
use tollgate_desk::{AnswerFault, AskFault, Question, Room, Seat, Ticket};
use tollgate_policy::{Decision, Fact, Verdict};
use tollgate_secrets::GrantKey;
use tollgate_types::{Label, Principal, RequestId, Tier, Versions};

use crate::advice;
use crate::card;
use crate::claim::{self, Asker, Facts, Peer, Wish};
use crate::journal::Decided;
use crate::subject::{self, Judged};
use crate::{House, Journal, Rulebook, now};

/// How long a grant is good, in milliseconds: from the yes to the `execve(2)`.
const GRANT_LASTS: u64 = 30_000;
/// Who runs grants of this gateway.
const PLACE: &str = "exec";
/// Commands judged at once: each may read files.
const AT_ONCE: usize = 8;
/// Most steps of a command that policy is asked about, one by one.
const MOST_STEPS: usize = 64;

/// What the operator configured.
#[derive(Clone, Debug, Default)]
pub struct Terms {
    /// The model that judges LOW.
    pub judge: Option<String>,
    /// LOW is asked about where no model says.
    pub ask_low: bool,
    /// Commands run in a sandbox, or not at all.
    pub sandbox: bool,
    /// Folders and files of the guard itself.
    pub guarded: Vec<String>,
    /// `PATH` of the gateway: which program a name usually stands for.
    pub search: String,
}

/// The command plane.
pub struct Clearance {
    house: Arc<dyn House>,
    rulebook: Arc<Rulebook>,
    room: Room,
    journal: Arc<Journal>,
    key: GrantKey,
    terms: arc_swap::ArcSwap<Terms>,
    judging: Semaphore,
}

/// A no, in words for the agent.
#[derive(Debug)]
pub(crate) struct Denial {
    code: &'static str,
    text: String,
    hint: Option<String>,
    approval: Option<ApprovalId>,
    rule: Option<Label>,
}

impl Denial {
    pub(crate) fn new(code: &'static str, text: impl Into<String>) -> Self {
        Self {
            code,
            text: text.into(),
            hint: None,
            approval: None,
            rule: None,
        }
    }

    pub(crate) fn bad(text: String) -> Self {
        Self::new("bad_request", text)
    }

    pub(crate) fn hint(mut self, hint: String) -> Self {
        self.hint = Some(hint);
        self
    }
}

/// A yes, and who or what said it.
#[derive(Debug, Default)]
struct Yes {
    by: &'static str,
    detail: Option<String>,
    smart: Option<bool>,
    approval: Option<ApprovalId>,
    rules: Vec<(String, String)>,
    policy: Option<Label>,
}

/// One command on its way.
struct Case<'c> {
    asker: &'c Asker,
    request: &'c ExecRequest,
    judged: &'c Judged,
    subject: &'c Subject,
    versions: &'c Versions,
}

impl Clearance {
    /// The plane, put together.
    pub fn new(
        house: Arc<dyn House>,
        rulebook: Arc<Rulebook>,
        room: Room,
        journal: Arc<Journal>,
        key: GrantKey,
        terms: Terms,
    ) -> Self {
        Self {
            house,
            rulebook,
            room,
            journal,
            key,
            terms: arc_swap::ArcSwap::from_pointee(terms),
            judging: Semaphore::new(AT_ONCE),
        }
    }

    /// Where questions wait.
    pub fn room(&self) -> &Room {
        &self.room
    }

    /// Other terms, from the next command on.
    pub fn replace(&self, terms: Terms) {
        self.terms.store(Arc::new(terms));
    }

    /// The half of the key that checks grants.
    pub fn public_key(&self) -> GrantPublicKey {
        GrantPublicKey::from_bytes(self.key.public())
    }

    /// Writes down what became of a grant.
    pub(crate) async fn after(
        &self,
        principal: Principal,
        kind: &'static str,
        outcome: &'static str,
        facts: serde_json::Value,
    ) -> Result<(), String> {
        let versions = self.house.versions();
        self.journal
            .after(principal, versions, kind, outcome, facts)
            .await
    }

    pub(crate) fn house(&self) -> &dyn House {
        &*self.house
    }

    /// The whole path of a command, from the request to a signed grant or a no.
    /// `tell` hears each time that it waits or rises.
    pub(crate) async fn clear(
        &self,
        peer: Peer,
        request: ExecRequest,
        tell: impl Fn(ExecOutcome) + Send,
    ) -> ExecOutcome {
        let asker = match Asker::identify(self.house(), peer, &request) {
            Ok(asker) => asker,
            Err(denial) => return denied(denial, None, None),
        };
        let versions = self.house.versions();
        let (asker, request) = (Arc::new(asker), Arc::new(request));
        let judged = match self.judge(&asker, &request, &versions).await {
            Ok(judged) => judged,
            Err(denial) => return denied(denial, None, None),
        };
        let subject = Subject::Command(judged.command.clone());
        let case = Case {
            asker: &asker,
            request: &request,
            judged: &judged,
            subject: &subject,
            versions: &versions,
        };
        let said = match self.decide(&case, tell).await {
            Ok(yes) => self.grant(&case, yes).await,
            Err(denial) => Err(denial),
        };
        match said {
            Ok(allowed) => allowed,
            Err(denial) => self.refuse(&case, denial).await,
        }
    }

    /// Judging reads files, so it has threads of its own, and not too many.
    async fn judge(
        &self,
        asker: &Arc<Asker>,
        request: &Arc<ExecRequest>,
        versions: &Versions,
    ) -> Result<Judged, Denial> {
        let failed = |what: String| Denial::new("failed", what);
        let _place = self
            .judging
            .acquire()
            .await
            .map_err(|it| failed(it.to_string()))?;
        let (asker, request) = (Arc::clone(asker), Arc::clone(request));
        let (versions, terms) = (versions.clone(), self.terms.load_full());
        let judging = tokio::task::spawn_blocking(move || {
            subject::judged(&asker, &request, &terms, &versions)
        });
        let judged = judging.await;
        judged.unwrap_or_else(|_| Err(failed("the command could not be judged".to_owned())))
    }

    /// Where it would run has to be where the operator wants it. That it runs
    /// there is the executor's word, like everything that it will do.
    fn placed(&self, case: &Case<'_>) -> Result<(), Denial> {
        let place = &*case.judged.command.place;
        let host = place.split(':').next().unwrap_or_default();
        match (host, self.terms.load().sandbox) {
            ("sandbox", _) | ("gateway", false) => Ok(()),
            ("gateway", true) => {
                let text = "commands run in a sandbox here, this one would run beside the gateway";
                let hint = "`tollgate exec --sandbox` runs it in one".to_owned();
                Err(Denial::new("security", text).hint(hint))
            }
            (other, _) => Err(Denial::bad(format!(
                "place is `{}`, expected `gateway` or `sandbox:` and a back end",
                visible(other)
            ))),
        }
    }

    /// Policy, then the matrix, then whoever has to be asked.
    async fn decide(
        &self,
        case: &Case<'_>,
        tell: impl Fn(ExecOutcome) + Send,
    ) -> Result<Yes, Denial> {
        let wish = Wish::read(case.request)?;
        self.placed(case)?;
        let policy = self.policy(case).await;
        if policy.verdict() == Verdict::Deny {
            let text = format!("rule {}: {}", policy.rule(), policy.reason());
            let rule = Some(policy.rule().clone());
            return Err(Denial {
                rule,
                ..Denial::new("policy", text)
            });
        }
        let (ruling, rules) = self.ruling(case, &wish);
        let ruling = match policy.is_allowed() {
            true => ruling,
            false => ruling.max(Ruling::Ask),
        };
        let yes = match ruling {
            Ruling::Deny => return Err(self.out_of_the_question(case)),
            Ruling::Allow => self.allowed(case, rules),
            Ruling::Judge => self.low(case, &tell, &policy).await?,
            Ruling::Ask => self.ask(case, &tell, &policy, !rules.is_empty()).await?,
        };
        Ok(Yes {
            policy: Some(policy.rule().clone()),
            ..yes
        })
    }

    /// Each command of the text is put to the rules; the strictest word counts.
    async fn policy(&self, case: &Case<'_>) -> Decision {
        let text = card::summary(case.judged);
        let steps = &case.judged.verdict.steps;
        let whole: Vec<Vec<&str>> = match steps.len() {
            0 => vec![vec!["bash", "-c", &text]],
            _ => steps
                .iter()
                .take(MOST_STEPS)
                .map(|step| step.argv.iter().map(|word| word.text.as_str()).collect())
                .collect(),
        };
        let mut strictest: Option<Decision> = None;
        for argv in whole {
            let argv = Fact::List(argv.into_iter().map(Fact::text).collect());
            let args = Fact::map([
                ("argv", argv),
                ("command", Fact::text(&text)),
                ("cwd", Fact::text(&case.judged.command.folder.path)),
                ("host", Fact::text(&case.judged.command.place)),
                ("known", Fact::text(case.judged.verdict.sight.name())),
            ]);
            for named in case.asker.names() {
                let args = args.clone();
                let tier = case.judged.tier();
                let said = self
                    .house
                    .policy(&case.asker.agent, named, args, tier)
                    .await;
                let stricter = strictest
                    .as_ref()
                    .is_none_or(|so_far| said.verdict() > so_far.verdict());
                if stricter {
                    strictest = Some(said);
                }
            }
        }
        match strictest {
            Some(decision) if steps.len() <= MOST_STEPS => decision,
            _ => Decision::failed(&tollgate_policy::Failure::Busy),
        }
    }

    /// What the files of all names say together, and the rules that matched.
    fn ruling(&self, case: &Case<'_>, wish: &Wish) -> (Ruling, Vec<(String, String)>) {
        let (mut ruling, mut matched) = (Ruling::Allow, Vec::new());
        for name in case.asker.names() {
            let standing = self.rulebook.standing(name);
            let safe_is_free = standing.safe_tier == SafeTier::Allow;
            let Judged {
                verdict, survey, ..
            } = case.judged;
            let rules = self
                .rulebook
                .covers(name, verdict, &survey.evidence, safe_is_free);
            let facts = Facts {
                tier: case.judged.tier(),
                is_opaque: case.judged.is_opaque(),
                rule_matches: !rules.is_empty(),
            };
            ruling = ruling.max(wish.ruling(standing, facts));
            matched = rules;
        }
        (ruling, matched)
    }

    fn out_of_the_question(&self, case: &Case<'_>) -> Denial {
        let (tier, sight) = (case.judged.tier(), case.judged.verdict.sight.name());
        if let Some(fault) = self.rulebook.fault() {
            let text = format!("the rules for commands are not in force: {fault}");
            return Denial::new("security", text).hint(
                "mend the file; it is read again at once, nothing has to be restarted".to_owned(),
            );
        }
        let text = format!(
            "agent `{}` may not run this without being asked about ({tier}, {sight}): {}",
            case.asker.named, case.judged.verdict.reason
        );
        Denial::new("security", text)
            .hint("`security` and `ask` in exec-approvals.json decide".to_owned())
    }

    fn allowed(&self, case: &Case<'_>, rules: Vec<(String, String)>) -> Yes {
        let full = case.asker.names().into_iter().all(|name| {
            let standing = self.rulebook.standing(name);
            standing.security == tollgate_approvals::Security::Full
        });
        let patterns: Vec<&str> = rules.iter().map(|(_, pattern)| pattern.as_str()).collect();
        let (by, detail) = match (rules.is_empty(), full) {
            (false, _) => ("rule", Some(patterns.join(", "))),
            (true, true) => ("full", None),
            (true, false) => ("tier", None),
        };
        Yes {
            by,
            detail,
            rules,
            ..Yes::default()
        }
    }

    /// LOW: the judge model where there is one, else what holds without it.
    async fn low(
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
    async fn ask(
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
        let past = self.journal.past(&case.asker.named).await;
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
            State::AllowedOnce(yes) | State::AllowedAlways(yes) => {
                self.room
                    .collect(id)
                    .await
                    .map_err(|fault| lost(id, &fault))?;
                Ok(Yes {
                    by: "operator",
                    detail: Some(yes.by.to_string()),
                    approval: Some(id),
                    ..Yes::default()
                })
            }
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
    async fn wait(&self, mut ticket: Ticket, tell: &(impl Fn(ExecOutcome) + Send)) -> Arc<Seat> {
        let waits = Waits {
            room: &self.room,
            id: Some(ticket.id),
        };
        loop {
            let seat = Arc::clone(&ticket.stands.borrow_and_update());
            let Some(until) = seat.approval.until() else {
                waits.over();
                return seat;
            };
            tell(ExecOutcome::Pending {
                approval_id: ticket.id,
                tier: seat.approval.level(),
                reason: seat.question.why.clone(),
                expires_at_ms: until.0,
                timeout_ms: until.since(now()),
                card: Box::new(seat.question.card.clone()),
            });
            if ticket.stands.changed().await.is_err() {
                // The room is gone with the gateway; what is pending stays so
                // on the disk.
                tokio::time::sleep(Duration::MAX).await;
            }
        }
    }

    /// Writes the yes down, then signs it.
    async fn grant(&self, case: &Case<'_>, yes: Yes) -> Result<ExecOutcome, Denial> {
        let digest = case.subject.digest();
        let grant = case.request.nonce.map(|nonce| self.signed(digest, nonce));
        let decided = Decided {
            principal: case.asker.principal(),
            versions: case.versions.clone(),
            rule: yes.policy.clone(),
            allowed: true,
            facts: json!({
                "v": 1,
                "agent": case.asker.named,
                "command": card::summary(case.judged),
                "subject": digest,
                "tier": case.judged.tier(),
                "known": case.judged.verdict.sight.name(),
                "rules": case.judged.verdict.rules(),
                "by": yes.by,
                "detail": yes.detail,
                "rule_ids": yes.rules.iter().map(|(id, _)| id).collect::<Vec<_>>(),
                "smart_approved": yes.smart,
                "approval": yes.approval,
                "requester": case.judged.command.requester,
                "place": case.judged.command.place,
            }),
        };
        let written = self.journal.decided(decided).await;
        let request_id = written.map_err(|error| {
            let text = format!("the ledger can't record it, so nothing is run: {error}");
            Denial::new("failed", text)
        })?;
        self.rulebook.used(&case.asker.named, &yes.rules, now());
        Ok(ExecOutcome::Allowed {
            subject: Box::new(case.subject.clone()),
            grant: grant.map(Box::new),
            key: self.public_key(),
            tier: case.judged.tier(),
            by: yes.by.to_owned(),
            detail: yes.detail,
            smart_approved: yes.smart,
            approval_id: yes.approval,
            request_id: Some(request_id),
        })
    }

    fn signed(&self, subject: tollgate_approvals::Digest, nonce: Nonce) -> SignedGrant {
        let grant = Grant::new(subject, PLACE.into(), nonce, now().plus(GRANT_LASTS));
        let signature = self.key.sign(&grant.encode());
        grant.signed(signature)
    }

    /// A no is written down where that can be; it holds in any case.
    async fn refuse(&self, case: &Case<'_>, denial: Denial) -> ExecOutcome {
        let decided = Decided {
            principal: case.asker.principal(),
            versions: case.versions.clone(),
            rule: denial.rule.clone(),
            allowed: false,
            facts: json!({
                "v": 1,
                "agent": case.asker.named,
                "command": card::summary(case.judged),
                "subject": case.subject.digest(),
                "tier": case.judged.tier(),
                "known": case.judged.verdict.sight.name(),
                "rules": case.judged.verdict.rules(),
                "code": denial.code,
                "reason": denial.text,
                "approval": denial.approval,
                "requester": case.judged.command.requester,
            }),
        };
        let written = self.journal.decided(decided).await;
        let request_id = written.inspect_err(|error| {
            tracing::error!(%error, "a refused command is not in the ledger");
        });
        denied(denial, Some(case.judged.tier()), request_id.ok())
    }
}

/// Withdraws a question when whoever waits for it is dropped.
struct Waits<'r> {
    room: &'r Room,
    id: Option<ApprovalId>,
}

impl Waits<'_> {
    fn over(mut self) {
        self.id = None;
    }
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        let runtime = tokio::runtime::Handle::try_current();
        if let (Some(id), Ok(runtime)) = (self.id, runtime) {
            let room = self.room.clone();
            runtime.spawn(async move { room.withdraw(id).await });
        }
    }
}

fn denied(denial: Denial, tier: Option<Tier>, request_id: Option<RequestId>) -> ExecOutcome {
    ExecOutcome::Denied {
        reason: denial.text,
        code: denial.code.to_owned(),
        tier,
        hint: denial.hint,
        approval_id: denial.approval,
        request_id,
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

fn lost(id: ApprovalId, fault: &AnswerFault) -> Denial {
    Denial {
        approval: Some(id),
        ..Denial::new("failed", fault.to_string())
    }
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
        State::Undeliverable { .. } => ("undeliverable", "nobody could be asked".to_owned()),
        other => ("withdrawn", format!("the question is {}", other.as_str())),
    };
    Denial {
        approval: Some(seat.approval.id),
        ..Denial::new(code, text)
    }
}
