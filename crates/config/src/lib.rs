//! Text → document with spans → dialect → model, with diagnostics.
//!
//! `source` is the only module that does I/O. `lower` of each dialect is pure.
//!
//! ```text
//! source ─▶ document ─▶ detect ─▶ interpolate ─▶ native::{syntax, lower} ─▶ merge ─▶ Model
//! ```
//!
//! Every stage reports into one list and goes on as far as it can, so that a reader sees all errors at once.
//!
//! ```
//! let text = "lambridge: 1\nfunctions: { api: }\nroutes: [{ match: { path_prefix: / }, function: apo }]\n";
//! let loaded = lambridge_config::load_text("gateway.yaml", text, &|_| None);
//! assert!(loaded.model.is_none());
//! assert_eq!(loaded.diagnostics.0[0].help.as_deref(), Some("did you mean `api`?"));
//! ```

mod detect;
mod diagnostic;
mod document;
mod interpolate;
mod merge;
mod native;
mod report;
mod source;
mod suggest;

pub use diagnostic::{Diagnostic, Diagnostics, Place, Severity};
pub use native::support::{Key, Support};

use std::path::PathBuf;
use std::sync::Arc;

use lambridge_model::Model;

use detect::Dialect;
use merge::Part;
use report::Report;
use source::{Files, Source};

/// What [`load`] found.
#[derive(Debug)]
pub struct Loaded {
    /// `None` exactly when a diagnostic is an error.
    pub model: Option<Model>,
    /// All of them, errors and warnings, in file order.
    pub diagnostics: Diagnostics,
    /// Files and folders whose change means a reload.
    pub watched: Vec<PathBuf>,
}

/// Reads files and folders (every document below a folder, in name order), merges them, lowers them to a model.
/// `env` resolves `${env:NAME}`.
pub fn load(paths: &[PathBuf], env: &dyn Fn(&str) -> Option<String>) -> Loaded {
    let mut report = Report::default();
    let mut watched = Vec::new();
    let sources = source::read(paths, &mut report, &mut watched);
    assemble(&sources, env, report, watched)
}

/// The same for a text that is no file (the built-in sample, tests). `name` stands in messages; relative paths start
/// at the working directory.
pub fn load_text(name: &str, text: &str, env: &dyn Fn(&str) -> Option<String>) -> Loaded {
    let source = Source { name: name.into(), folder: PathBuf::new(), text: text.to_owned() };
    assemble(&[source], env, Report::default(), Vec::new())
}

/// The table of every key of the native dialect: supported, or refused with the way out.
pub fn native_keys() -> &'static [Key] {
    native::support::KEYS
}

fn assemble(
    sources: &[Source],
    env: &dyn Fn(&str) -> Option<String>,
    mut report: Report,
    mut watched: Vec<PathBuf>,
) -> Loaded {
    let parts = sources.iter().map(|source| part(source, env, &mut report, &mut watched)).collect();
    let model = merge::merge(parts, &mut report);
    let model = (!report.has_errors()).then_some(model);
    let texts: Vec<(Arc<str>, &str)> =
        sources.iter().map(|source| (Arc::clone(&source.name), text_of(source))).collect();
    Loaded { model, diagnostics: report.finish(&texts), watched }
}

/// One file, all its documents.
fn part(
    source: &Source,
    env: &dyn Fn(&str) -> Option<String>,
    report: &mut Report,
    watched: &mut Vec<PathBuf>,
) -> Part {
    let Some(documents) = document::parse(&source.name, text_of(source), report) else {
        return Part::default();
    };
    if documents.is_empty() {
        report
            .error_nowhere(format!("{} holds no document", report::quoted(&source.name)))
            .help("begin with `lambridge: 1`, or remove the file");
    }
    let mut native = Vec::new();
    for mut document in documents {
        match detect::detect(&document.root, report) {
            None => {}
            Some(Dialect::Native) => {
                let files = referred(&document, source, watched);
                interpolate::interpolate(&mut document.root, &source.folder, env, &files, report);
                native.push(native::syntax::read(&document.root, report));
            }
        }
    }
    let part = native::lower::lower(&native, &source.folder, report);
    watched.extend(part.files.iter().cloned());
    part
}

/// The texts behind `${file:…}`.
fn referred(document: &document::Document, source: &Source, watched: &mut Vec<PathBuf>) -> Files {
    let mut paths = Vec::new();
    interpolate::references(&document.root, &source.folder, &mut paths);
    let files = paths.iter().map(|path| (path.clone(), source::read_referred(path))).collect();
    watched.extend(paths);
    files
}

/// Without the mark that some editors put in front.
fn text_of(source: &Source) -> &str {
    source.text.strip_prefix('\u{feff}').unwrap_or(&source.text)
}
