//! What is done to a ledger behind its back is found, and named.

use std::fs;
use std::path::Path;

use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor, SqliteConnection};
use tollgate_ledger::{AuditFaultKind as Kind, AuditReport, Ledger, NewCutoff, UsageBy, verify};
use tollgate_types::{AgentName, RequestRecord, UnixMillis};

use crate::notary::{audit, config, head, open, path, trust, with_key};
use crate::{agent, event, records};

/// 39 records: requests, but for an agent added (11), a budget set (22), a
/// cutoff (23) and the agent removed (34).
async fn house() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(folder.path()).await;
    let mut requests = records::some(35).into_iter();
    write(&ledger, requests.by_ref().take(10)).await;
    let added = event("agent.added", 1);
    ledger.add_agent(agent("ci-bot", 1), added).await.unwrap();
    write(&ledger, requests.by_ref().take(10)).await;
    let spec = serde_json::json!({"tokens": 2000});
    let set = event("budget.set", 2);
    ledger
        .set_budget("agent:ci-bot/*/total".into(), spec, set)
        .await
        .unwrap();
    let name = AgentName::new("ci-bot").unwrap();
    let cutoff = NewCutoff {
        agent: name.clone(),
        mode: "cutoff".into(),
        automatic: false,
        reason: "enough".into(),
    };
    ledger
        .cut_off(cutoff, event("agent.cut_off", 3))
        .await
        .unwrap();
    write(&ledger, requests.by_ref().take(10)).await;
    ledger
        .remove_agent(&name, event("agent.removed", 4))
        .await
        .unwrap();
    write(&ledger, requests).await;
    ledger.close().await.unwrap();
    folder
}

async fn write(ledger: &Ledger, records: impl Iterator<Item = RequestRecord>) {
    for record in records {
        ledger.slot().unwrap().write(record);
    }
    ledger.flush().await.unwrap();
}

async fn connect(folder: &Path) -> SqliteConnection {
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path(folder));
    options.foreign_keys(false).connect().await.unwrap()
}

/// Runs these statements once the triggers are out of the way.
async fn tamper(folder: &Path, statements: &[&str]) {
    let mut connection = connect(folder).await;
    let triggers: Vec<String> =
        sqlx::query_scalar("SELECT name FROM sqlite_schema WHERE type = 'trigger'")
            .fetch_all(&mut connection)
            .await
            .unwrap();
    let drops = triggers.iter().map(|name| format!("DROP TRIGGER {name}"));
    let statements = statements.iter().map(|sql| (*sql).to_owned());
    for sql in drops.chain(statements) {
        let done = connection.execute(AssertSqlSafe(sql.clone())).await;
        done.unwrap_or_else(|error| panic!("{sql}: {error}"));
    }
    connection.close().await.unwrap();
}

async fn after(statements: &[&str]) -> AuditReport {
    let folder = house().await;
    tamper(folder.path(), statements).await;
    audit(folder.path()).await
}

/// The faults of the records themselves; sums follow from them.
fn found(report: &AuditReport) -> Vec<(Kind, u64, u64)> {
    let faults = report
        .faults
        .iter()
        .filter(|it| it.kind != Kind::SumsChanged);
    faults
        .map(|it| (it.kind, it.first.unwrap_or(0), it.last.unwrap_or(0)))
        .collect()
}

#[tokio::test]
async fn an_untouched_ledger_is_whole_at_rest_and_while_it_is_written() {
    let folder = house().await;
    let report = audit(folder.path()).await;
    assert!(report.whole, "{report:#?}");
    assert_eq!(
        (report.records, report.requests, report.events),
        (39, 35, 4)
    );
    assert_eq!((report.first, report.last, report.covered), (1, 39, 39));
    assert_eq!(report.notes, Vec::<String>::new());
    let ledger = open(folder.path()).await;
    write(&ledger, records::some(7).into_iter()).await;
    let report = audit(folder.path()).await;
    assert!(report.whole, "{report:#?}");
    assert_eq!((report.last, report.covered), (46, 39));
    let note = "the last 7 records are linked and not yet covered by a checkpoint";
    assert_eq!(report.notes, [note]);
    let entries = ledger.events(tollgate_ledger::Cursor(45), 9).await.unwrap();
    assert_eq!(entries[0].link, Some(report.link));
}

