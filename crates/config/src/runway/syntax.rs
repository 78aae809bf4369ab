//! A runway file taken apart: the same shape as the text, every leaf with its place.
//!
//! What is turned off is not there: see [`super::switch`].

mod middleware;

pub use middleware::{Backends, Headers, Middleware, RateLimit};

use super::support::TABLE;
use super::switch;
use crate::document::{Node, Span, Value};
use crate::reader::{Leaf, Reader};
use crate::report::Report;

/// The other things that can answer a route's requests: each excludes `lambda`, where it is turned on.
/// Source: runway's document "AWS Lambda Backend", "Mutual Exclusions".
const HANDLERS: [&str; 10] = [
    "backends",
    "service",
    "upstream",
    "echo",
    "static",
    "fastcgi",
    "sequential",
    "aggregate",
    "amqp",
    "pubsub",
];

/// A whole file.
#[derive(Debug)]
pub struct Document {
    pub listeners: Option<(Span, Vec<Listener>)>,
    pub admin: Option<Admin>,
    pub shutdown: Option<Shutdown>,
    pub trusted_proxies: Option<(Span, Vec<Leaf>)>,
    pub allowed_hosts: Option<AllowedHosts>,
    pub https_redirect: Option<HttpsRedirect>,
    pub routes: Vec<Route>,
    /// HTTP backends by name.
    pub upstreams: Vec<(Leaf, Option<Backends>)>,
}

#[derive(Debug)]
pub struct Listener {
    pub span: Span,
    pub address: Option<Leaf>,
    pub protocol: Option<Leaf>,
    pub tls: Option<Tls>,
    pub http: Option<Http>,
}

#[derive(Debug)]
pub struct Tls {
    pub span: Span,
    pub enabled: Option<Leaf>,
    pub cert_file: Option<Leaf>,
    pub key_file: Option<Leaf>,
    pub client_auth: Option<Leaf>,
    pub client_ca_file: Option<Leaf>,
}

#[derive(Debug)]
pub struct Http {
    pub read_timeout: Option<Leaf>,
    pub idle_timeout: Option<Leaf>,
    pub max_header_bytes: Option<Leaf>,
    pub read_header_timeout: Option<Leaf>,
}

#[derive(Debug)]
pub struct Admin {
    pub span: Span,
    pub enabled: Option<Leaf>,
    pub port: Option<Leaf>,
}

#[derive(Debug)]
pub struct Shutdown {
    pub span: Span,
    pub timeout: Option<Leaf>,
    pub drain_delay: Option<Leaf>,
}

#[derive(Debug)]
pub struct AllowedHosts {
    pub span: Span,
    pub enabled: Option<Leaf>,
    pub hosts: Vec<Leaf>,
}

#[derive(Debug)]
pub struct HttpsRedirect {
    pub enabled: Option<Leaf>,
    pub port: Option<Leaf>,
    pub permanent: Option<Leaf>,
}

#[derive(Debug)]
pub struct Route {
    pub span: Span,
    pub id: Option<Leaf>,
    pub path: Option<Leaf>,
    pub path_prefix: Option<Leaf>,
    pub methods: Option<(Span, Vec<Leaf>)>,
    pub domains: Vec<Leaf>,
    pub headers: Vec<Condition>,
    pub query: Vec<Condition>,
    pub lambda: Option<Lambda>,
    /// `lambda` was written, even if it could not be read.
    pub has_lambda: bool,
    /// Other handlers that are turned on: name and place.
    pub handlers: Vec<(String, Span)>,
    /// Backends of its own.
    pub backends: Option<Backends>,
    /// Or those of a name.
    pub upstream: Option<Leaf>,
    pub middleware: Middleware,
    /// The whole request.
    pub timeout: Option<Leaf>,
    /// One attempt at a backend, its head, the pauses in its body; and the older word for the first.
    pub backend_timeout: Option<Leaf>,
    pub header_timeout: Option<Leaf>,
    pub idle_timeout: Option<Leaf>,
    pub proxy_timeout: Option<Leaf>,
}

/// A header or a parameter of the query.
#[derive(Debug)]
pub struct Condition {
    pub span: Span,
    pub name: Option<Leaf>,
    pub value: Option<Leaf>,
    pub present: Option<Leaf>,
    pub regex: Option<Leaf>,
}

#[derive(Debug)]
pub struct Lambda {
    pub span: Span,
    pub enabled: Option<Leaf>,
    pub function_name: Option<Leaf>,
    pub region: Option<Leaf>,
    pub max_retries: Option<Leaf>,
}

