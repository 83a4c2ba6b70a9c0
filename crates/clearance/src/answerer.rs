//! Who answers: operators, over their own socket or the control API.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::UnixStream;
use tokio::sync::broadcast::error::RecvError;
use tollgate_approvals::{Answer, ApprovalId, Choice};
use tollgate_desk::{AnswerFault, Seat};
use tollgate_types::{OperatorName, Tier};

use crate::Clearance;
use crate::claim::Peer;
use crate::line::{Lines, Writer};

/// Longest reason, in characters.
const LONGEST_REASON: usize = 500;
/// Most steps up from a process to the one that asked.
const MOST_PARENTS: usize = 64;

/// An operator, by credential.
#[derive(Clone, Debug)]
pub struct Operator {
    /// Who.
    pub name: OperatorName,
    /// The highest tier that they may allow.
    pub may_answer: Tier,
    /// The process that speaks, where the kernel said so.
    pub pid: Option<i32>,
}

/// Gives an operator's answer. `confirmed` is the id that they typed.
///
/// # Errors
/// [`AnswerFault`]: nothing has changed by it.
pub async fn answer(
    clearance: &Clearance,
    operator: &Operator,
    id: ApprovalId,
    decision: Choice,
    confirmed: Option<&str>,
    reason: Option<String>,
) -> Result<Arc<Seat>, AnswerFault> {
    let room = clearance.room();
    let seat = room.get(id).ok_or(AnswerFault::Unknown(id))?;
    let from_asker = operator
        .pid
        .is_some_and(|pid| is_below(pid, seat.question.pid));
    let said = Answer {
        by: operator.name.clone(),
        may_answer: operator.may_answer,
        decision,
        confirmed: confirmed == Some(id.to_string().as_str()),
        from_asker,
        reason: reason.map(|text| text.chars().take(LONGEST_REASON).collect()),
    };
    room.answer(id, said).await
}

/// Whether a process is another one, or was started by it.
fn is_below(pid: i32, asker: i32) -> bool {
    let parent = |pid: &i32| {
        let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The name in brackets may hold anything.
        let after = &text[text.rfind(')')? + 1..];
        let parent: i32 = after.split_ascii_whitespace().nth(1)?.parse().ok()?;
        (parent > 1).then_some(parent)
    };
    asker > 1
        && std::iter::successors(Some(pid), parent)
            .take(MOST_PARENTS)
            .any(|pid| pid == asker)
}

/// What an approver says.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Said {
    /// An operator's token; in the first line at least.
    #[serde(default)]
    token: Option<String>,
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    decision: Option<String>,
    /// The id once more, for HIGH and above.
    #[serde(default)]
    confirm: Option<String>,
    #[serde(default)]
    reason: Option<String>,
}

/// One approver's connection: every open question and every change comes
/// without being asked for, decisions go the other way.
pub(crate) async fn serve(clearance: Arc<Clearance>, stream: UnixStream, peer: Peer) {
    let (from, to) = stream.into_split();
    let (mut lines, writer) = (Lines::new(from), Writer::new(to));
    let Some(operator) = greet(&clearance, &mut lines, &writer, peer).await else {
        return;
    };
    let mut changes = clearance.room().changes();
    show_all(&clearance, &writer).await;
    loop {
        tokio::select! {
            line = lines.next() => match line {
                Some(line) => {
                    let told = decide(&clearance, &operator, line).await;
                    writer.send(&told);
                }
                None => return,
            },
            change = changes.recv() => match change {
                Ok(seat) => show(&clearance, &writer, &seat).await,
                Err(RecvError::Lagged(_)) => show_all(&clearance, &writer).await,
                Err(RecvError::Closed) => return,
            },
        }
    }
}

async fn greet(
    clearance: &Clearance,
    lines: &mut Lines,
    writer: &Writer,
    peer: Peer,
) -> Option<Operator> {
    let said: Option<Said> = serde_json::from_slice(lines.next().await?).ok();
    let token = said.and_then(|said| said.token);
    let known = token.and_then(|token| clearance.house().operator(&token));
    let Some((name, may_answer)) = known else {
        writer.send(&json!({"type": "error", "error": "no operator has this token"}));
        return None;
    };
    writer.send(&json!({"type": "hello", "operator": name, "mayAnswer": may_answer}));
    Some(Operator {
        name,
        may_answer,
        pid: Some(peer.pid),
    })
}

async fn decide(clearance: &Clearance, operator: &Operator, line: &[u8]) -> Value {
    let error = |text: String| json!({"type": "error", "error": text});
    let said: Said = match serde_json::from_slice(line) {
        Ok(said) => said,
        Err(fault) => return error(fault.to_string()),
    };
    let id = said.id.unwrap_or_default().parse::<ApprovalId>();
    let id = match id {
        Ok(id) => id,
        Err(fault) => return error(fault.to_string()),
    };
    let decision = match said.decision.unwrap_or_default().parse::<Choice>() {
        Ok(decision) => decision,
        Err(fault) => return error(fault.to_string()),
    };
    let confirmed = said.confirm.as_deref();
    match answer(clearance, operator, id, decision, confirmed, said.reason).await {
        Ok(seat) => json!({
            "type": "answered",
            "id": id,
            "status": seat.approval.state.as_str(),
            "by": seat.approval.state.by(),
        }),
        Err(fault) => json!({"type": "error", "id": id, "error": fault.to_string()}),
    }
}

async fn show_all(clearance: &Clearance, writer: &Writer) {
    for seat in clearance.room().list() {
        if seat.approval.state.is_pending() {
            show(clearance, writer, &seat).await;
        }
    }
}

/// The line of a question or of its end.
async fn show(clearance: &Clearance, writer: &Writer, seat: &Seat) {
    let approval = &seat.approval;
    if !approval.state.is_pending() {
        writer.send(&json!({
            "type": "ended",
            "id": approval.id,
            "status": approval.state.as_str(),
            "by": approval.state.by(),
        }));
        return;
    }
    let card = &seat.question.card;
    let sent = writer.send(&json!({
        "type": "request",
        "id": approval.id,
        "request": {
            "command": seat.question.summary,
            "cwd": card.folder,
            "host": card.place,
            "agentId": seat.question.agent,
        },
        "tier": approval.level(),
        "mayAlways": approval.offers_always(),
        "createdAtMs": approval.asked_at,
        "expiresAtMs": seat.expires_at(),
        "card": card,
    }));
    if sent && !approval.delivered {
        clearance.room().delivered(vec![approval.id]).await;
    }
}
