//! The Gateway API 1.6: `GatewayClass`, `Gateway`, `HTTPRoute`, `ReferenceGrant`.

use crate::table::{Key, Table, Unknown, ignored, no, yes};

/// `GatewayClass`.
pub const GATEWAY_CLASS: Table = Table { keys: GATEWAY_CLASS_KEYS, unknown: Unknown::Warning, notes: &[] };
/// `Gateway`.
pub const GATEWAY: Table = Table { keys: GATEWAY_KEYS, unknown: Unknown::Warning, notes: &[] };
/// `HTTPRoute`.
pub const HTTP_ROUTE: Table = Table { keys: HTTP_ROUTE_KEYS, unknown: Unknown::Warning, notes: &[] };
/// `ReferenceGrant`.
pub const REFERENCE_GRANT: Table =
    Table { keys: REFERENCE_GRANT_KEYS, unknown: Unknown::Warning, notes: &[] };

const ONE_TARGET: &str = "remove it, and do it in the function or in front of the gateway";
const REDIRECT: &str = "use `static` with status 301 and `location` in a native document";
const REWRITE: &str = "the function is given the body alone; remove the filter";
const WHOLE_SET: &str = "allow namespaces with `Same` or `All`";
const PLAIN_HTTP: &str =
    "use `HTTP` here; TLS is set with `listeners` of a native document, or in front of the gateway";

/// Rows of `GatewayClass`.
pub const GATEWAY_CLASS_KEYS: &[Key] = &[
    yes("apiVersion", "`gateway.networking.k8s.io/v1`"),
    yes("kind", "`GatewayClass`"),
    yes("metadata", "name"),
    yes("status", "written by controllers"),
    yes("spec", "whose gateways"),
    yes(
        "spec.controllerName",
        "`kgateway.dev/kgateway` or `solo.io/gloo-gateway`; gateways of others are left alone",
    ),
    yes("spec.description", "for people"),
    ignored("spec.parametersRef", "how proxies run", "there is no proxy to be started"),
];

/// Rows of `Gateway`.
pub const GATEWAY_KEYS: &[Key] = &[
    yes("apiVersion", "`gateway.networking.k8s.io/v1` or `v1beta1`"),
    yes("kind", "`Gateway`"),
    yes("metadata", "name and namespace"),
    yes("status", "written by controllers"),
    yes("spec", "listeners"),
    yes("spec.gatewayClassName", "`kgateway`, `gloo-gateway`, or a class of their controllers"),
    yes("spec.listeners", "ports to serve on, at every address of the machine"),
    yes("spec.listeners[].name", "unique in its gateway; `sectionName` names it"),
    yes("spec.listeners[].hostname", "name or `*.name`; every host when absent"),
    yes("spec.listeners[].port", "port"),
    yes("spec.listeners[].protocol", "`HTTP`"),
    yes("spec.listeners[].protocol: HTTP", "plain HTTP"),
    no("spec.listeners[].protocol: HTTPS", "TLS", PLAIN_HTTP),
    no("spec.listeners[].protocol: TLS", "TLS of any content", PLAIN_HTTP),
    no("spec.listeners[].protocol: TCP", "any content", PLAIN_HTTP),
    no("spec.listeners[].protocol: UDP", "datagrams", PLAIN_HTTP),
    no("spec.listeners[].tls", "certificates", PLAIN_HTTP),
    yes("spec.listeners[].allowedRoutes", "which routes may attach"),
    yes("spec.listeners[].allowedRoutes.namespaces", "from where"),
    yes("spec.listeners[].allowedRoutes.namespaces.from", "`Same` when absent"),
    yes("spec.listeners[].allowedRoutes.namespaces.from: Same", "the namespace of the gateway"),
    yes("spec.listeners[].allowedRoutes.namespaces.from: All", "every namespace"),
    yes("spec.listeners[].allowedRoutes.namespaces.from: None", "none"),
    no("spec.listeners[].allowedRoutes.namespaces.from: Selector", "namespaces with some label", WHOLE_SET),
    no("spec.listeners[].allowedRoutes.namespaces.selector", "namespaces with some label", WHOLE_SET),
    yes("spec.listeners[].allowedRoutes.kinds", "`HTTPRoute` when absent"),
    yes("spec.listeners[].allowedRoutes.kinds[].group", "`gateway.networking.k8s.io` when absent"),
    yes("spec.listeners[].allowedRoutes.kinds[].kind", "of routes"),
    ignored(
        "spec.addresses",
        "addresses of the proxy",
        "listeners are served at every address of the machine",
    ),
    ignored("spec.infrastructure", "how proxies run", "there is no proxy to be started"),
    ignored("spec.allowedListeners", "`ListenerSet`s that may attach", "these are not read"),
    no("spec.backendTLS", "client certificate for backends", "calls to Lambda are signed; remove it"),
    no("spec.tls", "TLS of all listeners", PLAIN_HTTP),
    no("spec.defaultScope", "routes that name no gateway", "name the gateway in `parentRefs`"),
];

