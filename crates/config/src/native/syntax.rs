//! A native document taken apart: the same shape as the text, every leaf with its place.
//!
//! Nothing is judged here but the shape: keys are those of the table, lists are lists, leaves are leaves. What a leaf
//! says (an address, a duration) is for [`super::lower`].

mod policies;

pub use policies::{Endpoint, HeaderChanges, Policies, RateLimit, Redirect, Upstream};

use super::support::TABLE;
use crate::document::{Node, Span};
use crate::reader::{self, Leaf, Reader};
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
pub struct Aws {
    pub span: Span,
    pub region: Option<Leaf>,
    pub endpoint: Option<Leaf>,
    pub credentials: Option<Credentials>,
    pub prices: Option<Prices>,
    pub use_fips: Option<Leaf>,
    pub use_dualstack: Option<Leaf>,
    pub connections: Option<Connections>,
}

#[derive(Debug)]
pub struct Connections {
    pub span: Span,
    pub max: Option<Leaf>,
    pub protocol: Option<Leaf>,
}

#[derive(Debug)]
pub struct Credentials {
    pub span: Span,
    pub access_key_id: Option<Leaf>,
    pub secret_access_key: Option<Leaf>,
    pub session_token: Option<Leaf>,
    pub profile: Option<Leaf>,
    pub assume_role: Option<AssumeRole>,
}

#[derive(Debug)]
pub struct AssumeRole {
    pub span: Span,
    pub arn: Option<Leaf>,
    pub external_id: Option<Leaf>,
    pub session_name: Option<Leaf>,
    pub tags: Vec<(Leaf, Leaf)>,
    pub transitive_tags: Vec<Leaf>,
    pub via: Vec<AssumeRole>,
}

#[derive(Debug)]
pub struct Prices {
    pub span: Span,
    pub gb_second: Option<Leaf>,
    pub request: Option<Leaf>,
}

#[derive(Debug)]
pub struct Function {
    pub key: Leaf,
    pub name: Option<Leaf>,
    pub qualifier: Option<Leaf>,
    pub region: Option<Leaf>,
    pub endpoint: Option<Leaf>,
    pub use_fips: Option<Leaf>,
    pub use_dualstack: Option<Leaf>,
    pub credentials: Option<Credentials>,
    pub tenant_id: Option<TenantId>,
    pub event: Option<Leaf>,
    pub template: Option<Leaf>,
    pub answer: Option<Leaf>,
    pub krakend: Option<Krakend>,
    pub invoke: Option<Leaf>,
    pub discover: Option<Leaf>,
    pub binary_media_types: Option<(Span, Vec<Leaf>)>,
    pub timeout: Option<Leaf>,
    pub idle_timeout: Option<Leaf>,
    pub log_tail: Option<Leaf>,
    pub prices: Option<Prices>,
    pub retries_max: Option<Leaf>,
    pub retries_on: Option<Leaf>,
    pub retries_ratio: Option<Leaf>,
    pub retries_per_second: Option<Leaf>,
    pub concurrency: Option<Concurrency>,
    pub breaker: Option<Breaker>,
    pub failover: Vec<Failover>,
    pub run: Option<Run>,
}

#[derive(Debug)]
pub struct TenantId {
    pub span: Span,
    pub value: Option<Leaf>,
    pub header: Option<Leaf>,
    pub path: Option<Leaf>,
}

#[derive(Debug)]
pub struct Concurrency {
    pub max: Option<Leaf>,
    pub queue: Option<Leaf>,
    pub wait: Option<Leaf>,
    pub adaptive: Option<Leaf>,
    pub min: Option<Leaf>,
}

#[derive(Debug)]
pub struct Breaker {
    pub errors: Option<Leaf>,
    pub over: Option<Leaf>,
    pub min_calls: Option<Leaf>,
    pub open: Option<Leaf>,
    pub function_errors: Option<Leaf>,
}

#[derive(Debug)]
pub struct Failover {
    pub span: Span,
    pub region: Option<Leaf>,
    pub endpoint: Option<Leaf>,
    pub name: Option<Leaf>,
    pub credentials: Option<Credentials>,
}

#[derive(Debug)]
pub struct Krakend {
    pub span: Span,
    pub target: Option<Leaf>,
    pub allow: Option<(Span, Vec<Leaf>)>,
    pub deny: Option<(Span, Vec<Leaf>)>,
    pub mapping: Vec<(Leaf, Leaf)>,
    pub group: Option<Leaf>,
    pub encoding: Option<Leaf>,
    pub cache_ttl: Option<Leaf>,
}

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

