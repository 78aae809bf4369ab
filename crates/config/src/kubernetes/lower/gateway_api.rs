//! Gateway API
use crate::kubernetes::set::Set;
use crate::merge::Part;
use crate::report::Report;

/// Adds listeners, functions and routes.
pub fn lower(_set: &Set<'_>, _part: &mut Part, _report: &mut Report) {}
