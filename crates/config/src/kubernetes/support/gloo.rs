//! Gloo Edge: `Upstream` and `Settings` (gloo.solo.io), `VirtualService` and `Gateway` (gateway.solo.io).
//!
//! Source: Gloo's API definitions of August 2026 (solo-io/gloo, `projects/gloo/api` and `projects/gateway/api`).

use crate::table::{Key, Table, Unknown, ignored, no, yes};

/// `Upstream`.
pub const UPSTREAM: Table = Table { keys: UPSTREAM_KEYS, unknown: Unknown::Warning, notes: &[] };
/// `VirtualService`.
pub const VIRTUAL_SERVICE: Table =
    Table { keys: VIRTUAL_SERVICE_KEYS, unknown: Unknown::Warning, notes: &[] };
/// `Gateway` of gateway.solo.io.
pub const GATEWAY: Table = Table { keys: GATEWAY_KEYS, unknown: Unknown::Warning, notes: &[] };
/// `Settings`.
pub const SETTINGS: Table = Table { keys: SETTINGS_KEYS, unknown: Unknown::Warning, notes: &[] };

const NO_FUNCTION: &str = "only upstreams with `aws` are functions; a route to this one is refused";
const OWN_CONNECTIONS: &str = "connections to Lambda are lambridge's own: HTTP/1.1, verified TLS, kept open";
const ITS_OWN_WORK: &str = "do in the function what it asks for, or put a proxy that does it in front";
const NATIVE_TLS: &str = "end TLS in front, or serve a native document with `listeners: [{ address, tls }]`";

/// Its rows.
pub const UPSTREAM_KEYS: &[Key] = &[
    yes("apiVersion", "`gloo.solo.io/v1`"),
    yes("kind", "`Upstream`"),
    yes("metadata", "name and namespace"),
    yes("status", "written by controllers"),
    yes("spec", "where requests go"),
    yes("spec.aws", "functions of one region"),
    yes("spec.aws.region", "their region; the environment's when absent"),
    yes("spec.aws.secretRef", "the Secret with the credentials"),
    yes("spec.aws.secretRef.name", "its name"),
    yes("spec.aws.secretRef.namespace", "its namespace; the upstream's when absent"),
    yes("spec.aws.lambdaFunctions", "functions by logical name; others are looked up with ListFunctions"),
    yes("spec.aws.lambdaFunctions[].logicalName", "how routes name it; the function's name when absent"),
    yes("spec.aws.lambdaFunctions[].lambdaFunctionName", "the function's name"),
    yes("spec.aws.lambdaFunctions[].qualifier", "version or alias"),
    yes("spec.aws.roleArn", "the role to assume, starting from the default chain"),
    yes("spec.aws.awsAccountId", "whose functions they are: they are called by ARN"),
    yes("spec.aws.disableRoleChaining", "`false`: the role is assumed starting from the default chain"),
    yes("spec.aws.destinationOverrides", "what routes do not say themselves"),
    yes("spec.aws.destinationOverrides.logicalName", "for routes without one"),
    yes("spec.aws.destinationOverrides.invocationStyle", "for routes without one"),
    yes("spec.aws.destinationOverrides.requestTransformation", "only `false`"),
    yes("spec.aws.destinationOverrides.responseTransformation", "the older name of `unwrapAsApiGateway`"),
    yes("spec.aws.destinationOverrides.unwrapAsAlb", "answers read as a load balancer does"),
    yes("spec.aws.destinationOverrides.unwrapAsApiGateway", "answers read as API Gateway does"),
    yes("spec.aws.destinationOverrides.wrapAsApiGateway", "only `false`"),
    ignored("spec.static", "hosts", NO_FUNCTION),
    ignored("spec.kube", "a Kubernetes service", NO_FUNCTION),
    ignored("spec.pipe", "a Unix socket", NO_FUNCTION),
    ignored("spec.consul", "a Consul service", NO_FUNCTION),
    ignored("spec.awsEc2", "EC2 instances", NO_FUNCTION),
    ignored("spec.azure", "Azure Functions", NO_FUNCTION),
    ignored("spec.gcp", "Google Cloud Functions", NO_FUNCTION),
    ignored("spec.ai", "a language model", NO_FUNCTION),
    ignored("spec.discoveryMetadata", "labels of what was discovered", "nothing is selected by them"),
    ignored("spec.sslConfig", "TLS to the upstream", OWN_CONNECTIONS),
    ignored("spec.useHttp2", "HTTP/2 to the upstream", OWN_CONNECTIONS),
    ignored("spec.connectionConfig", "connections to the upstream", OWN_CONNECTIONS),
    ignored("spec.protocolSelection", "the protocol to the upstream", OWN_CONNECTIONS),
    ignored("spec.initialStreamWindowSize", "HTTP/2 to the upstream", OWN_CONNECTIONS),
    ignored("spec.initialConnectionWindowSize", "HTTP/2 to the upstream", OWN_CONNECTIONS),
    ignored("spec.maxConcurrentStreams", "HTTP/2 to the upstream", OWN_CONNECTIONS),
    ignored("spec.respectDnsTtl", "how often names are looked up", OWN_CONNECTIONS),
    ignored("spec.dnsRefreshRate", "how often names are looked up", OWN_CONNECTIONS),
    ignored("spec.loadBalancerConfig", "choice among hosts", "Lambda has one address"),
    ignored("spec.healthChecks", "probes of hosts", "Lambda has one address"),
    ignored("spec.outlierDetection", "hosts that fail", "Lambda has one address"),
    ignored("spec.ignoreHealthOnHostRemoval", "hosts that go", "Lambda has one address"),
    no("spec.circuitBreakers", "bounds on calls", "write `concurrency` of the function in a native document"),
    no("spec.failover", "other upstreams", "Lambda fails over within a region; use a weighted `multi` route"),
    no("spec.httpProxyHostname", "a proxy on the way", "remove it: calls go straight to Lambda"),
];

