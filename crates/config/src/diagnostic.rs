//! What is wrong with a configuration, and where.
//!
//! The text form is for people and for editors that understand `FILE:LINE:COLUMN`:
//!
//! ```text
//! gateway.yaml:7:5: error: unknown key `regoin` in `aws`
//! 7 |     regoin: us-east-1
//!   |     ^^^^^^
//!   help: did you mean `region`?
//! ```
//!
//! The JSON form has the same facts, one object a diagnostic. Neither shows a secret: source lines are masked when a
//! diagnostic is made, and messages about secret values do not name them.

use std::fmt::Write;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The model stands all the same.
    Warning,
    /// No model.
    Error,
}

impl Severity {
    /// `warning` or `error`.
    pub const fn name(self) -> &'static str {
        match self {
            Severity::Warning => "warning",
            Severity::Error => "error",
        }
    }
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
        let mut out = String::new();
        for diagnostic in &self.0 {
            diagnostic.render_into(&mut out);
        }
        out
    }

    /// One JSON array.
    pub fn render_json(&self) -> String {
        let rows: Vec<serde_json::Value> = self.0.iter().map(Diagnostic::to_json).collect();
        serde_json::Value::Array(rows).to_string()
    }
}

impl Diagnostic {
    fn render_into(&self, out: &mut String) {
        let severity = self.severity.name();
        // Writing to a `String` cannot fail, so the results below carry nothing.
        let _ = match &self.place {
            Some(Place { file, line, column, .. }) => {
                writeln!(out, "{file}:{line}:{column}: {severity}: {}", self.message)
            }
            None => writeln!(out, "{severity}: {}", self.message),
        };
        if let (Some(place), Some(text)) = (&self.place, &self.source_line) {
            let number = place.line.to_string();
            let gutter = " ".repeat(number.len());
            let before = place.column.saturating_sub(1) as usize;
            let room = text.chars().count().saturating_sub(before).max(1);
            let marker = "^".repeat((place.length.max(1) as usize).min(room));
            let _ = writeln!(out, "{number} | {text}");
            let _ = writeln!(out, "{gutter} | {}{marker}", " ".repeat(before));
        }
        if let Some(help) = &self.help {
            let _ = writeln!(out, "  help: {help}");
        }
    }

    fn to_json(&self) -> serde_json::Value {
        let place = self.place.as_ref();
        serde_json::json!({
            "severity": self.severity.name(),
            "file": place.map(|place| &place.file),
            "line": place.map(|place| place.line),
            "column": place.map(|place| place.column),
            "length": place.map(|place| place.length),
            "message": self.message,
            "source_line": self.source_line,
            "help": self.help,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Diagnostic, Diagnostics, Place, Severity};

    fn one() -> Diagnostics {
        Diagnostics(vec![Diagnostic {
            severity: Severity::Error,
            place: Some(Place { file: "a.yaml".into(), line: 12, column: 3, length: 99 }),
            message: "unknown key `regoin` in `aws`".into(),
            source_line: Some("  regoin: x".into()),
            help: Some("did you mean `region`?".into()),
        }])
    }

    #[test]
    fn text_has_place_line_marker_and_help() {
        let expect = "a.yaml:12:3: error: unknown key `regoin` in `aws`\n\
                      12 |   regoin: x\n   |   ^^^^^^^^^\n  help: did you mean `region`?\n";
        assert_eq!(one().render_text(), expect);
    }

    #[test]
    fn text_without_a_place_is_one_line() {
        let mut diagnostics = one();
        diagnostics.0[0].place = None;
        diagnostics.0[0].help = None;
        assert_eq!(diagnostics.render_text(), "error: unknown key `regoin` in `aws`\n");
    }

    #[test]
    fn json_has_the_same_facts() {
        let json: serde_json::Value = serde_json::from_str(&one().render_json()).unwrap();
        assert_eq!(json[0]["severity"], "error");
        assert_eq!(json[0]["line"], 12);
        assert_eq!(json[0]["help"], "did you mean `region`?");
    }
}
