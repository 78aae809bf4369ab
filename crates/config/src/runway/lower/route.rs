//! `routes[]`.

use std::collections::HashSet;
use std::time::Duration;

use lambridge_event::Format;
use lambridge_model::{
    AnswerRule, Errors, Function, HeaderChanges, Matcher, PathMatch, Retries, RetryOn, Route, StaticAnswer,
    Target, Template, Upstream, ValueMatch, Weighted,
};
use lambridge_wire::name::FunctionName;

use super::{middleware, switch};
use crate::leaf::Lower;
use crate::merge::{Part, PartFunction, PartRoute, Reference};
use crate::reader::Leaf;
use crate::report::printable;
use crate::runway::syntax;
use crate::suggest::nearest;
use crate::values;

/// Where a call goes when neither the route nor an ARN says so. Source: runway's document "AWS Lambda Backend".
const REGION: &str = "us-east-1";
/// What runway routes by. Source: its `validHTTPMethods`.
const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"];
/// Domains, headers or parameters in one match.
const MAX_CONDITIONS: usize = 64;
/// Lambda's own bound on an invocation, and a little for the way. Source: Lambda quotas.
const LONGEST: Duration = Duration::from_secs(3600);

/// Lowers the routes in order.
pub fn lower(document: &syntax::Document, part: &mut Part, lower: &mut Lower<'_>) {
    let mut ids = HashSet::new();
    // Among runway's routes an exact path comes first, whatever its parameters; here a literal segment of a prefix would.
    let parameters = |route: &syntax::Route| route.path.as_ref().is_some_and(|path| path.text.contains('{'));
    let apart = document.routes.iter().any(parameters);
    for (index, route) in document.routes.iter().enumerate() {
        let Some(id) = id(route, index, lower) else { continue };
        let name = format!("route {}", printable(&id.text));
        let matchers = matchers(route, &name, apart, lower);
        let Some(handler) = handler(route, document, &name, lower) else { continue };
        let matched = matchers.first().map(|(matcher, _)| &matcher.path);
        let proxied = matches!(handler, Handler::Proxy(_));
        let mut policies = middleware::policies(route, &name, matched, proxied, lower);
        if matches!(handler, Handler::Mock(_)) {
            // No one sees that request.
            policies.request_headers = HeaderChanges::default();
        }
        let key = format!("runway/{}", id.text);
        let first = ids.insert(id.text.as_str());
        let mut functions = Vec::new();
        let target = match handler {
            Handler::Mock(answer) => Some(Target::Static(answer)),
            Handler::Proxy(upstream) => upstream.map(Target::Upstream),
            Handler::Lambda(lambda) => {
                let function = function(lambda, route, &name, lower);
                let span = lambda.span.clone();
                // An id that stands twice is told once, of the route.
                if first {
                    part.functions.push(PartFunction { key: key.clone(), function, span: span.clone() });
                }
                functions.push(Reference { key: key.clone(), shown: format!("`{}`", printable(&key)), span });
                Some(Target::Functions(vec![Weighted { function: key, weight: 1 }]))
            }
        };
        if matchers.is_empty() {
            let id = Some((id.text.clone(), id.span.clone()));
            let functions = Vec::new();
            part.routes.push(PartRoute {
                route: None,
                id,
                span: route.span.clone(),
                functions,
                listeners: Vec::new(),
            });
        }
        for (at, (matcher, order)) in matchers.into_iter().enumerate() {
            // A route of the model has one host; the first keeps the id.
            let id_text = match (at, &matcher.host) {
                (1.., Some(host)) => format!("{}@{host}", id.text),
                _ => id.text.clone(),
            };
            part.routes.push(PartRoute {
                route: target.clone().map(|target| Route {
                    errors: Errors::Runway,
                    order,
                    policies: policies.clone(),
                    origin: route.span.origin(),
                    ..Route::new(matcher, target)
                }),
                id: Some((id_text, id.span.clone())),
                span: route.span.clone(),
                functions: functions.clone(),
                listeners: Vec::new(),
            });
        }
    }
}

/// What answers a route's requests.
enum Handler<'d> {
    Lambda(&'d syntax::Lambda),
    /// `None` where it was reported as wrong.
    Proxy(Option<Upstream>),
    Mock(StaticAnswer),
}

