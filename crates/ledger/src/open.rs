use std::path::Path;
use std::time::Duration;

use sqlx::ConnectOptions;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};

use crate::{OpenError, fault, schema};

/// How long a lock of another process (a backup, a shell) is waited for.
const BUSY: Duration = Duration::from_secs(5);
/// Readers are opened when someone asks and closed when no one does.
const READERS: u32 = 2;
const READER_IDLE: Duration = Duration::from_secs(30);

/// The one connection that writes, schema and write-ahead mode in place.
pub(crate) async fn writer(path: &Path) -> Result<SqliteConnection, OpenError> {
    let mut connection = options(path)
        .synchronous(SqliteSynchronous::Normal)
        .connect()
        .await
        .map_err(|error| fault::open(path, &error))?;
    schema::bring_up(&mut connection, path).await?;
    Ok(connection)
}

/// Connections that read; none is open until it is needed.
pub(crate) fn readers(path: &Path) -> SqlitePool {
    SqlitePoolOptions::new()
        .max_connections(READERS)
        .min_connections(0)
        .idle_timeout(READER_IDLE)
        .max_lifetime(None)
        .test_before_acquire(false)
        .acquire_timeout(BUSY)
        .connect_lazy_with(options(path).read_only(true))
}

/// A connection of its own for an audit.
pub(crate) fn read_only(path: &Path) -> SqliteConnectOptions {
    options(path).read_only(true)
}

fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .busy_timeout(BUSY)
        .foreign_keys(true)
        // 1 MiB of pages: the writer appends and a reader scans, neither
        // gains from more, and an idle gateway should be small.
        .pragma("cache_size", "-1024")
        .statement_cache_capacity(16)
        .thread_name(|number| format!("ledger-{number}"))
        .disable_statement_logging()
}
