use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use tollgate_ledger::{Cursor, LedgerConfig, OpenError, UsageBy};

use crate::{event, notary, open, records, tried};

async fn refused(path: &Path) -> OpenError {
    let tried = tried(LedgerConfig::new(path), false).await;
    tried.expect_err("the ledger opened")
}

/// A folder that is private already.
fn private() -> tempfile::TempDir {
    tempfile::Builder::new()
        .permissions(Permissions::from_mode(0o700))
        .tempdir()
        .unwrap()
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

#[tokio::test]
async fn a_fresh_ledger_is_private() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(folder.path()).await;
    ledger
        .write_event(event("config.reloaded", 1))
        .await
        .unwrap();
    let private = folder.path().join("private");
    assert_eq!(mode(&private), 0o700);
    for entry in fs::read_dir(private).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
}

#[tokio::test]
async fn looser_modes_are_refused_with_the_command_that_mends_them() {
    let folder = tempfile::tempdir().unwrap();
    open(folder.path()).await.close().await.unwrap();
    let private = folder.path().join("private");
    let path = private.join("ledger.db");
    fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
    let error = refused(&path).await;
    let shown = path.display();
    assert_eq!(
        error.to_string(),
        format!("`{shown}` has mode 0640, expected 0600")
    );
    assert_eq!(error.hint(), Some(format!("chmod 600 {shown}")));
    fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    fs::set_permissions(&private, Permissions::from_mode(0o775)).unwrap();
    let hint = refused(&path).await.hint();
    assert_eq!(hint, Some(format!("chmod 700 {}", private.display())));
}

#[tokio::test]
async fn what_is_no_file_is_named() {
    let folder = private();
    let target = folder.path().join("elsewhere");
    fs::write(&target, "").unwrap();
    let link = folder.path().join("ledger.db");
    symlink(&target, &link).unwrap();
    let error = refused(&link).await.to_string();
    assert!(
        error.ends_with("is a symbolic link, expected a regular file"),
        "{error}"
    );
    assert_eq!(fs::read(&target).unwrap(), b"");
    let below = target.join("ledger.db");
    let error = refused(&below).await;
    assert!(matches!(error, OpenError::Folder { .. }), "{error}");
}

#[tokio::test]
async fn a_second_gateway_is_kept_out_until_the_first_ends() {
    let folder = tempfile::tempdir().unwrap();
    let first = open(folder.path()).await;
    let twice = tried(LedgerConfig::new(first.path()), true).await;
    let error = twice.expect_err("the ledger opened");
    let shown = first.path().display();
    assert_eq!(
        error.to_string(),
        format!("ledger `{shown}` is in use by another gateway")
    );
    first.close().await.unwrap();
    open(folder.path()).await.close().await.unwrap();
}

#[tokio::test]
async fn garbage_and_damage_are_named() {
    let folder = private();
    let path = folder.path().join("ledger.db");
    fs::write(
        &path,
        "this is not a database, but long enough to look at ".repeat(100),
    )
    .unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    let error = refused(&path).await;
    assert_eq!(
        error.to_string(),
        format!(
            "ledger `{}` can't be read: it is not a database",
            path.display()
        )
    );
    assert!(
        error
            .hint()
            .unwrap()
            .starts_with("restore it from a backup")
    );
    fs::remove_file(&path).unwrap();

    let ledger = open(folder.path()).await;
    let path = ledger.path().to_owned();
    ledger.close().await.unwrap();
    let mut bytes = fs::read(&path).unwrap();
    bytes[100..4096].fill(0xff); // the schema's page, behind the header
    fs::write(&path, bytes).unwrap();
    let error = refused(&path).await;
    assert!(matches!(error, OpenError::Damaged { .. }), "{error}");
}

/// A page in the middle is found when it is read, with what to do about it.
#[tokio::test]
async fn damage_in_the_middle_is_found_by_reading() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = notary::open(folder.path()).await;
    for record in records::some(200) {
        ledger.slot().unwrap().write(record);
    }
    ledger.close().await.unwrap();
    let path = notary::path(folder.path());
    let mut bytes = fs::read(&path).unwrap();
    let length = bytes.len();
    bytes[length / 2..length / 2 + 40_960].fill(0xff);
    fs::write(&path, bytes).unwrap();
    let error = tollgate_ledger::verify(&path, &notary::trust(folder.path())).await;
    let error = error.unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("ledger `{}`: it is damaged", path.display())
    );
    let hint = error.hint().unwrap();
    assert!(hint.starts_with("restore it from a backup"), "{hint}");
}

