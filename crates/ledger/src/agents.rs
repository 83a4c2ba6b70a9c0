use std::fmt;

use sqlx::sqlite::{SqliteConnection, SqliteRow};
use tollgate_types::{AgentName, UnixMillis};

use crate::ReadError;
use crate::columns::{Reading, Values};
use crate::encoding::{Encoding, Kind};

/// An agent to be added; it begins at the time of the event that adds it.
#[derive(Clone, PartialEq, Eq)]
pub struct NewAgent {
    /// Its name; no living agent of the ledger may have it.
    pub name: AgentName,
    /// SHA-256 of its key; the key itself is never stored.
    pub digest: [u8; 32],
    /// What listings show of the key, such as `tg-1a2b3c4d-…`.
    pub hint: String,
    /// Patterns of models that it may use.
    pub allowed_models: Vec<String>,
    /// Patterns of models that it may not use.
    pub blocked_models: Vec<String>,
}

/// An agent that lives in the ledger.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredAgent {
    /// Its name.
    pub name: AgentName,
    /// SHA-256 of its key.
    pub digest: [u8; 32],
    /// What listings show of the key.
    pub hint: String,
    /// Patterns of models that it may use.
    pub allowed_models: Vec<String>,
    /// Patterns of models that it may not use.
    pub blocked_models: Vec<String>,
    /// When it was added.
    pub created: UnixMillis,
}

// A digest is no secret of its own, but what is not needed is not printed.
macro_rules! debug_without_digest {
    ($($Name:ident),*) => { $(
        impl fmt::Debug for $Name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.debug_struct(stringify!($Name))
                    .field("name", &self.name)
                    .field("hint", &self.hint)
                    .field("allowed_models", &self.allowed_models)
                    .field("blocked_models", &self.blocked_models)
                    .finish_non_exhaustive()
            }
        }
    )* };
}
debug_without_digest!(NewAgent, StoredAgent);

/// What an added agent's row says; what it says of its removal is digested
/// with the event that removes it.
pub(crate) const COLUMNS: [&str; 7] = [
    "seq", "name", "digest", "hint", "allowed", "blocked", "created",
];

/// None where there is a living one of that name.
pub(crate) async fn add(
    connection: &mut SqliteConnection,
    seq: i64,
    at: UnixMillis,
    agent: &NewAgent,
) -> Result<Option<[u8; 32]>, sqlx::Error> {
    let mut values = Values::of(Kind::AgentAdded);
    values.add(seq);
    values.add(agent.name.as_str());
    values.add(agent.digest.to_vec());
    values.add(agent.hint.as_str());
    values.add(json(&agent.allowed_models));
    values.add(json(&agent.blocked_models));
    values.add_count(at.0);
    let digest = values.row().digest();
    let done = sqlx::query_with(
        "INSERT INTO agent (seq, name, digest, hint, allowed, blocked, created) \
         VALUES (?, ?, ?, ?, ?, ?, ?) \
         ON CONFLICT (name) WHERE removed IS NULL DO NOTHING",
        values.finish()?,
    )
    .execute(connection)
    .await?;
    Ok(Some(digest).filter(|_| done.rows_affected() == 1))
}

/// None where there is no living one of that name.
pub(crate) async fn remove(
    connection: &mut SqliteConnection,
    seq: i64,
    at: UnixMillis,
    name: &AgentName,
) -> Result<Option<[u8; 32]>, sqlx::Error> {
    let sql = "UPDATE agent SET removed = ?, removed_seq = ? \
               WHERE name = ? AND removed IS NULL RETURNING seq";
    let added: Option<i64> = sqlx::query_scalar(sql)
        .bind(i64::try_from(at.0).unwrap_or(i64::MAX))
        .bind(seq)
        .bind(name.as_str())
        .fetch_optional(connection)
        .await?;
    let at = i64::try_from(at.0).unwrap_or(i64::MAX);
    Ok(added.map(|added| removal(added, name.as_str(), at)))
}

/// The digest of what a removed agent's row says of its removal.
pub(crate) fn removal(added: i64, name: &str, at: i64) -> [u8; 32] {
    let mut row = Encoding::of(Kind::AgentRemoved);
    row.add(&added);
    row.add(&name);
    row.add(&at);
    row.digest()
}

fn json(patterns: &[String]) -> String {
    serde_json::Value::from(patterns).to_string()
}

pub(crate) const SELECT: &str = "SELECT seq, name, digest, hint, allowed, blocked, created \
     FROM agent WHERE removed IS NULL ORDER BY name";

pub(crate) fn read(row: &SqliteRow) -> Result<StoredAgent, ReadError> {
    let row = Reading::new(row);
    let wrong = |found: String| ReadError::Row {
        seq: row.seq,
        found,
    };
    Ok(StoredAgent {
        name: AgentName::new(row.get("name")?).map_err(|error| wrong(error.to_string()))?,
        digest: <[u8; 32]>::try_from(row.get::<&[u8]>("digest")?)
            .map_err(|_| wrong("column `digest`: not 32 bytes".into()))?,
        hint: row.get("hint")?,
        allowed_models: row.json("allowed", row.get("allowed")?)?,
        blocked_models: row.json("blocked", row.get("blocked")?)?,
        created: UnixMillis(row.count("created")?),
    })
}
