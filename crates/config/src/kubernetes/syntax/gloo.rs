//! Gloo Edge: `Upstream`, `VirtualService`, `Gateway` and `Settings`.

use super::Kind;
use crate::document::{Node, Span};
use crate::kubernetes::support::gloo::{GATEWAY, SETTINGS, UPSTREAM, VIRTUAL_SERVICE};
use crate::kubernetes::support::{GLOO, GLOO_GATEWAY};
use crate::reader::{Fields, Leaf, Reader};

pub const KINDS: &[Kind] = &[
    Kind {
        group: GLOO,
        name: "Upstream",
        versions: &["v1"],
        namespaced: true,
        table: &UPSTREAM,
        read: |reader, top| super::Body::Gloo(Body::Upstream(Box::new(upstream(reader, top)))),
    },
    Kind {
        group: GLOO,
        name: "Settings",
        versions: &["v1"],
        namespaced: true,
        table: &SETTINGS,
        read: |reader, top| super::Body::Gloo(Body::Settings(Box::new(settings(reader, top)))),
    },
    Kind {
        group: GLOO_GATEWAY,
        name: "VirtualService",
        versions: &["v1"],
        namespaced: true,
        table: &VIRTUAL_SERVICE,
        read: |reader, top| super::Body::Gloo(Body::VirtualService(Box::new(virtual_service(reader, top)))),
    },
    Kind {
        group: GLOO_GATEWAY,
        name: "Gateway",
        versions: &["v1"],
        namespaced: true,
        table: &GATEWAY,
        read: |reader, top| super::Body::Gloo(Body::Gateway(Box::new(gateway(reader, top)))),
    },
];

/// What an object of Gloo Edge says.
#[derive(Debug)]
pub enum Body {
    Upstream(Box<Upstream>),
    VirtualService(Box<VirtualService>),
    Gateway(Box<Gateway>),
    Settings(Box<Settings>),
}

/// Another object, by name.
#[derive(Debug)]
pub struct Reference {
    pub span: Span,
    pub name: Option<Leaf>,
    pub namespace: Option<Leaf>,
}

#[derive(Debug)]
pub struct Upstream {
    /// `None` for upstreams that are no functions.
    pub aws: Option<Aws>,
}

#[derive(Debug)]
pub struct Aws {
    pub span: Span,
    pub region: Option<Leaf>,
    pub secret: Option<Reference>,
    pub functions: Vec<Function>,
    pub role_arn: Option<Leaf>,
    pub account: Option<Leaf>,
    pub disable_role_chaining: Option<Leaf>,
    pub overrides: Option<AwsDestination>,
}

/// One of `lambdaFunctions`.
#[derive(Debug)]
pub struct Function {
    pub span: Span,
    pub logical_name: Option<Leaf>,
    pub name: Option<Leaf>,
    pub qualifier: Option<Leaf>,
}

#[derive(Debug)]
pub struct VirtualService {
    pub span: Span,
    pub host: Option<VirtualHost>,
}

#[derive(Debug)]
pub struct VirtualHost {
    pub span: Span,
    pub domains: Option<(Span, Vec<Leaf>)>,
    pub routes: Vec<Route>,
    pub options: Option<Options>,
}

#[derive(Debug)]
pub struct Route {
    pub span: Span,
    /// `None` where `matchers` is absent.
    pub matchers: Option<Vec<Matcher>>,
    /// `None` when what is there cannot be read.
    pub action: Option<Action>,
    pub options: Option<Options>,
}

#[derive(Debug)]
pub enum Action {
    Single(Box<Destination>),
    Multi {
        span: Span,
        destinations: Vec<(Destination, Option<Leaf>)>,
    },
    Direct {
        span: Span,
        status: Option<Leaf>,
        body: Option<Leaf>,
    },
    /// The route says nothing that could be done.
    Nothing,
}

#[derive(Debug)]
pub struct Destination {
    pub span: Span,
    pub upstream: Option<Reference>,
    /// Whether it names something else than an upstream.
    pub other: bool,
    pub aws: Option<AwsDestination>,
}

/// `destinationSpec.aws`, and `destinationOverrides` of an upstream.
#[derive(Debug)]
pub struct AwsDestination {
    pub span: Span,
    pub logical_name: Option<Leaf>,
    pub invocation_style: Option<Leaf>,
    pub request_transformation: Option<Leaf>,
    pub response_transformation: Option<Leaf>,
    pub unwrap_as_alb: Option<Leaf>,
    pub unwrap_as_api_gateway: Option<Leaf>,
    pub wrap_as_api_gateway: Option<Leaf>,
}

#[derive(Debug)]
pub struct Options {
    pub timeout: Option<Leaf>,
    pub retries: Option<Retries>,
}

#[derive(Debug)]
pub struct Retries {
    pub max: Option<Leaf>,
}

#[derive(Debug)]
pub struct Matcher {
    pub span: Span,
    pub prefix: Option<Leaf>,
    pub exact: Option<Leaf>,
    pub regex: Option<Leaf>,
    /// Whether it says how else the path is matched.
    pub other: bool,
    pub case_sensitive: Option<Leaf>,
    pub headers: Vec<Pair>,
    pub query: Vec<Pair>,
    pub methods: Option<(Span, Vec<Leaf>)>,
}

