//! A context as a route has it.

use lambridge_event::Context;

pub const CONTEXT: Context<'static> = Context {
    request_id: "d16a6b55-dea9-4b23-8499-eb85c3d2d904",
    time_ms: 1_783_711_146_671,
    source_ip: "203.0.113.7",
    protocol: "HTTP/1.1",
    domain_name: "shop.example.com",
    account_id: "123456789012",
    region: "eu-west-1",
    api_id: "api",
    stage: "$default",
    resource: None,
    path_parameters: &[],
    binary_media_types: None,
    target_group_arn: "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/t/0123456789abcdef",
};
