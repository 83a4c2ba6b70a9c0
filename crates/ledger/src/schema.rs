use std::path::Path;

use sqlx::sqlite::SqliteConnection;
use sqlx::{AssertSqlSafe, Executor, Row};

use crate::audit::backfill;
use crate::{OpenError, fault};

/// `toll` in ASCII: what <https://www.sqlite.org/pragma.html#pragma_application_id>
/// is for, so that no other program's database is taken for a ledger.
const APPLICATION: u32 = 0x746f_6c6c;

/// A step from one version of the schema to the next.
#[derive(Clone, Copy)]
struct Step {
    sql: &'static str,
    then: Then,
}

/// What follows a step's text.
#[derive(Clone, Copy)]
enum Then {
    Nothing,
    /// Hashes, which SQL can't compute, and the text that comes after them.
    Linked(&'static str),
    /// Sums of rows that were written before there were any.
    Summed,
}

impl Step {
    const fn sql(sql: &'static str) -> Self {
        Self {
            sql,
            then: Then::Nothing,
        }
    }
}

/// Every step from nothing to the newest schema; a step that has shipped is
/// never edited.
const STEPS: &[Step] = &[
    Step::sql(include_str!("schema/0001.sql")),
    Step {
        sql: include_str!("schema/0002.sql"),
        then: Then::Linked(include_str!("schema/0002-after.sql")),
    },
    Step {
        sql: include_str!("schema/0003.sql"),
        then: Then::Summed,
    },
    Step::sql(include_str!("schema/0004.sql")),
];

/// The version from which records are linked.
pub(crate) const WITH_CHAIN: usize = 2;

/// The version found, which this program knows; nothing is changed.
pub(crate) async fn found(
    connection: &mut SqliteConnection,
    path: &Path,
) -> Result<usize, OpenError> {
    version(connection, path, STEPS.len()).await
}

/// Brings the file to the newest schema and into write-ahead mode.
pub(crate) async fn bring_up(
    connection: &mut SqliteConnection,
    path: &Path,
) -> Result<(), OpenError> {
    bring_up_to(connection, path, STEPS).await
}

async fn bring_up_to(
    connection: &mut SqliteConnection,
    path: &Path,
    steps: &[Step],
) -> Result<(), OpenError> {
    let failed = |error: sqlx::Error| fault::open(path, &error);
    let version = version(connection, path, steps.len()).await?;
    // A fresh file has nothing that a journal could restore, and the
    // journal's two syncs are a good part of a start on a slow disk.
    let mode = match version {
        0 => "PRAGMA journal_mode = MEMORY; PRAGMA journal_mode = WAL",
        _ => "PRAGMA journal_mode = WAL",
    };
    connection.execute(mode).await.map_err(failed)?;
    if version == steps.len() {
        return Ok(());
    }
    // One transaction: either the whole way up or not a step.
    connection
        .execute("BEGIN IMMEDIATE")
        .await
        .map_err(failed)?;
    let climbed = climb(connection, &steps[version..], steps.len()).await;
    if climbed.is_err() {
        // Fails where SQLite rolled back by itself.
        connection.execute("ROLLBACK").await.ok();
    }
    climbed.map_err(failed)
}

async fn climb(
    connection: &mut SqliteConnection,
    steps: &[Step],
    version: usize,
) -> Result<(), sqlx::Error> {
    for step in steps {
        connection.execute(step.sql).await?;
        match step.then {
            Then::Nothing => {}
            Then::Linked(then) => {
                backfill::links(connection).await?;
                connection.execute(then).await?;
            }
            Then::Summed => backfill::sums(connection).await?,
        }
    }
    let done =
        format!("PRAGMA application_id = {APPLICATION}; PRAGMA user_version = {version}; COMMIT;");
    connection.execute(AssertSqlSafe(done)).await?;
    Ok(())
}

/// The version found; nothing was changed up to here.
async fn version(
    connection: &mut SqliteConnection,
    path: &Path,
    known: usize,
) -> Result<usize, OpenError> {
    let row = sqlx::query(
        "SELECT (SELECT application_id FROM pragma_application_id) AS application,
                (SELECT user_version FROM pragma_user_version) AS version,
                (SELECT count(*) FROM sqlite_schema) AS tables",
    )
    .fetch_one(connection)
    .await
    .map_err(|error| fault::open(path, &error))?;
    let [application, version, tables] =
        ["application", "version", "tables"].map(|name| row.try_get::<i64, _>(name).unwrap_or(-1));
    if tables == 0 && application == 0 && version == 0 {
        return Ok(0);
    }
    let path = path.to_owned();
    match usize::try_from(version) {
        _ if application != i64::from(APPLICATION) => Err(OpenError::Foreign { path }),
        Ok(version) if version <= known => Ok(version),
        found => Err(OpenError::Newer {
            path,
            found: found
                .ok()
                .and_then(|found| found.try_into().ok())
                .unwrap_or(u32::MAX),
            known: u32::try_from(known).unwrap_or(u32::MAX),
        }),
    }
}

#[cfg(test)]
mod tests;
