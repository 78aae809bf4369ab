//! Requests and contexts for the other modules.

pub use crate::context::CONTEXT;

use lambridge_event::{Context, Field, Format, Request, encode_request};
use serde_json::Value;

pub const GET: Request<'static> = Request { method: "GET", path: "/", query: "", headers: &[], body: b"" };

pub fn fields<'a>(headers: &[(&'a str, &'a [u8])]) -> Vec<Field<'a>> {
    headers.iter().map(|(name, value)| (name.as_bytes(), *value)).collect()
}

pub fn encode(format: Format, request: &Request<'_>, context: &Context<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    encode_request(format, request, context, &mut out);
    out
}

/// The event as a tree, for comparisons.
pub fn event(format: Format, request: &Request<'_>, context: &Context<'_>) -> Value {
    serde_json::from_slice(&encode(format, request, context)).unwrap()
}
