//! What a runway route does beside Lambda, taken apart: HTTP backends, rewrites, limits, headers.

use crate::document::Span;
use crate::reader::{Fields, Leaf, Reader};

/// HTTP servers, of a route or under a name.
#[derive(Debug)]
pub struct Backends {
    pub span: Span,
    pub list: Vec<Backend>,
}

#[derive(Debug)]
pub struct Backend {
    pub span: Span,
    pub url: Option<Leaf>,
    pub weight: Option<Leaf>,
}

#[derive(Debug)]
pub struct Rewrite {
    pub span: Span,
    pub prefix: Option<Leaf>,
    pub host: Option<Leaf>,
}

#[derive(Debug)]
pub struct RateLimit {
    pub span: Span,
    pub enabled: Option<Leaf>,
    pub rate: Option<Leaf>,
    pub period: Option<Leaf>,
    pub burst: Option<Leaf>,
    pub per_ip: Option<Leaf>,
    pub key: Option<Leaf>,
    pub mode: Option<Leaf>,
    pub algorithm: Option<Leaf>,
}

#[derive(Debug)]
pub struct Mock {
    pub span: Span,
    pub enabled: Option<Leaf>,
    pub status_code: Option<Leaf>,
    pub headers: Vec<(Leaf, Leaf)>,
    pub body: Option<Leaf>,
}

#[derive(Debug, Default)]
pub struct Headers {
    pub add: Vec<(Leaf, Leaf)>,
    pub set: Vec<(Leaf, Leaf)>,
    pub remove: Vec<Leaf>,
}

#[derive(Debug)]
pub struct Middleware {
    pub rewrite: Option<Rewrite>,
    pub strip_prefix: Option<Leaf>,
    pub load_balancer: Option<Leaf>,
    pub rate_limit: Option<RateLimit>,
    pub mock: Option<Mock>,
    pub request: Headers,
    pub response: Headers,
    pub max_body_size: Option<Leaf>,
}

pub fn backends(reader: &mut Reader<'_>, fields: &Fields<'_>) -> Option<Backends> {
    let mut list = Vec::new();
    let span = reader.list(fields, "backends", |_, _| None::<()>)?.0;
    list.extend(reader.list_of_maps(fields, "backends", |reader, fields| Backend {
        span: fields.span.clone(),
        url: reader.leaf(fields, "url"),
        weight: reader.leaf(fields, "weight"),
    }));
    Some(Backends { span, list })
}

/// `fields` are those of the route.
pub fn middleware(reader: &mut Reader<'_>, fields: &Fields<'_>) -> Middleware {
    let mut transform = (Headers::default(), Headers::default());
    reader.section(fields, "transform", |reader, fields| {
        let mut side = |name| {
            let found = reader.section(fields, name, |reader, fields| {
                reader.section(fields, "headers", |reader, fields| Headers {
                    add: reader.pairs(fields, "add").unwrap_or_default(),
                    set: reader.pairs(fields, "set").unwrap_or_default(),
                    remove: reader.leaves(fields, "remove").map(|(_, names)| names).unwrap_or_default(),
                })
            });
            found.flatten().unwrap_or_default()
        };
        transform = (side("request"), side("response"));
    });
    Middleware {
        rewrite: reader.section(fields, "rewrite", |reader, fields| Rewrite {
            span: fields.span.clone(),
            prefix: reader.leaf(fields, "prefix"),
            host: reader.leaf(fields, "host"),
        }),
        strip_prefix: reader.leaf(fields, "strip_prefix"),
        load_balancer: reader.leaf(fields, "load_balancer"),
        rate_limit: reader.section(fields, "rate_limit", |reader, fields| RateLimit {
            span: fields.span.clone(),
            enabled: reader.leaf(fields, "enabled"),
            rate: reader.leaf(fields, "rate"),
            period: reader.leaf(fields, "period"),
            burst: reader.leaf(fields, "burst"),
            per_ip: reader.leaf(fields, "per_ip"),
            key: reader.leaf(fields, "key"),
            mode: reader.leaf(fields, "mode"),
            algorithm: reader.leaf(fields, "algorithm"),
        }),
        mock: reader.section(fields, "mock_response", |reader, fields| Mock {
            span: fields.span.clone(),
            enabled: reader.leaf(fields, "enabled"),
            status_code: reader.leaf(fields, "status_code"),
            headers: reader.pairs(fields, "headers").unwrap_or_default(),
            body: reader.leaf(fields, "body"),
        }),
        request: transform.0,
        response: transform.1,
        max_body_size: reader.leaf(fields, "max_body_size"),
    }
}
