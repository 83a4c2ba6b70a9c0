use std::collections::BTreeMap;

use serde::Serialize;
use sqlx::sqlite::SqliteRow;
use sqlx::{AssertSqlSafe, Row, SqliteConnection};
use tollgate_types::{TokenUsage, UnixMillis};

/// What usage is summed by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UsageBy {
    /// The agent that asked.
    Agent,
    /// The provider that served, or was tried last.
    Provider,
    /// The concrete model that served, or was tried last.
    Model,
    /// The sandbox that the agent ran in; not kept yet.
    Bottle,
}

impl UsageBy {
    /// The word in queries and on the command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::Provider => "provider",
            Self::Model => "model",
            Self::Bottle => "bottle",
        }
    }

    /// The key of that word.
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Agent, Self::Provider, Self::Model, Self::Bottle]
            .into_iter()
            .find(|by| by.as_str() == word)
    }

    /// The column of a request, and where an attempt says the same.
    const fn columns(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::Agent => Some(("principal", "principal")),
            Self::Provider => Some(("provider", "attempt.value ->> 'provider'")),
            Self::Model => Some(("model_served", "attempt.value ->> 'model'")),
            Self::Bottle => None,
        }
    }
}

/// The sum of one agent, provider or model.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct UsageRow {
    /// The agent, provider or model; `(none)` where there was none.
    pub key: String,
    /// Requests, however they ended.
    pub requests: u64,
    /// Those that failed at the providers.
    pub failed: u64,
    /// Those that were refused before anything was sent.
    pub refused: u64,
    /// Attempts that failed, in requests that ended well as in others; each
    /// counts for the provider and model that it was made at.
    pub failed_attempts: u64,
    /// Tokens, reported and estimated.
    pub usage: TokenUsage,
    /// Requests whose tokens are an estimate.
    pub estimated_requests: u64,
}

/// What stands for a key that is missing.
const NONE: &str = "(none)";

/// Sums of all requests accepted at `since` or later, the largest first; none
/// where the key is not kept. Both queries must see the same snapshot, so the
/// caller gives a connection inside a transaction.
pub(crate) async fn query(
    connection: &mut SqliteConnection,
    by: UsageBy,
    since: Option<UnixMillis>,
) -> Result<Option<Vec<UsageRow>>, sqlx::Error> {
    let Some((column, of_attempt)) = by.columns() else {
        return Ok(None);
    };
    let mut rows = sums(connection, column, since).await?;
    for (key, failed) in failed_attempts(connection, of_attempt, since).await? {
        let row = rows.entry(key).or_default();
        row.failed_attempts = failed;
    }
    let mut rows: Vec<_> = rows
        .into_iter()
        .map(|(key, row)| UsageRow { key, ..row })
        .collect();
    rows.sort_by(|a, b| {
        b.usage
            .total()
            .cmp(&a.usage.total())
            .then_with(|| a.key.cmp(&b.key))
    });
    Ok(Some(rows))
}

async fn sums(
    connection: &mut SqliteConnection,
    column: &str,
    since: Option<UnixMillis>,
) -> Result<BTreeMap<String, UsageRow>, sqlx::Error> {
    // Only constants of this file go into the text. The inner sum goes over
    // all rows and sorts by a number; few shapes are left for the texts.
    let sql = format!(
        "SELECT coalesce({column}, '{NONE}') AS key, sum(requests) AS requests,
                sum(requests * (outcome = 'failed')) AS failed,
                sum(requests * (outcome = 'refused')) AS refused,
                sum(input) AS input, sum(cache_read) AS cache_read,
                sum(cache_write) AS cache_write, sum(output) AS output,
                sum(requests * (usage_source = 'estimated')) AS estimated
         FROM (SELECT shape, count(*) AS requests, sum(input) AS input,
                      sum(cache_read) AS cache_read, sum(cache_write) AS cache_write,
                      sum(output) AS output
               FROM request {} GROUP BY shape)
         JOIN shape USING (shape) GROUP BY 1",
        from(since)
    );
    let mut query = sqlx::query(AssertSqlSafe(sql));
    if let Some(since) = since {
        query = query.bind(i64::try_from(since.0).unwrap_or(i64::MAX));
    }
    let rows = query.fetch_all(connection).await?;
    rows.iter().map(sum).collect()
}

fn sum(row: &SqliteRow) -> Result<(String, UsageRow), sqlx::Error> {
    let count = |name: &str| Ok::<_, sqlx::Error>(row.try_get::<i64, _>(name)?.unsigned_abs());
    let sums = UsageRow {
        key: String::new(),
        requests: count("requests")?,
        failed: count("failed")?,
        refused: count("refused")?,
        failed_attempts: 0,
        usage: TokenUsage {
            input: count("input")?,
            cache_read: count("cache_read")?,
            cache_write: count("cache_write")?,
            output: count("output")?,
        },
        estimated_requests: count("estimated")?,
    };
    Ok((row.try_get("key")?, sums))
}

async fn failed_attempts(
    connection: &mut SqliteConnection,
    key: &str,
    since: Option<UnixMillis>,
) -> Result<Vec<(String, u64)>, sqlx::Error> {
    let sql = format!(
        "SELECT coalesce({key}, '{NONE}') AS key, count(*) AS failed
         FROM request_full, json_each(attempts) AS attempt {}
         attempts IS NOT NULL AND attempt.value ->> 'fault' IS NOT NULL GROUP BY 1",
        match since {
            Some(_) => "WHERE at >= ? AND",
            None => "WHERE",
        }
    );
    let mut query = sqlx::query(AssertSqlSafe(sql));
    if let Some(since) = since {
        query = query.bind(i64::try_from(since.0).unwrap_or(i64::MAX));
    }
    let rows = query.fetch_all(connection).await?;
    rows.iter()
        .map(|row| {
            Ok((
                row.try_get("key")?,
                row.try_get::<i64, _>("failed")?.unsigned_abs(),
            ))
        })
        .collect()
}

const fn from(since: Option<UnixMillis>) -> &'static str {
    match since {
        Some(_) => "WHERE at >= ?",
        None => "",
    }
}