#[tokio::test]
async fn every_column_of_every_record_counts() {
    let folder = house().await;
    let mut connection = connect(folder.path()).await;
    for (table, seq) in [("request", 5), ("event", 22)] {
        let sql = format!("SELECT name, type FROM pragma_table_info('{table}')");
        let columns: Vec<(String, String)> = sqlx::query_as(AssertSqlSafe(sql))
            .fetch_all(&mut connection)
            .await
            .unwrap();
        for (column, of) in columns.iter().filter(|(name, _)| name != "seq") {
            let copy = tempfile::tempdir().unwrap();
            copy_of(folder.path(), copy.path());
            let value = match (column.as_str(), of.as_str()) {
                ("shape", _) => "(SELECT max(shape) FROM shape)".to_owned(),
                ("facts", _) => "'{}'".to_owned(),
                (_, "INTEGER") => format!("coalesce({column}, 0) + 1"),
                (_, "BLOB") => format!("zeroblob(coalesce(length({column}), 32))"),
                _ => format!("coalesce({column}, '') || 'x'"),
            };
            let sql = format!("UPDATE {table} SET {column} = {value} WHERE seq = {seq}");
            tamper(copy.path(), &[&sql]).await;
            let report = audit(copy.path()).await;
            let faults = found(&report);
            assert!(
                faults.contains(&(Kind::Changed, seq, seq)),
                "{sql}: {report:#?}"
            );
            // A changed event no longer says what it made.
            let others = faults.iter().filter(|it| it.0 != Kind::StateChanged);
            assert_eq!(others.count(), 1, "{sql}: {report:#?}");
        }
    }
}

