//! What is turned off, and so does not count.
//!
//! In runway nearly every section has a switch, `enabled`, which is off when it is not written; a value that is empty,
//! zero or `false` turns nothing on either. A file that mentions a feature only to turn it off is served: its section is
//! taken out here, before any key of it is judged. A switch that says anything but `false` is on.

use super::support::TABLE;
use crate::document::{Node, ScalarKind, Value};
use crate::table::Support;

/// Sections of whose switch runway's types leave no doubt. Another one without a word on `enabled` counts as on.
const SWITCHED: &[&str] = &[
    "acme",
    "adaptive_concurrency",
    "ai",
    "amqp",
    "audit_log",
    "backend_signing",
    "backpressure",
    "baggage",
    "bandwidth",
    "bot_detection",
    "cache",
    "canary",
    "catalog",
    "cdn_cache_headers",
    "circuit_breaker",
    "coalesce",
    "compression",
    "connect",
    "consumer_groups",
    "content_negotiation",
    "cors",
    "csrf",
    "deprecation",
    "edge_cache_rules",
    "error_pages",
    "ext_auth",
    "fault_injection",
    "field_replacer",
    "geo",
    "graphql",
    "graphql_federation",
    "grpc",
    "grpc_health",
    "idempotency",
    "ip_blocklist",
    "ip_filter",
    "jmespath",
    "load_shedding",
    "lua",
    "maintenance",
    "metrics",
    "mirror",
    "nonce",
    "outlier_detection",
    "param_forwarding",
    "priority",
    "pubsub",
    "rate_limit",
    "request_decompression",
    "request_dedup",
    "request_queue",
    "response_limit",
    "response_signing",
    "security_headers",
    "service_rate_limit",
    "session_affinity",
    "slo",
    "sse",
    "ssrf_protection",
    "sticky",
    "throttle",
    "token_exchange",
    "tracing",
    "traffic_replay",
    "validation",
    "versioning",
    "waf",
    "webhooks",
    "websocket",
];

/// Takes what is turned off out of the tree, as far as the table would ignore or refuse it. `path` is that of `node`.
pub fn take_out(node: &mut Node, path: &str) {
    match &mut node.value {
        Value::Scalar(_) => {}
        Value::List(items) => {
            let path = format!("{path}[]");
            items.iter_mut().for_each(|item| take_out(item, &path));
        }
        Value::Map(entries) => entries.retain_mut(|(key, node)| {
            let Some(known) = TABLE.find(path, &key.text) else { return true };
            let section = matches!(key.text.as_str(), "rate_limit" | "mock_response");
            if known.support != Support::Yes || section {
                if is_off(&key.text, node) {
                    return false;
                }
                if !section {
                    return true;
                }
            }
            take_out(node, known.path);
            true
        }),
    }
}

/// Whether the value of `name` turns nothing on.
pub fn is_off(name: &str, node: &Node) -> bool {
    match &node.value {
        Value::List(items) => items.is_empty(),
        Value::Scalar(scalar) => match scalar.kind {
            ScalarKind::Null => true,
            ScalarKind::Bool => is_false(node),
            ScalarKind::Number => scalar.text.bytes().all(|byte| matches!(byte, b'0' | b'.')),
            ScalarKind::Text => matches!(scalar.text.as_str(), "" | "0s" | "0ms"),
        },
        Value::Map(entries) => {
            let switch = if name == "auth" { "required" } else { "enabled" };
            match (node.get(switch), name) {
                (Some(switch), _) => is_false(switch),
                (None, "auth") => true,
                (None, "cluster") => role(node) == Some("standalone") || entries.is_empty(),
                (None, "error_handling") => node.get("mode").is_none_or(|mode| text(mode) == Some("default")),
                (None, _) => {
                    SWITCHED.contains(&name) || entries.iter().all(|(key, node)| is_off(&key.text, node))
                }
            }
        }
    }
}

fn is_false(node: &Node) -> bool {
    node.is_nothing() || text(node).is_some_and(|text| text.eq_ignore_ascii_case("false"))
}

fn role(node: &Node) -> Option<&str> {
    node.get("role").map_or(Some("standalone"), text)
}

fn text(node: &Node) -> Option<&str> {
    node.as_scalar().map(|scalar| scalar.text.as_str())
}

#[cfg(test)]
mod tests {
    use super::is_off;
    use crate::document;
    use crate::report::Report;

    fn check(text: &str, expect: bool) {
        let mut report = Report::default();
        let documents = document::parse(&"a.yaml".into(), text, &mut report).unwrap();
        let (key, node) = &documents[0].root.as_map().unwrap()[0];
        assert_eq!(is_off(&key.text, node), expect, "{text}");
    }

    #[test]
    fn switches() {
        for off in [
            "cache:",
            "cache: {}",
            "cache: { enabled: false, ttl: 60s }",
            "cache: { ttl: 60s }",
            "auth: { required: false, methods: [jwt] }",
            "auth: { methods: [jwt] }",
            "echo: false",
            "backends: []",
            "upstream: ''",
            "retries: 0",
            "timeout: 0s",
            "rules: { request: [], response: [] }",
            "traffic_shaping: { throttle: { enabled: false, rate: 1 }, priority: { max_concurrent: 1 } }",
            "transform: { request: { headers: { add: {} } } }",
            "error_handling: { mode: default }",
            "cluster: { role: standalone }",
        ] {
            check(off, true);
        }
        for on in [
            "cache: { enabled: true }",
            "cache: { enabled: maybe }",
            "auth: { required: true }",
            "echo: true",
            "backends: [{ url: http://a }]",
            "upstream: a",
            "retries: 3",
            "rules: { request: [{ id: a }] }",
            "traffic_shaping: { throttle: { enabled: true } }",
            "quota: { limit: 1 }",
            "error_handling: { mode: detailed }",
            "cluster: { role: data_plane }",
        ] {
            check(on, false);
        }
    }
}