#[derive(Debug)]
pub struct Route {
    pub span: Span,
    pub id: Option<Leaf>,
    pub matcher: Option<Match>,
    pub function: Option<Leaf>,
    pub functions: Option<(Span, Vec<Weighted>)>,
    pub sticky: Option<Sticky>,
    pub override_by: Option<(Span, Option<Leaf>)>,
    pub rollback: Option<Rollback>,
    pub answer: Option<Static>,
    pub upstream: Option<Upstream>,
    pub redirect: Option<Redirect>,
    pub function_from: Option<FunctionFrom>,
    pub scripts: Option<Scripts>,
    pub policies: Policies,
    pub order: Option<Leaf>,
    pub listeners: Option<(Span, Vec<Leaf>)>,
    pub errors: Option<Leaf>,
    /// A key names a target, if only one that is refused or cannot be read: then none is missing.
    pub has_target: bool,
}

#[derive(Debug)]
pub struct Match {
    pub span: Span,
    pub host: Option<Leaf>,
    pub path: Option<Leaf>,
    pub path_prefix: Option<Leaf>,
    pub path_regex: Option<Leaf>,
    /// A path was written, even if it could not be read.
    pub has_path: bool,
    pub methods: Option<(Span, Vec<Leaf>)>,
    pub headers: Vec<(Leaf, Leaf)>,
    pub query: Vec<(Leaf, Leaf)>,
}

#[derive(Debug)]
pub struct Weighted {
    pub span: Span,
    pub name: Option<Leaf>,
    pub weight: Option<Leaf>,
}

#[derive(Debug)]
pub struct Sticky {
    pub span: Span,
    pub header: Option<Leaf>,
    pub cookie: Option<Leaf>,
    pub max_age: Option<Leaf>,
}

#[derive(Debug)]
pub struct Rollback {
    pub span: Span,
    pub function: Option<Leaf>,
    pub errors: Option<Leaf>,
    pub over: Option<Leaf>,
    pub min_calls: Option<Leaf>,
}

#[derive(Debug)]
pub struct FunctionFrom {
    pub span: Span,
    pub path: Option<Leaf>,
    pub header: Option<Leaf>,
    pub query: Option<Leaf>,
    pub function: Option<Leaf>,
    pub allow: Option<(Span, Vec<Leaf>)>,
}

#[derive(Debug)]
pub struct Scripts {
    pub span: Span,
    /// Name and code of each.
    pub sources: Vec<(Span, Option<Leaf>, Option<Leaf>)>,
    pub pre: Option<Leaf>,
    pub post: Option<Leaf>,
    pub open_libs: Option<Leaf>,
}

#[derive(Debug)]
pub struct Static {
    pub span: Span,
    pub status: Option<Leaf>,
    pub headers: Vec<(Leaf, Vec<Leaf>)>,
    pub body: Option<Leaf>,
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
        aws: reader.section(&top, "aws", |reader, fields| Aws {
            span: fields.span.clone(),
            region: reader.leaf(fields, "region"),
            endpoint: reader.leaf(fields, "endpoint"),
            credentials: reader.section(fields, "credentials", credentials),
            prices: reader.section(fields, "prices", prices),
            use_fips: reader.leaf(fields, "use_fips"),
            use_dualstack: reader.leaf(fields, "use_dualstack"),
            connections: reader.section(fields, "connections", |reader, fields| Connections {
                span: fields.span.clone(),
                max: reader.leaf(fields, "max"),
                protocol: reader.leaf(fields, "protocol"),
            }),
        }),
        functions: reader.entries(&top, "functions", |reader, key, node| {
            // `api:` alone is a function with every default.
            let fields = if node.is_nothing() { None } else { reader.fields(node, "functions.*") };
            function(reader, key, fields.as_ref())
        }),
        routes: reader.list(&top, "routes", route).map(|(_, items)| items).unwrap_or_default(),
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
        errors: reader.leaf(&fields, "errors"),
    })
}

fn credentials(reader: &mut Reader<'_>, fields: &reader::Fields<'_>) -> Credentials {
    Credentials {
        span: fields.span.clone(),
        access_key_id: reader.leaf(fields, "access_key_id"),
        secret_access_key: reader.secret(fields, "secret_access_key"),
        session_token: reader.secret(fields, "session_token"),
        profile: reader.leaf(fields, "profile"),
        assume_role: reader.section(fields, "assume_role", |reader, fields| {
            let via = reader.list_of_maps(fields, "via", assume_role);
            AssumeRole { via, ..assume_role(reader, fields) }
        }),
    }
}