/// The one thing that answers; `None` where there is none, which was told.
fn handler<'d>(
    route: &'d syntax::Route,
    document: &'d syntax::Document,
    name: &str,
    lower: &mut Lower<'_>,
) -> Option<Handler<'d>> {
    let mock = middleware::mock(route, lower);
    let lambda = enabled(route, name, mock.is_some(), lower);
    if let Some(answer) = mock {
        return Some(Handler::Mock(answer));
    }
    if let Some(lambda) = lambda {
        return Some(Handler::Lambda(lambda));
    }
    let own = route.backends.as_ref().filter(|backends| !backends.list.is_empty());
    match (own, &route.upstream) {
        (Some(_), Some(leaf)) => {
            let message = format!("{name}: backends and upstream are mutually exclusive");
            lower.report.error(&leaf.span, message).help("keep one of them");
            Some(Handler::Proxy(None))
        }
        (Some(backends), None) => Some(Handler::Proxy(middleware::upstream(backends, route, name, lower))),
        (None, Some(leaf)) => {
            let Some((_, backends)) = document.upstreams.iter().find(|(key, _)| key.text == leaf.text) else {
                let known = document.upstreams.iter().map(|(key, _)| key.text.as_str());
                let help = match nearest(&leaf.text, known) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => "add it to `upstreams`".to_owned(),
                };
                lower.wrong(leaf, "is no upstream of this file", &help);
                return Some(Handler::Proxy(None));
            };
            let backends = backends.as_ref().filter(|backends| !backends.list.is_empty());
            if backends.is_none() {
                lower.wrong(leaf, "has no backends", "add `backends: [{ url: http://… }]` to it");
            }
            Some(Handler::Proxy(backends.and_then(|found| middleware::upstream(found, route, name, lower))))
        }
        (None, None) => None,
    }
}

fn id<'r>(route: &'r syntax::Route, index: usize, lower: &mut Lower<'_>) -> Option<&'r Leaf> {
    let id = route.id.as_ref().filter(|id| !id.text.is_empty());
    if id.is_none() {
        lower
            .report
            .error(&route.span, format!("route {index}: id is required"))
            .help("add `id: NAME`, a name that no other route has");
    }
    id
}

/// The Lambda section, if it is on and nothing else answers the route's requests.
fn enabled<'r>(
    route: &'r syntax::Route,
    name: &str,
    mocked: bool,
    lower: &mut Lower<'_>,
) -> Option<&'r syntax::Lambda> {
    let on = route.lambda.as_ref().filter(|lambda| switch(&lambda.enabled, false, lower));
    for (handler, span) in &route.handlers {
        if on.is_some() {
            let message = format!("{name}: lambda is mutually exclusive with {handler}");
            let help = match handler.as_str() {
                "backends" | "service" | "upstream" => {
                    format!("remove `{handler}`: a Lambda route needs none here, not even a dummy")
                }
                _ => format!("remove `{handler}`, or set `lambda.enabled: false`"),
            };
            lower.report.error(span, message).help(help);
        } else if !matches!(handler.as_str(), "backends" | "upstream") {
            let about = lower.table.find("routes[]", handler).map_or("", |key| key.about);
            lower
                .report
                .error(span, format!("{name}: `{handler}` ({about}) is not supported yet"))
                .help(super::super::support::NO_SUCH_BACKEND);
        }
    }
    // A section or a switch that could not be read was told, and says nothing on what was meant.
    let unread = match &route.lambda {
        Some(lambda) => lambda.enabled.as_ref().is_some_and(|leaf| !leaf.text.eq_ignore_ascii_case("false")),
        None => route.has_lambda,
    };
    if on.is_none() && route.handlers.is_empty() && !unread && !mocked {
        let span = route.lambda.as_ref().map_or(&route.span, |lambda| &lambda.span);
        lower
            .report
            .error(span, format!("{name}: lambda is not enabled, and nothing else answers"))
            .help("add `lambda: { enabled: true, function_name: NAME }` or `backends`, or remove the route");
    }
    on
}

