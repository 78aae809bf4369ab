//! Loading for every command: read, print what is wrong, compile what only the gateway can check.

use std::path::PathBuf;

use lambridge_config::{Diagnostic, Diagnostics, Loaded, Place, Severity};
use lambridge_gateway::Problem;
use lambridge_model::{HeaderChanges, Model, Origin, Route, Run, ValueMatch};

use crate::output;

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

/// What stands in place of a secret where a configuration is shown.
const MASK: &str = "****";

/// The configuration in effect, for the admin address: as `convert` prints it, but no secret is in it or behind it.
/// Variables of local functions count as secrets, whatever their names; headers and parameters do by their names.
pub fn shown(mut model: Model) -> String {
    for route in &mut model.routes {
        let Route { matcher, policies, .. } = route;
        let HeaderChanges { set, add, .. } = &mut policies.request_headers;
        let given = set.iter_mut().chain(add).map(|(name, value)| (&*name, value));
        let matched = matcher.headers.iter_mut().chain(&mut matcher.query);
        let matched = matched.filter_map(|(name, value)| match value {
            ValueMatch::Exact(value) | ValueMatch::Regex(value) => Some((&*name, value)),
            ValueMatch::Present(_) => None,
        });
        for (_, value) in given.chain(matched).filter(|(name, _)| sounds_secret(name)) {
            MASK.clone_into(value);
        }
    }
    for run in model.functions.values_mut().filter_map(|function| function.run.as_mut()) {
        mask_variables(run);
    }
    lambridge_config::print(&model, &mut |_, _, _| MASK.to_owned())
}

/// Whether a header or a parameter of this name is likely to prove who asks.
fn sounds_secret(name: &str) -> bool {
    const WORDS: [&str; 6] = ["auth", "cookie", "credential", "key", "signature", "verify"];
    let name = name.to_ascii_lowercase();
    lambridge_config::is_secret_name(&name) || WORDS.iter().any(|word| name.contains(word))
}

fn mask_variables(run: &mut Run) {
    run.env.values_mut().for_each(|value| MASK.clone_into(value));
    run.versions.values_mut().for_each(mask_variables);
}

/// Prints diagnostics to standard error.
pub fn complain(diagnostics: &Diagnostics) {
    if !diagnostics.0.is_empty() {
        output::complain(diagnostics.render_text().trim_end());
    }
}

fn diagnostic(problem: Problem) -> Diagnostic {
    let Problem { origin: Origin { file, line, column }, message } = problem;
    // Line 0: the value was written nowhere, for instance because it is a default.
    let source_line = if line > 0 { line_of(&file, line) } else { None };
    let place = if line > 0 { Some(Place { file, line, column, length: 1 }) } else { None };
    Diagnostic { severity: Severity::Error, place, message, source_line, help: None }
}

fn line_of(file: &str, line: u32) -> Option<String> {
    let text = std::fs::read_to_string(file).ok()?;
    text.lines().nth(line as usize - 1).map(str::to_owned)
}
