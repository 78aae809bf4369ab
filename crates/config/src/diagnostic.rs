//! What is wrong with a configuration, and where.

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The model stands all the same.
    Warning,
    /// No model.
    Error,
}

/// A place in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// As named on the command line or found below a folder.
    pub file: String,
    /// From 1.
    pub line: u32,
    /// From 1, in characters.
    pub column: u32,
    /// Characters to underline, at least 1.
    pub length: u32,
}

/// One message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// How bad.
    pub severity: Severity,
    /// Where; `None` when no file is to blame.
    pub place: Option<Place>,
    /// Lower case, no final full stop, the offending value in backticks.
    pub message: String,
    /// The line of the file, for the reader; secrets masked.
    pub source_line: Option<String>,
    /// The way out.
    pub help: Option<String>,
}

/// Messages in file order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Diagnostics(pub Vec<Diagnostic>);

impl Diagnostics {
    /// Whether any is an error.
    pub fn has_errors(&self) -> bool {
        self.0.iter().any(|diagnostic| diagnostic.severity == Severity::Error)
    }

    /// `FILE:LINE:COLUMN: severity: message`, the source line with a marker, the help.
    pub fn render_text(&self) -> String {
        todo!()
    }

    /// One JSON array.
    pub fn render_json(&self) -> String {
        todo!()
    }
}
