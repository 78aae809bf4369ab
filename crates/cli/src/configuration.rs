//! Loading for every command: read, print what is wrong, compile what only the gateway can check.

use std::path::PathBuf;
use std::sync::Arc;

use lambridge_config::{Diagnostic, Diagnostics, Loaded, Place, Severity};
use lambridge_gateway::Problem;
use lambridge_model::Model;

use crate::output;

/// The process's environment as a function, which the crates take as an argument.
pub fn environment() -> Arc<dyn Fn(&str) -> Option<String> + Send + Sync> {
    Arc::new(|name| std::env::var(name).ok())
}

/// The process's environment as pairs; names that are no text cannot be settings.
pub fn environment_pairs() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.to_string_lossy().into_owned())))
}

/// Loads `paths` and adds what compiling finds, so that every command complains about the same things.
pub fn load(paths: &[PathBuf]) -> Loaded {
    with_problems(lambridge_config::load(paths, &|name| std::env::var(name).ok()))
}

/// Adds the compiler's problems to what loading found.
pub fn with_problems(mut loaded: Loaded) -> Loaded {
    let Some(model) = &loaded.model else { return loaded };
    let problems = lambridge_gateway::check(model);
    if !problems.is_empty() {
        loaded.diagnostics.0.extend(problems.into_iter().map(diagnostic));
        loaded.model = None;
    }
    loaded
}

/// The model of `paths`, with every message printed; `None` when one is an error.
pub fn load_or_complain(paths: &[PathBuf]) -> Option<(Model, Vec<PathBuf>)> {
    let loaded = load(paths);
    complain(&loaded.diagnostics);
    Some((loaded.model?, loaded.watched))
}

/// Prints diagnostics to standard error.
pub fn complain(diagnostics: &Diagnostics) {
    if !diagnostics.0.is_empty() {
        output::complain(diagnostics.render_text().trim_end());
    }
}

fn diagnostic(problem: Problem) -> Diagnostic {
    let Problem { origin, message } = problem;
    let written = origin.line > 0;
    let source_line = written.then(|| line_of(&origin.file, origin.line)).flatten();
    let place =
        written.then(|| Place { file: origin.file, line: origin.line, column: origin.column, length: 1 });
    Diagnostic { severity: Severity::Error, place, message, source_line, help: None }
}

fn line_of(file: &str, line: u32) -> Option<String> {
    let text = std::fs::read_to_string(file).ok()?;
    text.lines().nth(line as usize - 1).map(str::to_owned)
}
