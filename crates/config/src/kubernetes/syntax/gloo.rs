//! Gloo Edge: `Upstream`, `VirtualService`, ….

use super::Kind;

pub const KINDS: &[Kind] = &[];

/// What an object of Gloo Edge says.
#[derive(Debug)]
pub enum Body {}
