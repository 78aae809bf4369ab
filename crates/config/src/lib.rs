//! Text → document with spans → dialect → model, with diagnostics.
//!
//! `source` is the only module that does I/O. `lower` of each dialect is pure.
//!
//! ```text
//! source ─▶ document ─▶ detect ─▶ (interpolate) ─▶ DIALECT::{syntax, lower} ─▶ merge ─▶ Model
//! ```
//!
//! A dialect is a folder with one floor plan: `support` is the table of every key of its format, `syntax` mirrors a
//! document with places, `lower` is a pure function into a `merge::Part`.
//!
//! Every stage reports into one list and goes on as far as it can, so that a reader sees all errors at once.
//!
//! ```
//! let text = "lambridge: 1\nfunctions: { api: }\nroutes: [{ match: { path_prefix: / }, function: apo }]\n";
//! let loaded = lambridge_config::load_text("gateway.yaml", text, &|_| None);
//! assert!(loaded.model.is_none());
//! assert_eq!(loaded.diagnostics.0[0].help.as_deref(), Some("did you mean `api`?"));
//! ```

mod changes;
mod detect;
mod diagnostic;
mod document;
mod interpolate;
mod krakend;
mod kubernetes;
mod leaf;
mod merge;
mod native;
mod reader;
mod report;
mod runway;
mod source;
mod suggest;
mod table;
mod values;

pub use diagnostic::{Diagnostic, Diagnostics, Place, Severity};
pub use kubernetes::lower::{GlooAws, GlooFunction, GlooUpstream};
pub use report::is_secret_name;
pub use table::{Absent, Key, Kind, Support};

use std::path::PathBuf;
use std::sync::Arc;

use lambridge_model::{Model, Secret};

use detect::Dialect;
use document::Document;
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

/// Prints `model` as a native document, which reads back as the same model whatever dialect it came from. `secrets`
/// says what is written for a secret: whose it is (a function's key, or `emulator`), which key, and the secret itself.
pub fn print(model: &Model, secrets: &mut dyn FnMut(&str, &str, &Secret) -> String) -> String {
    native::print::print(model, secrets)
}

/// The native dialect as a JSON Schema.
pub fn schema() -> serde_json::Value {
    native::schema::schema()
}

/// The `Upstream`s of Gloo Edge among the documents of `paths`, with what is wrong with them.
pub fn upstreams(
    paths: &[PathBuf],
    env: &dyn Fn(&str) -> Option<String>,
) -> (Vec<GlooUpstream>, Diagnostics) {
    let loaded = load(paths, env);
    let mut unseen = Report::default();
    let sources = source::read(paths, &mut unseen, &mut Vec::new());
    let documents = sources.iter().flat_map(|source| documents(source, &mut unseen)).collect::<Vec<_>>();
    let mut objects = Vec::new();
    for (dialect, document) in documents {
        if dialect == Dialect::Kubernetes {
            objects.extend(kubernetes::syntax::read(&document.root, &mut unseen));
        }
    }
    (kubernetes::lower::upstreams(&objects, &mut unseen), loaded.diagnostics)
}

/// Every key of every format: page of the documentation, part of that page, its rows.
pub fn tables() -> Vec<(&'static str, &'static str, &'static [Key])> {
    let one = |page, table: &table::Table| (page, "Keys", table.keys);
    let mut tables = vec![
        one("native", &native::support::TABLE),
        one("runway", &runway::support::TABLE),
        one("krakend", &krakend::support::TABLE),
    ];
    tables
        .extend(kubernetes::support::pages().into_iter().map(|(page, kind, table)| (page, kind, table.keys)));
    tables
}

/// Whether `text` may name an object of Kubernetes, or its namespace.
pub fn is_object_name(text: &str) -> bool {
    kubernetes::syntax::is_name(text)
}

fn assemble(
    sources: &[Source],
    env: &dyn Fn(&str) -> Option<String>,
    mut report: Report,
    mut watched: Vec<PathBuf>,
) -> Loaded {
    let mut parts = Vec::new();
    let mut objects = Vec::new();
    for source in sources {
        let mut native = Vec::new();
        for (dialect, mut document) in documents(source, &mut report) {
            match dialect {
                Dialect::Native => {
                    let files = referred(&document, source, &mut watched);
                    interpolate::interpolate(&mut document.root, &source.folder, env, &files, &mut report);
                    native.push(native::syntax::read(&document.root, &mut report));
                }
                Dialect::Runway => {
                    interpolate::bare(&mut document.root, env, &mut report);
                    let files = referred(&document, source, &mut watched);
                    interpolate::interpolate(&mut document.root, &source.folder, env, &files, &mut report);
                    let document = runway::syntax::read(&document.root, &mut report);
                    parts.push(runway::lower::lower(&document, &source.folder, &mut report));
                }
                Dialect::Krakend => {
                    let document = krakend::syntax::read(&document.root, &mut report);
                    let files = read_all(document.files.clone(), &mut watched);
                    parts.push(krakend::lower::lower(&document, &files, &mut report));
                }
                Dialect::Kubernetes => objects.extend(kubernetes::syntax::read(&document.root, &mut report)),
            }
        }
        parts.push(native::lower::lower(&native, &source.folder, &mut report));
    }
    // Objects refer to each other by name, whatever file they stand in.
    parts.push(kubernetes::lower::lower(&objects, &mut report));
    watched.extend(parts.iter().flat_map(|part| part.files.iter().cloned()));
    let model = merge::merge(parts, &mut report);
    let model = (!report.has_errors()).then_some(model);
    let texts: Vec<(Arc<str>, &str)> =
        sources.iter().map(|source| (Arc::clone(&source.name), text_of(source))).collect();
    Loaded { model, diagnostics: report.finish(&texts), watched }
}

/// The documents of one file, each with its dialect.
fn documents(source: &Source, report: &mut Report) -> Vec<(Dialect, Document)> {
    let Some(documents) = document::parse(&source.name, text_of(source), report) else {
        return Vec::new();
    };
    if documents.is_empty() {
        report
            .error_nowhere(format!("{} holds no document", report::quoted(&source.name)))
            .help("begin with `lambridge: 1`, or remove the file");
    }
    let dialect = |document: Document| Some((detect::detect(&document.root, report)?, document));
    documents.into_iter().filter_map(dialect).collect()
}

/// The texts behind `${file:…}`.
fn referred(document: &Document, source: &Source, watched: &mut Vec<PathBuf>) -> Files {
    let mut paths = Vec::new();
    interpolate::references(&document.root, &source.folder, &mut paths);
    read_all(paths, watched)
}

/// Reads the files that a document names; they are watched from then on.
fn read_all(paths: Vec<PathBuf>, watched: &mut Vec<PathBuf>) -> Files {
    let files = paths.iter().map(|path| (path.clone(), source::read_referred(path))).collect();
    watched.extend(paths);
    files
}

/// Without the mark that some editors put in front.
fn text_of(source: &Source) -> &str {
    source.text.strip_prefix('\u{feff}').unwrap_or(&source.text)
}