/// Its rows.
pub const VIRTUAL_SERVICE_KEYS: &[Key] = &[
    yes("apiVersion", "`gateway.solo.io/v1`"),
    yes("kind", "`VirtualService`"),
    yes("metadata", "name and namespace"),
    yes("status", "written by controllers"),
    yes("spec", "what is served"),
    ignored("spec.displayName", "a name for people", "nothing is served by it"),
    no("spec.sslConfig", "TLS for these domains", NATIVE_TLS),
    yes("spec.virtualHost", "domains and routes"),
    ignored("spec.virtualHost.name", "a name for people", "nothing is served by it"),
    yes("spec.virtualHost.domains", "hosts; `*`, the default, is every host"),
    no("spec.virtualHost.optionsConfigRefs", "options of another object", ITS_OWN_WORK),
    yes("spec.virtualHost.options", "for all routes"),
    yes("spec.virtualHost.options.retries", "for routes without their own"),
    yes("spec.virtualHost.options.retries.numRetries", "attempts after the first; 1 when absent"),
    ignored("spec.virtualHost.options.retries.retryOn", "which failures", SAFE_RETRIES),
    ignored("spec.virtualHost.options.retries.perTryTimeout", "of one attempt", ONE_TIMEOUT),
    ignored("spec.virtualHost.options.retries.retryBackOff", "waits in between", OWN_WAITS),
    ignored("spec.virtualHost.options.stats", "statistics", "every request is in the access log"),
    no("spec.virtualHost.options.cors", "cross-origin requests", ITS_OWN_WORK),
    no("spec.virtualHost.options.extauth", "authorization", ITS_OWN_WORK),
    no("spec.virtualHost.options.jwt", "authorization", ITS_OWN_WORK),
    no("spec.virtualHost.options.jwtStaged", "authorization", ITS_OWN_WORK),
    no("spec.virtualHost.options.rbac", "authorization", ITS_OWN_WORK),
    no("spec.virtualHost.options.csrf", "forged requests", ITS_OWN_WORK),
    no("spec.virtualHost.options.waf", "a firewall", ITS_OWN_WORK),
    no("spec.virtualHost.options.dlp", "masking of answers", ITS_OWN_WORK),
    no("spec.virtualHost.options.ratelimit", "limits by rate", ITS_OWN_WORK),
    no("spec.virtualHost.options.ratelimitBasic", "limits by rate", ITS_OWN_WORK),
    no("spec.virtualHost.options.headerManipulation", "changed headers", ITS_OWN_WORK),
    no("spec.virtualHost.options.transformations", "changed requests and answers", ITS_OWN_WORK),
    no("spec.virtualHost.options.stagedTransformations", "changed requests and answers", ITS_OWN_WORK),
    no(
        "spec.virtualHost.options.bufferPerRoute",
        "bounds on bodies",
        "write `limits.body` in a native document",
    ),
    yes("spec.virtualHost.routes", "in this order: the first that matches is taken"),
    ignored(
        "spec.virtualHost.routes[].name",
        "a name for people",
        "routes are called by their object and place",
    ),
    yes("spec.virtualHost.routes[].matchers", "one of them is enough; without any, every path"),
    yes("spec.virtualHost.routes[].matchers[].prefix", "how the path begins, letter by letter"),
    yes("spec.virtualHost.routes[].matchers[].exact", "the whole path"),
    yes("spec.virtualHost.routes[].matchers[].regex", "the whole path, as a pattern"),
    no(
        "spec.virtualHost.routes[].matchers[].connectMatcher",
        "the method CONNECT",
        "functions answer requests; tunnels need another proxy",
    ),
    yes("spec.virtualHost.routes[].matchers[].caseSensitive", "`true` when absent"),
    yes("spec.virtualHost.routes[].matchers[].headers", "all of them"),
    yes("spec.virtualHost.routes[].matchers[].headers[].name", "the header's name"),
    yes("spec.virtualHost.routes[].matchers[].headers[].value", "its value; any when absent"),
    yes("spec.virtualHost.routes[].matchers[].headers[].regex", "`value` is a pattern of the whole value"),
    yes(
        "spec.virtualHost.routes[].matchers[].headers[].invertMatch",
        "without a `value`: the header is not there",
    ),
    yes("spec.virtualHost.routes[].matchers[].queryParameters", "all of them"),
    yes("spec.virtualHost.routes[].matchers[].queryParameters[].name", "the parameter's name"),
    yes("spec.virtualHost.routes[].matchers[].queryParameters[].value", "its value; any when absent"),
    yes(
        "spec.virtualHost.routes[].matchers[].queryParameters[].regex",
        "`value` is a pattern of the whole value",
    ),
    yes("spec.virtualHost.routes[].matchers[].methods", "one of them; without any, every method"),
    yes("spec.virtualHost.routes[].routeAction", "goes to functions"),
    yes("spec.virtualHost.routes[].routeAction.single", "one function"),
    yes("spec.virtualHost.routes[].routeAction.single.upstream", "whose function"),
    yes("spec.virtualHost.routes[].routeAction.single.upstream.name", "the upstream's name"),
    yes("spec.virtualHost.routes[].routeAction.single.upstream.namespace", "the route's own when absent"),
    no("spec.virtualHost.routes[].routeAction.single.kube", "a Kubernetes service", ONLY_UPSTREAMS),
    no("spec.virtualHost.routes[].routeAction.single.consul", "a Consul service", ONLY_UPSTREAMS),
    no(
        "spec.virtualHost.routes[].routeAction.single.subset",
        "a part of the hosts",
        "Lambda has one address; remove it",
    ),
    yes("spec.virtualHost.routes[].routeAction.single.destinationSpec", "which function, and how"),
    no("spec.virtualHost.routes[].routeAction.single.destinationSpec.azure", "an Azure function", ONLY_AWS),
    no("spec.virtualHost.routes[].routeAction.single.destinationSpec.rest", "a REST function", ONLY_AWS),
    no("spec.virtualHost.routes[].routeAction.single.destinationSpec.grpc", "a gRPC method", ONLY_AWS),
    yes("spec.virtualHost.routes[].routeAction.single.destinationSpec.aws", "a Lambda function"),
    yes("spec.virtualHost.routes[].routeAction.single.destinationSpec.aws.logicalName", "its logical name"),
    yes(
        "spec.virtualHost.routes[].routeAction.single.destinationSpec.aws.invocationStyle",
        "`SYNC` when absent",
    ),
    yes(
        "spec.virtualHost.routes[].routeAction.single.destinationSpec.aws.requestTransformation",
        "only `false`",
    ),
    yes(
        "spec.virtualHost.routes[].routeAction.single.destinationSpec.aws.responseTransformation",
        "the older name of `unwrapAsApiGateway`",
    ),
    yes(
        "spec.virtualHost.routes[].routeAction.single.destinationSpec.aws.unwrapAsAlb",
        "the answer is read as a load balancer does; counts before `unwrapAsApiGateway`",
    ),
    yes(
        "spec.virtualHost.routes[].routeAction.single.destinationSpec.aws.unwrapAsApiGateway",
        "the answer is read as API Gateway does",
    ),
    yes("spec.virtualHost.routes[].routeAction.single.destinationSpec.aws.wrapAsApiGateway", "only `false`"),
    yes("spec.virtualHost.routes[].routeAction.multi", "a weighted set"),
    yes("spec.virtualHost.routes[].routeAction.multi.destinations", "its members"),
    yes("spec.virtualHost.routes[].routeAction.multi.destinations[].weight", "its share"),
    no(
        "spec.virtualHost.routes[].routeAction.multi.destinations[].options",
        "changes for a share",
        ITS_OWN_WORK,
    ),
    yes("spec.virtualHost.routes[].routeAction.multi.destinations[].destination", "as `single`"),
    yes("spec.virtualHost.routes[].routeAction.multi.destinations[].destination.upstream", "whose function"),
    yes(
        "spec.virtualHost.routes[].routeAction.multi.destinations[].destination.upstream.name",
        "the upstream's name",
    ),
    yes(
        "spec.virtualHost.routes[].routeAction.multi.destinations[].destination.upstream.namespace",
        "the route's own when absent",
    ),
    no(
        "spec.virtualHost.routes[].routeAction.multi.destinations[].destination.kube",
        "a Kubernetes service",
        ONLY_UPSTREAMS,
    ),
    no(
        "spec.virtualHost.routes[].routeAction.multi.destinations[].destination.consul",
        "a Consul service",
        ONLY_UPSTREAMS,
    ),
    no(
        "spec.virtualHost.routes[].routeAction.multi.destinations[].destination.subset",
        "a part of the hosts",
        "Lambda has one address; remove it",
    ),
    yes(
        "spec.virtualHost.routes[].routeAction.multi.destinations[].destination.destinationSpec",
        "which function, and how",
    ),
    no(
        "spec.virtualHost.routes[].routeAction.multi.destinations[].destination.destinationSpec.azure",
        "an Azure function",
        ONLY_AWS,
    ),
    no(
        "spec.virtualHost.routes[].routeAction.multi.destinations[].destination.destinationSpec.rest",
        "a REST function",
        ONLY_AWS,
    ),
    no(
        "spec.virtualHost.routes[].routeAction.multi.destinations[].destination.destinationSpec.grpc",
        "a gRPC method",
        ONLY_AWS,
    ),
    yes(
        "spec.virtualHost.routes[].routeAction.multi.destinations[].destination.destinationSpec.aws",
        "a Lambda function",
    ),
    yes(
        "spec.virtualHost.routes[].routeAction.multi.destinations[].destination.destinationSpec.aws.logicalName",
        "its logical name",
    ),
    yes(
        "spec.virtualHost.routes[].routeAction.multi.destinations[].destination.destinationSpec.aws.invocationStyle",
        "`SYNC` when absent",
    ),
    yes(
        "spec.virtualHost.routes[].routeAction.multi.destinations[].destination.destinationSpec.aws.requestTransformation",
        "only `false`",
    ),
    yes(
        "spec.virtualHost.routes[].routeAction.multi.destinations[].destination.destinationSpec.aws.responseTransformation",
        "the older name of `unwrapAsApiGateway`",
    ),
    yes(
        "spec.virtualHost.routes[].routeAction.multi.destinations[].destination.destinationSpec.aws.unwrapAsAlb",
        "the answer is read as a load balancer does",
    ),
    yes(
        "spec.virtualHost.routes[].routeAction.multi.destinations[].destination.destinationSpec.aws.unwrapAsApiGateway",
        "the answer is read as API Gateway does",
    ),
    yes(
        "spec.virtualHost.routes[].routeAction.multi.destinations[].destination.destinationSpec.aws.wrapAsApiGateway",
        "only `false`",
    ),
    no(
        "spec.virtualHost.routes[].routeAction.upstreamGroup",
        "a weighted set of its own",
        "write its members into `multi`",
    ),
    no(
        "spec.virtualHost.routes[].routeAction.clusterHeader",
        "an upstream named by a header",
        ONLY_UPSTREAMS,
    ),
    no("spec.virtualHost.routes[].routeAction.dynamicForwardProxy", "any host", ONLY_UPSTREAMS),
    no(
        "spec.virtualHost.routes[].redirectAction",
        "another URL",
        "answer with a `location` header in a `static` route of a native document",
    ),
    yes("spec.virtualHost.routes[].directResponseAction", "the same answer each time"),
    yes("spec.virtualHost.routes[].directResponseAction.status", "from 200 to 599"),
    yes("spec.virtualHost.routes[].directResponseAction.body", "its text"),
    no(
        "spec.virtualHost.routes[].delegateAction",
        "routes of a `RouteTable`",
        "write them into the `VirtualService`",
    ),
    no("spec.virtualHost.routes[].graphqlApiRef", "a GraphQL API", ITS_OWN_WORK),
    no(
        "spec.virtualHost.routes[].inheritableMatchers",
        "matchers for delegated routes",
        "delegation is not supported; remove it",
    ),
    no(
        "spec.virtualHost.routes[].inheritablePathMatchers",
        "matchers for delegated routes",
        "delegation is not supported; remove it",
    ),
    no(
        "spec.virtualHost.routes[].optionsConfigRefs",
        "options of another object",
        "write them into `options`",
    ),
    yes("spec.virtualHost.routes[].options", "how it is called"),
    yes("spec.virtualHost.routes[].options.timeout", "the whole call; 15s when absent"),
    yes("spec.virtualHost.routes[].options.retries", "what is tried again"),
    yes("spec.virtualHost.routes[].options.retries.numRetries", "attempts after the first; 1 when absent"),
    ignored("spec.virtualHost.routes[].options.retries.retryOn", "which failures", SAFE_RETRIES),
    ignored("spec.virtualHost.routes[].options.retries.perTryTimeout", "of one attempt", ONE_TIMEOUT),
    ignored("spec.virtualHost.routes[].options.retries.retryBackOff", "waits in between", OWN_WAITS),
    ignored("spec.virtualHost.routes[].options.prefixRewrite", "a changed path", NO_PATH),
    ignored("spec.virtualHost.routes[].options.regexRewrite", "a changed path", NO_PATH),
    ignored("spec.virtualHost.routes[].options.hostRewrite", "a changed host", NO_PATH),
    ignored("spec.virtualHost.routes[].options.autoHostRewrite", "a changed host", NO_PATH),
    ignored("spec.virtualHost.routes[].options.envoyMetadata", "notes for Envoy", "there is no Envoy here"),
    no("spec.virtualHost.routes[].options.headerManipulation", "changed headers", ITS_OWN_WORK),
    no("spec.virtualHost.routes[].options.transformations", "changed requests and answers", ITS_OWN_WORK),
    no(
        "spec.virtualHost.routes[].options.stagedTransformations",
        "changed requests and answers",
        ITS_OWN_WORK,
    ),
    no("spec.virtualHost.routes[].options.cors", "cross-origin requests", ITS_OWN_WORK),
    no("spec.virtualHost.routes[].options.faults", "faults on purpose", "remove it"),
    no(
        "spec.virtualHost.routes[].options.shadowing",
        "copies of requests",
        "remove it, or call twice in the client",
    ),
    no("spec.virtualHost.routes[].options.tracing", "traces", "remove it"),
    no("spec.virtualHost.routes[].options.lbHash", "choice among hosts", "Lambda has one address; remove it"),
    no(
        "spec.virtualHost.routes[].options.upgrades",
        "upgraded connections",
        "functions answer requests; remove it",
    ),
    no("spec.virtualHost.routes[].options.extauth", "authorization", ITS_OWN_WORK),
    no("spec.virtualHost.routes[].options.jwt", "authorization", ITS_OWN_WORK),
    no("spec.virtualHost.routes[].options.jwtStaged", "authorization", ITS_OWN_WORK),
    no("spec.virtualHost.routes[].options.rbac", "authorization", ITS_OWN_WORK),
    no("spec.virtualHost.routes[].options.csrf", "forged requests", ITS_OWN_WORK),
    no("spec.virtualHost.routes[].options.waf", "a firewall", ITS_OWN_WORK),
    no("spec.virtualHost.routes[].options.dlp", "masking of answers", ITS_OWN_WORK),
    no("spec.virtualHost.routes[].options.ratelimit", "limits by rate", ITS_OWN_WORK),
    no("spec.virtualHost.routes[].options.ratelimitBasic", "limits by rate", ITS_OWN_WORK),
    no(
        "spec.virtualHost.routes[].options.bufferPerRoute",
        "bounds on bodies",
        "write `limits.body` in a native document",
    ),
    no("spec.virtualHost.routes[].options.maxStreamDuration", "bounds on streams", "write `timeout`"),
    no("spec.virtualHost.routes[].options.idleTimeout", "bounds on streams", "write `timeout`"),
];

