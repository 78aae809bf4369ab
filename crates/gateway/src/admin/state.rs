//! What is served, and how it is: the admin's `/routes` and `/functions` as JSON.
//!
//! Names and numbers only: no credentials, no bodies, nothing that came with a request.

use lambridge_model::{Errors, Invocation, NameSource, PathMatch, Route, Sticky, Target, ValueMatch};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::compile::{CompiledRoute, Snapshot};
use crate::function::{FunctionState, Place};
use crate::router;

/// All routes, the first to be asked first.
pub(super) fn routes(snapshot: &Snapshot) -> String {
    let routes = &snapshot.model.routes;
    let pairs = routes.iter().zip(&snapshot.routes).collect::<Vec<_>>();
    let rows = router::effective(routes).into_iter().filter_map(|index| pairs.get(index));
    let rows = rows.map(|(written, compiled)| route(written, compiled));
    lines(&rows.collect::<Vec<_>>())
}

fn route(route: &Route, compiled: &CompiledRoute) -> Value {
    let matcher = &route.matcher;
    let mut matched = Map::new();
    if let Some(host) = &matcher.host {
        matched.insert("host".to_owned(), json!(host));
    }
    let (key, path) = match &matcher.path {
        PathMatch::Template(template) => ("path", template.as_str()),
        PathMatch::Prefix(prefix) => ("path_prefix", &**prefix),
        PathMatch::PrefixTemplate(prefix) => ("path_prefix", prefix.as_str()),
        PathMatch::Regex(regex) => ("path_regex", &**regex),
    };
    matched.insert(key.to_owned(), json!(path));
    if !matcher.methods.is_empty() {
        matched.insert("methods".to_owned(), json!(matcher.methods));
    }
    // A header or parameter that chooses a route may well be a secret; which one it is says enough.
    let names = |pairs: &[(String, ValueMatch)]| pairs.iter().map(|(name, _)| json!(name)).collect::<Value>();
    for (key, pairs) in [("headers", &matcher.headers), ("query", &matcher.query)] {
        if !pairs.is_empty() {
            matched.insert(key.to_owned(), names(pairs));
        }
    }
    let mut row = Map::new();
    row.insert("id".to_owned(), json!(route.id));
    row.insert("match".to_owned(), Value::Object(matched));
    let (key, target) = target(&route.target);
    row.insert(key.to_owned(), target);
    canary(route, compiled, &mut row);
    if !route.listeners.is_empty() {
        row.insert("listeners".to_owned(), json!(route.listeners));
    }
    if route.order != 0 {
        row.insert("order".to_owned(), json!(route.order));
    }
    let errors = match route.errors {
        Errors::Native => "native",
        Errors::Runway => "runway",
        Errors::Krakend => "krakend",
        Errors::Envoy => "envoy",
    };
    row.insert("errors".to_owned(), json!(errors));
    if route.origin.line > 0 {
        let origin = &route.origin;
        row.insert("origin".to_owned(), json!(format!("{}:{}:{}", origin.file, origin.line, origin.column)));
    }
    Value::Object(row)
}

/// How a weighted set chooses, and whether its rule has struck.
fn canary(route: &Route, compiled: &CompiledRoute, row: &mut Map<String, Value>) {
    match &route.canary.sticky {
        None => {}
        Some(Sticky::Header(name)) => {
            row.insert("sticky".to_owned(), json!({ "header": name }));
        }
        Some(Sticky::Cookie { name, .. }) => {
            row.insert("sticky".to_owned(), json!({ "cookie": name }));
        }
    }
    if let Some(name) = &route.canary.override_by {
        row.insert("override".to_owned(), json!({ "header": name }));
    }
    if let Some(rule) = &route.canary.rollback {
        let state = compiled.canary.as_ref().and_then(|canary| canary.rollback.as_ref());
        let struck = state.is_some_and(|(_, rule)| rule.has_struck());
        let shown = json!({
            "function": rule.function,
            "errors": rule.errors.to_string(),
            "min_calls": rule.min_calls,
            "rolled_back": struck,
        });
        row.insert("rollback".to_owned(), shown);
    }
}

fn target(target: &Target) -> (&'static str, Value) {
    match target {
        Target::Functions(shares) => {
            let shares = shares.iter().map(|share| json!({ "name": share.function, "weight": share.weight }));
            ("functions", shares.collect())
        }
        Target::FunctionFrom(from) => {
            let (key, name) = match &from.source {
                NameSource::Path(name) => ("path", name),
                NameSource::Header(name) => ("header", name),
                NameSource::Query(name) => ("query", name),
            };
            ("function_from", json!({ key: name, "function": from.function, "allow": from.allow }))
        }
        Target::Upstream(upstream) => {
            let endpoints = upstream.endpoints.iter();
            let endpoints =
                endpoints.map(|endpoint| json!({ "url": endpoint.url, "weight": endpoint.weight }));
            ("upstream", json!({ "endpoints": endpoints.collect::<Value>() }))
        }
        Target::Redirect(redirect) => ("redirect", json!({ "status": redirect.status })),
        Target::Static(answer) => ("static", json!({ "status": answer.status })),
    }
}

#[derive(Debug, Serialize)]
struct Row<'a> {
    key: &'a str,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    qualifier: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    region: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    endpoint: Option<&'a str>,
    event: &'static str,
    invoke: &'static str,
    in_flight: usize,
    limit: usize,
    waiting: usize,
    queue: usize,
    /// Where a function is called that has a breaker, or more than one place.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    places: Vec<PlaceRow<'a>>,
}

#[derive(Debug, Serialize)]
struct PlaceRow<'a> {
    region: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    breaker: Option<&'static str>,
    answered: u64,
}

/// All functions by key.
pub(super) fn functions(snapshot: &Snapshot) -> String {
    lines(&snapshot.functions.iter().map(|state| function(state)).collect::<Vec<_>>())
}

fn function(state: &FunctionState) -> Row<'_> {
    let settings = &state.settings;
    Row {
        key: &state.key,
        name: settings.name.to_string(),
        qualifier: settings.qualifier.as_deref(),
        region: settings.region.as_deref(),
        endpoint: settings.endpoint.as_deref(),
        event: settings.event.name(),
        invoke: match settings.invoke {
            Invocation::Sync => "sync",
            Invocation::Stream => "stream",
            Invocation::Async => "async",
            Invocation::DryRun => "dry_run",
        },
        in_flight: state.gate.running(),
        limit: state.gate.limit(),
        waiting: state.gate.waiting(),
        queue: state.gate.queue(),
        places: places(&state.places),
    }
}

fn places(places: &[Place]) -> Vec<PlaceRow<'_>> {
    let is_plain = matches!(places, [home] if home.breaker.is_none());
    let told = places.iter().filter(|_| !is_plain).map(|place| PlaceRow {
        region: &place.region,
        breaker: place.breaker.as_ref().map(|breaker| breaker.shown()),
        answered: place.answers(),
    });
    told.collect()
}

/// A JSON list with a row a line.
fn lines<T: Serialize>(rows: &[T]) -> String {
    let rows: Vec<String> = rows.iter().filter_map(|row| serde_json::to_string(row).ok()).collect();
    format!("[{}]\n", rows.join(",\n "))
}
