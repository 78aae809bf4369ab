//! Standard output and standard error. A reader that goes away is no reason to end.

use std::io::{self, Write};

/// Prints a line for the user.
pub fn say(line: &str) {
    let mut out = io::stdout().lock();
    let _ = writeln!(out, "{line}");
    let _ = out.flush();
}

/// Prints a message about a problem.
pub fn complain(message: &str) {
    let _ = writeln!(io::stderr().lock(), "{message}");
}
