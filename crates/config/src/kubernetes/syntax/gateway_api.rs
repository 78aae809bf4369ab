//! The Gateway API: `GatewayClass`, `Gateway`, `HTTPRoute`, `ReferenceGrant`.

use super::{Body, Kind};
use crate::document::{Node, Span};
use crate::kubernetes::support::GATEWAY_API;
use crate::kubernetes::support::gateway_api::{GATEWAY, GATEWAY_CLASS, HTTP_ROUTE, REFERENCE_GRANT};
use crate::reader::{Fields, Leaf, Reader};
use crate::table::Table;

pub const KINDS: &[Kind] = &[
    kind("GatewayClass", false, &GATEWAY_CLASS, gateway_class),
    kind("Gateway", true, &GATEWAY, gateway),
    kind("HTTPRoute", true, &HTTP_ROUTE, http_route),
    kind("ReferenceGrant", true, &REFERENCE_GRANT, reference_grant),
];

/// Where filters are read.
const ON_BACKENDS: &str = "spec.rules[].backendRefs[].filters[]";

const fn kind(
    name: &'static str,
    namespaced: bool,
    table: &'static Table,
    read: fn(&mut Reader<'_>, &Fields<'_>) -> Body,
) -> Kind {
    Kind { group: GATEWAY_API, name, versions: &["v1", "v1beta1"], namespaced, table, read }
}

#[derive(Debug, Default)]
pub struct GatewayClass {
    pub controller: Option<Leaf>,
}

#[derive(Debug, Default)]
pub struct Gateway {
    pub class: Option<Leaf>,
    /// With the place of the key.
    pub listeners: Option<(Span, Vec<Listener>)>,
}

#[derive(Debug)]
pub struct Listener {
    pub span: Span,
    pub name: Option<Leaf>,
    pub hostname: Option<Leaf>,
    pub port: Option<Leaf>,
    pub protocol: Option<Leaf>,
    pub from: Option<Leaf>,
    /// Group and kind.
    pub kinds: Option<Vec<(Option<Leaf>, Option<Leaf>)>>,
}

#[derive(Debug, Default)]
pub struct HttpRoute {
    pub parents: Option<(Span, Vec<Parent>)>,
    pub hostnames: Option<(Span, Vec<Leaf>)>,
    pub rules: Option<(Span, Vec<Rule>)>,
}

#[derive(Debug)]
pub struct Parent {
    pub span: Span,
    pub group: Option<Leaf>,
    pub kind: Option<Leaf>,
    pub namespace: Option<Leaf>,
    pub name: Option<Leaf>,
    pub section: Option<Leaf>,
    pub port: Option<Leaf>,
}

#[derive(Debug)]
pub struct Rule {
    pub span: Span,
    pub matches: Option<(Span, Vec<Match>)>,
    pub backends: Option<(Span, Vec<BackendRef>)>,
    pub filters: Vec<Filter>,
    pub request: Option<Leaf>,
    pub backend_request: Option<Leaf>,
}

#[derive(Debug)]
pub struct Match {
    pub span: Span,
    pub path: Option<Path>,
    pub headers: Vec<Pair>,
    pub query: Vec<Pair>,
    pub method: Option<Leaf>,
}

#[derive(Debug)]
pub struct Path {
    pub kind: Option<Leaf>,
    pub value: Option<Leaf>,
}

/// A header or a parameter.
#[derive(Debug)]
pub struct Pair {
    pub span: Span,
    pub kind: Option<Leaf>,
    pub name: Option<Leaf>,
    pub value: Option<Leaf>,
}

#[derive(Debug)]
pub struct BackendRef {
    pub span: Span,
    pub group: Option<Leaf>,
    pub kind: Option<Leaf>,
    pub namespace: Option<Leaf>,
    pub name: Option<Leaf>,
    pub weight: Option<Leaf>,
    pub filters: Vec<Filter>,
}

#[derive(Debug)]
pub struct Filter {
    pub span: Span,
    pub kind: Option<Leaf>,
    pub extension: Option<Extension>,
    pub request_headers: Option<HeaderFilter>,
    pub response_headers: Option<HeaderFilter>,
    pub redirect: Option<RedirectFilter>,
    /// Host and path.
    pub rewrite: Option<(Option<Leaf>, Option<PathModifier>)>,
}

#[derive(Debug)]
pub struct HeaderFilter {
    pub set: Vec<NameValue>,
    pub add: Vec<NameValue>,
    pub remove: Vec<Leaf>,
}

#[derive(Debug)]
pub struct NameValue {
    pub span: Span,
    pub name: Option<Leaf>,
    pub value: Option<Leaf>,
}

#[derive(Debug)]
pub struct RedirectFilter {
    pub scheme: Option<Leaf>,
    pub host: Option<Leaf>,
    pub port: Option<Leaf>,
    pub path: Option<PathModifier>,
    pub status: Option<Leaf>,
}

#[derive(Debug)]
pub struct PathModifier {
    pub span: Span,
    /// Where the table has the words of `kind`.
    pub words: &'static str,
    pub kind: Option<Leaf>,
    pub full: Option<Leaf>,
    pub prefix: Option<Leaf>,
}

