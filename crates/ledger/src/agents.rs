use std::fmt;

use sqlx::sqlite::{SqliteConnection, SqliteRow};
use tollgate_types::{AgentName, UnixMillis};

use crate::ReadError;
use crate::columns::{Reading, Values};

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

/// A change that is written in the same transaction as its event.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    Add(NewAgent),
    Remove(AgentName),
}

/// True where the change was made, false where it can't be: the name is taken,
/// or no one has it.
pub(crate) async fn apply(
    connection: &mut SqliteConnection,
    seq: i64,
    at: UnixMillis,
    change: &Change,
) -> Result<bool, sqlx::Error> {
    match change {
        Change::Add(agent) => add(connection, seq, at, agent).await,
        Change::Remove(name) => remove(connection, at, name).await,
    }
}

async fn add(
    connection: &mut SqliteConnection,
    seq: i64,
    at: UnixMillis,
    agent: &NewAgent,
) -> Result<bool, sqlx::Error> {
    let mut values = Values::default();
    values.add(seq);
    values.add(agent.name.as_str());
    values.add(agent.digest.to_vec());
    values.add(agent.hint.as_str());
    values.add(json(&agent.allowed_models));
    values.add(json(&agent.blocked_models));
    values.add_count(at.0);
    let done = sqlx::query_with(
        "INSERT INTO agent (seq, name, digest, hint, allowed, blocked, created) \
         VALUES (?, ?, ?, ?, ?, ?, ?) \
         ON CONFLICT (name) WHERE removed IS NULL DO NOTHING",
        values.finish()?,
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

async fn remove(
    connection: &mut SqliteConnection,
    at: UnixMillis,
    name: &AgentName,
) -> Result<bool, sqlx::Error> {
    let mut values = Values::default();
    values.add_count(at.0);
    values.add(name.as_str());
    let done = sqlx::query_with(
        "UPDATE agent SET removed = ? WHERE name = ? AND removed IS NULL",
        values.finish()?,
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
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
