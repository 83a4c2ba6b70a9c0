//! What a node signs about its chain.
//!
//! The text is what is signed, as it stands, so that nothing but this text,
//! a signature and a public key is needed to check one:
//!
//! ```text
//! tollgate audit checkpoint 1
//! node 0192f5c1d2e37a4b8c9d0e1f2a3b4c5d
//! number 12
//! at 1700000000000
//! records 4096
//! link 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
//! previous 60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752
//! ```
//!
//! `records` is the last record that the statement covers, `link` is that
//! record's link, `previous` the SHA-256 of the statement before. A statement
//! of what was pruned begins `tollgate audit prune 1` and goes on with
//! `before` (the moment asked for), `requests` and `events` (how many this
//! and all earlier ones removed), `rollups` (digest of the sums that stay of
//! them) and `state` (digest of the budgets, cutoffs and agents that they
//! made and that stay).

use sha2::{Digest, Sha256};
use sqlx::Row;
use sqlx::sqlite::{SqliteConnection, SqliteRow};
use tollgate_types::UnixMillis;

use crate::chain::{Link, Node, hex, unhex};

const CHECKPOINT: &str = "tollgate audit checkpoint 1";
const PRUNE: &str = "tollgate audit prune 1";

/// What a node says about its chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Statement {
    pub(crate) node: Node,
    /// Counts a node's statements, from 1.
    pub(crate) number: u64,
    pub(crate) at: UnixMillis,
    /// The last record that it covers.
    pub(crate) records: u64,
    /// That record's link.
    pub(crate) link: Link,
    /// SHA-256 of the text before; zeros for the first.
    pub(crate) previous: Link,
    pub(crate) prune: Option<Prune>,
}

/// What was removed, up to and including the statement's `records`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Prune {
    pub(crate) before: UnixMillis,
    pub(crate) requests: u64,
    pub(crate) events: u64,
    pub(crate) rollups: Link,
    pub(crate) state: Link,
}

/// A statement with what proves it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Signed {
    pub(crate) text: String,
    /// Ed25519 public key.
    pub(crate) key: [u8; 32],
    pub(crate) signature: [u8; 64],
}

impl Statement {
    pub(crate) fn text(&self) -> String {
        let title = match self.prune {
            None => CHECKPOINT,
            Some(_) => PRUNE,
        };
        let mut text = format!(
            "{title}\nnode {}\nnumber {}\nat {}\nrecords {}\nlink {}\nprevious {}\n",
            self.node, self.number, self.at.0, self.records, self.link, self.previous
        );
        if let Some(prune) = &self.prune {
            text.push_str(&format!(
                "before {}\nrequests {}\nevents {}\nrollups {}\nstate {}\n",
                prune.before.0, prune.requests, prune.events, prune.rollups, prune.state
            ));
        }
        text
    }

    /// The statement of a text; none where it is not exactly what
    /// [`Statement::text`] writes.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        let title = lines.next()?;
        let mut field = |name: &str| lines.next()?.strip_prefix(name)?.strip_prefix(' ');
        let mut statement = Self {
            node: field("node")?.parse().ok()?,
            number: field("number")?.parse().ok()?,
            at: UnixMillis(field("at")?.parse().ok()?),
            records: field("records")?.parse().ok()?,
            link: field("link")?.parse().ok()?,
            previous: field("previous")?.parse().ok()?,
            prune: None,
        };
        if title == PRUNE {
            statement.prune = Some(Prune {
                before: UnixMillis(field("before")?.parse().ok()?),
                requests: field("requests")?.parse().ok()?,
                events: field("events")?.parse().ok()?,
                rollups: field("rollups")?.parse().ok()?,
                state: field("state")?.parse().ok()?,
            });
        }
        // Also holds the title, leading zeros and what follows.
        (statement.text() == text).then_some(statement)
    }
}

impl Signed {
    /// What the next statement names as `previous`.
    pub(crate) fn digest(&self) -> Link {
        Link(Sha256::digest(&self.text).into())
    }

    /// Text and signature as they stand beside the key.
    pub(crate) fn to_head(&self) -> String {
        format!(
            "{}key {}\nsignature {}\n",
            self.text,
            hex(&self.key),
            hex(&self.signature)
        )
    }

    pub(crate) fn from_head(head: &str) -> Option<Self> {
        let (text, key) = head.rsplit_once("\nkey ")?;
        let (key, signature) = key.split_once("\nsignature ")?;
        Some(Self {
            text: format!("{text}\n"),
            key: unhex(key)?,
            signature: unhex(signature.trim_end())?,
        })
    }

    pub(crate) async fn insert(
        &self,
        connection: &mut SqliteConnection,
        number: u64,
    ) -> Result<(), sqlx::Error> {
        sqlx::query("INSERT INTO statement (number, text, key, signature) VALUES (?, ?, ?, ?)")
            .bind(i64::try_from(number).unwrap_or(i64::MAX))
            .bind(self.text.as_str())
            .bind(self.key.to_vec())
            .bind(self.signature.to_vec())
            .execute(connection)
            .await?;
        Ok(())
    }

    /// From the columns `text`, `key` and `signature`; none where they are
    /// not of their lengths.
    pub(crate) fn read(row: &SqliteRow) -> Result<Option<Self>, sqlx::Error> {
        let text: &[u8] = row.try_get_unchecked("text")?;
        let (key, signature): (&[u8], &[u8]) = (row.try_get("key")?, row.try_get("signature")?);
        let signed = || {
            Some(Self {
                text: std::str::from_utf8(text).ok()?.to_owned(),
                key: key.try_into().ok()?,
                signature: signature.try_into().ok()?,
            })
        };
        Ok(signed())
    }
}

/// The newest statement.
pub(crate) async fn newest(
    connection: &mut SqliteConnection,
) -> Result<Option<Signed>, sqlx::Error> {
    let sql = "SELECT text, key, signature FROM statement ORDER BY number DESC LIMIT 1";
    let row = sqlx::query(sql).fetch_optional(connection).await?;
    Ok(match row {
        Some(row) => Signed::read(&row)?,
        None => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statement(prune: bool) -> Statement {
        Statement {
            node: Node([9; 16]),
            number: 12,
            at: UnixMillis(1_700_000_000_000),
            records: 4096,
            link: Link([1; 32]),
            previous: Link([2; 32]),
            prune: prune.then_some(Prune {
                before: UnixMillis(5),
                requests: 4000,
                events: 96,
                rollups: Link([3; 32]),
                state: Link([4; 32]),
            }),
        }
    }

    #[test]
    fn a_statement_reads_back_and_nothing_beside_it_does() {
        for prune in [false, true] {
            let text = statement(prune).text();
            assert_eq!(Statement::parse(&text), Some(statement(prune)));
            let zeros = text.replace("number 12", "number 012");
            let other = text.replace("audit", "other");
            for bad in [&text[1..], &text[..text.len() - 1], &zeros, &other, ""] {
                assert_eq!(Statement::parse(bad), None, "{bad}");
            }
            assert_eq!(Statement::parse(&format!("{text}more\n")), None);
        }
    }

    #[test]
    fn a_head_reads_back() {
        let signed = Signed {
            text: statement(true).text(),
            key: [5; 32],
            signature: [6; 64],
        };
        assert_eq!(Signed::from_head(&signed.to_head()), Some(signed));
        assert_eq!(Signed::from_head(""), None);
    }
}
