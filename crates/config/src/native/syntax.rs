//! A native document taken apart: the same shape as the text, every leaf with its place.
//!
//! Nothing is judged here but the shape: keys are those of the table, lists are lists, leaves are leaves. What a leaf
//! says (an address, a duration) is for [`super::lower`].
//!
//! The top of the document and what stands there once is here; its larger sections are files of their own.

mod aws;
mod function;
mod policies;
mod route;
mod run;

pub use aws::{AssumeRole, Aws, Credentials, Prices};
pub use function::{Breaker, Concurrency, Failover, Function, Krakend, TenantId};
pub use policies::{Endpoint, HeaderChanges, Policies, RateLimit, Redirect, Upstream};
pub use route::{Condition, FunctionFrom, Match, Rollback, Route, Scripts, Static, Sticky, Weighted};
pub use run::{Run, Url, UrlCors};

use super::support::TABLE;
use crate::document::{Node, Span};
use crate::reader::{Fields, Leaf, Reader};
use crate::report::Report;

/// A whole document.
#[derive(Debug, Default)]
pub struct Document {
    pub listeners: Vec<Listener>,
    pub admin: Option<Admin>,
    pub aws: Option<Aws>,
    pub functions: Vec<Function>,
    pub routes: Vec<Route>,
    pub limits: Option<Limits>,
    pub drain: Option<Drain>,
    pub log: Option<Log>,
    pub trusted_proxies: Option<(Span, Vec<Leaf>)>,
    pub trace: Option<Trace>,
    pub telemetry: Option<(Span, Option<Otlp>)>,
    pub emulator: Option<Emulator>,
}

#[derive(Debug)]
pub struct Listener {
    pub span: Span,
    pub address: Option<Leaf>,
    pub tls: Option<Tls>,
    pub http2: Option<Leaf>,
    pub hosts: Option<(Span, Vec<Leaf>)>,
    /// Port and status.
    pub https_redirect: Option<(Option<Leaf>, Option<Leaf>)>,
    pub errors: Option<Leaf>,
}

#[derive(Debug)]
pub struct Tls {
    pub span: Span,
    pub cert_file: Option<Leaf>,
    pub key_file: Option<Leaf>,
    pub client_ca_file: Option<Leaf>,
}

#[derive(Debug)]
pub struct Admin {
    pub span: Span,
    pub address: Option<Leaf>,
}

#[derive(Debug)]
pub struct Limits {
    pub span: Span,
    pub head: Option<Leaf>,
    pub body: Option<Leaf>,
    pub buffered_total: Option<Leaf>,
    pub connections: Option<Leaf>,
    pub head_timeout: Option<Leaf>,
    pub body_timeout: Option<Leaf>,
    pub idle: Option<Leaf>,
}

#[derive(Debug)]
pub struct Drain {
    pub span: Span,
    pub delay: Option<Leaf>,
    pub deadline: Option<Leaf>,
}

#[derive(Debug)]
pub struct Log {
    pub span: Span,
    pub format: Option<Leaf>,
    pub level: Option<Leaf>,
}

#[derive(Debug)]
pub struct Otlp {
    pub endpoint: Option<Leaf>,
    pub headers: Vec<(Leaf, Leaf)>,
    pub protocol: Option<Leaf>,
    pub sample: Option<Leaf>,
    pub traces: Option<Leaf>,
    pub metrics: Option<Leaf>,
}

#[derive(Debug)]
pub struct Trace {
    pub span: Span,
    pub from: Option<Leaf>,
    pub generate: Option<Leaf>,
}

#[derive(Debug)]
pub struct Emulator {
    pub span: Span,
    pub address: Option<Leaf>,
    pub credentials: Option<(Span, Option<Leaf>, Option<Leaf>)>,
}

