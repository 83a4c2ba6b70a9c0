//! The sums beside the rows, held against the rows.

use sha2::{Digest, Sha256};
use sqlx::sqlite::SqliteConnection;
use sqlx::{AssertSqlSafe, Row};

use super::records::canonical;
use crate::encoding::Kind;
use crate::rollup::{HOUR, KEYS, SUMS, computed};

/// Differences that are named; the rest is counted.
const MOST: i64 = 20;

/// Sums of one hour that are not those of its rows.
pub(crate) struct Difference {
    pub(crate) hour_at: i64,
    pub(crate) of: String,
}

/// The digest of what stays of the requests that were pruned.
pub(crate) async fn pruned(connection: &mut SqliteConnection) -> Result<[u8; 32], sqlx::Error> {
    // The bottle came later: at the end, and NULL where there is none, it leaves
    // the digests of before as they are.
    let old = KEYS.into_iter().filter(|key| *key != "bottle");
    let columns: Vec<&str> = old.chain(SUMS).chain(["of_bottle"]).collect();
    let sql = format!(
        "SELECT *, nullif(bottle, '') AS of_bottle FROM rollup_pruned ORDER BY {}",
        KEYS.join(", ")
    );
    let rows = sqlx::query(AssertSqlSafe(sql))
        .fetch_all(connection)
        .await?;
    let mut sha = Sha256::new();
    for row in &rows {
        sha.update(canonical(row, Kind::Rollup, &columns)?.bytes());
    }
    Ok(sha.finalize().into())
}

/// Hours whose sums are not those of the rows and of what was pruned.
pub(crate) async fn differences(
    connection: &mut SqliteConnection,
) -> Result<Vec<Difference>, sqlx::Error> {
    let (keys, sums) = (KEYS.join(", "), SUMS.join(", "));
    let summed = SUMS.map(|sum| format!("sum({sum})")).join(", ");
    let sql = format!(
        "WITH kept AS (SELECT {keys}, {sums} FROM rollup),
              counted AS (SELECT {keys}, {summed} FROM
                  ({} UNION ALL SELECT {keys}, {sums} FROM rollup_pruned) GROUP BY {keys})
         SELECT DISTINCT hour, principal, provider, model FROM
             (SELECT * FROM (SELECT * FROM kept EXCEPT SELECT * FROM counted)
              UNION ALL
              SELECT * FROM (SELECT * FROM counted EXCEPT SELECT * FROM kept))
         ORDER BY hour LIMIT {MOST}",
        computed("true")
    );
    let rows = sqlx::query(AssertSqlSafe(sql))
        .fetch_all(connection)
        .await?;
    rows.iter()
        .map(|row| {
            let text = |name: &str| row.try_get::<String, _>(name);
            Ok(Difference {
                hour_at: row
                    .try_get::<i64, _>("hour")?
                    .saturating_mul(HOUR.cast_signed()),
                of: format!(
                    "agent `{}`, provider `{}`, model `{}`",
                    text("principal")?,
                    text("provider")?,
                    text("model")?
                ),
            })
        })
        .collect()
}