fn copy_of(from: &Path, to: &Path) {
    let (from, to) = (from.join("private"), to.join("private"));
    fs::create_dir(&to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

#[tokio::test]
async fn a_changed_record_is_named_with_its_id() {
    let folder = house().await;
    let ledger = open(folder.path()).await;
    let id = ledger.recent(100).await.unwrap()[30].id; // newest first: record 5
    ledger.close().await.unwrap();
    tamper(
        folder.path(),
        &["UPDATE request SET output = 1 WHERE seq = 5"],
    )
    .await;
    let report = audit(folder.path()).await;
    let words: Vec<String> = report.faults.iter().map(ToString::to_string).collect();
    assert!(
        words.contains(&format!("record 5 ({id}) was changed")),
        "{words:?}"
    );
    // What was kept of usage no longer fits, and says so as well.
    assert!(
        report.faults.iter().any(|it| it.kind == Kind::SumsChanged),
        "{words:?}"
    );
}

#[tokio::test]
async fn what_many_records_share_counts_as_well() {
    let shape = "(SELECT shape FROM request WHERE seq = 5)";
    let folder = house().await;
    let mut connection = connect(folder.path()).await;
    let columns: Vec<(String, String)> =
        sqlx::query_as("SELECT name, type FROM pragma_table_info('shape')")
            .fetch_all(&mut connection)
            .await
            .unwrap();
    for (column, of) in columns.iter().filter(|(name, _)| name != "shape") {
        let copy = tempfile::tempdir().unwrap();
        copy_of(folder.path(), copy.path());
        let value = match of.as_str() {
            "INTEGER" => format!("coalesce({column}, 0) + 1"),
            "BLOB" => "zeroblob(32)".to_owned(),
            _ => format!("coalesce({column}, '') || 'x'"),
        };
        let sql = format!("UPDATE shape SET {column} = {value} WHERE shape = {shape}");
        tamper(copy.path(), &[&sql]).await;
        let report = audit(copy.path()).await;
        match column.as_str() {
            // What stands beside the row decides nothing.
            "digest" => assert_eq!(found(&report), [], "{report:#?}"),
            _ => assert_eq!(
                found(&report),
                [(Kind::ShapeChanged, 5, 5)],
                "{sql}: {report:#?}"
            ),
        }
    }
    let both = "UPDATE shape SET outcome = 'ok', status = 1, digest = zeroblob(32) \
                WHERE shape = (SELECT shape FROM request WHERE seq = 5)";
    assert_eq!(found(&after(&[both]).await), [(Kind::Changed, 5, 5)]);
    let gone = "DELETE FROM shape WHERE shape = (SELECT shape FROM request WHERE seq = 5)";
    assert_eq!(found(&after(&[gone]).await), [(Kind::ShapeChanged, 5, 5)]);
}

#[tokio::test]
async fn removed_records_are_missing() {
    let report = after(&["DELETE FROM request WHERE seq = 7"]).await;
    assert_eq!(found(&report), [(Kind::Missing, 7, 7)], "{report:#?}");
    let report = after(&["DELETE FROM request WHERE seq IN (1, 2, 3, 25)"]).await;
    assert_eq!(
        found(&report),
        [(Kind::Missing, 1, 3), (Kind::Missing, 25, 25)]
    );
    // The end of the gap is signed: record 12 can be held against it.
    let report = after(&[
        "DELETE FROM event WHERE seq = 11",
        "UPDATE request SET input = 1 WHERE seq = 12",
    ])
    .await;
    let faults = found(&report);
    assert!(faults.contains(&(Kind::Missing, 11, 11)), "{report:#?}");
    assert!(faults.contains(&(Kind::Changed, 12, 12)), "{report:#?}");
    assert!(
        faults.iter().any(|it| it.0 == Kind::StateChanged),
        "{report:#?}"
    );
}

#[tokio::test]
async fn moved_records_are_named_with_their_places() {
    for (one, two) in [(5, 8), (5, 6), (12, 33)] {
        let swap = [
            format!("UPDATE request SET seq = -1 WHERE seq = {one}"),
            format!("UPDATE request SET seq = {one} WHERE seq = {two}"),
            format!("UPDATE request SET seq = {two} WHERE seq = -1"),
        ];
        let report = after(&[&swap[0], &swap[1], &swap[2]]).await;
        let expected = [(Kind::Moved, one, one), (Kind::Moved, two, two)];
        assert_eq!(found(&report), expected, "{report:#?}");
        let words = report.faults[0].to_string();
        assert!(
            words.ends_with(&format!("was moved: it is record {two}")),
            "{words}"
        );
    }
    // Moved but for their links: both are not what stood there.
    let report = after(&[
        "CREATE TABLE t AS SELECT * FROM request WHERE seq IN (5, 8)",
        "UPDATE request SET id = (SELECT id FROM t WHERE t.seq = 13 - request.seq) \
         WHERE seq IN (5, 8)",
    ])
    .await;
    assert_eq!(
        found(&report),
        [(Kind::Changed, 5, 5), (Kind::Changed, 8, 8)]
    );
}

#[tokio::test]
async fn two_records_of_one_place_are_named() {
    let columns = "id, at, shape, input, cache_read, cache_write, output, latency_micros, \
                   overhead_micros, link";
    for place in [22, -3, 40 + 7] {
        let insert = format!(
            "INSERT INTO request (seq, {columns}) SELECT {place}, {columns} FROM request WHERE seq = 5"
        );
        let report = after(&[&insert]).await;
        assert!(!report.whole, "{place}");
        let named = found(&report);
        let expected = match place {
            22 => (Kind::Doubled, 22, 22),
            -3 => (Kind::Doubled, 3, 3),
            _ => (Kind::Missing, 40, 46),
        };
        assert!(named.contains(&expected), "{report:#?}");
    }
    // Far away, where a walk from place to place would never end.
    let far = format!(
        "INSERT INTO request (seq, {columns}) SELECT 9000000000000000000, {columns} FROM request WHERE seq = 5"
    );
    assert!(!after(&[&far]).await.whole);
}

#[tokio::test]
async fn a_tail_that_was_cut_off_is_missing() {
    let cut = [
        "DELETE FROM request WHERE seq > 30",
        "DELETE FROM event WHERE seq > 30",
    ];
    let report = after(&cut).await;
    let faults = found(&report);
    assert!(faults.contains(&(Kind::Missing, 31, 39)), "{report:#?}");
    // The checkpoints that knew are gone as well: the one outside still knows.
    let report = after(&[cut[0], cut[1], "DELETE FROM statement WHERE number > 3"]).await;
    let faults = found(&report);
    assert!(faults.contains(&(Kind::Missing, 31, 39)), "{report:#?}");
    assert!(
        faults.iter().any(|it| it.0 == Kind::Checkpoint),
        "{report:#?}"
    );
}

#[tokio::test]
async fn an_older_copy_in_place_of_the_ledger_is_found_at_the_next_start() {
    let folder = house().await;
    let copy = tempfile::tempdir().unwrap();
    copy_of(folder.path(), copy.path());
    let ledger = open(folder.path()).await;
    write(&ledger, records::some(5).into_iter()).await;
    ledger.close().await.unwrap();
    fs::copy(path(copy.path()), path(folder.path())).unwrap();
    assert!(!audit(folder.path()).await.whole);
    // The gateway starts on it and goes on; that stands in the chain for ever.
    let ledger = open(folder.path()).await;
    write(&ledger, records::some(1).into_iter()).await;
    ledger.close().await.unwrap();
    let report = audit(folder.path()).await;
    assert_eq!(found(&report), [(Kind::CutBefore, 40, 40)], "{report:#?}");
}

#[tokio::test]
async fn checkpoints_are_held_against_their_key_and_each_other() {
    let cases: [(&[&str], &str); 6] = [
        (
            &[
                "UPDATE statement SET text = replace(text, 'records 22', 'records 21') WHERE number = 2",
            ],
            "checkpoint 2 was changed: its signature does not fit its text",
        ),
        (
            &["UPDATE statement SET key = zeroblob(32) WHERE number = 2"],
            "checkpoint 2 was changed: its signature does not fit its text",
        ),
        (
            &["DELETE FROM statement WHERE number = 2"],
            "checkpoints 2 to 2 are missing",
        ),
        (
            &["DELETE FROM statement WHERE number = 1"],
            "checkpoint 2 is the first one: those before it are missing",
        ),
        (
            &["UPDATE statement SET text = 'x' WHERE number = 3"],
            "checkpoint 3 is not a statement of this form",
        ),
        (
            &["DELETE FROM statement"],
            "checkpoint 5 is kept beside the key and not in the ledger, which ends with checkpoint 0",
        ),
    ];
    for (sql, expected) in cases {
        let report = after(sql).await;
        let words: Vec<String> = report.faults.iter().map(ToString::to_string).collect();
        assert!(words.iter().any(|it| it == expected), "{sql:?}: {words:?}");
    }
}

#[tokio::test]
async fn another_key_proves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = crate::opened(with_key(folder.path(), [8; 32])).await;
    write(&ledger, records::some(3).into_iter()).await;
    ledger.close().await.unwrap();
    let report = audit(folder.path()).await;
    let words = report.faults[0].to_string();
    assert!(
        words.starts_with("checkpoint 1 is signed by key 0808"),
        "{words}"
    );
    fs::remove_file(head(folder.path())).unwrap();
    let report = audit(folder.path()).await;
    let words = report.faults.last().unwrap().to_string();
    assert!(
        words.starts_with("the newest checkpoint is not kept"),
        "{words}"
    );
    let any = tollgate_ledger::Trust {
        keys: Vec::new(),
        kept: tollgate_ledger::Kept::Elsewhere,
        ..trust(folder.path())
    };
    let report = verify(&path(folder.path()), &any).await.unwrap();
    assert!(report.whole, "{report:#?}");
    assert_eq!(report.notes.len(), 2, "{:?}", report.notes);
}

#[tokio::test]
async fn agents_budgets_and_cutoffs_are_what_events_made_them() {
    let cases = [
        "UPDATE agent SET digest = zeroblob(32)",
        "UPDATE agent SET allowed = '[\"*\"]'",
        "UPDATE agent SET removed = NULL, removed_seq = NULL",
        "UPDATE agent SET removed = NULL",
        "UPDATE agent SET removed_seq = NULL",
        "DELETE FROM agent",
        "INSERT INTO agent (seq, name, digest, hint, allowed, blocked, created) \
         VALUES (22, 'intruder', zeroblob(32), '', '[]', '[]', 1)",
        "INSERT INTO agent (seq, name, digest, hint, allowed, blocked, created) \
         VALUES (12, 'intruder', zeroblob(32), '', '[]', '[]', 1)",
        "UPDATE budget SET spec = '{\"tokens\":9000}'",
        "DELETE FROM budget",
        "UPDATE budget SET key = 'agent:other/*/total'",
        "INSERT INTO budget SELECT 30, key, '{\"tokens\":9000}', at FROM budget",
        "UPDATE cutoff SET mode = NULL",
        "DELETE FROM cutoff",
    ];
    for sql in cases {
        let report = after(&[sql]).await;
        let state = report.faults.iter().all(|it| it.kind == Kind::StateChanged);
        assert!(!report.whole && state, "{sql}: {report:#?}");
    }
}

#[tokio::test]
async fn sums_are_held_against_the_records() {
    for sql in [
        "UPDATE rollup SET output = output + 1",
        "DELETE FROM rollup",
        "UPDATE rollup SET hour = hour + 1000",
        "INSERT INTO rollup_pruned SELECT * FROM rollup LIMIT 1",
    ] {
        let report = after(&[sql]).await;
        let sums = report.faults.iter().all(|it| it.kind == Kind::SumsChanged);
        assert!(!report.whole && sums, "{sql}: {report:#?}");
    }
}

#[tokio::test]
async fn the_chain_belongs_to_its_node() {
    let report = after(&["UPDATE node SET id = zeroblob(16)"]).await;
    let faults = found(&report);
    assert!(faults.contains(&(Kind::Changed, 1, 1)), "{report:#?}");
    assert!(
        report
            .faults
            .iter()
            .any(|it| it.to_string().contains("is of node"))
    );
}

#[tokio::test]
async fn old_records_go_and_a_statement_of_them_stays() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(folder.path()).await;
    let mut requests = records::some(40);
    for (request, hour) in requests.iter_mut().zip(0..) {
        request.at = UnixMillis(hour * 3_600_000);
    }
    write(&ledger, requests[..20].iter().cloned()).await;
    let added = event("agent.added", 20 * 3_600_000);
    ledger.add_agent(agent("ci-bot", 1), added).await.unwrap();
    write(&ledger, requests[20..].iter().cloned()).await;
    let usage = ledger.usage(UsageBy::Model, None).await.unwrap();
    let before = UnixMillis(30 * 3_600_000);
    let pruned = ledger.prune(before).await.unwrap();
    assert_eq!(
        (pruned.requests, pruned.events, pruned.through),
        (30, 1, 31)
    );
    assert_eq!(ledger.usage(UsageBy::Model, None).await.unwrap(), usage);
    let again = ledger.prune(before).await.unwrap();
    assert_eq!((again.requests, again.through), (0, 0));
    let report = audit(folder.path()).await;
    assert!(report.whole, "{report:#?}");
    assert_eq!((report.records, report.first, report.last), (10, 32, 41));
    let stated = report.pruned.unwrap();
    assert_eq!(
        (stated.through, stated.requests, stated.events),
        (31, 30, 1)
    );
    ledger.close().await.unwrap();

    // It goes on, over a restart, up to the last record and beyond.
    let ledger = open(folder.path()).await;
    let name = AgentName::new("ci-bot").unwrap();
    ledger
        .remove_agent(&name, event("agent.removed", 50))
        .await
        .unwrap();
    let pruned = ledger.prune(UnixMillis(u64::MAX)).await.unwrap();
    assert_eq!((pruned.requests, pruned.through), (10, 42));
    write(&ledger, records::some(3).into_iter()).await;
    ledger.close().await.unwrap();
    let report = audit(folder.path()).await;
    assert!(report.whole, "{report:#?}");
    assert_eq!((report.first, report.last, report.covered), (43, 45, 45));

    for (sql, kind) in [
        (
            "UPDATE rollup_pruned SET input = input + 1",
            Kind::SumsChanged,
        ),
        ("DELETE FROM rollup_pruned", Kind::SumsChanged),
        (
            "INSERT INTO agent (seq, name, digest, hint, allowed, blocked, created) \
             VALUES (21, 'back', zeroblob(32), '', '[]', '[]', 1)",
            Kind::StateChanged,
        ),
        (
            "DELETE FROM statement WHERE text LIKE 'tollgate audit prune%'",
            Kind::Checkpoint,
        ),
        ("DELETE FROM request WHERE seq = 43", Kind::Missing),
    ] {
        let copy = tempfile::tempdir().unwrap();
        copy_of(folder.path(), copy.path());
        tamper(copy.path(), &[sql]).await;
        let report = audit(copy.path()).await;
        assert!(
            report.faults.iter().any(|it| it.kind == kind),
            "{sql}: {report:#?}"
        );
    }
}

