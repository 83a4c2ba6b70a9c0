use serde::{Deserialize, Serialize};
use sqlx::AssertSqlSafe;
use sqlx::sqlite::{SqliteConnection, SqliteRow};
use tollgate_types::{Event, Principal, UnixMillis};

use crate::ReadError;
use crate::chain::{Head, Link};
use crate::columns::{Reading, Values};
use crate::encoding::Kind;

/// A place in the ledger's sequence, durable over restarts. The default is
/// before the first entry.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Cursor(pub u64);

/// One entry of the ledger, whatever its plane.
#[derive(Clone, Debug, Serialize)]
pub struct Entry {
    /// Its place; reading on from here gives what came after it.
    pub cursor: Cursor,
    /// Its link in the audit chain.
    pub link: Option<Link>,
    /// The event; a request record comes as `request.finished`.
    pub event: Event,
}

/// In the order of their numbers in the canonical form: a new one goes to the
/// end.
pub(crate) const COLUMNS: [&str; 16] = [
    "seq",
    "id",
    "parent",
    "at",
    "plane",
    "kind",
    "principal",
    "principal_kind",
    "run",
    "rule",
    "config_version",
    "policy",
    "facts",
    "outcome",
    "severity",
    "change",
];

/// Inserts one event after `head`, which moves along; `change` is the digest
/// of the row that it adds to another table. The transaction is the caller's.
pub(crate) async fn insert(
    connection: &mut SqliteConnection,
    head: &mut Head,
    event: &Event,
    change: Option<[u8; 32]>,
) -> Result<(), sqlx::Error> {
    let mut values = Values::of(Kind::Event);
    values.add(head.seq + 1);
    values.add_id(event.id);
    values.add(event.parent.map(|parent| parent.as_bytes().to_vec()));
    values.add_count(event.at.0);
    values.add(event.plane.as_str());
    values.add_label(Some(&event.kind));
    values.add_principal(Some(&event.principal));
    values.add_label(event.rule.as_ref());
    values.add_versions(event.versions.config, &event.versions.policy);
    values.add(event.facts.to_string());
    values.add_label(Some(&event.outcome));
    values.add(severity(event));
    values.add_digest(change);
    let link = head.advance(values.row().bytes());
    values.bind_link(&link);
    let (columns, marks) = (COLUMNS.join(", "), ["?"; COLUMNS.len()].join(", "));
    let sql = format!("INSERT INTO event ({columns}, link) VALUES ({marks}, ?)");
    sqlx::query_with(AssertSqlSafe(sql), values.finish()?)
        .execute(connection)
        .await?;
    Ok(())
}

const fn severity(event: &Event) -> &'static str {
    match event.severity {
        tollgate_types::Severity::Record => "record",
        tollgate_types::Severity::Security => "security",
    }
}

pub(crate) fn read(row: &SqliteRow) -> Result<Entry, ReadError> {
    let row = Reading::new(row);
    Ok(Entry {
        cursor: Cursor(row.seq),
        link: row.link()?,
        event: Event {
            id: row.id("id")?,
            parent: row.optional_id("parent")?,
            at: UnixMillis(row.count("at")?),
            plane: row.word("plane")?,
            kind: row.label("kind")?.unwrap_or_default(),
            principal: row.principal()?.unwrap_or_else(Principal::gateway),
            rule: row.label("rule")?,
            versions: row.versions()?,
            facts: row.json("facts", row.get("facts")?)?,
            outcome: row.label("outcome")?.unwrap_or_default(),
            severity: row.word("severity")?,
        },
    })
}
