//! From objects to model types: references are resolved, and every object that is wrong is told.
//!
//! Pure over a set of objects. One module a system; what they share is the core's: [`secret`].

pub mod gateway_api;
mod gloo;
mod kgateway;
pub mod secret;

use super::set::Set;
use super::syntax::Object;
use crate::merge::Part;
use crate::report::Report;

pub use gloo::upstream::{GlooAws, GlooFunction, GlooUpstream};

/// What the `Upstream`s of Gloo Edge say, for those who ask about them.
pub fn upstreams(objects: &[Object], report: &mut Report) -> Vec<GlooUpstream> {
    gloo::upstream::views(&Set::new(objects, report), report)
}

/// Lowers all objects of all files.
pub fn lower(objects: &[Object], report: &mut Report) -> Part {
    let set = Set::new(objects, report);
    let mut part = Part::default();
    gateway_api::lower(&set, &mut part, report);
    gloo::lower(&set, &mut part, report);
    part
}