#[derive(Debug)]
pub struct Extension {
    pub span: Span,
    pub group: Option<Leaf>,
    pub kind: Option<Leaf>,
    pub name: Option<Leaf>,
}

#[derive(Debug, Default)]
pub struct ReferenceGrant {
    pub from: Vec<GrantFrom>,
    pub to: Vec<GrantTo>,
}

#[derive(Debug)]
pub struct GrantFrom {
    pub group: Option<Leaf>,
    pub kind: Option<Leaf>,
    pub namespace: Option<Leaf>,
}

#[derive(Debug)]
pub struct GrantTo {
    pub group: Option<Leaf>,
    pub kind: Option<Leaf>,
    pub name: Option<Leaf>,
}

fn gateway_class(reader: &mut Reader<'_>, top: &Fields<'_>) -> Body {
    let read = |reader: &mut Reader<'_>, spec: &Fields<'_>| GatewayClass {
        controller: reader.leaf(spec, "controllerName"),
    };
    Body::GatewayClass(reader.section(top, "spec", read).unwrap_or_default())
}

fn gateway(reader: &mut Reader<'_>, top: &Fields<'_>) -> Body {
    let read = |reader: &mut Reader<'_>, spec: &Fields<'_>| Gateway {
        class: reader.leaf(spec, "gatewayClassName"),
        listeners: reader.list(spec, "listeners", listener),
    };
    Body::Gateway(reader.section(top, "spec", read).unwrap_or_default())
}

fn listener(reader: &mut Reader<'_>, node: &Node) -> Option<Listener> {
    let fields = reader.fields(node, "spec.listeners[]")?;
    let mut allowed = (None, None);
    reader.section(&fields, "allowedRoutes", |reader, fields| {
        let from = reader.section(fields, "namespaces", |reader, fields| reader.leaf(fields, "from"));
        let kinds = reader.list(fields, "kinds", |reader, node| {
            let fields = reader.fields(node, "spec.listeners[].allowedRoutes.kinds[]")?;
            Some((reader.leaf(&fields, "group"), reader.leaf(&fields, "kind")))
        });
        allowed = (from.flatten(), kinds.map(|(_, kinds)| kinds));
    });
    Some(Listener {
        span: fields.span.clone(),
        name: reader.leaf(&fields, "name"),
        hostname: reader.leaf(&fields, "hostname"),
        port: reader.leaf(&fields, "port"),
        protocol: reader.leaf(&fields, "protocol"),
        from: allowed.0,
        kinds: allowed.1,
    })
}

fn http_route(reader: &mut Reader<'_>, top: &Fields<'_>) -> Body {
    let read = |reader: &mut Reader<'_>, spec: &Fields<'_>| HttpRoute {
        parents: reader.list(spec, "parentRefs", parent),
        hostnames: reader.leaves(spec, "hostnames"),
        rules: reader.list(spec, "rules", rule),
    };
    Body::HttpRoute(reader.section(top, "spec", read).unwrap_or_default())
}

fn parent(reader: &mut Reader<'_>, node: &Node) -> Option<Parent> {
    let fields = reader.fields(node, "spec.parentRefs[]")?;
    Some(Parent {
        span: fields.span.clone(),
        group: reader.leaf(&fields, "group"),
        kind: reader.leaf(&fields, "kind"),
        namespace: reader.leaf(&fields, "namespace"),
        name: reader.leaf(&fields, "name"),
        section: reader.leaf(&fields, "sectionName"),
        port: reader.leaf(&fields, "port"),
    })
}

fn rule(reader: &mut Reader<'_>, node: &Node) -> Option<Rule> {
    let fields = reader.fields(node, "spec.rules[]")?;
    reader.leaf(&fields, "name");
    let mut timeouts = (None, None);
    reader.section(&fields, "timeouts", |reader, fields| {
        timeouts = (reader.leaf(fields, "request"), reader.leaf(fields, "backendRequest"));
    });
    Some(Rule {
        span: fields.span.clone(),
        matches: reader.list(&fields, "matches", matcher),
        backends: reader.list(&fields, "backendRefs", backend_ref),
        filters: filters(reader, &fields, "spec.rules[].filters[]"),
        request: timeouts.0,
        backend_request: timeouts.1,
    })
}

fn matcher(reader: &mut Reader<'_>, node: &Node) -> Option<Match> {
    let fields = reader.fields(node, "spec.rules[].matches[]")?;
    let mut pairs = |name, path| {
        let found = reader.list(&fields, name, |reader, node| pair(reader, node, path));
        found.map(|(_, pairs)| pairs).unwrap_or_default()
    };
    let headers = pairs("headers", "spec.rules[].matches[].headers[]");
    let query = pairs("queryParams", "spec.rules[].matches[].queryParams[]");
    Some(Match {
        span: fields.span.clone(),
        path: reader.section(&fields, "path", |reader, fields| Path {
            kind: reader.leaf(fields, "type"),
            value: reader.leaf(fields, "value"),
        }),
        headers,
        query,
        method: reader.leaf(&fields, "method"),
    })
}

