//! Chromium, for the page of `lambridge dev`.
//!
//! It is a program of the system, in none of the package registries that the other counterparts come from. Where it is
//! missing and may be installed (as root, on Debian and its kin) it is; elsewhere the tests say that they are skipped, or
//! fail where `LAMBRIDGE_BROWSER=required` promises one, as `.ci/run` does.

use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;

use crate::step::run;

/// As `tests/real/browser.py` looks for them.
const NAMES: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/// Installs Chromium where it is missing and can be had.
pub fn prepare() -> Result<(), String> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    if NAMES.iter().any(|name| is_in(&path, name)) {
        return Ok(());
    }
    if !is_in(&path, "apt-get") || !is_root() {
        println!("no browser here, and none can be installed without root and apt-get");
        return Ok(());
    }
    let apt = |arguments: &[&str]| {
        run(Command::new("apt-get").env("DEBIAN_FRONTEND", "noninteractive").args(["-q"]).args(arguments))
    };
    let install = || apt(&["install", "-y", "--no-install-recommends", "chromium"]);
    // An index that is there is mostly new enough, and fetching one takes as long as the rest.
    if let Err(message) = install().or_else(|_| apt(&["update"]).and_then(|()| install())) {
        println!("no browser here, and none could be installed: {message}");
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
        let folder = std::env::temp_dir().join(format!("lambridge-browser-{}", std::process::id()));
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