const SAFE_RETRIES: &str =
    "tried again is what surely was not executed, throttles, and anything for an idempotent request";
const ONE_TIMEOUT: &str = "`timeout` bounds the call with all its attempts";
const OWN_WAITS: &str = "waits grow from attempt to attempt, with jitter";
const NO_PATH: &str = "the function gets the body alone, without path and host";
const ONLY_UPSTREAMS: &str = "only Lambda functions of an `upstream` are served";
const ONLY_AWS: &str = "only `aws` is served";

/// Its rows.
pub const GATEWAY_KEYS: &[Key] = &[
    yes("apiVersion", "`gateway.solo.io/v1`"),
    yes("kind", "`Gateway`"),
    yes("metadata", "name and namespace"),
    yes("status", "written by controllers"),
    yes("spec", "one listener"),
    yes("spec.bindAddress", "where it listens; `::` is every address"),
    yes("spec.bindPort", "and at which port"),
    yes("spec.ssl", "only `false`"),
    yes("spec.proxyNames", "which proxies have it: all are this one"),
    yes("spec.useProxyProto", "only `false`"),
    yes("spec.httpGateway", "what it serves"),
    yes("spec.httpGateway.virtualServices", "these only; without any, all"),
    yes("spec.httpGateway.virtualServices[].name", "the object's name"),
    yes("spec.httpGateway.virtualServices[].namespace", "its namespace; the gateway's when absent"),
    no(
        "spec.httpGateway.virtualServiceSelector",
        "objects by their labels",
        "list them in `virtualServices`",
    ),
    no(
        "spec.httpGateway.virtualServiceExpressions",
        "objects by their labels",
        "list them in `virtualServices`",
    ),
    yes("spec.httpGateway.virtualServiceNamespaces", "those of these namespaces; `*` is all"),
    no(
        "spec.httpGateway.options",
        "settings of Envoy",
        "settings of listeners stand in a native document, under `limits`",
    ),
    no("spec.tcpGateway", "TCP", "functions answer HTTP requests; remove the object"),
    no("spec.hybridGateway", "several in one", "write one `Gateway` with `httpGateway` for each"),
    no(
        "spec.options",
        "settings of Envoy",
        "settings of listeners stand in a native document, under `limits`",
    ),
    ignored("spec.routeOptions", "settings of Envoy", "they make no difference to functions"),
];