/// Takes `root` apart. Whatever has the wrong shape is reported and left out.
pub fn read(root: &Node, report: &mut Report) -> Document {
    let mut reader = Reader { report, table: &TABLE };
    let Some(top) = reader.fields(root, "") else { return Document::default() };
    Document {
        listeners: reader.list(&top, "listeners", listener).map(|(_, items)| items).unwrap_or_default(),
        admin: reader.section(&top, "admin", |reader, fields| Admin {
            span: fields.span.clone(),
            address: reader.leaf(fields, "address"),
        }),
        aws: reader.section(&top, "aws", aws::aws),
        functions: reader.entries(&top, "functions", |reader, key, node| {
            // `api:` alone is a function with every default.
            let fields = if node.is_nothing() { None } else { reader.fields(node, "functions.*") };
            function::function(reader, key, fields.as_ref())
        }),
        routes: reader.list(&top, "routes", route::route).map(|(_, items)| items).unwrap_or_default(),
        limits: reader.section(&top, "limits", |reader, fields| Limits {
            span: fields.span.clone(),
            head: reader.leaf(fields, "head"),
            body: reader.leaf(fields, "body"),
            buffered_total: reader.leaf(fields, "buffered_total"),
            connections: reader.leaf(fields, "connections"),
            head_timeout: reader.leaf(fields, "head_timeout"),
            body_timeout: reader.leaf(fields, "body_timeout"),
            idle: reader.leaf(fields, "idle"),
        }),
        drain: reader.section(&top, "drain", |reader, fields| Drain {
            span: fields.span.clone(),
            delay: reader.leaf(fields, "delay"),
            deadline: reader.leaf(fields, "deadline"),
        }),
        log: reader.section(&top, "log", |reader, fields| Log {
            span: fields.span.clone(),
            format: reader.leaf(fields, "format"),
            level: reader.leaf(fields, "level"),
        }),
        trusted_proxies: reader.leaves(&top, "trusted_proxies"),
        trace: reader.section(&top, "trace", |reader, fields| Trace {
            span: fields.span.clone(),
            from: reader.leaf(fields, "from"),
            generate: reader.leaf(fields, "generate"),
        }),
        telemetry: reader.section(&top, "telemetry", |reader, fields| {
            (fields.span.clone(), reader.section(fields, "otlp", otlp))
        }),
        emulator: reader.section(&top, "emulator", |reader, fields| Emulator {
            span: fields.span.clone(),
            address: reader.leaf(fields, "address"),
            credentials: reader.section(fields, "credentials", |reader, fields| {
                let id = reader.leaf(fields, "access_key_id");
                (fields.span.clone(), id, reader.secret(fields, "secret_access_key"))
            }),
        }),
    }
}

fn listener(reader: &mut Reader<'_>, node: &Node) -> Option<Listener> {
    let fields = reader.fields(node, "listeners[]")?;
    Some(Listener {
        span: fields.span.clone(),
        address: reader.leaf(&fields, "address"),
        tls: reader.section(&fields, "tls", |reader, fields| Tls {
            span: fields.span.clone(),
            cert_file: reader.leaf(fields, "cert_file"),
            key_file: reader.leaf(fields, "key_file"),
            client_ca_file: reader.leaf(fields, "client_ca_file"),
        }),
        http2: reader.leaf(&fields, "http2"),
        hosts: reader.leaves(&fields, "hosts"),
        https_redirect: reader.section(&fields, "https_redirect", |reader, fields| {
            (reader.leaf(fields, "port"), reader.leaf(fields, "status"))
        }),
        errors: reader.leaf(&fields, "errors"),
    })
}

fn otlp(reader: &mut Reader<'_>, fields: &Fields<'_>) -> Otlp {
    Otlp {
        endpoint: reader.leaf(fields, "endpoint"),
        headers: reader.secret_pairs(fields, "headers"),
        protocol: reader.leaf(fields, "protocol"),
        sample: reader.leaf(fields, "sample"),
        traces: reader.leaf(fields, "traces"),
        metrics: reader.leaf(fields, "metrics"),
    }
}
