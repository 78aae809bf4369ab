//! Every key of the objects that are read: what is supported, what is ignored and why, what is refused and the way out.
//!
//! One table a kind, in a module a group.

pub mod core;
pub mod gateway_api;
pub mod gloo;
pub mod kgateway;

use crate::table::Table;

/// The group of the Gateway API.
pub const GATEWAY_API: &str = "gateway.networking.k8s.io";
/// The group of kgateway.
pub const KGATEWAY: &str = "gateway.kgateway.dev";
/// The group of Gloo's upstreams.
pub const GLOO: &str = "gloo.solo.io";
/// The group of Gloo Edge's virtual services.
pub const GLOO_GATEWAY: &str = "gateway.solo.io";

/// Kinds of these groups that say how a cluster runs its proxies, and nothing about requests.
pub const IGNORED_KINDS: &[(&str, &str)] = &[(KGATEWAY, "GatewayParameters"), (GLOO, "Proxy")];

/// Kinds of these groups that are known and refused: group, kind, the way out.
pub const REFUSED_KINDS: &[(&str, &str, &str)] = &[
    (GATEWAY_API, "GRPCRoute", "only HTTP requests reach functions; use an `HTTPRoute`"),
    (GATEWAY_API, "TCPRoute", "only HTTP requests reach functions; use an `HTTPRoute`"),
    (GATEWAY_API, "TLSRoute", "only HTTP requests reach functions; use an `HTTPRoute`"),
    (GATEWAY_API, "UDPRoute", "only HTTP requests reach functions; use an `HTTPRoute`"),
    (GATEWAY_API, "BackendTLSPolicy", "calls to Lambda are always verified TLS; remove it"),
    (GATEWAY_API, "ListenerSet", "write the listeners into the `Gateway`"),
    (KGATEWAY, "TrafficPolicy", "do in the function what the policy asks for, and remove it"),
    (KGATEWAY, "HTTPListenerPolicy", "settings of listeners stand in a native document, under `limits`"),
    (KGATEWAY, "ListenerPolicy", "settings of listeners stand in a native document, under `limits`"),
    (
        KGATEWAY,
        "BackendConfigPolicy",
        "connections to Lambda are set with `aws.connections` of a native document",
    ),
    (KGATEWAY, "DirectResponse", "use `static` in a route of a native document"),
    (KGATEWAY, "GatewayExtension", "do in the function what the extension does, and remove it"),
    (KGATEWAY, "BackendTLSPolicy", "calls to Lambda are always verified TLS; remove it"),
    (GLOO, "UpstreamGroup", "write its members into `multi` of the route"),
    (GLOO_GATEWAY, "RouteTable", "write its routes into the `VirtualService`"),
    (GLOO_GATEWAY, "RouteOption", "write them into `options` of the route"),
    (GLOO_GATEWAY, "VirtualHostOption", "write them into `options` of the `VirtualService`"),
    (GLOO_GATEWAY, "ListenerOption", "settings of listeners stand in a native document, under `limits`"),
    (GLOO_GATEWAY, "HttpListenerOption", "settings of listeners stand in a native document, under `limits`"),
    (GLOO_GATEWAY, "MatchableHttpGateway", "write a `Gateway` with `httpGateway`"),
    (GLOO_GATEWAY, "MatchableTcpGateway", "functions answer HTTP requests; remove it"),
    (KGATEWAY, "RoutePolicy", "do in the function what the policy asks for, and remove it"),
];

/// The tables as the documentation has them: page, kind, table.
pub fn pages() -> Vec<(&'static str, &'static str, &'static Table)> {
    vec![
        ("kgateway", "Secret", &core::SECRET),
        ("kgateway", "Backend", &kgateway::BACKEND),
        ("kgateway", "HTTPRoute", &gateway_api::HTTP_ROUTE),
        ("kgateway", "Gateway", &gateway_api::GATEWAY),
        ("kgateway", "GatewayClass", &gateway_api::GATEWAY_CLASS),
        ("kgateway", "ReferenceGrant", &gateway_api::REFERENCE_GRANT),
        ("kgateway", "metadata", &core::METADATA),
        ("gloo", "Upstream", &gloo::UPSTREAM),
        ("gloo", "VirtualService", &gloo::VIRTUAL_SERVICE),
        ("gloo", "Gateway", &gloo::GATEWAY),
        ("gloo", "Settings", &gloo::SETTINGS),
    ]
}
