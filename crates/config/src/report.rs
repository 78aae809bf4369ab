//! Where diagnostics are collected while a configuration is read.
//!
//! Every stage writes into one [`Report`]; nothing stops at the first error. At the end the messages are put in file
//! order, and each gets its source line with secrets masked. What a message quotes goes through [`quoted`], so that no
//! value of a file reaches a terminal with control characters in it or at a length that hides the message.

mod mask;

pub use mask::is_secret_name;

use std::sync::Arc;

use crate::diagnostic::{Diagnostic, Diagnostics, Place, Severity};
use crate::document::Span;

/// More than this many messages help nobody; the rest is counted.
const MAX_DIAGNOSTICS: usize = 500;
/// A longer source line (minified JSON) is not shown.
const MAX_SOURCE_LINE: usize = 500;
/// A longer value is cut in messages.
const MAX_QUOTED: usize = 80;

/// Diagnostics under way.
#[derive(Debug, Default)]
pub struct Report {
    rows: Vec<Row>,
    left_out: usize,
    errors: bool,
    hidden: Row,
    secret_lines: Vec<(Arc<str>, u32)>,
    settled: Vec<Span>,
}

/// A diagnostic without its source line yet.
#[derive(Debug, Default)]
pub struct Row {
    warning: bool,
    span: Option<Span>,
    message: String,
    help: Option<String>,
}

impl Row {
    /// Adds the way out.
    pub fn help(&mut self, help: impl Into<String>) {
        self.help = Some(help.into());
    }
}

impl Report {
    /// No model can come of this.
    pub fn error(&mut self, span: &Span, message: impl Into<String>) -> &mut Row {
        self.push(false, Some(span.clone()), message.into())
    }

    /// The model stands, but the reader should know.
    pub fn warning(&mut self, span: &Span, message: impl Into<String>) -> &mut Row {
        self.push(true, Some(span.clone()), message.into())
    }

    /// An error no line of a file is to blame for.
    pub fn error_nowhere(&mut self, message: impl Into<String>) -> &mut Row {
        self.push(false, None, message.into())
    }

    /// Whether any error was reported.
    pub fn has_errors(&self) -> bool {
        self.errors
    }

    /// The value at `span` is a secret: its lines are never shown with it. Counts `lines` lines from the span's own.
    pub fn secret(&mut self, span: &Span, lines: usize) {
        let lines = u32::try_from(lines).unwrap_or(u32::MAX).min(1000);
        for line in span.line..=span.line.saturating_add(lines) {
            self.secret_lines.push((Arc::clone(&span.file), line));
        }
    }

    /// What is wrong at `span` was said; what follows from it is not said too.
    pub fn settle(&mut self, span: &Span) {
        self.settled.push(span.clone());
    }

    /// Whether more messages would only be counted.
    pub fn is_full(&self) -> bool {
        self.rows.len() >= MAX_DIAGNOSTICS
    }

    fn push(&mut self, warning: bool, span: Option<Span>, message: String) -> &mut Row {
        self.errors |= !warning;
        let settled = span.as_ref().is_some_and(|span| self.settled.iter().any(|other| other == span));
        let row = Row { warning, span, message, help: None };
        if settled {
            self.hidden = row;
            return &mut self.hidden;
        }
        if self.rows.len() >= MAX_DIAGNOSTICS {
            self.left_out += 1;
            self.hidden = row;
            return &mut self.hidden;
        }
        self.rows.push(row);
        let last = self.rows.len() - 1;
        &mut self.rows[last]
    }

