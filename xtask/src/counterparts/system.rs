//! Counterparts that are programs of the system: Chromium for the page of `lambridge dev`, skopeo and umoci to read images,
//! promtool to read metrics.
//!
//! They are in none of the package registries that the others come from. Where one is missing and may be installed (as
//! root, on Debian and its kin) it is; elsewhere the tests say that they are skipped, or fail where an environment variable
//! promises it, as `LAMBRIDGE_BROWSER=required` does in `.ci/run`.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::step::run;

/// As `tests/real/browser.py` looks for them.
const BROWSERS: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/// Installs Chromium where there is no browser of its kind and one can be had.
pub fn browser() -> Result<(), String> {
    provide(&BROWSERS, "chromium")
}

/// Installs what reads container images without a daemon, where it can be had.
pub fn image_readers() -> Result<(), String> {
    provide(&["skopeo"], "skopeo").and_then(|()| provide(&["umoci"], "umoci"))
}

/// Prometheus's reader of metrics, for `PROMTOOL`, where it can be had. Its package is unpacked and not installed: it would
/// start a server.
pub fn promtool(tools: &Path) -> Result<Option<PathBuf>, String> {
    let folder = tools.join("prometheus");
    let program = folder.join("usr/bin/promtool");
    let path = std::env::var_os("PATH").unwrap_or_default();
    if program.exists() {
        return Ok(Some(program));
    }
    if is_in(&path, "promtool") || !is_in(&path, "apt-get") {
        return Ok(None);
    }
    std::fs::create_dir_all(&folder)
        .map_err(|error| format!("cannot make `{}`: {error}", folder.display()))?;
    let unpack = "apt-get -q download prometheus && dpkg -x prometheus_*.deb .";
    match run(Command::new("sh").current_dir(&folder).args(["-c", unpack])) {
        Ok(()) => Ok(Some(program)),
        Err(message) => {
            println!("no promtool here, and none could be fetched: {message}");
            Ok(None)
        }
    }
}

/// Sees to it that one of `programs` is there, by installing `package`; says so where it cannot be.
fn provide(programs: &[&str], package: &str) -> Result<(), String> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    if programs.iter().any(|name| is_in(&path, name)) {
        return Ok(());
    }
    if !is_in(&path, "apt-get") || !is_root() {
        println!("no {package} here, and none can be installed without root and apt-get");
        return Ok(());
    }
    let apt = |arguments: &[&str]| {
        run(Command::new("apt-get").env("DEBIAN_FRONTEND", "noninteractive").args(["-q"]).args(arguments))
    };
    let install = || apt(&["install", "-y", "--no-install-recommends", package]);
    // An index that is there is mostly new enough, and fetching one takes as long as the rest.
    if let Err(message) = install().or_else(|_| apt(&["update"]).and_then(|()| install())) {
        println!("no {package} here, and none could be installed: {message}");
    }
    Ok(())
}

fn is_in(path: &OsStr, name: &str) -> bool {
    std::env::split_paths(path).any(|folder| folder.join(name).is_file())
}

/// Whether this process may install; the owner of its own `/proc` entry is who it runs as.
fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata(Path::new("/proc/self")).is_ok_and(|own| own.uid() == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn found_on_the_path_only() {
        let folder = std::env::temp_dir().join(format!("lambridge-system-{}", std::process::id()));
        std::fs::create_dir_all(folder.join("chromium-browser")).unwrap();
        std::fs::write(folder.join("chromium"), "").unwrap();
        let path = std::env::join_paths([Path::new("/nowhere"), &folder]).unwrap();
        assert!(is_in(&path, "chromium"));
        assert!(!is_in(&path, "google-chrome"));
        assert!(!is_in(&path, "chromium-browser"), "a folder is no program");
        assert!(!is_in(OsStr::new(""), "chromium"));
        std::fs::remove_dir_all(folder).unwrap();
    }
}
