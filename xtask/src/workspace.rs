//! Where things are, as cargo itself says.

use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

/// What `cargo metadata --no-deps` says about this workspace.
#[derive(Debug)]
pub struct Workspace {
    /// The folder of the root manifest.
    pub root: PathBuf,
    /// The target directory; `CARGO_TARGET_DIR` is already in it.
    pub target: PathBuf,
    /// The document itself.
    pub metadata: Value,
}

/// The cargo that runs us, so that the toolchain stays the same.
pub fn cargo() -> Command {
    Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// Asks cargo.
pub fn load() -> Result<Workspace, String> {
    let output = cargo()
        .args(["metadata", "--no-deps", "--format-version", "1"])
        .output()
        .map_err(|error| format!("cannot run `cargo metadata`: {error}"))?;
    if !output.status.success() {
        return Err(format!("`cargo metadata` failed: {}", String::from_utf8_lossy(&output.stderr)));
    }
    let metadata: Value = serde_json::from_slice(&output.stdout)
        .map_err(|error| format!("`cargo metadata` printed no JSON: {error}"))?;
    let path = |key: &str| {
        metadata[key].as_str().map(PathBuf::from).ok_or(format!("`cargo metadata` names no `{key}`"))
    };
    Ok(Workspace { root: path("workspace_root")?, target: path("target_directory")?, metadata })
}
