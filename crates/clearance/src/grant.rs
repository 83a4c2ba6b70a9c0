//! The end of a command's way: a signed grant, or a no. Either is written down.

use serde_json::json;
use tollgate_api::ExecOutcome;
use tollgate_approvals::{Digest, Grant, Nonce, SignedGrant};

use crate::card;
use crate::case::{Case, Denial, Yes, denied};
use crate::clear::Clearance;
use crate::journal::Decided;
use crate::now;
use tollgate_types::RequestId;

/// How long a grant is good, in milliseconds: from the yes to the `execve(2)`.
const GRANT_LASTS: u64 = 30_000;
/// Who runs grants of this gateway.
const PLACE: &str = "exec";

impl Clearance {
    /// Writes the yes down, then signs it.
    pub(crate) async fn grant(&self, case: &Case<'_>, yes: Yes) -> Result<ExecOutcome, Denial> {
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
        let request_id = self.written(&yes, decided).await?;
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

    /// A person's yes is used up together with what it is used for.
    async fn written(&self, yes: &Yes, decided: Decided) -> Result<RequestId, Denial> {
        let Some(id) = yes.approval.filter(|_| yes.collects) else {
            let written = self.journal.decided(decided).await;
            return written.map_err(|error| {
                let text = format!("the ledger can't record it, so nothing is run: {error}");
                Denial::new("failed", text)
            });
        };
        let event = self.journal.event_of(decided);
        let request_id = event.id;
        let collected = self.room.collect(id, Some(event.clone())).await;
        collected.map_err(|fault| Denial {
            approval: Some(id),
            ..Denial::new("failed", fault.to_string())
        })?;
        self.journal.decided_by(&event);
        Ok(request_id)
    }

    fn signed(&self, subject: Digest, nonce: Nonce) -> SignedGrant {
        let grant = Grant::new(subject, PLACE.into(), nonce, now().plus(GRANT_LASTS));
        let signature = self.key.sign(&grant.encode());
        grant.signed(signature)
    }

    /// A no is written down where that can be; it holds in any case.
    pub(crate) async fn refuse(&self, case: &Case<'_>, denial: Denial) -> ExecOutcome {
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
