//! Where a command would run: all that the judge is told of the machine.

use serde::{Deserialize, Serialize};

/// Folders and files that decide how paths are judged. The crate asks no
/// environment and no file system; whoever calls it says.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Setting {
    /// Working folder, absolute; `None` means that a relative path is in the
    /// workspace.
    pub folder: Option<String>,
    /// Root of the workspace, absolute; `None` means the working folder.
    pub workspace: Option<String>,
    /// The caller's home folder, absolute.
    pub home: Option<String>,
    /// Folders and files of the guard itself, absolute: writing there is
    /// self-modification.
    pub guarded: Vec<String>,
}

impl Setting {
    /// The workspace where it is known.
    pub(crate) fn root(&self) -> Option<&str> {
        self.workspace.as_deref().or(self.folder.as_deref())
    }
}
