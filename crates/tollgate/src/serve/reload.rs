use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use notify::{RecursiveMode, Watcher};
use tokio::signal::unix::Signal;
use tokio::sync::mpsc;

use super::house::House;

/// Editors write a file in several steps; one reload is enough for them.
const SETTLE: Duration = Duration::from_millis(200);

/// Reloads at SIGHUP and when a file that the configuration names has changed,
/// within a second.
pub(super) async fn watch(house: Arc<House>, mut hangup: Signal) {
    let (changed, mut changes) = mpsc::channel(1);
    let mut watched = Watched::new(&house, &changed);
    // Between reading the file and watching it, it may have changed already.
    let mut missed = house.files_changed();
    loop {
        if std::mem::take(&mut missed) {
            house.reload_and_say().await;
        }
        // A reload may have brought other files.
        if !watched.covers(&house) {
            watched = Watched::new(&house, &changed);
            missed = house.files_changed();
            continue;
        }
        tokio::select! {
            _ = hangup.recv() => {}
            Some(()) = changes.recv() => {
                tokio::time::sleep(SETTLE).await;
                while changes.try_recv().is_ok() {}
                missed = house.files_changed();
                continue;
            }
        }
        house.reload_and_say().await;
    }
}

/// Folders are watched, not files: an editor replaces the file by rename, and
/// one that is not there yet can appear.
struct Watched {
    _watcher: Option<notify::RecommendedWatcher>,
    files: Vec<PathBuf>,
}

impl Watched {
    fn new(house: &House, changed: &mpsc::Sender<()>) -> Self {
        let files = house.files();
        let watcher = Self::watcher(&files, changed.clone());
        if let Err(error) = &watcher {
            tracing::warn!(%error, "files are not watched; SIGHUP and the API reload");
        }
        Self {
            _watcher: watcher.ok(),
            files,
        }
    }

    fn covers(&self, house: &House) -> bool {
        self.files == house.files()
    }

    fn watcher(
        files: &[PathBuf],
        changed: mpsc::Sender<()>,
    ) -> notify::Result<notify::RecommendedWatcher> {
        let names = files.to_owned();
        let mut watcher =
            notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
                let ours = |path: &PathBuf| {
                    names
                        .iter()
                        .any(|name| name.file_name() == path.file_name())
                };
                if event.is_ok_and(|event| !event.kind.is_access() && event.paths.iter().any(ours))
                {
                    // Full means that a change is already waiting to be seen.
                    changed.try_send(()).ok();
                }
            })?;
        let mut folders: Vec<_> = files.iter().filter_map(|file| file.parent()).collect();
        folders.sort();
        folders.dedup();
        for folder in folders.into_iter().filter(|folder| folder.is_dir()) {
            watcher.watch(folder, RecursiveMode::NonRecursive)?;
        }
        Ok(watcher)
    }
}
