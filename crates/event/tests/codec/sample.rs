//! Requests and contexts for the other modules.

use lambridge_event::{Context, Field, Format, Request, encode_request};
use serde_json::Value;

pub const CONTEXT: Context<'static> = Context {
    request_id: "d16a6b55-dea9-4b23-8499-eb85c3d2d904",
    time_ms: 1_783_711_146_671,
    source_ip: "203.0.113.7",
    protocol: "HTTP/1.1",
    domain_name: "shop.example.com",
    account_id: "123456789012",
    api_id: "api",
    stage: "$default",
    resource: None,
    path_parameters: &[],
    binary_media_types: None,
    target_group_arn: "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/t/0123456789abcdef",
};

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
