//! `cargo xtask test`: build, every test of the workspace, then the tests against real parts.
//!
//! The tests against real parts start the built programs and talk to them with AWS's own SDKs, runtime clients and with
//! web frameworks as users have them. All runners are run even when one fails, so that one run shows all there is to mend.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::counterparts::{self, Counterparts};
use crate::step::{run as run_command, step};
use crate::workspace::{self, Workspace, cargo};

/// Runs all of it.
pub fn run() -> Result<(), String> {
    let workspace = workspace::load()?;
    step("build", || run_command(cargo().args(["build", "--workspace"])))?;
    let mut failed = Vec::new();
    let mut note = |outcome: Result<(), String>| failed.extend(outcome.err());
    note(step("workspace tests", || {
        run_command(seeded(cargo().args(["test", "--workspace", "--no-fail-fast"])))
    }));
    let counterparts = counterparts::prepare(&workspace)?;
    note(step("real parts, python", || python_tests(&workspace, &counterparts)));
    note(step("real parts, node", || node_tests(&workspace, &counterparts)));
    if failed.is_empty() { Ok(()) } else { Err(failed.join("\n")) }
}

/// A run is judged by the change at hand, not by the draw of the day: properties start from one seed here, and from a
/// fresh one under a plain `cargo test` or the caller's own `PROPTEST_RNG_SEED`.
fn seeded(command: &mut Command) -> &mut Command {
    const SEED: &str = "PROPTEST_RNG_SEED";
    if std::env::var_os(SEED).is_none() {
        command.env(SEED, "20260710");
    }
    command
}

fn python_tests(workspace: &Workspace, counterparts: &Counterparts) -> Result<(), String> {
    let mut command = Command::new(&counterparts.python);
    command.args(["-m", "unittest", "discover", "--verbose", "--pattern", "*_test.py", "--start-directory"]);
    run_command(with_environment(command.arg(workspace.root.join("tests/real")), workspace, counterparts))
}

fn node_tests(workspace: &Workspace, counterparts: &Counterparts) -> Result<(), String> {
    let files = tests_in(&workspace.root.join("tests/real"), ".test.mjs")?;
    let mut command = Command::new("node");
    run_command(with_environment(
        command.args(["--test", "--test-timeout=120000"]).args(files),
        workspace,
        counterparts,
    ))
}

pub(crate) fn with_environment<'a>(
    command: &'a mut Command,
    workspace: &Workspace,
    counterparts: &Counterparts,
) -> &'a mut Command {
    let built = workspace.target.join("debug");
    for (variable, program) in [("PROMTOOL", &counterparts.promtool), ("OTELCOL", &counterparts.collector)] {
        if let Some(program) = program {
            command.env(variable, program);
        }
    }
    command
        .current_dir(&workspace.root)
        .env("LAMBRIDGE_BIN", built.join("lambridge"))
        .env("LAMBDA_ADAPTER_BIN", built.join("lambda-adapter"))
        .env("AWS_ADAPTER_BIN", &counterparts.web_adapter)
        .env("LAMBRIDGE_TEST_ENV", &counterparts.folder)
        .env("LAMBRIDGE_RUST_FUNCTION", &counterparts.rust_function)
        .env("PYTHONDONTWRITEBYTECODE", "1")
}

/// The files in `folder` whose name ends in `suffix`, in order; none at all is a mistake, not a pass.
fn tests_in(folder: &Path, suffix: &str) -> Result<Vec<PathBuf>, String> {
    let entries =
        std::fs::read_dir(folder).map_err(|error| format!("cannot read `{}`: {error}", folder.display()))?;
    let mut files: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.to_string_lossy().ends_with(suffix))
        .collect();
    files.sort();
    if files.is_empty() { Err(format!("no `*{suffix}` in `{}`", folder.display())) } else { Ok(files) }
}
