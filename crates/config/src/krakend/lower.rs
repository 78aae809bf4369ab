//! From the document's shape to model types.

use super::syntax;
use crate::merge::Part;
use crate::report::Report;
use crate::source::Files;

/// Lowers one document; `files` are the texts of [`syntax::Document::files`].
pub fn lower(document: &syntax::Document, _files: &Files, report: &mut Report) -> Part {
    report
        .error(&document.span, "this is a KrakenD configuration, which is not supported yet")
        .help("write it in the native dialect, which begins with `lambridge: 1`");
    Part::default()
}