#[tokio::test]
async fn a_newer_ledger_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(folder.path()).await;
    let path = ledger.path().to_owned();
    ledger.close().await.unwrap();
    let mut bytes = fs::read(&path).unwrap();
    // https://www.sqlite.org/fileformat.html#user_version_number
    bytes[60..64].copy_from_slice(&99_u32.to_be_bytes());
    fs::write(&path, &bytes).unwrap();
    let error = refused(&path).await;
    assert_eq!(
        error.to_string(),
        format!(
            "ledger `{}` has schema version 99, this program knows up to 4",
            path.display()
        )
    );
    assert_eq!(fs::read(&path).unwrap(), bytes);
}

/// `ledger-1.db` was written by the first version; every later one opens it.
#[tokio::test]
async fn a_ledger_of_the_first_version_opens() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("private/ledger.db");
    open(folder.path()).await.close().await.unwrap();
    fs::write(&path, include_bytes!("ledger-1.db")).unwrap();
    let ledger = open(folder.path()).await;
    let entries = ledger.events(Cursor::default(), 100).await.unwrap();
    assert_eq!(entries.len(), 5);
    assert_eq!(ledger.agents().await.unwrap()[0].name.as_str(), "ci-bot");
    let mut stored = ledger.recent(10).await.unwrap();
    stored.reverse();
    assert_eq!(stored[1].at.0, 1_700_000_000_001);
    assert_eq!(stored[1].attempts.len(), 2);
    ledger.slot().unwrap().write(records::some(1).remove(0));
    ledger.flush().await.unwrap();
    assert_eq!(ledger.recent(1).await.unwrap()[0].cursor, Cursor(6));
}

/// The second version had no bottles.
#[tokio::test]
async fn a_ledger_without_bottles_keeps_its_sums_and_its_chain() {
    use sqlx::{ConnectOptions, Executor};
    let folder = tempfile::tempdir().unwrap();
    let ledger = notary::open(folder.path()).await;
    for mut record in records::some(40) {
        if let Some(principal) = &mut record.principal {
            principal.bottle = None;
        }
        record.findings.clear();
        ledger.slot().unwrap().write(record);
    }
    ledger.flush().await.unwrap();
    let usage = ledger.usage(UsageBy::Model, None).await.unwrap();
    let path = ledger.path().to_owned();
    ledger.close().await.unwrap();
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(&path);
    let mut connection = options.connect().await.unwrap();
    for table in ["rollup", "rollup_pruned"] {
        let older = format!(
            "CREATE TABLE older AS SELECT * FROM {table}; ALTER TABLE older DROP COLUMN bottle;
             DROP TABLE {table}; ALTER TABLE older RENAME TO {table};"
        );
        connection
            .execute(sqlx::AssertSqlSafe(older))
            .await
            .unwrap();
    }
    let older = "DROP VIEW request_full; ALTER TABLE shape DROP COLUMN bottle;
                 ALTER TABLE request DROP COLUMN findings;
                 CREATE VIEW request_full AS SELECT * FROM request JOIN shape USING (shape);
                 PRAGMA user_version = 2;";
    connection.execute(older).await.unwrap();
    sqlx::Connection::close(connection).await.unwrap();

    let ledger = notary::open(folder.path()).await;
    assert_eq!(ledger.usage(UsageBy::Model, None).await.unwrap(), usage);
    let bottles = ledger.usage(UsageBy::Bottle, None).await.unwrap();
    assert_eq!(bottles.len(), 1);
    assert_eq!((&*bottles[0].key, bottles[0].requests), ("(none)", 40));
    ledger.close().await.unwrap();
    let report = notary::audit(folder.path()).await;
    assert!(report.whole, "{report:?}");
}

#[tokio::test]
async fn events_cannot_be_changed() {
    use sqlx::{ConnectOptions, Executor};
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(folder.path()).await;
    ledger.write_event(event("agent.added", 1)).await.unwrap();
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(ledger.path());
    let mut connection = options.connect().await.unwrap();
    for sql in ["UPDATE event SET outcome = 'x'", "DELETE FROM event"] {
        let error = connection.execute(sql).await.unwrap_err().to_string();
        assert!(error.contains("events are append-only"), "{error}");
    }
}
