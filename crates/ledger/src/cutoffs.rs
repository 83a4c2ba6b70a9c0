//! Agents that are cut off: every cutoff and its lifting is a row, the last
//! one of an agent holds.

use serde::Serialize;
use sqlx::sqlite::{SqliteConnection, SqliteRow};
use tollgate_types::{AgentName, Label, UnixMillis};

use crate::ReadError;
use crate::columns::{Reading, Values};
use crate::encoding::Kind;

/// An agent to be cut off; by whom and when says the event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewCutoff {
    /// Who.
    pub agent: AgentName,
    /// `cutoff`, `freeze` or `kill`.
    pub mode: Label,
    /// By an exhausted budget, so that raising its limit lifts it.
    pub automatic: bool,
    /// The budget that was exhausted, or what the operator said.
    pub reason: String,
}

/// An agent that is cut off.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StoredCutoff {
    /// Who.
    pub agent: AgentName,
    /// `cutoff`, `freeze` or `kill`.
    pub mode: Label,
    /// By an exhausted budget, so that raising its limit lifts it.
    pub automatic: bool,
    /// The operator, or `tollgate` itself.
    pub by: String,
    /// The budget that was exhausted, or what the operator said.
    pub reason: String,
    /// Since when.
    pub at: UnixMillis,
}

pub(crate) const COLUMNS: [&str; 7] = ["seq", "agent", "mode", "automatic", "by", "reason", "at"];

pub(crate) async fn write(
    connection: &mut SqliteConnection,
    seq: i64,
    at: UnixMillis,
    by: &str,
    cutoff: &NewCutoff,
) -> Result<[u8; 32], sqlx::Error> {
    let mut values = Values::of(Kind::Cutoff);
    values.add(seq);
    values.add(cutoff.agent.as_str());
    values.add_label(Some(&cutoff.mode).filter(|mode| !mode.is_empty()));
    values.add(cutoff.automatic);
    values.add(by);
    values.add(cutoff.reason.as_str());
    values.add_count(at.0);
    let digest = values.row().digest();
    sqlx::query_with(
        "INSERT INTO cutoff (seq, agent, mode, automatic, by, reason, at) \
         VALUES (?, ?, ?, ?, ?, ?, ?)",
        values.finish()?,
    )
    .execute(connection)
    .await?;
    Ok(digest)
}

/// A row without a mode: the agent may go on. None where it is not cut off.
pub(crate) async fn lift(
    connection: &mut SqliteConnection,
    seq: i64,
    at: UnixMillis,
    by: &str,
    agent: &AgentName,
) -> Result<Option<[u8; 32]>, sqlx::Error> {
    let sql = "SELECT mode IS NOT NULL FROM cutoff WHERE agent = ? ORDER BY seq DESC LIMIT 1";
    let holds: Option<bool> = sqlx::query_scalar(sql)
        .bind(agent.as_str())
        .fetch_optional(&mut *connection)
        .await?;
    if holds != Some(true) {
        return Ok(None);
    }
    let lifted = NewCutoff {
        agent: agent.clone(),
        mode: "".into(),
        automatic: false,
        reason: String::new(),
    };
    write(connection, seq, at, by, &lifted).await.map(Some)
}

pub(crate) const SELECT: &str = "SELECT seq, agent, mode, automatic, by, reason, at \
     FROM cutoff AS this WHERE mode IS NOT NULL \
     AND seq = (SELECT max(seq) FROM cutoff WHERE agent = this.agent) ORDER BY agent";

pub(crate) fn read(row: &SqliteRow) -> Result<StoredCutoff, ReadError> {
    let row = Reading::new(row);
    let agent = AgentName::new(row.get("agent")?).map_err(|error| ReadError::Row {
        seq: row.seq,
        found: error.to_string(),
    })?;
    Ok(StoredCutoff {
        agent,
        mode: row.label("mode")?.unwrap_or_default(),
        automatic: row.get("automatic")?,
        by: row.get("by")?,
        reason: row.get("reason")?,
        at: UnixMillis(row.count("at")?),
    })
}
