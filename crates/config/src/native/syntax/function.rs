//! One function, taken apart.

use super::aws::{Credentials, Prices, credentials, prices};
use super::run::{Run, run};
use crate::document::Span;
use crate::reader::{Fields, Leaf, Reader};

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
    pub attempt_timeout: Option<Leaf>,
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

/// A function whose value is no map is still a function by its key, so that routes to it are not blamed too.
pub fn function(reader: &mut Reader<'_>, key: Leaf, fields: Option<&Fields<'_>>) -> Function {
    let empty = Fields::none(&key.span);
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
        attempt_timeout: reader.leaf(fields, "attempt_timeout"),
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
