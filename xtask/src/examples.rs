//! `cargo xtask examples [NAME…]`: the examples whose frameworks take minutes to fetch and to build.
//!
//! Each is built below `target/examples` by the commands of its own README, and then run by the last of them, behind the
//! adapter, in the emulator, through the gateway. They are no part of `cargo xtask test`, and need what their READMEs name: Go,
//! Java with Maven, nginx, PHP. The table of what is asked stands in `tests/real/built_examples.py`.

use std::process::Command;

use crate::step::{run as run_command, step};
use crate::workspace::{self, cargo};

/// Runs the named examples, or all of them.
pub fn run(names: impl Iterator<Item = String>) -> Result<(), String> {
    let workspace = workspace::load()?;
    step("build", || run_command(cargo().args(["build", "-p", "lambridge-cli", "-p", "lambridge-adapter"])))?;
    let built = workspace.target.join("debug");
    let mut command = Command::new("python3");
    command
        .arg(workspace.root.join("tests/real/built_examples.py"))
        .args(names)
        .env("LAMBRIDGE_BIN", built.join("lambridge"))
        .env("LAMBDA_ADAPTER_BIN", built.join("lambda-adapter"))
        .env("LAMBRIDGE_EXAMPLES", workspace.target.join("examples"))
        .env("PYTHONDONTWRITEBYTECODE", "1");
    step("examples", || run_command(&mut command))
}