fn function(
    lambda: &syntax::Lambda,
    route: &syntax::Route,
    name: &str,
    lower: &mut Lower<'_>,
) -> Option<Function> {
    let function_name = function_name(lambda, name, lower);
    let region = region(lambda, function_name.as_ref(), lower);
    let max = lower.number(&lambda.max_retries, 0..=10).and_then(|max| u32::try_from(max).ok()).unwrap_or(0);
    let timeout = lower.go_duration(&route.timeout, Duration::from_millis(1)..=LONGEST);
    let mut function = Function::new(function_name?);
    function.region = Some(region);
    function.event = Format::Runway.into();
    function.answer = AnswerRule::Raw;
    function.retries = Retries { max, on: RetryOn::Sdk, ..Retries::default() };
    function.timeout = timeout.unwrap_or(function.timeout);
    function.origin = lambda.span.origin();
    Some(function)
}

fn function_name(lambda: &syntax::Lambda, name: &str, lower: &mut Lower<'_>) -> Option<FunctionName> {
    let Some(leaf) = lambda.function_name.as_ref().filter(|leaf| !leaf.text.is_empty()) else {
        let span = lower.span_of(&lambda.function_name, &lambda.span);
        lower
            .report
            .error(&span, format!("{name}: lambda.function_name is required"))
            .help("add `function_name: NAME`: a name, `name:qualifier`, an ARN or a partial ARN");
        return None;
    };
    match leaf.text.parse() {
        Ok(parsed) => Some(parsed),
        Err(error) => {
            let error: lambridge_wire::name::NameError = error;
            let help = "write a name, `name:qualifier`, an ARN or a partial ARN";
            lower.wrong(leaf, format!("is not a function name: {}", error.reason), help);
            None
        }
    }
}

/// The route's own, then its ARN's: a call to any other region could only fail.
fn region(lambda: &syntax::Lambda, name: Option<&FunctionName>, lower: &mut Lower<'_>) -> String {
    let written = Some(lambda.region.clone()).map(|leaf| leaf.filter(|leaf| !leaf.text.is_empty()));
    let own = lower.region(&written.flatten());
    let in_name = name.and_then(FunctionName::region);
    if let (Some(own), Some(in_name), Some(leaf)) = (&own, in_name, &lambda.region)
        && own != in_name
    {
        let message = format!("is not the region in `function_name`, which is `{in_name}`");
        lower.wrong(leaf, message, "remove `region`; the ARN's is used");
    }
    own.or_else(|| in_name.map(str::to_owned)).unwrap_or_else(|| REGION.to_owned())
}

/// One matcher for each domain, with its order; empty when something was reported as wrong.
fn matchers(route: &syntax::Route, name: &str, apart: bool, lower: &mut Lower<'_>) -> Vec<(Matcher, u32)> {
    let path = path(route, name, lower);
    let methods = methods(route, lower);
    let headers = conditions(&route.headers, name, "match.headers", true, lower);
    let query = conditions(&route.query, name, "match.query", false, lower);
    let hosts = lower.hosts(&route.domains);
    let Some(path) = path else { return Vec::new() };
    let order = u32::from(apart && matches!(path, PathMatch::Prefix(_) | PathMatch::PrefixTemplate(_)));
    let matcher = Matcher { methods, headers, query, ..Matcher::path(path) };
    if hosts.is_empty() {
        return vec![(matcher, order)];
    }
    hosts.into_iter().map(|host| (Matcher { host: Some(host), ..matcher.clone() }, order)).collect()
}

