//! Notices that a configuration changed on disk.
//!
//! Editors and Kubernetes replace files instead of writing them, so it is the folders around the files that are
//! watched. A burst of events is one change.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::mpsc;

use crate::output;

/// Quiet time after which a burst of events counts as over.
const QUIET: Duration = Duration::from_millis(100);

/// A watch on files and folders. Events stop when it is dropped.
#[derive(Debug)]
pub struct Watch {
    events: mpsc::Receiver<()>,
    _watcher: Option<RecommendedWatcher>,
}

impl Watch {
    /// Watches `paths`. Where the system refuses (no inotify left), SIGHUP still works, and a line says so.
    pub fn new(paths: &[PathBuf]) -> Self {
        let (sender, events) = mpsc::channel(1);
        let concern = Concern::new(paths);
        let on_event = move |event: notify::Result<notify::Event>| {
            // Reading a configuration is no change; without this a reload would call for the next one.
            if event.is_ok_and(|event| !event.kind.is_access() && concern.covers(&event.paths)) {
                let _ = sender.try_send(());
            }
        };
        let watcher = notify::recommended_watcher(on_event).and_then(|mut watcher| {
            for (folder, mode) in folders(paths) {
                watcher.watch(&folder, mode)?;
            }
            Ok(watcher)
        });
        if let Err(error) = &watcher {
            output::complain(&format!("changes are not noticed, send SIGHUP to reload: {error}"));
        }
        Self { events, _watcher: watcher.ok() }
    }

    /// Returns once something changed and was quiet since. Never returns when nothing can be watched.
    pub async fn changed(&mut self) {
        if self.events.recv().await.is_none() {
            std::future::pending::<()>().await;
        }
        while tokio::time::timeout(QUIET, self.events.recv()).await.is_ok_and(|event| event.is_some()) {}
    }
}

/// Which events matter: a log file beside a configuration is no change of it.
#[derive(Debug)]
struct Concern {
    files: Vec<OsString>,
    folders: Vec<PathBuf>,
}

impl Concern {
    fn new(paths: &[PathBuf]) -> Self {
        let (folders, files): (Vec<&PathBuf>, _) = paths.iter().partition(|path| path.is_dir());
        let names = files.into_iter().filter_map(|path: &PathBuf| path.file_name());
        Self { files: names.map(OsString::from).collect(), folders: folders.into_iter().cloned().collect() }
    }

    /// Kubernetes swaps the link `..data` under the files of a mounted ConfigMap; no event names the files.
    fn covers(&self, changed: &[PathBuf]) -> bool {
        changed.iter().any(|path| {
            let name = path.file_name().unwrap_or_default();
            name == "..data"
                || self.files.iter().any(|file| file == name)
                || self.folders.iter().any(|folder| path.starts_with(folder))
        })
    }
}

/// Folders themselves with all below them, and the folders that files stand in.
fn folders(paths: &[PathBuf]) -> Vec<(PathBuf, RecursiveMode)> {
    let mut found: Vec<(PathBuf, RecursiveMode)> = Vec::new();
    for path in paths {
        let entry = if path.is_dir() {
            (path.clone(), RecursiveMode::Recursive)
        } else {
            let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
            (parent.unwrap_or(Path::new(".")).to_owned(), RecursiveMode::NonRecursive)
        };
        if !found.contains(&entry) {
            found.push(entry);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::Concern;

    #[test]
    fn only_what_is_read_matters() {
        let folder = tempfile::tempdir().unwrap();
        let below = folder.path().join("routes");
        std::fs::create_dir(&below).unwrap();
        let concern = Concern::new(&[folder.path().join("lambridge.yaml"), below.clone()]);
        let covers = |path: PathBuf| concern.covers(&[path]);
        assert!(covers(folder.path().join("lambridge.yaml")));
        assert!(covers(below.join("new.yaml")));
        assert!(covers(folder.path().join("..data")));
        assert!(!covers(folder.path().join("access.log")));
        assert!(!covers(folder.path().join("other.yaml")));
    }
}
