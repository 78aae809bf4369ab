//! One route, taken apart: what it matches and where it goes. What it does besides is in [`super::policies`].

use super::policies::{self, Policies, Redirect, Upstream};
use crate::document::{Node, Span};
use crate::reader::{Fields, Leaf, Reader};

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
    pub headers: Vec<(Leaf, Condition)>,
    pub query: Vec<(Leaf, Condition)>,
}

/// What one header or parameter must be like.
#[derive(Debug)]
pub enum Condition {
    Exact(Leaf),
    Map { span: Span, regex: Option<Leaf>, present: Option<Leaf> },
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

pub fn route(reader: &mut Reader<'_>, node: &Node) -> Option<Route> {
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
            headers: conditions(reader, fields, "headers", "routes[].match.headers.*"),
            query: conditions(reader, fields, "query", "routes[].match.query.*"),
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

/// A value alone is the exact one.
fn conditions(
    reader: &mut Reader<'_>,
    fields: &Fields<'_>,
    name: &str,
    path: &'static str,
) -> Vec<(Leaf, Condition)> {
    let found = reader.entries(fields, name, |reader, key, node| {
        let condition = match node.as_map() {
            None => Condition::Exact(reader.value(node, &key.text)?),
            Some(_) => {
                let fields = reader.fields(node, path)?;
                Condition::Map {
                    span: fields.span.clone(),
                    regex: reader.leaf(&fields, "regex"),
                    present: reader.leaf(&fields, "present"),
                }
            }
        };
        Some((key, condition))
    });
    found.into_iter().flatten().collect()
}

fn scripts(reader: &mut Reader<'_>, fields: &Fields<'_>) -> Scripts {
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
