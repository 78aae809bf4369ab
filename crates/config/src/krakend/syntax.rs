//! A KrakenD file taken apart: the same shape as the text, every leaf with its place.

use std::path::PathBuf;

use super::support::TABLE;
use crate::document::{Node, Span};
use crate::reader::Reader;
use crate::report::Report;

/// A whole file.
#[derive(Debug)]
pub struct Document {
    pub span: Span,
    /// Lua sources that the document names, relative to the working directory as KrakenD reads them.
    pub files: Vec<PathBuf>,
}

/// Takes `root` apart. Whatever has the wrong shape is reported and left out.
pub fn read(root: &Node, report: &mut Report) -> Document {
    let _reader = Reader { report, table: &TABLE };
    Document { span: root.head().clone(), files: Vec::new() }
}
