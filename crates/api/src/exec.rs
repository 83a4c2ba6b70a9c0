use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tollgate_approvals::{
    ApprovalId, Card, GrantPublicKey, Nonce, SignedGrant, Subject, SubjectFile,
};
use tollgate_types::{RequestId, Tier};

/// What a requester sends over `exec-approvals.sock`, one JSON object a line.
///
/// Everything in it is a claim. Who asks is known from the kernel (the peer of
/// the socket) and from `key`; the folder and the files are looked at again
/// where the gateway can read them, and a difference refuses. `security`, `ask`
/// and `agent_id` can make the answer stricter and never milder.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExecAsk {
    /// `socket.token` of `exec-approvals.json`.
    pub token: String,
    /// What the requester calls its question; answers carry it. No id of an
    /// approval.
    pub id: String,
    /// What it wants.
    pub request: ExecRequest,
    /// When it was made, by its clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_at_ms: Option<u64>,
    /// When the requester stops waiting, by its clock; can only shorten.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at_ms: Option<u64>,
}

/// The command, and what the requester says of itself.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ExecRequest {
    /// Program and arguments that no shell will read. This or `command`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub argv: Option<Vec<String>>,
    /// Text for a shell. This or `argv`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    /// Working folder, absolute; a link is followed before it is judged.
    pub cwd: String,
    /// `gateway` or `sandbox`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// `deny`, `allowlist` or `full`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub security: Option<String>,
    /// `off`, `on-miss` or `always`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ask: Option<String>,
    /// The agent that it says it is; `main` where neither this nor `key` says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent_id: Option<String>,
    /// A Tollgate key of the agent: makes `agent_id` true.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Changes of the environment: set, or removed with `null`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub env: BTreeMap<String, Option<String>>,
    /// Files as the executor found them: binaries, scripts, links.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<SubjectFile>,
    /// Where the executor would run it: `gateway`, or `sandbox:` and the back
    /// end's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// What its confinement lacks, in words for the card.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub lacks: Vec<String>,
    /// Made for this question by the executor. Without one the answer carries
    /// no grant, only the decision.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nonce: Option<Nonce>,
    /// Why it is wanted, in the agent's words: a claim for the card.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// What the gateway sends back, one JSON object a line: any number of
/// `pending`, then one of the others.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "Line", into = "Line")]
pub struct ExecAnswer {
    /// The requester's id.
    pub id: String,
    /// What it is; `status` says which.
    pub outcome: ExecOutcome,
}

/// Allowed, denied, or waiting for a person.
#[derive(Clone, Debug)]
pub enum ExecOutcome {
    /// It waits for a person; comes again when it rises.
    Pending {
        /// The server's id, for `tollgate approvals`.
        approval_id: ApprovalId,
        /// The tier at which it stands now.
        tier: Tier,
        /// Why it is asked about.
        reason: String,
        /// When it rises, or ends.
        expires_at_ms: u64,
        /// How long that is from now: the two clocks may differ.
        timeout_ms: u64,
        /// What the person sees.
        card: Box<Card>,
    },
    /// Run exactly this.
    Allowed {
        /// What was judged and approved.
        subject: Box<Subject>,
        /// Absent where the question had no nonce.
        grant: Option<Box<SignedGrant>>,
        /// What checks the grant. It is also in `grant.pub` beside the sockets,
        /// and the executor takes it from there.
        key: GrantPublicKey,
        /// The tier as judged.
        tier: Tier,
        /// `rule`, `tier`, `judge`, `operator`, `full` or `fallback`.
        by: String,
        /// The operator's name, the pattern, the model.
        detail: Option<String>,
        /// Set for LOW: whether a judge model said so.
        smart_approved: Option<bool>,
        /// The approval, where a person was asked.
        approval_id: Option<ApprovalId>,
        /// The entry in the ledger, for `tollgate why`.
        request_id: Option<RequestId>,
    },
    /// Don't run it.
    Denied {
        /// One sentence for the agent.
        reason: String,
        /// `policy`, `security`, `operator`, `timed_out`, `undeliverable`,
        /// `withdrawn`, `flood`, `changed`, `bad_request`, `unauthenticated`,
        /// `cut_off` or `failed`.
        code: String,
        /// The tier, where it was judged.
        tier: Option<Tier>,
        /// What to do about it.
        hint: Option<String>,
        /// The approval, where a person was asked.
        approval_id: Option<ApprovalId>,
        /// The entry in the ledger, for `tollgate why`.
        request_id: Option<RequestId>,
    },
}

