//! A notary whose signatures are hashes: what the ledger makes of signatures
//! is tested here, what a signature is in the crate that owns the key.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest, Sha256};
use tollgate_ledger::{AuditReport, Kept, Ledger, LedgerConfig, Notary, Trust, verify};

pub(crate) const KEY: [u8; 32] = [7; 32];

pub(crate) struct Hashing {
    pub(crate) key: [u8; 32],
    head: PathBuf,
}

impl Notary for Hashing {
    fn public_key(&self) -> [u8; 32] {
        self.key
    }

    fn sign(&self, text: &[u8]) -> [u8; 64] {
        signature(&self.key, text)
    }

    fn keep(&self, head: &str) -> Result<(), String> {
        let beside = self.head.with_extension("new");
        let kept = fs::write(&beside, head).and_then(|()| fs::rename(&beside, &self.head));
        kept.map_err(|error| error.to_string())
    }

    fn kept(&self) -> Result<Option<String>, String> {
        Ok(fs::read_to_string(&self.head).ok())
    }
}

fn signature(key: &[u8; 32], text: &[u8]) -> [u8; 64] {
    let half = |which: u8| {
        Sha256::new()
            .chain_update([which])
            .chain_update(key)
            .chain_update(text)
    };
    let mut signature = [0; 64];
    signature[..32].copy_from_slice(&half(0).finalize());
    signature[32..].copy_from_slice(&half(1).finalize());
    signature
}

pub(crate) fn fits(key: &[u8; 32], text: &[u8], found: &[u8; 64]) -> bool {
    signature(key, text) == *found
}

pub(crate) fn config(folder: &Path) -> LedgerConfig {
    with_key(folder, KEY)
}

pub(crate) fn with_key(folder: &Path, key: [u8; 32]) -> LedgerConfig {
    LedgerConfig {
        notary: Some(Arc::new(Hashing {
            key,
            head: head(folder),
        })),
        ..LedgerConfig::new(path(folder))
    }
}

pub(crate) fn path(folder: &Path) -> PathBuf {
    folder.join("private/ledger.db")
}

pub(crate) fn head(folder: &Path) -> PathBuf {
    folder.join("private/audit.head")
}

pub(crate) async fn open(folder: &Path) -> Ledger {
    crate::opened(config(folder)).await
}

pub(crate) fn trust(folder: &Path) -> Trust {
    Trust {
        keys: vec![KEY],
        kept: fs::read_to_string(head(folder)).map_or(Kept::Missing, Kept::Is),
        check: fits,
    }
}

pub(crate) async fn audit(folder: &Path) -> AuditReport {
    verify(&path(folder), &trust(folder)).await.unwrap()
}
