//! What was opened of a command, wherever it is to run.

use tollgate_run::{Contained, Sealed, Seen};

/// Two that can't be mixed up: what was opened for a container has no program
/// of this machine in it.
#[derive(Debug)]
pub(super) enum Held {
    /// Beside the gateway, or behind bubblewrap.
    Here(Sealed),
    /// In a container.
    Inside(Contained),
}

impl Held {
    pub(super) fn folder(&self) -> &Seen {
        match self {
            Self::Here(sealed) => sealed.folder(),
            Self::Inside(contained) => contained.folder(),
        }
    }

    pub(super) fn files(&self) -> &[Seen] {
        match self {
            Self::Here(sealed) => sealed.files(),
            Self::Inside(contained) => contained.files(),
        }
    }
}
