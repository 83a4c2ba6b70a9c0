use std::path::{Path, PathBuf};

use tollgate_ledger::Notary;
use tollgate_secrets::AuditKey;

/// Longest kept checkpoint that is read, in bytes.
const LONGEST: usize = 8 << 10;

/// Signs the ledger's checkpoints with `audit.key`, and keeps the newest one
/// in `audit.head`: both beside the ledger, neither in it.
pub(super) struct Seal {
    key: AuditKey,
    head: PathBuf,
}

impl Seal {
    /// The key of this state folder, made at the first start.
    pub(super) fn open(state: &Path) -> anyhow::Result<Self> {
        let (key, made) = AuditKey::open_or_make(&state.join("audit.key"))?;
        if made {
            tracing::info!(key = %key.public(), "made the key that signs the audit chain");
        }
        Ok(Self {
            key,
            head: state.join("audit.head"),
        })
    }
}

impl Notary for Seal {
    fn public_key(&self) -> [u8; 32] {
        *self.key.public().as_bytes()
    }

    fn sign(&self, text: &[u8]) -> [u8; 64] {
        self.key.sign(text)
    }

    fn keep(&self, head: &str) -> Result<(), String> {
        tollgate_secrets::write_private(&self.head, head.as_bytes())
            .map_err(|error| error.to_string())
    }

    fn kept(&self) -> Result<Option<String>, String> {
        match tollgate_secrets::read_private(&self.head, LONGEST) {
            Ok(head) => Ok(Some(head.expose().to_owned())),
            Err(error) if error.is_missing() => Ok(None),
            Err(error) => Err(error.to_string()),
        }
    }
}