/// Pruning covers no tracks: a record that is not what its link says stays,
/// and everything after it.
#[tokio::test]
async fn nothing_is_pruned_from_a_changed_record_on() {
    let folder = house().await;
    tamper(
        folder.path(),
        &["UPDATE request SET output = 1 WHERE seq = 5"],
    )
    .await;
    let ledger = open(folder.path()).await;
    let pruned = ledger.prune(UnixMillis(u64::MAX)).await.unwrap();
    assert_eq!((pruned.through, pruned.damaged), (4, Some(5)));
    ledger.close().await.unwrap();
    let report = audit(folder.path()).await;
    assert_eq!(found(&report), [(Kind::Changed, 5, 5)], "{report:#?}");
}

#[tokio::test]
async fn a_ledger_without_a_notary_is_linked_and_says_what_it_lacks() {
    let folder = tempfile::tempdir().unwrap();
    let plain = tollgate_ledger::LedgerConfig {
        notary: None,
        ..config(folder.path())
    };
    let ledger = crate::opened(plain).await;
    write(&ledger, records::some(3).into_iter()).await;
    let error = ledger.prune(UnixMillis(u64::MAX)).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "nothing is pruned without a key that signs what was removed"
    );
    ledger.close().await.unwrap();
    assert!(!head(folder.path()).exists());
    let report = audit(folder.path()).await;
    assert!(report.whole, "{report:#?}");
    assert_eq!(report.notes.len(), 2, "{:?}", report.notes);
}