    /// Puts everything in file order and adds source lines. `texts` are the files by name, in the order they were read.
    pub fn finish(self, texts: &[(Arc<str>, &str)]) -> Diagnostics {
        let rank = |span: &Option<Span>| match span {
            Some(span) => {
                let file = texts.iter().position(|(name, _)| *name == span.file).unwrap_or(texts.len());
                (file, span.line, span.column)
            }
            None => (usize::MAX, 0, 0),
        };
        let mut rows: Vec<_> = self.rows.into_iter().map(|row| (rank(&row.span), row)).collect();
        rows.sort_by_key(|(rank, _)| *rank);
        let mut lines: Vec<Option<Vec<&str>>> = texts.iter().map(|_| None).collect();
        let mut out = Vec::with_capacity(rows.len() + 1);
        for ((file, ..), row) in rows {
            let source_line = row.span.as_ref().and_then(|span| {
                let (_, text) = texts.get(file)?;
                let lines = lines.get_mut(file)?.get_or_insert_with(|| text.lines().collect());
                let line = lines.get((span.line as usize).checked_sub(1)?)?;
                let secret =
                    self.secret_lines.iter().any(|(name, line)| *name == span.file && *line == span.line)
                        || mask::continues_secret(lines, span.line as usize - 1);
                shown_line(line, secret)
            });
            out.push(Diagnostic {
                severity: if row.warning { Severity::Warning } else { Severity::Error },
                place: row.span.map(|span| Place {
                    file: span.file.to_string(),
                    line: span.line,
                    column: span.column,
                    length: span.length,
                }),
                message: row.message,
                source_line,
                help: row.help,
            });
        }
        if self.left_out > 0 {
            out.push(Diagnostic {
                severity: if self.errors { Severity::Error } else { Severity::Warning },
                place: None,
                message: format!("{} more messages are not shown", self.left_out),
                source_line: None,
                help: None,
            });
        }
        Diagnostics(out)
    }
}

/// The line as a reader may see it: masked, each control character one blank, so that columns stay right.
fn shown_line(line: &str, secret: bool) -> Option<String> {
    if line.trim().is_empty() || line.chars().nth(MAX_SOURCE_LINE).is_some() {
        return None;
    }
    let masked = mask::mask(line, secret);
    Some(masked.chars().map(|c| if is_unprintable(c) { ' ' } else { c }).collect())
}

/// A value in backticks: escaped, and cut when long.
pub fn quoted(text: &str) -> String {
    if text.is_empty() {
        return "`\"\"`".to_owned();
    }
    format!("`{}`", printable(text))
}

/// The same without backticks.
pub fn printable(text: &str) -> String {
    let mut out = String::new();
    for (index, c) in mask::without_users(text).chars().enumerate() {
        if index == MAX_QUOTED {
            out.push('…');
            break;
        }
        if is_unprintable(c) {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
    }
    out
}

/// Controls, and the marks that reorder text on a terminal.
fn is_unprintable(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}' | '\u{2028}' | '\u{2029}')
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{MAX_DIAGNOSTICS, Report, quoted};
    use crate::document::Span;

    #[test]
    fn order_is_that_of_files_and_lines() {
        let (a, b): (Arc<str>, Arc<str>) = ("a".into(), "b".into());
        let at = |file: &Arc<str>, line| Span { file: Arc::clone(file), line, column: 1, length: 1 };
        let mut report = Report::default();
        report.error(&at(&b, 1), "third");
        report.error_nowhere("last");
        report.warning(&at(&a, 2), "second");
        report.error(&at(&a, 1), "first");
        let order: Vec<String> =
            report.finish(&[(a, "x\ny"), (b, "z")]).0.into_iter().map(|row| row.message).collect();
        assert_eq!(order, ["first", "second", "third", "last"]);
    }

    #[test]
    fn bounded() {
        let mut report = Report::default();
        for _ in 0..MAX_DIAGNOSTICS + 7 {
            report.error_nowhere("x").help("y");
        }
        let rows = report.finish(&[]).0;
        assert_eq!(rows.len(), MAX_DIAGNOSTICS + 1);
        assert_eq!(rows[MAX_DIAGNOSTICS].message, "7 more messages are not shown");
    }

    #[test]
    fn quotes_are_safe_for_terminals() {
        assert_eq!(quoted("a\u{1b}[31m\n"), "`a\\u{1b}[31m\\n`");
        assert!(quoted(&"x".repeat(1000)).chars().count() < 90);
        assert_eq!(quoted("http://ada:word@host/a"), "`http://********@host/a`");
    }
}
