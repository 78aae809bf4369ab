//! From objects to model types: references are resolved, and every object that is wrong is told.

use super::syntax::Object;
use crate::merge::Part;
use crate::report::Report;

/// Lowers all objects of all files.
pub fn lower(objects: &[Object], report: &mut Report) -> Part {
    for object in objects {
        report
            .error(&object.span, "this is a Kubernetes manifest, which is not supported yet")
            .help("write it in the native dialect, which begins with `lambridge: 1`");
    }
    Part::default()
}
