//! The requesters' socket: asks come in, and none of them can be an answer.

use std::sync::Arc;
use std::time::Duration;

use tokio::net::UnixStream;
use tokio::task::JoinSet;
use tollgate_api::{ExecAnswer, ExecAsk, ExecOutcome, ExecReport};

use crate::claim::Peer;
use crate::granted::Granted;
use crate::line::{Lines, Writer};
use crate::{Clearance, now};

/// Questions of one connection at once.
const MOST: usize = 32;
/// Longest id that a requester may give its question.
const LONGEST_ID: usize = 128;

pub(crate) async fn serve(
    clearance: Arc<Clearance>,
    token: Arc<str>,
    stream: UnixStream,
    peer: Peer,
) {
    let (from, to) = stream.into_split();
    let (mut lines, writer) = (Lines::new(from), Writer::new(to));
    // Dropped with the connection: who is gone does not want it any more.
    let mut asking = JoinSet::new();
    let (granted, mut orders) = (Granted::default(), JoinSet::new());
    while let Some(line) = lines.next().await {
        while asking.try_join_next().is_some() {}
        while orders.try_join_next().is_some() {}
        if let Ok(report) = serde_json::from_slice::<ExecReport>(line) {
            granted.hear(&clearance, &writer, &mut orders, report).await;
            continue;
        }
        let ask = match read(line, &token, asking.len()) {
            Ok(ask) => ask,
            Err(answer) => {
                writer.send(&*answer);
                continue;
            }
        };
        let (clearance, writer) = (Arc::clone(&clearance), writer.clone());
        let granted = granted.clone();
        asking.spawn(async move { one(&clearance, &writer, &granted, peer, ask).await });
    }
    granted.close(&clearance).await;
}

async fn one(clearance: &Clearance, writer: &Writer, granted: &Granted, peer: Peer, ask: ExecAsk) {
    let ExecAsk {
        id,
        request,
        expires_at_ms,
        ..
    } = ask;
    let answer = |outcome| ExecAnswer {
        id: id.clone(),
        outcome,
    };
    let tell = |outcome| {
        writer.send(&answer(outcome));
    };
    let cleared = clearance.clear(peer, request, tell);
    let outcome = match expires_at_ms {
        None => cleared.await,
        Some(until) => {
            let patience = Duration::from_millis(until.saturating_sub(now().0));
            let cleared = tokio::time::timeout(patience, cleared).await;
            cleared.unwrap_or_else(|_| denied("timed_out", "the requester's own time is over"))
        }
    };
    let answer = answer(outcome);
    granted.note(&answer);
    writer.send(&answer);
}

fn read(line: &[u8], token: &str, asking: usize) -> Result<ExecAsk, Box<ExecAnswer>> {
    let refused = |id: &str, code: &str, text: &str| {
        Box::new(ExecAnswer {
            id: id.chars().take(LONGEST_ID).collect(),
            outcome: denied(code, text),
        })
    };
    let ask: ExecAsk = serde_json::from_slice(line)
        .map_err(|error| refused("", "bad_request", &error.to_string()))?;
    if !same(ask.token.as_bytes(), token.as_bytes()) {
        let text = "the token is not the one in exec-approvals.json";
        return Err(refused(&ask.id, "unauthenticated", text));
    }
    if ask.id.is_empty() || ask.id.len() > LONGEST_ID {
        let text = "id: expected 1 to 128 bytes";
        return Err(refused(&ask.id, "bad_request", text));
    }
    if asking >= MOST {
        let text = "too many questions on one connection";
        return Err(refused(&ask.id, "flood", text));
    }
    Ok(ask)
}

/// In a time that says nothing of where they differ.
fn same(one: &[u8], two: &[u8]) -> bool {
    let differ = one.iter().zip(two).fold(0, |sum, (a, b)| sum | (a ^ b));
    one.len() == two.len() && differ == 0
}

fn denied(code: &str, reason: &str) -> ExecOutcome {
    ExecOutcome::Denied {
        reason: reason.to_owned(),
        code: code.to_owned(),
        tier: None,
        hint: None,
        approval_id: None,
        request_id: None,
    }
}