fn assume_role(reader: &mut Reader<'_>, fields: &reader::Fields<'_>) -> AssumeRole {
    AssumeRole {
        span: fields.span.clone(),
        arn: reader.leaf(fields, "arn"),
        external_id: reader.leaf(fields, "external_id"),
        session_name: reader.leaf(fields, "session_name"),
        tags: reader.pairs(fields, "tags").unwrap_or_default(),
        transitive_tags: reader.leaves(fields, "transitive_tags").map(|(_, keys)| keys).unwrap_or_default(),
        via: Vec::new(),
    }
}

/// A function whose value is no map is still a function by its key, so that routes to it are not blamed too.
fn function(reader: &mut Reader<'_>, key: Leaf, fields: Option<&reader::Fields<'_>>) -> Function {
    let empty = reader::Fields::none(&key.span);
    let fields = fields.unwrap_or(&empty);
    let mut retries = (None, None);
    let mut budget = (None, None);
    reader.section(fields, "retries", |reader, fields| {
        retries = (reader.leaf(fields, "max"), reader.leaf(fields, "on"));
        reader.section(fields, "budget", |reader, fields| {
            budget = (reader.leaf(fields, "ratio"), reader.leaf(fields, "min_per_second"));
        });
    });
    Function {
        name: reader.leaf(fields, "name"),
        qualifier: reader.leaf(fields, "qualifier"),
        region: reader.leaf(fields, "region"),
        endpoint: reader.leaf(fields, "endpoint"),
        use_fips: reader.leaf(fields, "use_fips"),
        use_dualstack: reader.leaf(fields, "use_dualstack"),
        credentials: reader.section(fields, "credentials", credentials),
        tenant_id: reader.section(fields, "tenant_id", |reader, fields| TenantId {
            span: fields.span.clone(),
            value: reader.leaf(fields, "value"),
            header: reader.leaf(fields, "header"),
            path: reader.leaf(fields, "path"),
        }),
        event: reader.leaf(fields, "event"),
        template: reader.leaf(fields, "template"),
        answer: reader.leaf(fields, "answer"),
        krakend: reader.section(fields, "krakend", |reader, fields| Krakend {
            span: fields.span.clone(),
            target: reader.leaf(fields, "target"),
            allow: reader.leaves(fields, "allow"),
            deny: reader.leaves(fields, "deny"),
            mapping: reader.pairs(fields, "mapping").unwrap_or_default(),
            group: reader.leaf(fields, "group"),
            encoding: reader.leaf(fields, "encoding"),
            cache_ttl: reader.leaf(fields, "cache_ttl"),
        }),
        invoke: reader.leaf(fields, "invoke"),
        discover: reader.leaf(fields, "discover"),
        binary_media_types: reader.leaves(fields, "binary_media_types"),
        timeout: reader.leaf(fields, "timeout"),
        idle_timeout: reader.leaf(fields, "idle_timeout"),
        log_tail: reader.leaf(fields, "log_tail"),
        prices: reader.section(fields, "prices", prices),
        retries_max: retries.0,
        retries_on: retries.1,
        retries_ratio: budget.0,
        retries_per_second: budget.1,
        concurrency: reader.section(fields, "concurrency", |reader, fields| Concurrency {
            max: reader.leaf(fields, "max"),
            queue: reader.leaf(fields, "queue"),
            wait: reader.leaf(fields, "wait"),
            adaptive: reader.leaf(fields, "adaptive"),
            min: reader.leaf(fields, "min"),
        }),
        breaker: reader.section(fields, "breaker", |reader, fields| Breaker {
            errors: reader.leaf(fields, "errors"),
            over: reader.leaf(fields, "over"),
            min_calls: reader.leaf(fields, "min_calls"),
            open: reader.leaf(fields, "open"),
            function_errors: reader.leaf(fields, "function_errors"),
        }),
        failover: reader.list_of_maps(fields, "failover", |reader, fields| Failover {
            span: fields.span.clone(),
            region: reader.leaf(fields, "region"),
            endpoint: reader.leaf(fields, "endpoint"),
            name: reader.leaf(fields, "name"),
            credentials: reader.section(fields, "credentials", credentials),
        }),
        run: reader.section(fields, "run", run),
        key,
    }
}

