use super::*;
use sqlx::ConnectOptions;
use sqlx::Connection;
use sqlx::sqlite::SqliteConnectOptions;

const FIRST: Step =
    Step::sql("CREATE TABLE first (n INTEGER) STRICT; INSERT INTO first VALUES (7);");
const SECOND: Step = Step::sql("ALTER TABLE first ADD COLUMN m INTEGER NOT NULL DEFAULT 8;");

async fn connect(path: &Path) -> SqliteConnection {
    let options = SqliteConnectOptions::new().filename(path);
    options.create_if_missing(true).connect().await.unwrap()
}

async fn read(connection: &mut SqliteConnection, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(connection).await.unwrap()
}

#[tokio::test]
async fn an_older_schema_is_brought_up_and_keeps_its_rows() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    let mut connection = connect(&path).await;
    bring_up_to(&mut connection, &path, &[FIRST]).await.unwrap();
    connection.close().await.unwrap();

    let mut connection = connect(&path).await;
    bring_up_to(&mut connection, &path, &[FIRST, SECOND])
        .await
        .unwrap();
    assert_eq!(read(&mut connection, "SELECT n + m FROM first").await, 15);
    assert_eq!(read(&mut connection, "PRAGMA user_version").await, 2);
    // Once more: nothing left to do.
    bring_up_to(&mut connection, &path, &[FIRST, SECOND])
        .await
        .unwrap();
}

#[tokio::test]
async fn a_step_that_fails_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    let mut connection = connect(&path).await;
    bring_up_to(&mut connection, &path, &[FIRST]).await.unwrap();
    let bad = Step::sql("ALTER TABLE first ADD COLUMN k INTEGER; INSERT INTO nowhere VALUES (1);");
    let error = bring_up_to(&mut connection, &path, &[FIRST, bad])
        .await
        .unwrap_err();
    assert!(
        error.to_string().contains("no such table: nowhere"),
        "{error}"
    );
    connection.close().await.unwrap();

    let mut connection = connect(&path).await;
    assert_eq!(read(&mut connection, "PRAGMA user_version").await, 1);
    let columns = "SELECT count(*) FROM pragma_table_info('first')";
    assert_eq!(read(&mut connection, columns).await, 1);
}

#[tokio::test]
async fn a_newer_schema_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    let mut connection = connect(&path).await;
    bring_up_to(&mut connection, &path, &[FIRST, SECOND])
        .await
        .unwrap();
    let error = bring_up_to(&mut connection, &path, &[FIRST])
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "ledger `{}` has schema version 2, this program knows up to 1",
            path.display()
        )
    );
    assert_eq!(
        error.hint().as_deref(),
        Some("start the tollgate that wrote it, or a newer one")
    );
}

#[tokio::test]
async fn another_programs_database_is_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("other.db");
    let mut connection = connect(&path).await;
    connection
        .execute("CREATE TABLE theirs (n INTEGER)")
        .await
        .unwrap();
    let error = bring_up(&mut connection, &path).await.unwrap_err();
    assert!(matches!(error, OpenError::Foreign { .. }), "{error}");
    let mode: String = sqlx::query_scalar("PRAGMA journal_mode")
        .fetch_one(&mut connection)
        .await
        .unwrap();
    assert_eq!(mode, "delete");
}

#[tokio::test]
async fn a_file_that_can_only_be_read_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    connect(&path).await.execute("VACUUM").await.unwrap();
    let options = SqliteConnectOptions::new().filename(&path).read_only(true);
    let mut connection = options.connect().await.unwrap();
    let error = bring_up(&mut connection, &path).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "ledger `{}` can't be written: it is read-only",
            path.display()
        )
    );
}