/// A header or parameter to match.
#[derive(Debug)]
pub struct Pair {
    pub span: Span,
    pub name: Option<Leaf>,
    pub value: Option<Leaf>,
    pub regex: Option<Leaf>,
    pub invert: Option<Leaf>,
}

#[derive(Debug)]
pub struct Gateway {
    pub span: Span,
    pub address: Option<Leaf>,
    pub port: Option<Leaf>,
    pub ssl: Option<Leaf>,
    pub proxy_proto: Option<Leaf>,
    pub services: Option<Vec<Reference>>,
    pub namespaces: Option<Vec<Leaf>>,
}

#[derive(Debug, Default)]
pub struct Settings {
    pub discovery: Option<Leaf>,
    /// The same, spelled well.
    pub discovery_too: Option<Leaf>,
    pub service_account: bool,
    pub fallback: Option<Leaf>,
}

fn upstream(reader: &mut Reader<'_>, top: &Fields<'_>) -> Upstream {
    let aws = reader.section(top, "spec", |reader, spec| reader.section(spec, "aws", aws));
    Upstream { aws: aws.flatten() }
}

fn aws(reader: &mut Reader<'_>, fields: &Fields<'_>) -> Aws {
    let functions = reader.list(fields, "lambdaFunctions", |reader, node| {
        let fields = reader.fields(node, "spec.aws.lambdaFunctions[]")?;
        Some(Function {
            span: fields.span.clone(),
            logical_name: reader.leaf(&fields, "logicalName"),
            name: reader.leaf(&fields, "lambdaFunctionName"),
            qualifier: reader.leaf(&fields, "qualifier"),
        })
    });
    Aws {
        span: fields.span.clone(),
        region: reader.leaf(fields, "region"),
        secret: reader.section(fields, "secretRef", reference),
        functions: functions.map(|(_, functions)| functions).unwrap_or_default(),
        role_arn: reader.leaf(fields, "roleArn"),
        account: reader.leaf(fields, "awsAccountId"),
        disable_role_chaining: reader.leaf(fields, "disableRoleChaining"),
        overrides: reader.section(fields, "destinationOverrides", aws_destination),
    }
}

fn reference(reader: &mut Reader<'_>, fields: &Fields<'_>) -> Reference {
    Reference {
        span: fields.span.clone(),
        name: reader.leaf(fields, "name"),
        namespace: reader.leaf(fields, "namespace"),
    }
}

fn aws_destination(reader: &mut Reader<'_>, fields: &Fields<'_>) -> AwsDestination {
    AwsDestination {
        span: fields.span.clone(),
        logical_name: reader.leaf(fields, "logicalName"),
        invocation_style: reader.leaf(fields, "invocationStyle"),
        request_transformation: reader.leaf(fields, "requestTransformation"),
        response_transformation: reader.leaf(fields, "responseTransformation"),
        unwrap_as_alb: reader.leaf(fields, "unwrapAsAlb"),
        unwrap_as_api_gateway: reader.leaf(fields, "unwrapAsApiGateway"),
        wrap_as_api_gateway: reader.leaf(fields, "wrapAsApiGateway"),
    }
}

fn virtual_service(reader: &mut Reader<'_>, top: &Fields<'_>) -> VirtualService {
    let host = reader.section(top, "spec", |reader, spec| reader.section(spec, "virtualHost", virtual_host));
    VirtualService { span: top.span.clone(), host: host.flatten() }
}

fn virtual_host(reader: &mut Reader<'_>, fields: &Fields<'_>) -> VirtualHost {
    let routes = reader.list(fields, "routes", route);
    VirtualHost {
        span: fields.span.clone(),
        domains: reader.leaves(fields, "domains"),
        routes: routes.map(|(_, routes)| routes).unwrap_or_default(),
        options: reader.section(fields, "options", options),
    }
}

fn options(reader: &mut Reader<'_>, fields: &Fields<'_>) -> Options {
    Options {
        timeout: reader.leaf(fields, "timeout"),
        retries: reader
            .section(fields, "retries", |reader, fields| Retries { max: reader.leaf(fields, "numRetries") }),
    }
}

fn route(reader: &mut Reader<'_>, node: &Node) -> Option<Route> {
    let fields = reader.fields(node, "spec.virtualHost.routes[]")?;
    Some(Route {
        span: fields.span.clone(),
        matchers: reader.list(&fields, "matchers", matcher).map(|(_, matchers)| matchers),
        action: action(reader, &fields),
        options: reader.section(&fields, "options", options),
    })
}

fn action(reader: &mut Reader<'_>, fields: &Fields<'_>) -> Option<Action> {
    if fields.has("routeAction") {
        return reader.section(fields, "routeAction", route_action).flatten();
    }
    if fields.has("directResponseAction") {
        return reader.section(fields, "directResponseAction", |reader, fields| Action::Direct {
            span: fields.span.clone(),
            status: reader.leaf(fields, "status"),
            body: reader.leaf(fields, "body"),
        });
    }
    let refused = ["redirectAction", "delegateAction", "graphqlApiRef"];
    (!refused.iter().any(|name| fields.has(name))).then_some(Action::Nothing)
}

