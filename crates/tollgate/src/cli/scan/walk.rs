use std::path::{Path, PathBuf};

use crate::cli::failure::Failure;

/// Folders that hold what others made.
const SKIPPED: &[&str] = &[
    ".git",
    ".hg",
    ".svn",
    "node_modules",
    "target",
    ".venv",
    "__pycache__",
];

/// Files that are looked at in one call.
const MOST: usize = 1_000_000;

/// Every file below the given paths, in order; links are not followed.
pub(super) fn files(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let mut found = Vec::new();
    for path in paths {
        if path.as_os_str() == "-" {
            found.push(path.clone());
            continue;
        }
        let kind = std::fs::metadata(path).map_err(|error| {
            Failure::usage(anyhow::anyhow!(
                "`{}` can't be read: {error}",
                path.display()
            ))
        })?;
        match kind.is_dir() {
            true => below(path, &mut found),
            false => found.push(path.clone()),
        }
    }
    Ok(found)
}

fn below(folder: &Path, found: &mut Vec<PathBuf>) {
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(&folder) else {
            continue;
        };
        let mut entries: Vec<_> = entries.flatten().collect();
        entries.sort_by_key(std::fs::DirEntry::file_name);
        let known = folders.len();
        for entry in entries {
            let Ok(kind) = entry.file_type() else {
                continue;
            };
            let is_skipped = entry
                .file_name()
                .to_str()
                .is_some_and(|name| SKIPPED.contains(&name));
            if kind.is_dir() && !is_skipped {
                folders.push(entry.path());
            } else if kind.is_file() && found.len() < MOST {
                found.push(entry.path());
            }
        }
        // The last one is taken first.
        folders[known..].reverse();
    }
}
