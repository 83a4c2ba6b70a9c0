//! When a checkpoint is due, and what it says.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;
use tollgate_types::UnixMillis;

use crate::Notary;
use crate::chain::{Head, Link, Node};
use crate::notary::Keeper;
use crate::statement::{Prune, Signed, Statement};

/// A checkpoint costs a signature and a sync of the disk; what comes after
/// the last one can be cut off unnoticed.
const EVERY_RECORDS: i64 = 4096;
const AFTER: Duration = Duration::from_secs(60);

/// A node's statements so far.
pub(crate) struct Seals {
    pub(crate) node: Node,
    signer: Option<Signer>,
    /// The last statement's number and digest.
    number: u64,
    digest: Link,
    /// The last record that a statement covers.
    covered: i64,
    /// When the records since then must be covered.
    due: Option<Instant>,
}

struct Signer {
    notary: Arc<dyn Notary>,
    keeper: Keeper,
    /// Whether any statement was kept outside yet.
    kept: bool,
}

/// A statement on its way into the database.
pub(crate) struct Seal {
    pub(crate) number: u64,
    pub(crate) signed: Signed,
    records: i64,
}

impl Seals {
    pub(crate) fn new(
        node: Node,
        notary: Option<Arc<dyn Notary>>,
        newest: Option<&Signed>,
    ) -> Self {
        let statement = newest.and_then(|signed| Statement::parse(&signed.text));
        let signer = |notary: Arc<dyn Notary>| Signer {
            keeper: Keeper::start(Arc::clone(&notary)),
            kept: matches!(notary.kept(), Ok(Some(_))),
            notary,
        };
        Self {
            node,
            signer: notary.map(signer),
            number: statement.as_ref().map_or(0, |it| it.number),
            digest: newest.map_or(Link([0; 32]), Signed::digest),
            covered: statement.map_or(0, |it| it.records.cast_signed()),
            due: None,
        }
    }

    /// When a checkpoint is due; none where nothing is to be covered.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.due
    }

    /// Whether records up to `head` should be covered in this transaction.
    pub(crate) fn is_due(&self, head: i64) -> bool {
        let late = || self.due.is_some_and(|due| due <= Instant::now());
        let many = head - self.covered >= EVERY_RECORDS;
        self.signer.is_some() && (many || late())
    }

    pub(crate) fn is_covered(&self, head: Head) -> bool {
        self.signer.is_none() || head.seq <= self.covered
    }

    /// A checkpoint at `head`; none without a notary.
    pub(crate) fn seal(&self, head: Head) -> Option<Seal> {
        self.state(head, None, self.number + 1, self.digest)
    }

    /// A statement of what was removed up to `through`, and the checkpoint at
    /// `head` that goes with it.
    pub(crate) fn seal_pruned(&self, through: Head, prune: Prune, head: Head) -> Option<[Seal; 2]> {
        let first = self.state(through, Some(prune), self.number + 1, self.digest)?;
        let second = self.state(head, None, first.number + 1, first.signed.digest())?;
        Some([first, second])
    }

    pub(crate) fn can_sign(&self) -> bool {
        self.signer.is_some()
    }

    fn state(&self, head: Head, prune: Option<Prune>, number: u64, previous: Link) -> Option<Seal> {
        let notary = &self.signer.as_ref()?.notary;
        let statement = Statement {
            node: self.node,
            number,
            at: now(),
            records: head.seq.unsigned_abs(),
            link: head.link,
            previous,
            prune,
        };
        let text = statement.text();
        Some(Seal {
            number,
            records: head.seq,
            signed: Signed {
                key: notary.public_key(),
                signature: notary.sign(text.as_bytes()),
                text,
            },
        })
    }

    /// It is on the disk, and may be kept outside.
    pub(crate) fn sealed(&mut self, seal: &Seal) {
        self.number = seal.number;
        self.digest = seal.signed.digest();
        self.covered = seal.records;
        self.due = None;
        let Some(signer) = &mut self.signer else {
            return;
        };
        if signer.kept {
            return signer.keeper.keep(&seal.signed);
        }
        // The first one in a ledger's life is waited for: from then on one
        // that is missing means that somebody took it away.
        match signer.notary.keep(&seal.signed.to_head()) {
            Ok(()) => signer.kept = true,
            Err(found) => tracing::error!(found, "the first checkpoint can't be kept"),
        }
    }

    /// Records up to `head` are written and wait for a checkpoint.
    pub(crate) fn written(&mut self, head: Head) {
        if !self.is_covered(head) && self.due.is_none() {
            self.due = Some(Instant::now() + AFTER);
        }
    }

    /// Not now: the database can't be written.
    pub(crate) fn put_off(&mut self, pause: Duration) {
        self.due = self.due.map(|_| Instant::now() + pause);
    }

    /// The statement kept outside, where it is newer than all that are known:
    /// then the database was cut, or replaced by an older one.
    pub(crate) fn lost(&self, newest: Option<&Signed>) -> Result<Option<Signed>, String> {
        let Some(signer) = &self.signer else {
            return Ok(None);
        };
        let Some(head) = signer.notary.kept()? else {
            return Ok(None);
        };
        let Some(kept) = Signed::from_head(&head) else {
            return Err("it does not hold a checkpoint".to_owned());
        };
        let number = Statement::parse(&kept.text).map_or(u64::MAX, |it| it.number);
        let known = newest == Some(&kept) || number < self.number;
        Ok(Some(kept).filter(|_| !known))
    }

    pub(crate) async fn close(self) {
        if let Some(signer) = self.signer {
            signer.keeper.close().await;
        }
    }
}

pub(crate) fn now() -> UnixMillis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    UnixMillis(since.map_or(0, |since| {
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    }))
}