/// Rows of `HTTPRoute`.
pub const HTTP_ROUTE_KEYS: &[Key] = &[
    yes("apiVersion", "`gateway.networking.k8s.io/v1` or `v1beta1`"),
    yes("kind", "`HTTPRoute`"),
    yes("metadata", "name and namespace"),
    yes("status", "written by controllers"),
    yes("spec", "gateways, hosts and rules"),
    yes("spec.parentRefs", "gateways to attach to"),
    yes("spec.parentRefs[].group", "`gateway.networking.k8s.io` when absent"),
    yes("spec.parentRefs[].kind", "`Gateway`, also when absent"),
    yes("spec.parentRefs[].namespace", "that of the route when absent"),
    yes("spec.parentRefs[].name", "of the gateway"),
    yes("spec.parentRefs[].sectionName", "one listener by its name"),
    yes("spec.parentRefs[].port", "one listener by its port"),
    no("spec.useDefaultGateways", "gateways that nobody named", "name the gateway in `parentRefs`"),
    yes("spec.hostnames", "names or `*.name`; those of the listener when absent"),
    yes("spec.rules", "up to 16"),
    yes("spec.rules[].name", "for people"),
    yes("spec.rules[].matches", "any of these; every path when absent"),
    yes("spec.rules[].matches[].path", "prefix `/` when absent"),
    yes("spec.rules[].matches[].path.type", "`PathPrefix` when absent"),
    yes("spec.rules[].matches[].path.type: Exact", "the whole path"),
    yes("spec.rules[].matches[].path.type: PathPrefix", "whole segments"),
    yes("spec.rules[].matches[].path.type: RegularExpression", "anchored at both ends"),
    yes("spec.rules[].matches[].path.value", "`/` when absent"),
    yes("spec.rules[].matches[].headers", "all of these"),
    yes("spec.rules[].matches[].headers[].type", "`Exact` when absent"),
    yes("spec.rules[].matches[].headers[].type: Exact", "the whole value"),
    yes("spec.rules[].matches[].headers[].type: RegularExpression", "anchored at both ends"),
    yes("spec.rules[].matches[].headers[].name", "case does not matter; of equal names the first counts"),
    yes("spec.rules[].matches[].headers[].value", "value"),
    yes("spec.rules[].matches[].queryParams", "all of these"),
    yes("spec.rules[].matches[].queryParams[].type", "`Exact` when absent"),
    yes("spec.rules[].matches[].queryParams[].type: Exact", "the whole value"),
    yes("spec.rules[].matches[].queryParams[].type: RegularExpression", "anchored at both ends"),
    yes("spec.rules[].matches[].queryParams[].name", "of equal names the first counts"),
    yes("spec.rules[].matches[].queryParams[].value", "value"),
    yes("spec.rules[].matches[].method", "one method"),
    yes("spec.rules[].filters", "what is done to requests and answers; each type once"),
    yes("spec.rules[].filters[].type", "which filter"),
    no(
        "spec.rules[].filters[].type: ExtensionRef",
        "a filter of the gateway's own",
        "write it below `backendRefs`",
    ),
    yes("spec.rules[].filters[].type: RequestHeaderModifier", "changes headers of requests"),
    yes("spec.rules[].filters[].type: ResponseHeaderModifier", "changes headers of answers"),
    no("spec.rules[].filters[].type: RequestMirror", "sends requests twice", ONE_TARGET),
    yes("spec.rules[].filters[].type: RequestRedirect", "sends the client elsewhere; no backends then"),
    yes("spec.rules[].filters[].type: URLRewrite", "changes path and host"),
    no("spec.rules[].filters[].type: CORS", "answers of other origins", ONE_TARGET),
    no("spec.rules[].filters[].type: ExternalAuth", "asks another server", ONE_TARGET),
    yes("spec.rules[].filters[].extensionRef", "settings of that type"),
    yes(
        "spec.rules[].filters[].requestHeaderModifier",
        "settings of that type: removed, then set, then added",
    ),
    yes("spec.rules[].filters[].requestHeaderModifier.set", "in place of all of that name"),
    yes("spec.rules[].filters[].requestHeaderModifier.set[].name", "a header"),
    yes("spec.rules[].filters[].requestHeaderModifier.set[].value", "its value"),
    yes("spec.rules[].filters[].requestHeaderModifier.add", "beside them"),
    yes("spec.rules[].filters[].requestHeaderModifier.add[].name", "a header"),
    yes("spec.rules[].filters[].requestHeaderModifier.add[].value", "its value"),
    yes("spec.rules[].filters[].requestHeaderModifier.remove", "names"),
    yes(
        "spec.rules[].filters[].responseHeaderModifier",
        "settings of that type: removed, then set, then added",
    ),
    yes("spec.rules[].filters[].responseHeaderModifier.set", "in place of all of that name"),
    yes("spec.rules[].filters[].responseHeaderModifier.set[].name", "a header"),
    yes("spec.rules[].filters[].responseHeaderModifier.set[].value", "its value"),
    yes("spec.rules[].filters[].responseHeaderModifier.add", "beside them"),
    yes("spec.rules[].filters[].responseHeaderModifier.add[].name", "a header"),
    yes("spec.rules[].filters[].responseHeaderModifier.add[].value", "its value"),
    yes("spec.rules[].filters[].responseHeaderModifier.remove", "names"),
    yes("spec.rules[].filters[].requestMirror", "settings of that type"),
    yes("spec.rules[].filters[].requestRedirect", "settings of that type"),
    yes("spec.rules[].filters[].requestRedirect.scheme", "the client's when absent"),
    yes("spec.rules[].filters[].requestRedirect.scheme: http", "plain"),
    yes("spec.rules[].filters[].requestRedirect.scheme: https", "over TLS"),
    yes("spec.rules[].filters[].requestRedirect.hostname", "the client's when absent"),
    yes(
        "spec.rules[].filters[].requestRedirect.port",
        "that of another scheme, else the client's, when absent",
    ),
    yes("spec.rules[].filters[].requestRedirect.statusCode", "301, 302, 303, 307 or 308; 302 when absent"),
    yes("spec.rules[].filters[].requestRedirect.path", "another path"),
    yes("spec.rules[].filters[].requestRedirect.path.type", "which part of it"),
    yes("spec.rules[].filters[].requestRedirect.path.type: ReplaceFullPath", "the whole"),
    yes(
        "spec.rules[].filters[].requestRedirect.path.type: ReplacePrefixMatch",
        "the prefix that matched; every match of the rule is one",
    ),
    yes("spec.rules[].filters[].requestRedirect.path.replaceFullPath", "the path"),
    yes("spec.rules[].filters[].requestRedirect.path.replacePrefixMatch", "the prefix"),
    yes("spec.rules[].filters[].urlRewrite", "settings of that type"),
    yes("spec.rules[].filters[].urlRewrite.hostname", "the `Host` that the function is told"),
    yes("spec.rules[].filters[].urlRewrite.path", "another path"),
    yes("spec.rules[].filters[].urlRewrite.path.type", "which part of it"),
    yes("spec.rules[].filters[].urlRewrite.path.type: ReplaceFullPath", "the whole"),
    yes(
        "spec.rules[].filters[].urlRewrite.path.type: ReplacePrefixMatch",
        "the prefix that matched; every match of the rule is one",
    ),
    yes("spec.rules[].filters[].urlRewrite.path.replaceFullPath", "the path"),
    yes("spec.rules[].filters[].urlRewrite.path.replacePrefixMatch", "the prefix"),
    yes("spec.rules[].filters[].cors", "settings of that type"),
    yes("spec.rules[].filters[].externalAuth", "settings of that type"),
    yes("spec.rules[].backendRefs", "a weighted set; 500 when empty"),
    yes("spec.rules[].backendRefs[].group", "`gateway.kgateway.dev`"),
    yes("spec.rules[].backendRefs[].kind", "`Backend`"),
    yes(
        "spec.rules[].backendRefs[].namespace",
        "that of the route when absent; another takes a `ReferenceGrant`",
    ),
    yes("spec.rules[].backendRefs[].name", "of the backend"),
    ignored("spec.rules[].backendRefs[].port", "port of the backend", "a function has none"),
    yes("spec.rules[].backendRefs[].weight", "share; 1 when absent, 0 gets nothing"),
    yes("spec.rules[].backendRefs[].filters", "which function of the backend"),
    yes("spec.rules[].backendRefs[].filters[].type", "`ExtensionRef`"),
    yes("spec.rules[].backendRefs[].filters[].type: ExtensionRef", "of kind `Parameter`"),
    no("spec.rules[].backendRefs[].filters[].type: RequestHeaderModifier", "changes headers", ONE_TARGET),
    no("spec.rules[].backendRefs[].filters[].type: ResponseHeaderModifier", "changes headers", ONE_TARGET),
    no("spec.rules[].backendRefs[].filters[].type: RequestMirror", "sends requests twice", ONE_TARGET),
    no("spec.rules[].backendRefs[].filters[].type: RequestRedirect", "sends the client elsewhere", REDIRECT),
    no("spec.rules[].backendRefs[].filters[].type: URLRewrite", "changes the path", REWRITE),
    no("spec.rules[].backendRefs[].filters[].type: CORS", "answers of other origins", ONE_TARGET),
    no("spec.rules[].backendRefs[].filters[].type: ExternalAuth", "asks another server", ONE_TARGET),
    yes("spec.rules[].backendRefs[].filters[].extensionRef", "names the function"),
    yes(
        "spec.rules[].backendRefs[].filters[].extensionRef.group",
        "`gateway.kgateway.dev` or `gloo.solo.io`",
    ),
    yes("spec.rules[].backendRefs[].filters[].extensionRef.kind", "`Parameter`"),
    yes(
        "spec.rules[].backendRefs[].filters[].extensionRef.name",
        "`logicalName` of a function of the backend; no object of that name exists",
    ),
    yes("spec.rules[].backendRefs[].filters[].requestHeaderModifier", "settings of that type"),
    yes("spec.rules[].backendRefs[].filters[].responseHeaderModifier", "settings of that type"),
    yes("spec.rules[].backendRefs[].filters[].requestMirror", "settings of that type"),
    yes("spec.rules[].backendRefs[].filters[].requestRedirect", "settings of that type"),
    yes("spec.rules[].backendRefs[].filters[].urlRewrite", "settings of that type"),
    yes("spec.rules[].backendRefs[].filters[].cors", "settings of that type"),
    yes("spec.rules[].backendRefs[].filters[].externalAuth", "settings of that type"),
    yes("spec.rules[].timeouts", "how long a request may take"),
    yes(
        "spec.rules[].timeouts.request",
        "the whole call, then 504; 30s when absent, `0s` is 15m, Lambda's own bound",
    ),
    yes("spec.rules[].timeouts.backendRequest", "as `request`; the shorter one counts for the whole call"),
    no(
        "spec.rules[].retry",
        "what is tried again",
        "remove it: calls that surely were not executed are tried again, others are not",
    ),
    no(
        "spec.rules[].sessionPersistence",
        "clients stay with a backend",
        "instances of a function keep nothing; remove it",
    ),
];

/// Rows of `ReferenceGrant`.
pub const REFERENCE_GRANT_KEYS: &[Key] = &[
    yes("apiVersion", "`gateway.networking.k8s.io/v1` or `v1beta1`"),
    yes("kind", "`ReferenceGrant`"),
    yes("metadata", "its namespace is the one that may be referred to"),
    yes("spec", "who may refer to what"),
    yes("spec.from", "any of these"),
    yes("spec.from[].group", "empty for the core group"),
    yes("spec.from[].kind", "`HTTPRoute`, `Backend`"),
    yes("spec.from[].namespace", "of the objects that refer"),
    yes("spec.to", "any of these"),
    yes("spec.to[].group", "empty for the core group"),
    yes("spec.to[].kind", "`Backend`, `Secret`"),
    yes("spec.to[].name", "one object; all when absent"),
];

#[cfg(test)]
mod tests {
    #[test]
    fn the_tables_are_whole() {
        for table in [&super::GATEWAY_CLASS, &super::GATEWAY, &super::HTTP_ROUTE, &super::REFERENCE_GRANT] {
            crate::table::check(table);
        }
    }
}
