//! Sums of requests by hour, kept beside the rows in the same transaction, so
//! that usage over ten million rows is read from a few thousand.

use std::collections::HashMap;

use sqlx::sqlite::SqliteConnection;
use sqlx::{AssertSqlSafe, SqlSafeStr, SqlStr};
use tollgate_types::{Outcome, Principal, RequestRecord, RunId, UnixMillis, UsageSource};

use crate::columns::Values;
use crate::requests::{cost, tokens};

/// What stands for a key that is missing.
pub(crate) const NONE: &str = "(none)";

/// Milliseconds that one row sums up.
pub(crate) const HOUR: u64 = 3_600_000;

/// What a row is keyed by, in the order of the primary key.
pub(crate) const KEYS: [&str; 6] = ["hour", "principal", "run", "bottle", "provider", "model"];

/// What is summed.
pub(crate) const SUMS: [&str; 11] = [
    "requests",
    "failed",
    "refused",
    "failed_attempts",
    "estimated",
    "input",
    "cache_read",
    "cache_write",
    "output",
    "cost",
    "unpriced",
];

/// Rows of one statement, largest first: halves, so that few statements, each
/// of which costs two thread switches, make up any number.
const SIZES: [usize; 6] = [32, 16, 8, 4, 2, 1];

type Sums = [u64; SUMS.len()];

/// Sums of a batch, and the statements that add them.
pub(crate) struct Rollups {
    statements: [SqlStr; SIZES.len()],
}

impl Rollups {
    pub(crate) fn new() -> Self {
        Self {
            statements: SIZES.map(statement),
        }
    }

    /// Adds `records`, whose shapes have these numbers; the transaction is the
    /// caller's.
    pub(crate) async fn add(
        &self,
        connection: &mut SqliteConnection,
        records: &[RequestRecord],
        shapes: &[i64],
    ) -> Result<(), sqlx::Error> {
        let rows = rows(records, shapes);
        let mut rest = rows.as_slice();
        for (size, statement) in SIZES.into_iter().zip(&self.statements) {
            while rest.len() >= size {
                let (now, later) = rest.split_at(size);
                let mut values = Values::with_room_for(size * (KEYS.len() + SUMS.len()));
                for row in now {
                    row.bind(&mut values);
                }
                sqlx::query_with(statement.clone(), values.finish()?)
                    .execute(&mut *connection)
                    .await?;
                rest = later;
            }
        }
        Ok(())
    }
}

fn statement(rows: usize) -> SqlStr {
    let columns: Vec<&str> = KEYS.into_iter().chain(SUMS).collect();
    let row = format!("({})", vec!["?"; columns.len()].join(","));
    let sql = format!(
        "INSERT INTO rollup ({}) VALUES {} {}",
        columns.join(","),
        vec![row; rows].join(","),
        added_up()
    );
    AssertSqlSafe(sql).into_sql_str()
}

/// What makes an insert add to a row that is there.
pub(crate) fn added_up() -> String {
    let sums = SUMS.map(|sum| format!("{sum} = {sum} + excluded.{sum}"));
    format!("ON CONFLICT DO UPDATE SET {}", sums.join(", "))
}

struct Row<'r> {
    hour: u64,
    principal: Option<&'r Principal>,
    provider: Option<&'r str>,
    model: Option<&'r str>,
    sums: Sums,
}

impl Row<'_> {
    fn bind(&self, values: &mut Values) {
        values.bind(i64::try_from(self.hour).unwrap_or(i64::MAX));
        values.bind(self.principal.map_or(NONE, |who| who.actor.name()));
        let run = self.principal.and_then(|who| who.run.as_ref());
        values.bind(run.map_or("", RunId::as_str));
        let bottle = self.principal.and_then(|who| who.bottle.as_deref());
        values.bind(bottle.unwrap_or(""));
        values.bind(self.provider.unwrap_or(NONE));
        values.bind(self.model.unwrap_or(NONE));
        for sum in self.sums {
            values.bind(i64::try_from(sum).unwrap_or(i64::MAX));
        }
    }
}

