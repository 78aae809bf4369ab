//! `cargo xtask deny`: bans, licences and sources of the dependencies, by cargo-deny and `deny.toml`.
//!
//! Advisories are not checked here: their database is a git repository and not in a package registry, and this check
//! has to give the same answer wherever it runs.

use crate::step::{run as run_command, step};
use crate::workspace::{self, Workspace, cargo};

/// Pinned, since a new cargo-deny may know new lints.
const VERSION: &str = "0.20.2";

/// Installs cargo-deny under the target directory when it is not there, then runs it.
pub fn run() -> Result<(), String> {
    let workspace = workspace::load()?;
    let root = workspace.target.join("tools");
    let program = root.join("bin").join("cargo-deny");
    if !installed(&workspace) {
        step("install cargo-deny", || {
            run_command(
                cargo()
                    .args(["install", "--locked", "--force", "--version", VERSION, "--root"])
                    .arg(&root)
                    .arg("cargo-deny")
                    .env("CARGO_TARGET_DIR", root.join("build")),
            )?;
            // The build tree is several hundred megabytes, and never used again.
            std::fs::remove_dir_all(root.join("build")).or(Ok(()))
        })?;
    }
    step("deny", || {
        run_command(
            std::process::Command::new(&program)
                .current_dir(&workspace.root)
                .args(["check", "bans", "licenses", "sources"]),
        )
    })
}

fn installed(workspace: &Workspace) -> bool {
    // `.crates.toml` is cargo's own record of what a root holds.
    let record = workspace.target.join("tools/.crates.toml");
    std::fs::read_to_string(record).is_ok_and(|text| text.contains(&format!("\"cargo-deny {VERSION} ")))
}
