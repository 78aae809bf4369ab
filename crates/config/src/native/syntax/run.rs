//! How a function is run on this machine, taken apart.

use crate::document::Span;
use crate::reader::{Fields, Leaf, Reader};

#[derive(Debug)]
pub struct Run {
    pub span: Span,
    pub web: Option<Leaf>,
    pub command: Option<Leaf>,
    pub dir: Option<Leaf>,
    pub opt: Option<Leaf>,
    pub image: Option<Leaf>,
    pub handler: Option<Leaf>,
    pub env: Option<Vec<(Leaf, Leaf)>>,
    pub instances: Option<Leaf>,
    pub timeout: Option<Leaf>,
    pub memory: Option<Leaf>,
    pub queue: Option<Leaf>,
    pub port: Option<Leaf>,
    pub concurrency: Option<Leaf>,
    pub versions: Vec<(Leaf, Run)>,
    pub aliases: Vec<(Leaf, Leaf)>,
    pub url: Option<Url>,
}

#[derive(Debug)]
pub struct Url {
    pub span: Span,
    pub address: Option<Leaf>,
    pub invoke_mode: Option<Leaf>,
    pub auth_type: Option<Leaf>,
    pub cors: Option<UrlCors>,
}

#[derive(Debug)]
pub struct UrlCors {
    pub span: Span,
    pub allow_credentials: Option<Leaf>,
    pub allow_headers: Option<(Span, Vec<Leaf>)>,
    pub allow_methods: Option<(Span, Vec<Leaf>)>,
    pub allow_origins: Option<(Span, Vec<Leaf>)>,
    pub expose_headers: Option<(Span, Vec<Leaf>)>,
    pub max_age: Option<Leaf>,
}

/// Both the function's own and a version's; the table knows which keys a version has not.
pub fn run(reader: &mut Reader<'_>, fields: &Fields<'_>) -> Run {
    Run {
        span: fields.span.clone(),
        web: reader.leaf(fields, "web"),
        command: reader.leaf(fields, "command"),
        dir: reader.leaf(fields, "dir"),
        opt: reader.leaf(fields, "opt"),
        image: reader.leaf(fields, "image"),
        handler: reader.leaf(fields, "handler"),
        env: reader.pairs(fields, "env"),
        instances: reader.leaf(fields, "instances"),
        timeout: reader.leaf(fields, "timeout"),
        memory: reader.leaf(fields, "memory"),
        queue: reader.leaf(fields, "queue"),
        port: reader.leaf(fields, "port"),
        concurrency: reader.leaf(fields, "concurrency"),
        versions: reader
            .entries(fields, "versions", |reader, key, node| {
                let fields = reader.fields(node, "functions.*.run.versions.*")?;
                Some((key, run(reader, &fields)))
            })
            .into_iter()
            .flatten()
            .collect(),
        aliases: reader.pairs(fields, "aliases").unwrap_or_default(),
        url: reader.section(fields, "url", |reader, fields| Url {
            span: fields.span.clone(),
            address: reader.leaf(fields, "address"),
            invoke_mode: reader.leaf(fields, "invoke_mode"),
            auth_type: reader.leaf(fields, "auth_type"),
            cors: reader.section(fields, "cors", |reader, fields| UrlCors {
                span: fields.span.clone(),
                allow_credentials: reader.leaf(fields, "allow_credentials"),
                allow_headers: reader.leaves(fields, "allow_headers"),
                allow_methods: reader.leaves(fields, "allow_methods"),
                allow_origins: reader.leaves(fields, "allow_origins"),
                expose_headers: reader.leaves(fields, "expose_headers"),
                max_age: reader.leaf(fields, "max_age"),
            }),
        }),
    }
}
