//! `lambda-adapter`: a Runtime API client that feeds a web application over HTTP.

use std::process::ExitCode;

/// Runs the adapter with the given environment until the sandbox ends. Never panics on input.
pub fn run(env: impl Iterator<Item = (String, String)>) -> ExitCode {
    let _ = env;
    todo!()
}
