use sqlx::sqlite::SqliteConnection;
use sqlx::{AssertSqlSafe, SqlSafeStr, SqlStr};
use tollgate_types::{Attempt, RequestRecord};

use crate::chain::Head;
use crate::columns::Values;
use crate::encoding::Kind;
use crate::shapes::{Shaped, Shapes};

/// In the order in which [`bind`] adds the values, which is that of their
/// numbers in the canonical form: a new one goes to the end.
pub(crate) const COLUMNS: [&str; 17] = [
    "seq",
    "id",
    "at",
    "shape",
    "input",
    "cache_read",
    "cache_write",
    "output",
    "attempt_micros",
    "attempts",
    "message",
    "latency_micros",
    "first_byte_micros",
    "overhead_micros",
    "reserved",
    "cost",
    "findings",
];

/// Rows of one statement, largest first. A statement costs two thread
/// switches, so large ones are cheap a row; few sizes keep few prepared
/// statements in memory.
const SIZES: [usize; 3] = [64, 8, 1];

/// No exchange has more tokens of a kind, or costs more; keeps a provider
/// that reports nonsense from making every later sum overflow.
pub(crate) const MOST_TOKENS: u64 = 1_000_000_000;
pub(crate) const MOST_NANOS: u64 = 10_000_000_000_000;

/// Inserts request records, many rows a statement.
pub(crate) struct Inserts {
    statements: [SqlStr; SIZES.len()],
    shapes: Shapes,
}

impl Inserts {
    pub(crate) async fn new(connection: &mut SqliteConnection) -> Result<Self, sqlx::Error> {
        Ok(Self {
            statements: SIZES.map(statement),
            shapes: Shapes::new(connection).await?,
        })
    }

    /// Inserts `records` after `head`, which moves along, and gives the
    /// number of each one's shape; the transaction is the caller's.
    pub(crate) async fn insert(
        &mut self,
        connection: &mut SqliteConnection,
        head: &mut Head,
        mut records: &[RequestRecord],
    ) -> Result<Vec<i64>, sqlx::Error> {
        let mut shapes = Vec::with_capacity(records.len());
        for (size, statement) in SIZES.into_iter().zip(&self.statements) {
            while records.len() >= size {
                let (now, later) = records.split_at(size);
                let mut values = Values::with_room_for(size * (COLUMNS.len() + 1));
                for record in now {
                    let shape = self.shapes.shaped(connection, record).await?;
                    bind(&mut values, head, &shape, record);
                    shapes.push(shape.number);
                }
                sqlx::query_with(statement.clone(), values.finish()?)
                    .execute(&mut *connection)
                    .await?;
                records = later;
            }
        }
        Ok(shapes)
    }

    /// The transaction was rolled back: what it wrote is not there.
    pub(crate) async fn rolled_back(&mut self, connection: &mut SqliteConnection) {
        self.shapes.forget(connection).await;
    }
}

fn statement(rows: usize) -> SqlStr {
    let columns = COLUMNS.join(",");
    let mut sql = format!("INSERT INTO request ({columns},link) VALUES ");
    let row = format!("({})", ["?"; COLUMNS.len() + 1].join(","));
    sql.push_str(&vec![row; rows].join(","));
    AssertSqlSafe(sql).into_sql_str()
}

fn bind(values: &mut Values, head: &mut Head, shape: &Shaped, record: &RequestRecord) {
    values.begin(Kind::Request);
    values.add(head.seq + 1);
    values.add_id(record.id);
    values.add_count(record.at.0);
    values.add_reference(shape.number, &shape.digest);
    for count in tokens(record) {
        values.add_count(count);
    }
    bind_attempts(values, record);
    values.add(Some(&*record.message).filter(|text| !text.is_empty()));
    values.add_count(record.latency_micros);
    values.add_optional_count(record.first_byte_micros);
    values.add_count(record.overhead_micros);
    values.add_optional_count(Some(record.reserved_tokens).filter(|tokens| *tokens > 0));
    values.add_optional_count(cost(record));
    values.add(findings(record));
    let link = head.advance(values.row().bytes());
    values.bind_link(&link);
}

/// Input, cache read, cache write and output as they are stored and summed.
pub(crate) fn tokens(record: &RequestRecord) -> [u64; 4] {
    let tokens = &record.usage.tokens;
    [
        tokens.input,
        tokens.cache_read,
        tokens.cache_write,
        tokens.output,
    ]
    .map(|count| count.min(MOST_TOKENS))
}

/// Billionths of a dollar as they are stored and summed.
pub(crate) fn cost(record: &RequestRecord) -> Option<u64> {
    record.cost_nanos.map(|nanos| nanos.min(MOST_NANOS))
}

fn bind_attempts(values: &mut Values, record: &RequestRecord) {
    match record.attempts.as_slice() {
        [] => {
            values.add(None::<i64>);
            values.add(None::<String>);
        }
        [only] if is_plain(only, record) => {
            values.add_count(only.micros);
            values.add(None::<String>);
        }
        attempts => {
            values.add(None::<i64>);
            values.add(Some(json(attempts)));
        }
    }
}

/// True where the record's shape already says what the attempt says.
fn is_plain(attempt: &Attempt, record: &RequestRecord) -> bool {
    attempt.fault.is_none()
        && attempt.note.is_empty()
        && attempt.status == Some(record.status)
        && record.provider.as_ref() == Some(&attempt.provider)
        && record.model_served.as_ref() == Some(&attempt.model)
        && record.credential.as_ref() == Some(&attempt.credential)
}

fn findings(record: &RequestRecord) -> Option<String> {
    match record.findings.is_empty() {
        true => None,
        false => Some(json(&record.findings)),
    }
}

fn json(list: &[impl serde::Serialize]) -> String {
    // Texts and numbers only: this can't fail, and were it to, a request
    // without it is better than none.
    serde_json::to_string(list).unwrap_or_else(|error| {
        tracing::error!(%error, "a list could not be written as JSON");
        "[]".to_owned()
    })
}
