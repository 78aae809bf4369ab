//! A runway file taken apart: the same shape as the text, every leaf with its place.

use super::support::TABLE;
use crate::document::{Node, Span};
use crate::reader::Reader;
use crate::report::Report;

/// A whole file.
#[derive(Debug)]
pub struct Document {
    pub span: Span,
}

/// Takes `root` apart. Whatever has the wrong shape is reported and left out.
pub fn read(root: &Node, report: &mut Report) -> Document {
    let _reader = Reader { report, table: &TABLE };
    Document { span: root.head().clone() }
}
