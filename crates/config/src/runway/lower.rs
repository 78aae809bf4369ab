//! From the document's shape to model types.

use std::path::Path;

use super::syntax;
use crate::merge::Part;
use crate::report::Report;

/// Lowers one document; relative paths start at `folder`.
pub fn lower(document: &syntax::Document, _folder: &Path, report: &mut Report) -> Part {
    report
        .error(
            &document.span,
            "this is a runway configuration (`routes` without a marker), which is not supported yet",
        )
        .help("write it in the native dialect, which begins with `lambridge: 1`");
    Part::default()
}