fn path(route: &syntax::Route, name: &str, lower: &mut Lower<'_>) -> Option<PathMatch> {
    let prefix = switch(&route.path_prefix, false, lower);
    let Some(leaf) = route.path.as_ref().filter(|path| !path.text.is_empty()) else {
        let span = lower.span_of(&route.path, &route.span);
        lower.report.error(&span, format!("{name}: path is required")).help("add `path: /…`");
        return None;
    };
    if !prefix {
        return match leaf.text.parse::<Template>() {
            Ok(template) => Some(PathMatch::Template(template)),
            Err(error) => {
                let help = "write `/users`, or `/users/{id}` for a parameter";
                lower.wrong(leaf, format!("is not a path: {}", error.reason), help);
                None
            }
        };
    }
    let (reason, help) = match leaf.text.as_str() {
        text if !text.starts_with('/') => ("it must start with `/`", "write `/api`"),
        text if text.contains(['?', '#']) => ("a path has no `?` or `#`", "use `match.query` for the query"),
        text if text.contains('*') => ("a prefix has no patterns", "`/api` matches everything below it"),
        text if text.contains(['{', '}']) => match text.trim_end_matches('/').parse::<Template>() {
            Ok(template) if template.parameters().any(|(_, _, rest)| rest) => {
                ("`{name+}` takes the rest of a path", "write `{name}`")
            }
            Ok(template) => return Some(PathMatch::PrefixTemplate(template)),
            Err(error) => (error.reason, "write `/tenants/{id}`"),
        },
        text => {
            let trimmed = text.trim_end_matches('/');
            return Some(PathMatch::Prefix(if trimmed.is_empty() { "/" } else { trimmed }.to_owned()));
        }
    };
    lower.wrong(leaf, format!("is not the start of a path: {reason}"), help);
    None
}

fn methods(route: &syntax::Route, lower: &mut Lower<'_>) -> Vec<String> {
    let Some((_, leaves)) = &route.methods else { return Vec::new() };
    let mut methods: Vec<String> = Vec::new();
    for leaf in limited(leaves, lower) {
        if !METHODS.contains(&leaf.text.as_str()) {
            let help = format!("methods are `{}`; leave `methods` out for all", METHODS.join("`, `"));
            lower.wrong(leaf, "is not a method", &help);
        } else if !methods.contains(&leaf.text) {
            methods.push(leaf.text.clone());
        }
    }
    methods
}

fn conditions(
    found: &[syntax::Condition],
    route: &str,
    section: &str,
    headers: bool,
    lower: &mut Lower<'_>,
) -> Vec<(String, ValueMatch)> {
    let mut pairs: Vec<(String, ValueMatch)> = Vec::new();
    if let Some(one) = found.get(MAX_CONDITIONS) {
        lower.report.error(&one.span, format!("{route}: {section} has {MAX_CONDITIONS} entries at most"));
    }
    for one in found.iter().take(MAX_CONDITIONS) {
        let name = lower.required(&one.name, &one.span, section, "name");
        let value = condition(one, route, section, lower);
        let (Some(name), Some(value)) = (name, value) else { continue };
        if headers && !values::is_token(&name.text) {
            lower.wrong(name, "is not the name of a header", "letters, digits and `-`");
            continue;
        }
        let text = if headers { name.text.to_ascii_lowercase() } else { name.text.clone() };
        if pairs.iter().any(|(other, _)| *other == text) {
            lower.wrong(name, "stands twice", "remove one of them");
        }
        pairs.push((text, value));
    }
    pairs
}

/// One of `value`, `present` and `regex`, as its `validateMatchConfig` wants it. A pattern there is looked for anywhere
/// in the value (Go's `MatchString`), one of the model takes the whole.
fn condition(
    one: &syntax::Condition,
    route: &str,
    section: &str,
    lower: &mut Lower<'_>,
) -> Option<ValueMatch> {
    let written = |leaf: &Option<Leaf>| leaf.clone().filter(|leaf| !leaf.text.is_empty());
    match (written(&one.value), &one.present, written(&one.regex)) {
        (Some(value), None, None) => Some(ValueMatch::Exact(value.text)),
        (None, present @ Some(_), None) => lower.bool(present).map(ValueMatch::Present),
        (None, None, Some(leaf)) => {
            let text = lower.regex(&leaf)?;
            Some(ValueMatch::Regex(format!("(?s:.*)(?:{text})(?s:.*)")))
        }
        _ => {
            let message =
                format!("{route}: {section} has exactly one of `value`, `present` and `regex` in each entry");
            lower.report.error(&one.span, message).help("add `value: …`, or leave one of them");
            None
        }
    }
}

/// As many as a match may have.
fn limited<'l>(leaves: &'l [Leaf], lower: &mut Lower<'_>) -> &'l [Leaf] {
    if let Some(leaf) = leaves.get(MAX_CONDITIONS) {
        lower.report.error(&leaf.span, format!("a match has {MAX_CONDITIONS} entries at most"));
    }
    &leaves[..leaves.len().min(MAX_CONDITIONS)]
}
