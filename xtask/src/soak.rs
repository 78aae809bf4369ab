//! `cargo xtask soak`: what `cargo xtask test` does in small, for long enough to meet what is rare.
//!
//! 100,000 requests at 256 connections, while the configuration changes, functions crash and Lambda throttles; then
//! 5,000 requests in flight at once. Minutes on a quiet machine, so it is no part of the tests.

use std::process::Command;

use crate::counterparts;
use crate::step::{run as run_command, step};
use crate::test::with_environment;
use crate::workspace::{self, cargo};

const REQUESTS: &str = "100000";

/// Runs it.
pub fn run() -> Result<(), String> {
    let workspace = workspace::load()?;
    step("build", || run_command(cargo().arg("build")))?;
    let counterparts = counterparts::prepare(&workspace)?;
    let mut command = Command::new(&counterparts.python);
    command.args(["-m", "unittest", "--verbose", "soak_test", "in_flight_test"]);
    command.env("LAMBRIDGE_SOAK_REQUESTS", REQUESTS);
    let command = with_environment(&mut command, &workspace, &counterparts);
    step("soak", || run_command(command.current_dir(workspace.root.join("tests/real"))))
}
