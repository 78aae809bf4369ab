//! A command with a name and a time.
//!
//! Every step prints its name when it starts and its time when it ends, so that a slow or stuck one is seen in the log
//! of a run that nobody watched.

use std::process::Command;
use std::time::Instant;

/// Runs `work` as the step `name`.
pub fn step<T>(name: &str, work: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    println!("==> {name}");
    let start = Instant::now();
    let outcome = work();
    let word = if outcome.is_ok() { "done" } else { "FAILED" };
    println!("<== {name}: {word} in {:.1} s", start.elapsed().as_secs_f64());
    outcome
}

/// Runs a command with its output shown; anything but success is an error that names it.
pub fn run(command: &mut Command) -> Result<(), String> {
    let shown = show(command);
    let status = command.status().map_err(|error| format!("cannot run `{shown}`: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("`{shown}` ended with {status}")) }
}

fn show(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}
