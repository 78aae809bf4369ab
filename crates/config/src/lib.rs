//! Text → document with spans → dialect → model, with diagnostics.
//!
//! `source` is the only module that does I/O. `lower(document, &files)` of each dialect is pure.

mod diagnostic;

pub use diagnostic::{Diagnostic, Diagnostics, Place, Severity};

use std::path::PathBuf;

use lambridge_model::Model;

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
    let _ = (paths, env);
    todo!()
}

/// The same for a text that is no file (the built-in sample, tests). `name` stands in messages.
pub fn load_text(name: &str, text: &str, env: &dyn Fn(&str) -> Option<String>) -> Loaded {
    let _ = (name, text, env);
    todo!()
}
