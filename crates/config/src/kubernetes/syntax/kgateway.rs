//! kgateway: `Backend`.
use super::Kind;
pub const KINDS: &[Kind] = &[];
#[derive(Debug)]
pub struct Backend {}
