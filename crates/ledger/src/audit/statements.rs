//! The signed statements, held against their keys and each other.

use std::collections::HashMap;

use sqlx::Row;
use sqlx::sqlite::SqliteConnection;

use super::fault::{AuditFaultKind, Faults};
use super::{Kept, Trust};
use crate::chain::{Head, Link, Node, hex};
use crate::statement::{Prune, Signed, Statement};

/// What the statements say of the chain.
pub(crate) struct Stated {
    /// The links that they name, by record.
    pub(crate) links: HashMap<i64, Named>,
    /// The last record that a valid one covers.
    pub(crate) covered: i64,
    /// What was pruned, and where the chain goes on.
    pub(crate) pruned: Option<(Head, Prune)>,
    pub(crate) count: u64,
    pub(crate) keys: Vec<String>,
}

/// A link that a statement names.
#[derive(Clone, Copy)]
pub(crate) struct Named {
    pub(crate) number: u64,
    pub(crate) link: Link,
}

/// Statements that are read at once.
const CHUNK: i64 = 4096;

/// Checks every statement; what is not signed by a trusted key counts for
/// nothing.
pub(crate) async fn check(
    connection: &mut SqliteConnection,
    node: &Node,
    trust: &Trust,
    faults: &mut Faults,
) -> Result<Stated, sqlx::Error> {
    let mut check = Check {
        node,
        trust,
        faults,
        next: None,
        previous: None,
        newest: None,
        stated: Stated {
            links: HashMap::new(),
            covered: 0,
            pruned: None,
            count: 0,
            keys: Vec::new(),
        },
    };
    let sql = "SELECT number, text, key, signature FROM statement \
               WHERE number > ? ORDER BY number LIMIT ?";
    let mut after = i64::MIN;
    loop {
        let query = sqlx::query(sql).bind(after).bind(CHUNK);
        let rows = query.fetch_all(&mut *connection).await?;
        let Some(last) = rows.last() else { break };
        after = last.try_get("number")?;
        for row in &rows {
            let number: i64 = row.try_get("number")?;
            check.one(number.unsigned_abs(), Signed::read(row)?);
        }
    }
    check.against_kept();
    Ok(check.stated)
}

struct Check<'c> {
    node: &'c Node,
    trust: &'c Trust,
    faults: &'c mut Faults,
    next: Option<u64>,
    previous: Option<Link>,
    newest: Option<(u64, Signed)>,
    stated: Stated,
}

impl Check<'_> {
    fn one(&mut self, number: u64, signed: Option<Signed>) {
        let expected = self.next.unwrap_or(number);
        if number > expected {
            let last = number - 1;
            self.fault(format!("checkpoints {expected} to {last} are missing"));
            self.previous = None;
        }
        let first = self.next.is_none();
        self.next = Some(number + 1);
        self.stated.count += 1;
        let statement = signed.as_ref().and_then(|it| Statement::parse(&it.text));
        let (Some(signed), Some(statement)) = (signed, statement) else {
            self.fault(format!(
                "checkpoint {number} is not a statement of this form"
            ));
            self.previous = None;
            return;
        };
        if let Some(wrong) = self.wrong(number, first, &signed, &statement) {
            self.fault(format!("checkpoint {number} {wrong}"));
        } else {
            self.take(number, statement);
        }
        self.previous = Some(signed.digest());
        self.newest = Some((number, signed));
    }

    /// What is wrong with one statement.
    fn wrong(
        &self,
        number: u64,
        first: bool,
        signed: &Signed,
        statement: &Statement,
    ) -> Option<String> {
        let shown = hex(&signed.key);
        if !(self.trust.check)(&signed.key, signed.text.as_bytes(), &signed.signature) {
            return Some("was changed: its signature does not fit its text".into());
        }
        if !self.trust.keys.is_empty() && !self.trust.keys.contains(&signed.key) {
            return Some(format!("is signed by key {shown}, which is not trusted"));
        }
        if statement.number != number {
            return Some(format!("is number {} in its signed text", statement.number));
        }
        if statement.node != *self.node {
            return Some(format!("is of node {}, not of this one", statement.node));
        }
        if first && number > 1 && statement.prune.is_none() {
            return Some("is the first one: those before it are missing".into());
        }
        let previous = self.previous.unwrap_or(statement.previous);
        if statement.previous != previous {
            return Some("does not follow the one before it".into());
        }
        if (statement.records.cast_signed()) < self.stated.covered {
            return Some("covers less than the one before it".into());
        }
        None
    }

    fn take(&mut self, number: u64, statement: Statement) {
        let head = Head {
            seq: statement.records.cast_signed(),
            link: statement.link,
        };
        self.stated.covered = head.seq;
        let link = head.link;
        self.stated.links.insert(head.seq, Named { number, link });
        if let Some(prune) = statement.prune {
            self.stated.pruned = Some((head, prune));
        }
    }

    /// The newest one must be the one that is kept outside, or newer.
    fn against_kept(&mut self) {
        if let Some((_, newest)) = &self.newest {
            self.stated.keys = vec![hex(&newest.key)];
        }
        let kept = match &self.trust.kept {
            Kept::Is(kept) => kept,
            Kept::Elsewhere => return,
            Kept::Missing if self.newest.is_none() => return,
            Kept::Missing => {
                let message = "the newest checkpoint is not kept beside the key: the end of the chain may have been cut off";
                return self.fault(message.into());
            }
        };
        let Some(kept) = Signed::from_head(kept) else {
            return self.fault("the checkpoint kept beside the key can't be read".into());
        };
        let statement = Statement::parse(&kept.text).filter(|_| {
            let key = &kept.key;
            let trusted = self.trust.keys.is_empty() || self.trust.keys.contains(key);
            trusted && (self.trust.check)(key, kept.text.as_bytes(), &kept.signature)
        });
        let Some(statement) = statement else {
            return self.fault("the checkpoint kept beside the key is not signed by it".into());
        };
        let found = self.newest.as_ref().map_or(0, |(number, _)| *number);
        let same = self
            .newest
            .as_ref()
            .is_some_and(|(_, newest)| *newest == kept);
        if statement.number > found || (statement.number == found && !same) {
            let (number, records) = (statement.number, statement.records);
            self.fault(format!(
                "checkpoint {number} is kept beside the key and not in the ledger, which ends with checkpoint {found}"
            ));
            // What it says of the records holds all the same.
            let named = Named {
                number,
                link: statement.link,
            };
            self.stated.links.insert(records.cast_signed(), named);
            self.stated.covered = self.stated.covered.max(records.cast_signed());
        }
    }

    fn fault(&mut self, message: String) {
        self.faults.other(AuditFaultKind::Checkpoint, message);
    }
}
