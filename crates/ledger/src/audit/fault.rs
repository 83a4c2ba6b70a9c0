use std::fmt;

use serde::Serialize;
use tollgate_types::UnixMillis;

use crate::chain::{Link, Node};

/// What is wrong with a record, or with what stands beside the records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AuditFaultKind {
    /// The record is not what its link says.
    Changed,
    /// The records are not there; at the end of the chain: cut off.
    Missing,
    /// The record stands where another one belongs.
    Moved,
    /// Two records have the same place.
    Doubled,
    /// The chain is whole in itself and is not the one that was signed.
    Rewritten,
    /// What many records have in common was changed.
    ShapeChanged,
    /// A checkpoint is not there, not signed, or not what was signed.
    Checkpoint,
    /// An agent, budget or cutoff is not what an event made it.
    StateChanged,
    /// Sums of usage are not the sums of the records.
    SumsChanged,
    /// The gateway itself found the ledger without its newest checkpoint.
    CutBefore,
}

/// One fault, with the records that it is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AuditFault {
    /// What is wrong.
    pub kind: AuditFaultKind,
    /// The first record that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first: Option<u64>,
    /// The last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last: Option<u64>,
    /// The request's or event's id, where it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// All of it in a sentence.
    pub message: String,
}

impl fmt::Display for AuditFault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.message)
    }
}

/// What was pruned, as the newest statement of it says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PrunedReport {
    /// The last record that is gone.
    pub through: u64,
    /// Records from before this moment were to go.
    pub before: UnixMillis,
    /// Request records that are gone.
    pub requests: u64,
    /// Events that are gone.
    pub events: u64,
}

/// What an audit found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AuditReport {
    /// True where nothing is wrong.
    pub whole: bool,
    /// Whose chain it is.
    pub node: Node,
    /// Records that were checked.
    pub records: u64,
    /// Of these, request records.
    pub requests: u64,
    /// Of these, events.
    pub events: u64,
    /// The first record that is there; 0 where there is none.
    pub first: u64,
    /// The last one.
    pub last: u64,
    /// The last one's link.
    pub link: Link,
    /// Signed statements that were checked.
    pub checkpoints: u64,
    /// The last record that a checkpoint covers; what comes after it could be
    /// cut off unnoticed.
    pub covered: u64,
    /// What was pruned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pruned: Option<PrunedReport>,
    /// Public keys that signed the statements.
    pub keys: Vec<String>,
    /// Everything that is wrong, in the order of the records.
    pub faults: Vec<AuditFault>,
    /// Faults beyond those that are listed.
    pub more_faults: u64,
    /// What limits what was found.
    pub notes: Vec<String>,
}

/// Faults that are listed.
const MOST: usize = 1000;

/// Faults as they are found.
#[derive(Default)]
pub(crate) struct Faults {
    pub(crate) list: Vec<AuditFault>,
    pub(crate) more: u64,
}

impl Faults {
    pub(crate) fn add(&mut self, fault: AuditFault) {
        match self.list.len() < MOST {
            true => self.list.push(fault),
            false => self.more += 1,
        }
    }

    pub(crate) fn at(&mut self, kind: AuditFaultKind, seq: i64, id: &str, message: String) {
        let seq = Some(seq.unsigned_abs());
        self.add(AuditFault {
            kind,
            first: seq,
            last: seq,
            id: Some(id.to_owned()),
            message,
        });
    }

    pub(crate) fn range(&mut self, kind: AuditFaultKind, first: i64, last: i64, message: String) {
        self.add(AuditFault {
            kind,
            first: Some(first.unsigned_abs()),
            last: Some(last.unsigned_abs()),
            id: None,
            message,
        });
    }

    pub(crate) fn other(&mut self, kind: AuditFaultKind, message: String) {
        self.add(AuditFault {
            kind,
            first: None,
            last: None,
            id: None,
            message,
        });
    }
}

/// `record 7`, `records 7 to 9`.
pub(crate) fn these(first: i64, last: i64) -> String {
    match first == last {
        true => format!("record {first}"),
        false => format!("records {first} to {last}"),
    }
}
