//! `lambridge check`: diagnostics on standard output, exit code 0 only without errors.
//!
//! With `--aws` also who each of the configuration's credentials is to AWS, and whether its calls get there: see [`aws`].

mod aws;

use std::process::ExitCode;

use lambridge_config::Loaded;
use serde_json::{Value, json};

use crate::args::{Check, Format};
use crate::{configuration, output};

pub fn run(options: &Check) -> ExitCode {
    let loaded = configuration::load(&options.paths.config);
    if options.aws {
        return with_aws(&loaded, options.format);
    }
    match (options.format, loaded.diagnostics.0.is_empty()) {
        (Format::Json, _) => output::say(&loaded.diagnostics.render_json()),
        (Format::Text, true) => output::say("no problems found"),
        (Format::Text, false) => output::say(loaded.diagnostics.render_text().trim_end()),
    }
    code(!loaded.diagnostics.has_errors())
}

/// A configuration that is wrong is asked nothing about: it would not be served.
fn with_aws(loaded: &Loaded, format: Format) -> ExitCode {
    let found = match loaded.model.as_ref().map(aws::ask).transpose() {
        Ok(found) => found.unwrap_or_default(),
        Err(message) => {
            output::complain(&format!("error: {message}"));
            return ExitCode::FAILURE;
        }
    };
    match format {
        Format::Json => {
            // What `check` itself prints, as a part.
            let diagnostics: Value =
                serde_json::from_str(&loaded.diagnostics.render_json()).unwrap_or_default();
            let aws: Vec<Value> = found.iter().map(aws::Source::to_json).collect();
            output::say(&json!({ "diagnostics": diagnostics, "aws": aws }).to_string());
        }
        Format::Text => {
            let mut parts = vec![loaded.diagnostics.render_text()];
            parts.extend(found.iter().map(aws::Source::to_text));
            parts.retain(|part| !part.is_empty());
            if loaded.model.is_some() && found.is_empty() {
                parts.push("no function is called with credentials".to_owned());
            }
            output::say(parts.join("\n").trim_end());
        }
    }
    code(!loaded.diagnostics.has_errors() && found.iter().all(|source| source.standing.is_good()))
}

fn code(good: bool) -> ExitCode {
    if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
