//! The Gateway API: `GatewayClass`, `Gateway`, `HTTPRoute`, `ReferenceGrant`.
use super::Kind;
pub const KINDS: &[Kind] = &[];
#[derive(Debug)]
pub struct GatewayClass {}
#[derive(Debug)]
pub struct Gateway {}
#[derive(Debug)]
pub struct HttpRoute {}
#[derive(Debug)]
pub struct ReferenceGrant {}