fn route_action(reader: &mut Reader<'_>, fields: &Fields<'_>) -> Option<Action> {
    if fields.has("single") {
        return reader.section(fields, "single", destination).map(Box::new).map(Action::Single);
    }
    if fields.has("multi") {
        return reader.section(fields, "multi", |reader, fields| {
            let destinations = reader.list(fields, "destinations", |reader, node| {
                let fields =
                    reader.fields(node, "spec.virtualHost.routes[].routeAction.multi.destinations[]")?;
                let weight = reader.leaf(&fields, "weight");
                let destination = reader.section(&fields, "destination", destination)?;
                Some((destination, weight))
            });
            let destinations = destinations.map(|(_, destinations)| destinations).unwrap_or_default();
            Action::Multi { span: fields.span.clone(), destinations }
        });
    }
    let refused = ["upstreamGroup", "clusterHeader", "dynamicForwardProxy"];
    (!refused.iter().any(|name| fields.has(name))).then_some(Action::Nothing)
}

fn destination(reader: &mut Reader<'_>, fields: &Fields<'_>) -> Destination {
    let aws = reader
        .section(fields, "destinationSpec", |reader, fields| reader.section(fields, "aws", aws_destination));
    Destination {
        span: fields.span.clone(),
        upstream: reader.section(fields, "upstream", reference),
        other: fields.has("kube") || fields.has("consul"),
        aws: aws.flatten(),
    }
}

fn matcher(reader: &mut Reader<'_>, node: &Node) -> Option<Matcher> {
    let fields = reader.fields(node, "spec.virtualHost.routes[].matchers[]")?;
    Some(Matcher {
        span: fields.span.clone(),
        prefix: reader.leaf(&fields, "prefix"),
        exact: reader.leaf(&fields, "exact"),
        regex: reader.leaf(&fields, "regex"),
        other: fields.has("connectMatcher"),
        case_sensitive: reader.leaf(&fields, "caseSensitive"),
        headers: pairs(reader, &fields, "headers", "spec.virtualHost.routes[].matchers[].headers[]"),
        query: pairs(
            reader,
            &fields,
            "queryParameters",
            "spec.virtualHost.routes[].matchers[].queryParameters[]",
        ),
        methods: reader.leaves(&fields, "methods"),
    })
}

fn pairs(reader: &mut Reader<'_>, fields: &Fields<'_>, name: &str, path: &'static str) -> Vec<Pair> {
    let found = reader.list(fields, name, |reader, node| {
        let fields = reader.fields(node, path)?;
        Some(Pair {
            span: fields.span.clone(),
            name: reader.leaf(&fields, "name"),
            value: reader.leaf(&fields, "value"),
            regex: reader.leaf(&fields, "regex"),
            invert: reader.leaf(&fields, "invertMatch"),
        })
    });
    found.map(|(_, pairs)| pairs).unwrap_or_default()
}

fn gateway(reader: &mut Reader<'_>, top: &Fields<'_>) -> Gateway {
    let read = |reader: &mut Reader<'_>, spec: &Fields<'_>| {
        let mut gateway = Gateway {
            span: spec.span.clone(),
            address: reader.leaf(spec, "bindAddress"),
            port: reader.leaf(spec, "bindPort"),
            ssl: reader.leaf(spec, "ssl"),
            proxy_proto: reader.leaf(spec, "useProxyProto"),
            services: None,
            namespaces: None,
        };
        reader.leaves(spec, "proxyNames");
        reader.section(spec, "httpGateway", |reader, http| {
            let services = reader.list(http, "virtualServices", |reader, node| {
                let fields = reader.fields(node, "spec.httpGateway.virtualServices[]")?;
                Some(reference(reader, &fields))
            });
            gateway.services = services.map(|(_, services)| services);
            gateway.namespaces = reader.leaves(http, "virtualServiceNamespaces").map(|(_, names)| names);
        });
        gateway
    };
    reader.section(top, "spec", read).unwrap_or_else(|| Gateway {
        span: top.span.clone(),
        address: None,
        port: None,
        ssl: None,
        proxy_proto: None,
        services: None,
        namespaces: None,
    })
}

fn settings(reader: &mut Reader<'_>, top: &Fields<'_>) -> Settings {
    let options = reader.section(top, "spec", |reader, spec| {
        reader.section(spec, "gloo", |reader, gloo| {
            reader.section(gloo, "awsOptions", |reader, fields| {
                // Only read for what it says about unknown keys.
                reader.section(fields, "serviceAccountCredentials", |_, _| ());
                Settings {
                    discovery: reader.leaf(fields, "enableCredentialsDiscovey"),
                    discovery_too: reader.leaf(fields, "enableCredentialsDiscovery"),
                    service_account: fields.has("serviceAccountCredentials"),
                    fallback: reader.leaf(fields, "fallbackToFirstFunction"),
                }
            })
        })
    });
    options.flatten().flatten().unwrap_or_default()
}
