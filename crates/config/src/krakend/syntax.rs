//! A KrakenD file taken apart: the same shape as the text, every leaf with its place.

use std::path::PathBuf;

use super::alias;
use super::support::TABLE;
use crate::document::{Node, Span};
use crate::reader::{Fields, Leaf, Reader};
use crate::report::Report;

/// A whole file.
#[derive(Debug)]
pub struct Document {
    pub span: Span,
    pub version: Option<Leaf>,
    pub port: Option<Leaf>,
    pub listen_ip: Option<Leaf>,
    pub timeout: Option<Leaf>,
    pub cache_ttl: Option<Leaf>,
    pub output_encoding: Option<Leaf>,
    pub max_shutdown_wait_time: Option<Leaf>,
    pub debug_endpoint: Option<Leaf>,
    pub use_h2c: Option<Leaf>,
    pub tls: Option<Tls>,
    pub router: Router,
    pub endpoints: Vec<Endpoint>,
    /// Lua sources that the document names, relative to the working directory as KrakenD reads them.
    pub files: Vec<PathBuf>,
}

#[derive(Debug)]
pub struct Tls {
    pub span: Span,
    pub public_key: Option<Leaf>,
    pub private_key: Option<Leaf>,
    pub disabled: Option<Leaf>,
}

#[derive(Debug, Default)]
pub struct Router {
    pub disable_health: Option<Leaf>,
    pub health_path: Option<Leaf>,
    pub trusted_proxies: Option<(Span, Vec<Leaf>)>,
}

#[derive(Debug)]
pub struct Endpoint {
    pub span: Span,
    pub endpoint: Option<Leaf>,
    pub method: Option<Leaf>,
    pub timeout: Option<Leaf>,
    pub cache_ttl: Option<Leaf>,
    pub output_encoding: Option<Leaf>,
    pub concurrent_calls: Option<Leaf>,
    /// `None` when the key is missing; what is no list was reported, and is empty.
    pub backends: Option<(Span, Vec<Backend>)>,
    /// The key is there, whatever could be read of it.
    pub has_backend: bool,
}

#[derive(Debug)]
pub struct Backend {
    pub span: Span,
    pub url_pattern: Option<Leaf>,
    pub method: Option<Leaf>,
    pub target: Option<Leaf>,
    pub allow: Vec<Leaf>,
    pub deny: Vec<Leaf>,
    pub mapping: Vec<(Leaf, Leaf)>,
    pub group: Option<Leaf>,
    pub shadow: Option<Leaf>,
    pub lambda: Option<Lambda>,
    /// `backend/lambda` or another kind of backend is there, whatever could be read of it.
    pub has_kind: bool,
    pub lua: Option<Lua>,
}

#[derive(Debug)]
pub struct Lambda {
    pub span: Span,
    pub function_name: Option<Leaf>,
    pub function_param_name: Option<Leaf>,
    pub region: Option<Leaf>,
    pub endpoint: Option<Leaf>,
    pub max_retries: Option<Leaf>,
}

#[derive(Debug)]
pub struct Lua {
    pub span: Span,
    pub sources: Vec<Leaf>,
    pub pre: Option<Leaf>,
    pub allow_open_libs: Option<Leaf>,
    pub skip_next: Option<Leaf>,
}

/// Other kinds of backends, each refused by its own row of the table.
const OTHER_KINDS: [&str; 9] = [
    "backend/amqp/consumer",
    "backend/amqp/producer",
    "backend/pubsub/publisher",
    "backend/pubsub/subscriber",
    "backend/graphql",
    "backend/grpc",
    "backend/soap",
    "backend/conditional",
    "backend/static-filesystem",
];