/// The line itself: flat, and read field by field, because numbers don't pass
/// through an enum that is told apart by a field inside it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Line {
    id: String,
    status: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    approval_id: Option<ApprovalId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tier: Option<Tier>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timeout_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    card: Option<Box<Card>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<Box<Subject>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    grant: Option<Box<SignedGrant>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<GrantPublicKey>,
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    #[serde(rename = "smart_approved", skip_serializing_if = "Option::is_none")]
    smart_approved: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<RequestId>,
}

impl From<ExecAnswer> for Line {
    fn from(answer: ExecAnswer) -> Self {
        let line = Self {
            id: answer.id,
            ..Self::default()
        };
        match answer.outcome {
            ExecOutcome::Pending {
                approval_id,
                tier,
                reason,
                expires_at_ms,
                timeout_ms,
                card,
            } => Self {
                status: "pending".to_owned(),
                approval_id: Some(approval_id),
                tier: Some(tier),
                reason: Some(reason),
                expires_at_ms: Some(expires_at_ms),
                timeout_ms: Some(timeout_ms),
                card: Some(card),
                ..line
            },
            ExecOutcome::Allowed {
                subject,
                grant,
                key,
                tier,
                by,
                detail,
                smart_approved,
                approval_id,
                request_id,
            } => Self {
                status: "allowed".to_owned(),
                subject: Some(subject),
                grant,
                key: Some(key),
                tier: Some(tier),
                by: Some(by),
                detail,
                smart_approved,
                approval_id,
                request_id,
                ..line
            },
            ExecOutcome::Denied {
                reason,
                code,
                tier,
                hint,
                approval_id,
                request_id,
            } => Self {
                status: "denied".to_owned(),
                reason: Some(reason),
                code: Some(code),
                tier,
                hint,
                approval_id,
                request_id,
                ..line
            },
        }
    }
}

impl TryFrom<Line> for ExecAnswer {
    type Error = String;

    fn try_from(line: Line) -> Result<Self, String> {
        let status = line.status.clone();
        let missing = |name| format!("`{status}` without `{name}`");
        let outcome = match line.status.as_str() {
            "pending" => ExecOutcome::Pending {
                approval_id: line.approval_id.ok_or_else(|| missing("approvalId"))?,
                tier: line.tier.ok_or_else(|| missing("tier"))?,
                reason: line.reason.unwrap_or_default(),
                expires_at_ms: line.expires_at_ms.ok_or_else(|| missing("expiresAtMs"))?,
                timeout_ms: line.timeout_ms.ok_or_else(|| missing("timeoutMs"))?,
                card: line.card.ok_or_else(|| missing("card"))?,
            },
            "allowed" => ExecOutcome::Allowed {
                subject: line.subject.ok_or_else(|| missing("subject"))?,
                grant: line.grant,
                key: line.key.ok_or_else(|| missing("key"))?,
                tier: line.tier.ok_or_else(|| missing("tier"))?,
                by: line.by.unwrap_or_default(),
                detail: line.detail,
                smart_approved: line.smart_approved,
                approval_id: line.approval_id,
                request_id: line.request_id,
            },
            "denied" => ExecOutcome::Denied {
                reason: line.reason.unwrap_or_default(),
                code: line.code.ok_or_else(|| missing("code"))?,
                tier: line.tier,
                hint: line.hint,
                approval_id: line.approval_id,
                request_id: line.request_id,
            },
            _ => {
                return Err(format!(
                    "status is `{status}`, expected `pending`, `allowed` or `denied`"
                ));
            }
        };
        Ok(Self {
            id: line.id,
            outcome,
        })
    }
}

/// What an executor says on the same connection once it has a grant, one JSON
/// object a line. From then on the gateway sends [`crate::RunOrder`]s there.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExecReport {
    /// The requester's id of the question.
    pub id: String,
    /// How it stands.
    pub state: ExecState,
    /// Why it does not run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// How it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<crate::RunEnd>,
}

/// What became of a grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExecState {
    /// It runs.
    Started,
    /// It does not: what was open was not what was approved, or could not be
    /// started. `reason` says why.
    NotRun,
    /// It has ended. `end` says how.
    Ended,
}
