//! What a route does beside choosing its target, taken apart.

use crate::document::Span;
use crate::reader::{Fields, Leaf, Reader};

#[derive(Debug)]
pub struct Upstream {
    pub span: Span,
    pub url: Option<Leaf>,
    pub endpoints: Option<(Span, Vec<Endpoint>)>,
    pub host: Option<Leaf>,
    pub timeout: Option<Leaf>,
    pub idle_timeout: Option<Leaf>,
    pub connections_max: Option<Leaf>,
    pub ca_file: Option<Leaf>,
}

#[derive(Debug)]
pub struct Endpoint {
    pub span: Span,
    pub url: Option<Leaf>,
    pub weight: Option<Leaf>,
}

#[derive(Debug)]
pub struct Rewrite {
    pub span: Span,
    pub path: Option<Leaf>,
    pub prefix: Option<Leaf>,
    pub host: Option<Leaf>,
}

#[derive(Debug)]
pub struct Redirect {
    pub span: Span,
    pub scheme: Option<Leaf>,
    pub host: Option<Leaf>,
    pub port: Option<Leaf>,
    pub path: Option<Leaf>,
    pub prefix: Option<Leaf>,
    pub status: Option<Leaf>,
}

#[derive(Debug, Default)]
pub struct HeaderChanges {
    pub set: Vec<(Leaf, Leaf)>,
    pub add: Vec<(Leaf, Vec<Leaf>)>,
    pub remove: Vec<Leaf>,
}

#[derive(Debug)]
pub struct RateLimit {
    pub span: Span,
    pub rate: Option<Leaf>,
    pub period: Option<Leaf>,
    pub burst: Option<Leaf>,
    pub by: Option<Leaf>,
    pub header: Option<Leaf>,
    pub cookie: Option<Leaf>,
}

#[derive(Debug)]
pub struct Policies {
    pub rewrite: Option<Rewrite>,
    pub request_headers: HeaderChanges,
    pub answer_headers: HeaderChanges,
    pub rate_limit: Option<RateLimit>,
    pub body_max: Option<Leaf>,
}

pub fn upstream(reader: &mut Reader<'_>, fields: &Fields<'_>) -> Upstream {
    Upstream {
        span: fields.span.clone(),
        url: reader.leaf(fields, "url"),
        endpoints: reader.list(fields, "endpoints", |reader, node| {
            let fields = reader.fields(node, "routes[].upstream.endpoints[]")?;
            Some(Endpoint {
                span: fields.span.clone(),
                url: reader.leaf(&fields, "url"),
                weight: reader.leaf(&fields, "weight"),
            })
        }),
        host: reader.leaf(fields, "host"),
        timeout: reader.leaf(fields, "timeout"),
        idle_timeout: reader.leaf(fields, "idle_timeout"),
        connections_max: reader
            .section(fields, "connections", |reader, fields| reader.leaf(fields, "max"))
            .flatten(),
        ca_file: reader.leaf(fields, "ca_file"),
    }
}

pub fn redirect(reader: &mut Reader<'_>, fields: &Fields<'_>) -> Redirect {
    Redirect {
        span: fields.span.clone(),
        scheme: reader.leaf(fields, "scheme"),
        host: reader.leaf(fields, "host"),
        port: reader.leaf(fields, "port"),
        path: reader.leaf(fields, "path"),
        prefix: reader.leaf(fields, "prefix"),
        status: reader.leaf(fields, "status"),
    }
}

/// `fields` are those of the route.
pub fn policies(reader: &mut Reader<'_>, fields: &Fields<'_>) -> Policies {
    Policies {
        rewrite: reader.section(fields, "rewrite", |reader, fields| Rewrite {
            span: fields.span.clone(),
            path: reader.leaf(fields, "path"),
            prefix: reader.leaf(fields, "prefix"),
            host: reader.leaf(fields, "host"),
        }),
        request_headers: reader.section(fields, "request_headers", headers).unwrap_or_default(),
        answer_headers: reader.section(fields, "answer_headers", headers).unwrap_or_default(),
        rate_limit: reader.section(fields, "rate_limit", |reader, fields| RateLimit {
            span: fields.span.clone(),
            rate: reader.leaf(fields, "rate"),
            period: reader.leaf(fields, "period"),
            burst: reader.leaf(fields, "burst"),
            by: reader.leaf(fields, "by"),
            header: reader.leaf(fields, "header"),
            cookie: reader.leaf(fields, "cookie"),
        }),
        body_max: reader.section(fields, "limits", |reader, fields| reader.leaf(fields, "body")).flatten(),
    }
}

fn headers(reader: &mut Reader<'_>, fields: &Fields<'_>) -> HeaderChanges {
    HeaderChanges {
        set: reader.pairs(fields, "set").unwrap_or_default(),
        add: reader.multi_pairs(fields, "add"),
        remove: reader.leaves(fields, "remove").map(|(_, names)| names).unwrap_or_default(),
    }
}
