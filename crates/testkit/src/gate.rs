//! Holds a script at a point until the test lets it go on.

use std::sync::Arc;
use tokio::sync::Semaphore;

/// Passes are handed out by the test and used up by the script, one a step.
/// Clones are the same gate.
#[derive(Clone, Debug)]
pub struct Gate(Arc<Semaphore>);

impl Gate {
    /// Far more than any script has steps, and far below the semaphore's limit.
    const UNLIMITED: usize = 1 << 24;

    /// A gate that lets nothing pass yet.
    #[must_use]
    pub fn closed() -> Self {
        Self(Arc::new(Semaphore::new(0)))
    }

    /// Lets `steps` more steps pass.
    pub fn release(&self, steps: usize) {
        self.0.add_permits(steps);
    }

    /// Lets everything pass from now on.
    pub fn open(&self) {
        self.0.add_permits(Self::UNLIMITED);
    }

    /// Waits for a pass and uses it up.
    pub(crate) async fn pass(&self) {
        self.0
            .acquire()
            .await
            .expect("gates are never closed down")
            .forget();
    }
}
