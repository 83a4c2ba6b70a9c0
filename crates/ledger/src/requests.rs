use sqlx::sqlite::SqliteConnection;
use sqlx::{AssertSqlSafe, SqlSafeStr, SqlStr};
use tollgate_types::{Attempt, RequestRecord};

use crate::columns::{Values, Words};

/// In the order in which [`bind`] adds the values.
const COLUMNS: [&str; 30] = [
    "seq",
    "id",
    "at",
    "principal",
    "principal_kind",
    "run",
    "dialect",
    "endpoint",
    "stream",
    "provider",
    "model_asked",
    "model_served",
    "credential",
    "input",
    "cache_read",
    "cache_write",
    "output",
    "usage_source",
    "attempt_micros",
    "attempts",
    "status",
    "outcome",
    "reason",
    "message",
    "rule",
    "config_version",
    "policy",
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
    words: Words,
}

impl Inserts {
    pub(crate) fn new() -> Self {
        Self {
            statements: SIZES.map(statement),
            words: Words::default(),
        }
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
                    bind(&mut values, &mut self.words, seq, record);
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
}

fn statement(rows: usize) -> SqlStr {
    let mut sql = format!("INSERT INTO request ({}) VALUES ", COLUMNS.join(","));
    let row = format!("({})", ["?"; COLUMNS.len()].join(","));
    sql.push_str(&vec![row; rows].join(","));
    AssertSqlSafe(sql).into_sql_str()
}

fn bind(values: &mut Values, words: &mut Words, seq: i64, record: &RequestRecord) {
    values.add(seq);
    values.add_id(record.id);
    values.add_count(record.at.0);
    values.add_principal(record.principal.as_ref(), words);
    values.add(words.fixed(record.dialect));
    values.add(words.fixed(record.endpoint));
    values.add(record.stream);
    values.add_label(record.provider.as_ref());
    values.add_label(record.model_asked.as_ref());
    values.add_label(record.model_served.as_ref());
    values.add_label(record.credential.as_ref());
    let tokens = &record.usage.tokens;
    for count in [
        tokens.input,
        tokens.cache_read,
        tokens.cache_write,
        tokens.output,
    ] {
        values.add_count(count.min(MOST_TOKENS));
    }
    values.add(words.fixed(record.usage.source.as_str()));
    bind_attempts(values, record);
    values.add(i64::from(record.status));
    values.add(words.fixed(record.outcome.as_str()));
    values.add(record.reason.map(|reason| words.fixed(reason.as_str())));
    values.add(Some(&*record.message).filter(|text| !text.is_empty()));
    values.add_label(record.rule.as_ref());
    values.add_versions(&record.versions);
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

/// True where the record's own columns already say what the attempt says.
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
