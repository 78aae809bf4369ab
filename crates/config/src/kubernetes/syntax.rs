//! Objects taken apart: the same shape as the text, every leaf with its place.

use crate::document::{Node, Span};
use crate::report::Report;

/// One object.
#[derive(Debug)]
pub struct Object {
    pub span: Span,
}

/// Takes `root` apart by its `apiVersion` and `kind`. `None` when it was reported as unknown.
pub fn read(root: &Node, _report: &mut Report) -> Option<Object> {
    Some(Object { span: root.head().clone() })
}
