use std::collections::BTreeMap;

use serde::Serialize;
use sqlx::sqlite::{SqliteConnection, SqliteRow};
use sqlx::{AssertSqlSafe, Row};
use tollgate_types::{TokenUsage, UnixMillis};

use crate::rollup::{HOUR, NONE, SUMS, computed};

/// What usage is summed by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UsageBy {
    /// The agent that asked.
    Agent,
    /// The provider that served, or was tried last.
    Provider,
    /// The concrete model that served, or was tried last.
    Model,
    /// The sandbox that the agent ran in.
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

    const fn column(self) -> &'static str {
        match self {
            Self::Agent => "principal",
            Self::Provider => "provider",
            Self::Model => "model",
            Self::Bottle => "bottle",
        }
    }
}

/// The sum of one agent, provider, model or bottle.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct UsageRow {
    /// The agent, provider, model or bottle; `(none)` where there was none.
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
    /// What the tokens cost that have a price, in billionths of a US dollar.
    pub cost_nanos: u64,
    /// Requests that used tokens of a model without a price.
    pub unpriced_requests: u64,
}

/// What one agent has used at one provider, in one run or outside any.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Spent {
    /// The agent; `(none)` where no one was identified.
    pub agent: String,
    /// The run; none for everything outside any.
    pub run: Option<String>,
    /// The bottle; none for everything outside any.
    pub bottle: Option<String>,
    /// The provider; `(none)` where nothing was sent.
    pub provider: String,
    /// Tokens of all kinds.
    pub tokens: u64,
    /// What the tokens cost that have a price, in billionths of a US dollar.
    pub nanos: u64,
    /// Requests that used tokens of a model without a price.
    pub unpriced_requests: u64,
}

/// Sums of all requests accepted at `since` or later, the largest first. The
/// caller gives a connection inside a transaction, for there may be two
/// queries.
pub(crate) async fn query(
    connection: &mut SqliteConnection,
    by: UsageBy,
    since: Option<UnixMillis>,
) -> Result<Vec<UsageRow>, sqlx::Error> {
    let mut sums: BTreeMap<String, [u64; SUMS.len()]> = BTreeMap::new();
    for row in grouped(connection, by.column(), since).await? {
        let key = match row.try_get::<String, _>("key0")? {
            key if key.is_empty() => NONE.to_owned(),
            key => key,
        };
        add(sums.entry(key).or_default(), &row)?;
    }
    let mut rows: Vec<_> = sums.into_iter().map(usage_row).collect();
    rows.sort_by(|a, b| {
        b.usage
            .total()
            .cmp(&a.usage.total())
            .then_with(|| a.key.cmp(&b.key))
    });
    Ok(rows)
}

/// What every agent has used at every provider since then: what settled use of
/// budgets is counted from. As [`query`].
pub(crate) async fn spent(
    connection: &mut SqliteConnection,
    since: Option<UnixMillis>,
) -> Result<Vec<Spent>, sqlx::Error> {
    let mut sums: BTreeMap<[String; 4], [u64; SUMS.len()]> = BTreeMap::new();
    for row in grouped(connection, "principal, run, bottle, provider", since).await? {
        let key = [
            row.try_get("key0")?,
            row.try_get("key1")?,
            row.try_get("key2")?,
            row.try_get("key3")?,
        ];
        add(sums.entry(key).or_default(), &row)?;
    }
    let spent = sums
        .into_iter()
        .map(|([agent, run, bottle, provider], sums)| {
            let row = usage_row((String::new(), sums));
            Spent {
                agent,
                run: Some(run).filter(|run| !run.is_empty()),
                bottle: Some(bottle).filter(|bottle| !bottle.is_empty()),
                provider,
                tokens: row.usage.total(),
                nanos: row.cost_nanos,
                unpriced_requests: row.unpriced_requests,
            }
        });
    Ok(spent.collect())
}

/// Whole hours from the sums; where `since` lies within an hour, the rest of
/// that hour from the rows. `columns` are of this file's own text.
async fn grouped(
    connection: &mut SqliteConnection,
    columns: &str,
    since: Option<UnixMillis>,
) -> Result<Vec<SqliteRow>, sqlx::Error> {
    let since = since.map_or(0, |since| i64::try_from(since.0).unwrap_or(i64::MAX));
    let length = HOUR.cast_signed();
    let whole = since / length + i64::from(since % length != 0);
    let mut rows = group(
        connection,
        columns,
        &format!("rollup WHERE hour >= {whole}"),
    )
    .await?;
    if since % length != 0 {
        let edge = format!("at >= {since} AND at < {}", whole.saturating_mul(length));
        let edge = format!("({})", computed(&edge));
        rows.extend(group(connection, columns, &edge).await?);
    }
    Ok(rows)
}

async fn group(
    connection: &mut SqliteConnection,
    columns: &str,
    from: &str,
) -> Result<Vec<SqliteRow>, sqlx::Error> {
    let keys = columns.split(", ").enumerate();
    let keys: Vec<String> = keys.map(|(at, key)| format!("{key} AS key{at}")).collect();
    let sums = SUMS.map(|sum| format!("sum({sum}) AS {sum}"));
    let sql = format!(
        "SELECT {}, {} FROM {from} GROUP BY {columns}",
        keys.join(", "),
        sums.join(", ")
    );
    // Not kept prepared: the text holds the moment that was asked for.
    let query = sqlx::query(AssertSqlSafe(sql)).persistent(false);
    query.fetch_all(connection).await
}

fn add(sums: &mut [u64; SUMS.len()], row: &SqliteRow) -> Result<(), sqlx::Error> {
    for (sum, name) in sums.iter_mut().zip(SUMS) {
        let more: i64 = row.try_get(name)?;
        *sum = sum.saturating_add(more.unsigned_abs());
    }
    Ok(())
}

fn usage_row((key, sums): (String, [u64; SUMS.len()])) -> UsageRow {
    let [
        requests,
        failed,
        refused,
        failed_attempts,
        estimated_requests,
        input,
        cache_read,
        cache_write,
        output,
        cost_nanos,
        unpriced_requests,
    ] = sums;
    UsageRow {
        key,
        requests,
        failed,
        refused,
        failed_attempts,
        usage: TokenUsage {
            input,
            cache_read,
            cache_write,
            output,
        },
        estimated_requests,
        cost_nanos,
        unpriced_requests,
    }
}
