//! `lambridge check`: diagnostics on standard output, exit code 0 only without errors.

use std::process::ExitCode;

use crate::args::{Check, Format};
use crate::{configuration, output};

pub fn run(options: &Check) -> ExitCode {
    let loaded = configuration::load(&options.paths.config);
    match (options.format, loaded.diagnostics.0.is_empty()) {
        (Format::Json, _) => output::say(&loaded.diagnostics.render_json()),
        (Format::Text, true) => output::say("no problems found"),
        (Format::Text, false) => output::say(loaded.diagnostics.render_text().trim_end()),
    }
    if loaded.diagnostics.has_errors() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