/// Its rows.
pub const SETTINGS_KEYS: &[Key] = &[
    yes("apiVersion", "`gloo.solo.io/v1`"),
    yes("kind", "`Settings`"),
    yes("metadata", "name and namespace"),
    yes("status", "written by controllers"),
    yes("spec", "settings of the whole installation"),
    yes("spec.gloo", "of its proxies"),
    yes("spec.gloo.awsOptions", "of calls to Lambda"),
    yes(
        "spec.gloo.awsOptions.enableCredentialsDiscovey",
        "upstreams without a Secret use the AWS default chain",
    ),
    yes("spec.gloo.awsOptions.enableCredentialsDiscovery", "the same, spelled well"),
    yes("spec.gloo.awsOptions.serviceAccountCredentials", "the same: a web identity is part of the chain"),
    ignored(
        "spec.gloo.awsOptions.serviceAccountCredentials.cluster",
        "Envoy's way to STS",
        "STS is reached at its public address",
    ),
    ignored(
        "spec.gloo.awsOptions.serviceAccountCredentials.uri",
        "STS's address",
        "`AWS_ENDPOINT_URL_STS` changes it",
    ),
    ignored(
        "spec.gloo.awsOptions.serviceAccountCredentials.timeout",
        "of calls to STS",
        "they end with the request's own",
    ),
    ignored(
        "spec.gloo.awsOptions.serviceAccountCredentials.region",
        "STS's region",
        "`AWS_REGION` and the upstream's region decide",
    ),
    ignored(
        "spec.gloo.awsOptions.propagateOriginalRouting",
        "two more headers to Lambda",
        "functions do not see headers of the call",
    ),
    ignored(
        "spec.gloo.awsOptions.credentialRefreshDelay",
        "how often tokens are read",
        "credentials are renewed before they end",
    ),
    yes(
        "spec.gloo.awsOptions.fallbackToFirstFunction",
        "routes without a logical name take the first function",
    ),
];

#[cfg(test)]
mod tests {
    #[test]
    fn the_tables_are_whole() {
        for table in [&super::UPSTREAM, &super::VIRTUAL_SERVICE, &super::GATEWAY, &super::SETTINGS] {
            crate::table::check(table);
        }
    }
}
