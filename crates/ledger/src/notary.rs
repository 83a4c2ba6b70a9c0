use std::sync::Arc;

use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::statement::Signed;

/// Who signs what the ledger says about its chain, with a key that is not in
/// the database, and keeps the newest statement outside of it.
///
/// All calls may block; none is made on the path of a request.
pub trait Notary: Send + Sync {
    /// The Ed25519 public key (RFC 8032).
    fn public_key(&self) -> [u8; 32];

    /// The Ed25519 signature of `text`.
    fn sign(&self, text: &[u8]) -> [u8; 64];

    /// Keeps the newest statement in place of the one before.
    ///
    /// # Errors
    /// What the system said.
    fn keep(&self, head: &str) -> Result<(), String>;

    /// The statement that was kept last; none where there never was one.
    ///
    /// # Errors
    /// What the system said.
    fn kept(&self) -> Result<Option<String>, String>;
}

/// Keeps statements outside the database, the newest only, off the writer's
/// task: what comes while one is being written overtakes those before it.
pub(crate) struct Keeper {
    newest: watch::Sender<Option<String>>,
    task: JoinHandle<()>,
}

impl Keeper {
    pub(crate) fn start(notary: Arc<dyn Notary>) -> Self {
        let (newest, mut changes) = watch::channel(None);
        let task = tokio::spawn(async move {
            while changes.changed().await.is_ok() {
                let head: Option<String> = changes.borrow_and_update().clone();
                let Some(head) = head else { continue };
                let notary = Arc::clone(&notary);
                let kept = tokio::task::spawn_blocking(move || notary.keep(&head)).await;
                if let Ok(Err(found)) = kept {
                    tracing::error!(found, "the newest checkpoint can't be kept beside its key");
                }
            }
        });
        Self { newest, task }
    }

    /// Only what is on the disk may be kept: a checkpoint that outlived its
    /// records would look as if they had been cut off.
    pub(crate) fn keep(&self, signed: &Signed) {
        self.newest.send_replace(Some(signed.to_head()));
    }

    /// Returns when the last one is kept.
    pub(crate) async fn close(self) {
        drop(self.newest);
        if let Err(error) = self.task.await {
            tracing::error!(%error, "the newest checkpoint may not be kept");
        }
    }
}