/// One row for each shape and hour: a lookup by two numbers for a record.
fn rows<'r>(records: &'r [RequestRecord], shapes: &[i64]) -> Vec<Row<'r>> {
    let mut places: HashMap<(i64, u64), usize> = HashMap::new();
    let mut rows: Vec<Row<'r>> = Vec::new();
    let mut failed: Vec<Row<'r>> = Vec::new();
    for (record, shape) in records.iter().zip(shapes) {
        let hour = hour(record.at);
        let place = places.entry((*shape, hour)).or_insert_with(|| {
            rows.push(Row {
                hour,
                principal: record.principal.as_ref(),
                provider: record.provider.as_deref(),
                model: record.model_served.as_deref(),
                sums: Sums::default(),
            });
            rows.len() - 1
        });
        add(&mut rows[*place].sums, record);
        failed.extend(failed_attempts(record, hour));
    }
    rows.append(&mut failed);
    rows
}

/// The hour of a moment that fits the database's signed numbers.
pub(crate) fn hour(at: UnixMillis) -> u64 {
    at.0.min(i64::MAX.unsigned_abs()) / HOUR
}

fn add(sums: &mut Sums, record: &RequestRecord) {
    let [input, cache_read, cache_write, output] = tokens(record);
    let (used, cost) = (input + cache_read + cache_write + output, cost(record));
    let more: Sums = [
        1,
        u64::from(record.outcome == Outcome::Failed),
        u64::from(record.outcome == Outcome::Refused),
        0,
        u64::from(record.usage.source == UsageSource::Estimated),
        input,
        cache_read,
        cache_write,
        output,
        cost.unwrap_or(0),
        u64::from(used > 0 && cost.is_none()),
    ];
    for (sum, more) in sums.iter_mut().zip(more) {
        *sum = sum.saturating_add(more);
    }
}

fn failed_attempts(record: &RequestRecord, hour: u64) -> impl Iterator<Item = Row<'_>> {
    let failed = record.attempts.iter().filter(|it| it.fault.is_some());
    failed.map(move |attempt| {
        let mut sums = Sums::default();
        sums[3] = 1;
        Row {
            hour,
            principal: record.principal.as_ref(),
            provider: Some(&attempt.provider),
            model: Some(&attempt.model),
            sums,
        }
    })
}

/// The sums of the requests that `filter` leaves, computed from the rows
/// themselves: for rows written before there were sums, and to check them.
/// `filter` is a condition over `request`, of this crate's own text.
pub(crate) fn computed(filter: &str) -> String {
    // The inner sum goes over all rows and sorts by two numbers; few are left
    // for the texts.
    format!(
        "SELECT hour, coalesce(principal, '{NONE}') AS principal, coalesce(run, '') AS run,
                coalesce(bottle, '') AS bottle, coalesce(provider, '{NONE}') AS provider,
                coalesce(model_served, '{NONE}') AS model,
                sum(requests) AS requests, sum(requests * (outcome = 'failed')) AS failed,
                sum(requests * (outcome = 'refused')) AS refused, 0 AS failed_attempts,
                sum(requests * (usage_source = 'estimated')) AS estimated,
                sum(input) AS input, sum(cache_read) AS cache_read,
                sum(cache_write) AS cache_write, sum(output) AS output, sum(cost) AS cost,
                sum(unpriced) AS unpriced
         FROM (SELECT at / {HOUR} AS hour, shape, count(*) AS requests, sum(input) AS input,
                      sum(cache_read) AS cache_read, sum(cache_write) AS cache_write,
                      sum(output) AS output, sum(coalesce(cost, 0)) AS cost,
                      sum(cost IS NULL AND input + cache_read + cache_write + output > 0)
                          AS unpriced
               FROM request WHERE {filter} GROUP BY 1, 2)
         JOIN shape USING (shape) GROUP BY 1, 2, 3, 4, 5, 6
         UNION ALL
         SELECT at / {HOUR}, coalesce(principal, '{NONE}'), coalesce(run, ''),
                coalesce(bottle, ''), attempt.value ->> 'provider', attempt.value ->> 'model',
                0, 0, 0, count(*), 0, 0, 0, 0, 0, 0, 0
         FROM request_full,
              json_each(CASE WHEN json_valid(attempts) THEN attempts ELSE '[]' END) AS attempt
         WHERE ({filter}) AND attempts IS NOT NULL AND attempt.value ->> 'fault' IS NOT NULL
         GROUP BY 1, 2, 3, 4, 5, 6"
    )
}

/// Adds the sums of the requests that `filter` leaves to `table`.
pub(crate) fn adding_computed(table: &str, filter: &str) -> String {
    let columns: Vec<&str> = KEYS.into_iter().chain(SUMS).collect();
    format!(
        "INSERT INTO {table} ({}) SELECT * FROM ({}) WHERE true {}",
        columns.join(","),
        computed(filter),
        added_up()
    )
}