/// Takes `root` apart. Whatever has the wrong shape is reported and left out.
pub fn read(root: &Node, report: &mut Report) -> Document {
    let root = alias::shorten(root);
    let mut reader = Reader { report, table: &TABLE };
    let top = reader.fields(&root, "").unwrap_or_else(|| Fields::none(root.head()));
    let endpoints: Vec<Endpoint> =
        reader.list(&top, "endpoints", endpoint).map(|(_, items)| items).unwrap_or_default();
    let files = endpoints
        .iter()
        .filter_map(|endpoint| endpoint.backends.as_ref())
        .flat_map(|(_, backends)| backends)
        .filter_map(|backend| backend.lua.as_ref())
        .flat_map(|lua| &lua.sources)
        .map(|leaf| PathBuf::from(&leaf.text))
        .collect();
    Document {
        span: root.head().clone(),
        version: reader.leaf(&top, "version"),
        port: reader.leaf(&top, "port"),
        listen_ip: reader.leaf(&top, "listen_ip"),
        timeout: reader.leaf(&top, "timeout"),
        cache_ttl: reader.leaf(&top, "cache_ttl"),
        output_encoding: reader.leaf(&top, "output_encoding"),
        max_shutdown_wait_time: reader.leaf(&top, "max_shutdown_wait_time"),
        debug_endpoint: reader.leaf(&top, "debug_endpoint"),
        use_h2c: reader.leaf(&top, "use_h2c"),
        tls: reader.section(&top, "tls", |reader, fields| Tls {
            span: fields.span.clone(),
            public_key: reader.leaf(fields, "public_key"),
            private_key: reader.leaf(fields, "private_key"),
            disabled: reader.leaf(fields, "disabled"),
        }),
        router: reader
            .section(&top, "extra_config", |reader, fields| reader.section(fields, "router", router))
            .flatten()
            .unwrap_or_default(),
        endpoints,
        files,
    }
}

fn router(reader: &mut Reader<'_>, fields: &Fields<'_>) -> Router {
    Router {
        disable_health: reader.leaf(fields, "disable_health"),
        health_path: reader.leaf(fields, "health_path"),
        trusted_proxies: reader.leaves(fields, "trusted_proxies"),
    }
}

fn endpoint(reader: &mut Reader<'_>, node: &Node) -> Option<Endpoint> {
    let fields = reader.fields(node, "endpoints[]")?;
    // Nothing below counts, but what is refused there is told.
    reader.section(&fields, "extra_config", |reader, fields| reader.section(fields, "proxy", |_, _| ()));
    Some(Endpoint {
        span: fields.span.clone(),
        endpoint: reader.leaf(&fields, "endpoint"),
        method: reader.leaf(&fields, "method"),
        timeout: reader.leaf(&fields, "timeout"),
        cache_ttl: reader.leaf(&fields, "cache_ttl"),
        output_encoding: reader.leaf(&fields, "output_encoding"),
        concurrent_calls: reader.leaf(&fields, "concurrent_calls"),
        backends: reader.list(&fields, "backend", backend),
        has_backend: fields.has("backend"),
    })
}

fn backend(reader: &mut Reader<'_>, node: &Node) -> Option<Backend> {
    let fields = reader.fields(node, "endpoints[].backend[]")?;
    let mut backend = Backend {
        span: fields.span.clone(),
        url_pattern: reader.leaf(&fields, "url_pattern"),
        method: reader.leaf(&fields, "method"),
        target: reader.leaf(&fields, "target"),
        allow: reader.leaves(&fields, "allow").map(|(_, leaves)| leaves).unwrap_or_default(),
        deny: reader.leaves(&fields, "deny").map(|(_, leaves)| leaves).unwrap_or_default(),
        mapping: reader.pairs(&fields, "mapping").unwrap_or_default(),
        group: reader.leaf(&fields, "group"),
        shadow: None,
        lambda: None,
        has_kind: false,
        lua: None,
    };
    reader.section(&fields, "extra_config", |reader, fields| {
        backend.has_kind = fields.has("backend/lambda") || OTHER_KINDS.iter().any(|kind| fields.has(kind));
        backend.lambda = reader.section(fields, "backend/lambda", lambda);
        backend.lua = reader.section(fields, "modifier/lua-backend", lua);
        backend.shadow =
            reader.section(fields, "proxy", |reader, fields| reader.leaf(fields, "shadow")).flatten();
    });
    Some(backend)
}

fn lambda(reader: &mut Reader<'_>, fields: &Fields<'_>) -> Lambda {
    Lambda {
        span: fields.span.clone(),
        function_name: reader.leaf(fields, "function_name"),
        function_param_name: reader.leaf(fields, "function_param_name"),
        region: reader.leaf(fields, "region"),
        endpoint: reader.leaf(fields, "endpoint"),
        max_retries: reader.leaf(fields, "max_retries"),
    }
}

fn lua(reader: &mut Reader<'_>, fields: &Fields<'_>) -> Lua {
    Lua {
        span: fields.span.clone(),
        sources: reader.leaves(fields, "sources").map(|(_, leaves)| leaves).unwrap_or_default(),
        pre: reader.leaf(fields, "pre"),
        allow_open_libs: reader.leaf(fields, "allow_open_libs"),
        skip_next: reader.leaf(fields, "skip_next"),
    }
}