/// Both the function's own and a version's; the table knows which keys a version has not.
fn run(reader: &mut Reader<'_>, fields: &reader::Fields<'_>) -> Run {
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

fn otlp(reader: &mut Reader<'_>, fields: &reader::Fields<'_>) -> Otlp {
    Otlp {
        endpoint: reader.leaf(fields, "endpoint"),
        headers: reader.secret_pairs(fields, "headers"),
        protocol: reader.leaf(fields, "protocol"),
        sample: reader.leaf(fields, "sample"),
        traces: reader.leaf(fields, "traces"),
        metrics: reader.leaf(fields, "metrics"),
    }
}

fn prices(reader: &mut Reader<'_>, fields: &reader::Fields<'_>) -> Prices {
    Prices {
        span: fields.span.clone(),
        gb_second: reader.leaf(fields, "gb_second"),
        request: reader.leaf(fields, "request"),
    }
}

fn route(reader: &mut Reader<'_>, node: &Node) -> Option<Route> {
    let fields = reader.fields(node, "routes[]")?;
    let targets = ["function", "functions", "static", "compose", "upstream", "redirect", "function_from"];
    Some(Route {
        span: fields.span.clone(),
        id: reader.leaf(&fields, "id"),
        matcher: reader.section(&fields, "match", |reader, fields| Match {
            span: fields.span.clone(),
            host: reader.leaf(fields, "host"),
            path: reader.leaf(fields, "path"),
            path_prefix: reader.leaf(fields, "path_prefix"),
            path_regex: reader.leaf(fields, "path_regex"),
            has_path: ["path", "path_prefix", "path_regex"].iter().any(|key| fields.has(key)),
            methods: reader.leaves(fields, "methods"),
            headers: reader.pairs(fields, "headers").unwrap_or_default(),
            query: reader.pairs(fields, "query").unwrap_or_default(),
        }),
        function: reader.leaf(&fields, "function"),
        functions: reader.list(&fields, "functions", |reader, node| {
            let fields = reader.fields(node, "routes[].functions[]")?;
            Some(Weighted {
                span: fields.span.clone(),
                name: reader.leaf(&fields, "name"),
                weight: reader.leaf(&fields, "weight"),
            })
        }),
        sticky: reader.section(&fields, "sticky", |reader, fields| Sticky {
            span: fields.span.clone(),
            header: reader.leaf(fields, "header"),
            cookie: reader.leaf(fields, "cookie"),
            max_age: reader.leaf(fields, "max_age"),
        }),
        override_by: reader.section(&fields, "override", |reader, fields| {
            (fields.span.clone(), reader.leaf(fields, "header"))
        }),
        rollback: reader.section(&fields, "rollback", |reader, fields| Rollback {
            span: fields.span.clone(),
            function: reader.leaf(fields, "function"),
            errors: reader.leaf(fields, "errors"),
            over: reader.leaf(fields, "over"),
            min_calls: reader.leaf(fields, "min_calls"),
        }),
        answer: reader.section(&fields, "static", |reader, fields| Static {
            span: fields.span.clone(),
            status: reader.leaf(fields, "status"),
            headers: reader.multi_pairs(fields, "headers"),
            body: reader.leaf(fields, "body"),
        }),
        upstream: reader.section(&fields, "upstream", policies::upstream),
        redirect: reader.section(&fields, "redirect", policies::redirect),
        function_from: reader.section(&fields, "function_from", |reader, fields| FunctionFrom {
            span: fields.span.clone(),
            path: reader.leaf(fields, "path"),
            header: reader.leaf(fields, "header"),
            query: reader.leaf(fields, "query"),
            function: reader.leaf(fields, "function"),
            allow: reader.leaves(fields, "allow"),
        }),
        scripts: reader.section(&fields, "scripts", scripts),
        policies: policies::policies(reader, &fields),
        order: reader.leaf(&fields, "order"),
        listeners: reader.leaves(&fields, "listeners"),
        errors: reader.leaf(&fields, "errors"),
        has_target: targets.iter().any(|key| fields.has(key)),
    })
}

fn scripts(reader: &mut Reader<'_>, fields: &reader::Fields<'_>) -> Scripts {
    let sources = reader.list(fields, "sources", |reader, node| {
        let fields = reader.fields(node, "routes[].scripts.sources[]")?;
        Some((fields.span.clone(), reader.leaf(&fields, "name"), reader.leaf(&fields, "text")))
    });
    Scripts {
        span: fields.span.clone(),
        sources: sources.map(|(_, sources)| sources).unwrap_or_default(),
        pre: reader.leaf(fields, "pre"),
        post: reader.leaf(fields, "post"),
        open_libs: reader.leaf(fields, "open_libs"),
    }
}