/// The chain of a ledger that was written before there was one.
#[tokio::test]
async fn older_records_are_linked_when_the_ledger_is_opened() {
    let folder = tempfile::tempdir().unwrap();
    open(folder.path()).await.close().await.unwrap();
    fs::write(path(folder.path()), include_bytes!("ledger-1.db")).unwrap();
    let error = verify(&path(folder.path()), &trust(folder.path()))
        .await
        .unwrap_err();
    assert!(
        error.to_string().ends_with("has no audit chain yet"),
        "{error}"
    );
    let ledger = open(folder.path()).await;
    let usage = ledger.usage(UsageBy::Agent, None).await.unwrap();
    assert!(!usage.is_empty());
    let report = audit(folder.path()).await;
    assert!(report.whole, "{report:#?}");
    assert_eq!((report.records, report.covered), (5, 5));
    ledger.close().await.unwrap();
    tamper(
        folder.path(),
        &["UPDATE request SET input = 9 WHERE seq = 1"],
    )
    .await;
    assert_eq!(found(&audit(folder.path()).await), [(Kind::Changed, 1, 1)]);
}

#[tokio::test]
async fn an_export_has_every_record_with_its_link_and_every_checkpoint() {
    let folder = house().await;
    let mut lines: Vec<serde_json::Value> = Vec::new();
    let count = tollgate_ledger::export(&path(folder.path()), Default::default(), |line| {
        lines.push(serde_json::from_str(&line).unwrap());
        Ok(())
    })
    .await
    .unwrap();
    assert_eq!(count, 39);
    let seqs: Vec<u64> = lines
        .iter()
        .filter_map(|line| line["record"].as_u64())
        .collect();
    assert!(seqs.iter().copied().eq(1..=39), "{seqs:?}");
    assert!(lines[0]["node"].is_string());
    let report = audit(folder.path()).await;
    let link = |line: &serde_json::Value| line["link"].as_str().unwrap_or_default().to_owned();
    let last = lines.iter().rfind(|line| line["record"] == 39).unwrap();
    assert_eq!(link(last), report.link.to_string());
    // The last line is the checkpoint that covers the last record.
    let text = lines.last().unwrap()["checkpoint"].as_str().unwrap();
    assert!(text.contains(&format!("link {}\n", report.link)), "{text}");
    assert_eq!(
        lines
            .iter()
            .filter(|line| line["checkpoint"].is_string())
            .count(),
        5
    );
    let event = lines.iter().find(|line| line["record"] == 22).unwrap();
    assert_eq!(event["event"]["event"]["kind"], "budget.set");
}
