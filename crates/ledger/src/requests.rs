use sqlx::sqlite::SqliteConnection;
use sqlx::{AssertSqlSafe, SqlSafeStr, SqlStr};
use tollgate_types::{Attempt, RequestRecord};

use crate::columns::Values;
use crate::shapes::Shapes;

/// In the order in which [`bind`] adds the values.
const COLUMNS: [&str; 14] = [
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
];

/// Rows of one statement, largest first. A statement costs two thread
/// switches, so large ones are cheap a row; few sizes keep few prepared
/// statements in memory.
const SIZES: [usize; 3] = [64, 8, 1];

/// No exchange has more tokens of a kind; keeps a provider that reports
/// nonsense from making every later sum overflow.
const MOST_TOKENS: u64 = 1_000_000_000_000;

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

    /// Inserts `records` with the sequence numbers from `first` on; the
    /// transaction is the caller's.
    pub(crate) async fn insert(
        &mut self,
        connection: &mut SqliteConnection,
        first: i64,
        mut records: &[RequestRecord],
    ) -> Result<(), sqlx::Error> {
        let mut seq = first;
        for (size, statement) in SIZES.into_iter().zip(&self.statements) {
            while records.len() >= size {
                let (now, later) = records.split_at(size);
                let mut values = Values::with_room_for(size * COLUMNS.len());
                for record in now {
                    let shape = self.shapes.number(connection, record).await?;
                    bind(&mut values, seq, shape, record);
                    seq += 1;
                }
                sqlx::query_with(statement.clone(), values.finish()?)
                    .execute(&mut *connection)
                    .await?;
                records = later;
            }
        }
        Ok(())
    }

    /// The transaction was rolled back: what it wrote is not there.
    pub(crate) async fn rolled_back(&mut self, connection: &mut SqliteConnection) {
        self.shapes.forget(connection).await;
    }
}

fn statement(rows: usize) -> SqlStr {
    let mut sql = format!("INSERT INTO request ({}) VALUES ", COLUMNS.join(","));
    let row = format!("({})", ["?"; COLUMNS.len()].join(","));
    sql.push_str(&vec![row; rows].join(","));
    AssertSqlSafe(sql).into_sql_str()
}

fn bind(values: &mut Values, seq: i64, shape: i64, record: &RequestRecord) {
    values.add(seq);
    values.add_id(record.id);
    values.add_count(record.at.0);
    values.add(shape);
    let tokens = &record.usage.tokens;
    for count in [
        tokens.input,
        tokens.cache_read,
        tokens.cache_write,
        tokens.output,
    ] {
        values.add_count(count.min(MOST_TOKENS));
    }
    bind_attempts(values, record);
    values.add(Some(&*record.message).filter(|text| !text.is_empty()));
    values.add_count(record.latency_micros);
    values.add_optional_count(record.first_byte_micros);
    values.add_count(record.overhead_micros);
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

fn json(attempts: &[Attempt]) -> String {
    // Texts and numbers only: this can't fail, and were it to, a request
    // without its attempts is better than none.
    serde_json::to_string(attempts).unwrap_or_else(|error| {
        tracing::error!(%error, "attempts could not be written as JSON");
        "[]".to_owned()
    })
}