fn pair(reader: &mut Reader<'_>, node: &Node, path: &'static str) -> Option<Pair> {
    let fields = reader.fields(node, path)?;
    Some(Pair {
        span: fields.span.clone(),
        kind: reader.leaf(&fields, "type"),
        name: reader.leaf(&fields, "name"),
        value: reader.leaf(&fields, "value"),
    })
}

fn backend_ref(reader: &mut Reader<'_>, node: &Node) -> Option<BackendRef> {
    let fields = reader.fields(node, "spec.rules[].backendRefs[]")?;
    Some(BackendRef {
        span: fields.span.clone(),
        group: reader.leaf(&fields, "group"),
        kind: reader.leaf(&fields, "kind"),
        namespace: reader.leaf(&fields, "namespace"),
        name: reader.leaf(&fields, "name"),
        weight: reader.leaf(&fields, "weight"),
        filters: filters(reader, &fields, ON_BACKENDS),
    })
}

fn filters(reader: &mut Reader<'_>, fields: &Fields<'_>, path: &'static str) -> Vec<Filter> {
    let found = reader.list(fields, "filters", |reader, node| filter(reader, node, path));
    found.map(|(_, filters)| filters).unwrap_or_default()
}

fn filter(reader: &mut Reader<'_>, node: &Node, path: &'static str) -> Option<Filter> {
    let fields = reader.fields(node, path)?;
    let read = |reader: &mut Reader<'_>, fields: &Fields<'_>| Extension {
        span: fields.span.clone(),
        group: reader.leaf(fields, "group"),
        kind: reader.leaf(fields, "kind"),
        name: reader.leaf(fields, "name"),
    };
    let mut filter = Filter {
        span: fields.span.clone(),
        kind: reader.leaf(&fields, "type"),
        extension: None,
        request_headers: None,
        response_headers: None,
        redirect: None,
        rewrite: None,
    };
    // What a refused filter says is not looked at.
    if path == ON_BACKENDS {
        filter.extension = reader.section(&fields, "extensionRef", read);
        return Some(filter);
    }
    filter.request_headers = reader.section(&fields, "requestHeaderModifier", header_filter);
    filter.response_headers = reader.section(&fields, "responseHeaderModifier", header_filter);
    filter.redirect = reader.section(&fields, "requestRedirect", |reader, fields| RedirectFilter {
        scheme: reader.leaf(fields, "scheme"),
        host: reader.leaf(fields, "hostname"),
        port: reader.leaf(fields, "port"),
        path: path_modifier(reader, fields, "spec.rules[].filters[].requestRedirect.path.type"),
        status: reader.leaf(fields, "statusCode"),
    });
    filter.rewrite = reader.section(&fields, "urlRewrite", |reader, fields| {
        let path = path_modifier(reader, fields, "spec.rules[].filters[].urlRewrite.path.type");
        (reader.leaf(fields, "hostname"), path)
    });
    Some(filter)
}

fn header_filter(reader: &mut Reader<'_>, fields: &Fields<'_>) -> HeaderFilter {
    let pair = |reader: &mut Reader<'_>, fields: &Fields<'_>| NameValue {
        span: fields.span.clone(),
        name: reader.leaf(fields, "name"),
        value: reader.leaf(fields, "value"),
    };
    HeaderFilter {
        set: reader.list_of_maps(fields, "set", pair),
        add: reader.list_of_maps(fields, "add", pair),
        remove: reader.leaves(fields, "remove").map(|(_, names)| names).unwrap_or_default(),
    }
}

fn path_modifier(reader: &mut Reader<'_>, fields: &Fields<'_>, words: &'static str) -> Option<PathModifier> {
    reader.section(fields, "path", |reader, fields| PathModifier {
        span: fields.span.clone(),
        words,
        kind: reader.leaf(fields, "type"),
        full: reader.leaf(fields, "replaceFullPath"),
        prefix: reader.leaf(fields, "replacePrefixMatch"),
    })
}

fn reference_grant(reader: &mut Reader<'_>, top: &Fields<'_>) -> Body {
    let read = |reader: &mut Reader<'_>, spec: &Fields<'_>| {
        let from = reader.list(spec, "from", |reader, node| {
            let fields = reader.fields(node, "spec.from[]")?;
            Some(GrantFrom {
                group: reader.leaf(&fields, "group"),
                kind: reader.leaf(&fields, "kind"),
                namespace: reader.leaf(&fields, "namespace"),
            })
        });
        let to = reader.list(spec, "to", |reader, node| {
            let fields = reader.fields(node, "spec.to[]")?;
            Some(GrantTo {
                group: reader.leaf(&fields, "group"),
                kind: reader.leaf(&fields, "kind"),
                name: reader.leaf(&fields, "name"),
            })
        });
        ReferenceGrant {
            from: from.map(|(_, from)| from).unwrap_or_default(),
            to: to.map(|(_, to)| to).unwrap_or_default(),
        }
    };
    Body::ReferenceGrant(reader.section(top, "spec", read).unwrap_or_default())
}