/// Takes `root` apart. Whatever has the wrong shape is reported and left out.
pub fn read(root: &Node, report: &mut Report) -> Document {
    let mut root = root.clone();
    switch::take_out(&mut root, "");
    let mut reader = Reader { report, table: &TABLE };
    let Some(top) = reader.fields(&root, "") else {
        return Document {
            listeners: None,
            admin: None,
            shutdown: None,
            trusted_proxies: None,
            allowed_hosts: None,
            https_redirect: None,
            routes: Vec::new(),
            upstreams: Vec::new(),
        };
    };
    Document {
        listeners: reader.list(&top, "listeners", listener),
        admin: reader.section(&top, "admin", |reader, fields| Admin {
            span: fields.span.clone(),
            enabled: reader.leaf(fields, "enabled"),
            port: reader.leaf(fields, "port"),
        }),
        shutdown: reader.section(&top, "shutdown", |reader, fields| Shutdown {
            span: fields.span.clone(),
            timeout: reader.leaf(fields, "timeout"),
            drain_delay: reader.leaf(fields, "drain_delay"),
        }),
        trusted_proxies: reader
            .section(&top, "trusted_proxies", |reader, fields| reader.leaves(fields, "cidrs"))
            .flatten(),
        allowed_hosts: reader.section(&top, "allowed_hosts", |reader, fields| AllowedHosts {
            span: fields.span.clone(),
            enabled: reader.leaf(fields, "enabled"),
            hosts: reader.leaves(fields, "hosts").map(|(_, hosts)| hosts).unwrap_or_default(),
        }),
        https_redirect: reader.section(&top, "https_redirect", |reader, fields| HttpsRedirect {
            enabled: reader.leaf(fields, "enabled"),
            port: reader.leaf(fields, "port"),
            permanent: reader.leaf(fields, "permanent"),
        }),
        routes: reader.list(&top, "routes", route).map(|(_, routes)| routes).unwrap_or_default(),
        upstreams: reader.entries(&top, "upstreams", |reader, key, node| {
            let fields = reader.fields(node, "upstreams.*");
            (key, fields.and_then(|fields| middleware::backends(reader, &fields)))
        }),
    }
}

fn listener(reader: &mut Reader<'_>, node: &Node) -> Option<Listener> {
    let fields = reader.fields(node, "listeners[]")?;
    // A name of its own is for messages there; here a place is.
    reader.leaf(&fields, "id");
    Some(Listener {
        span: fields.span.clone(),
        address: reader.leaf(&fields, "address"),
        protocol: reader.leaf(&fields, "protocol"),
        tls: reader.section(&fields, "tls", |reader, fields| Tls {
            span: fields.span.clone(),
            enabled: reader.leaf(fields, "enabled"),
            cert_file: reader.leaf(fields, "cert_file"),
            key_file: reader.leaf(fields, "key_file"),
            client_auth: reader.leaf(fields, "client_auth"),
            client_ca_file: reader.leaf(fields, "client_ca_file"),
        }),
        http: reader.section(&fields, "http", |reader, fields| Http {
            read_timeout: reader.leaf(fields, "read_timeout"),
            idle_timeout: reader.leaf(fields, "idle_timeout"),
            max_header_bytes: reader.leaf(fields, "max_header_bytes"),
            read_header_timeout: reader.leaf(fields, "read_header_timeout"),
        }),
    })
}

fn route(reader: &mut Reader<'_>, node: &Node) -> Option<Route> {
    // A second handler is told with the route's name, and so not by the reader.
    let mut node = node.clone();
    let mut handlers = Vec::new();
    if let Value::Map(entries) = &mut node.value {
        entries.retain(|(key, node)| {
            let handler = HANDLERS.contains(&key.text.as_str());
            if handler && !switch::is_off(&key.text, node) {
                handlers.push((key.text.clone(), key.span.clone()));
            }
            // These two are served.
            !handler || matches!(key.text.as_str(), "backends" | "upstream")
        });
    }
    let fields = reader.fields(&node, "routes[]")?;
    let mut conditions = (Vec::new(), Vec::new(), Vec::new());
    reader.section(&fields, "match", |reader, fields| {
        let list = |found: Option<(Span, Vec<Condition>)>| found.map(|(_, list)| list).unwrap_or_default();
        conditions.0 = reader.leaves(fields, "domains").map(|(_, leaves)| leaves).unwrap_or_default();
        conditions.1 =
            list(reader.list(fields, "headers", |r, node| condition(r, node, "routes[].match.headers[]")));
        conditions.2 =
            list(reader.list(fields, "query", |r, node| condition(r, node, "routes[].match.query[]")));
    });
    let mut timeouts = (None, None, None, None);
    reader.section(&fields, "timeout_policy", |reader, fields| {
        timeouts = (
            reader.leaf(fields, "request"),
            reader.leaf(fields, "backend"),
            reader.leaf(fields, "header_timeout"),
            reader.leaf(fields, "idle"),
        );
    });
    Some(Route {
        span: fields.span.clone(),
        id: reader.leaf(&fields, "id"),
        path: reader.leaf(&fields, "path"),
        path_prefix: reader.leaf(&fields, "path_prefix"),
        methods: reader.leaves(&fields, "methods"),
        domains: conditions.0,
        headers: conditions.1,
        query: conditions.2,
        lambda: reader.section(&fields, "lambda", |reader, fields| Lambda {
            span: fields.span.clone(),
            enabled: reader.leaf(fields, "enabled"),
            function_name: reader.leaf(fields, "function_name"),
            region: reader.leaf(fields, "region"),
            max_retries: reader.leaf(fields, "max_retries"),
        }),
        has_lambda: fields.has("lambda"),
        handlers,
        backends: middleware::backends(reader, &fields),
        upstream: reader.leaf(&fields, "upstream").filter(|leaf| !leaf.text.is_empty()),
        middleware: middleware::middleware(reader, &fields),
        timeout: timeouts.0,
        backend_timeout: timeouts.1,
        header_timeout: timeouts.2,
        idle_timeout: timeouts.3,
        proxy_timeout: reader.leaf(&fields, "timeout"),
    })
}

fn condition(reader: &mut Reader<'_>, node: &Node, path: &'static str) -> Option<Condition> {
    let fields = reader.fields(node, path)?;
    Some(Condition {
        span: fields.span.clone(),
        name: reader.leaf(&fields, "name"),
        value: reader.leaf(&fields, "value"),
        present: reader.leaf(&fields, "present"),
        regex: reader.leaf(&fields, "regex"),
    })
}
