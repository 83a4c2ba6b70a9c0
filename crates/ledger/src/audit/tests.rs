//! An attacker who knows how links are computed, and has no key.

use std::sync::{Arc, Mutex};

use tollgate_types::{Outcome, RequestId, RequestRecord, UnixMillis, Usage, Versions};

use super::*;
use crate::{Ledger, LedgerConfig, Notary};

/// Signs with nothing but its name.
#[derive(Default)]
struct Plain(Mutex<Option<String>>);

impl Notary for Plain {
    fn public_key(&self) -> [u8; 32] {
        [1; 32]
    }
    fn sign(&self, text: &[u8]) -> [u8; 64] {
        signature(text)
    }
    fn keep(&self, head: &str) -> Result<(), String> {
        *self.0.lock().unwrap() = Some(head.to_owned());
        Ok(())
    }
    fn kept(&self) -> Result<Option<String>, String> {
        Ok(self.0.lock().unwrap().clone())
    }
}

fn signature(text: &[u8]) -> [u8; 64] {
    use sha2::{Digest, Sha512};
    Sha512::digest(text).into()
}

fn record(status: u16) -> RequestRecord {
    RequestRecord {
        id: RequestId::fresh(),
        at: UnixMillis(1),
        principal: None,
        dialect: "openai",
        endpoint: "/v1/chat/completions",
        stream: false,
        provider: None,
        model_asked: None,
        model_served: None,
        credential: None,
        usage: Usage::default(),
        attempts: smallvec::SmallVec::new(),
        status,
        outcome: Outcome::Refused,
        reason: None,
        message: "".into(),
        rule: None,
        budget: None,
        reserved_tokens: 0,
        cost_nanos: None,
        versions: Versions::default(),
        latency_micros: 1,
        first_byte_micros: None,
        overhead_micros: 1,
        findings: Vec::new(),
        trace: None,
    }
}

/// Computes every link anew, as the writer would have.
async fn relink(connection: &mut SqliteConnection) {
    let node = store::node(connection).await.unwrap();
    let mut head = Head {
        seq: 0,
        link: Link::beginning(&node),
    };
    for record in Records::default().read(connection, 1, 1000).await.unwrap() {
        let link = head.advance(record.row.bytes());
        sqlx::query("UPDATE request SET link = ? WHERE seq = ?")
            .bind(link.0.to_vec())
            .bind(record.seq)
            .execute(&mut *connection)
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn a_history_that_is_whole_and_another_one_is_not_the_one_that_was_signed() {
    let folder = tempfile::tempdir().unwrap();
    let notary = Arc::new(Plain::default());
    let config = LedgerConfig {
        notary: Some(notary.clone()),
        ..LedgerConfig::new(folder.path().join("private/ledger.db"))
    };
    let path = config.path.clone();
    for statuses in [400..404, 404..408] {
        let ledger = Ledger::open(config.clone(), |_| ()).await.unwrap();
        for status in statuses {
            ledger.slot().unwrap().write(record(status));
        }
        ledger.close().await.unwrap();
    }
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(&path);
    let mut connection = options.connect().await.unwrap();
    for sql in [
        "DROP TRIGGER request_stays",
        "UPDATE request SET latency_micros = 7 WHERE seq = 6",
    ] {
        connection.execute(sql).await.unwrap();
    }
    relink(&mut connection).await;
    connection.close().await.unwrap();
    let trust = Trust {
        keys: vec![[1; 32]],
        kept: Kept::Is(notary.kept().unwrap().unwrap()),
        check: |key, text, found| *key == [1; 32] && signature(text) == *found,
    };
    let report = verify(&path, &trust).await.unwrap();
    let faults: Vec<_> = report
        .faults
        .iter()
        .map(|it| (it.kind, it.first, it.last))
        .collect();
    // The first four are those that the first checkpoint signed.
    assert_eq!(
        faults,
        [(AuditFaultKind::Rewritten, Some(5), Some(8))],
        "{report:#?}"
    );
}
