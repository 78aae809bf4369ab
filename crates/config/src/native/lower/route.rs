//! `routes[]`.

use lambridge_model::{
    FunctionFrom, Matcher, NameSource, PathMatch, Policies, Rewrite, Route, ScriptSource, Scripts, Segment,
    StaticAnswer, Target, Template, ValueMatch, Weighted,
};

use super::{ERRORS, canary, policies};
use crate::leaf::Lower;
use crate::merge::{PartRoute, Reference};
use crate::native::syntax;
use crate::reader::Leaf;
use crate::values;

/// Functions in one weighted set.
const MAX_TARGETS: usize = 256;
/// Methods, headers or parameters in one match.
const MAX_PAIRS: usize = 64;
/// Headers that the server writes itself.
const OWN_HEADERS: [&str; 5] = ["content-length", "transfer-encoding", "connection", "date", "keep-alive"];

pub fn lower(route: &syntax::Route, lower: &mut Lower<'_>) -> PartRoute {
    let matcher = match &route.matcher {
        Some(matcher) => matcher_of(matcher, lower),
        None => {
            lower
                .report
                .error(&route.span, "`match` is missing in this route")
                .help("add `match: { path_prefix: / }` to match every request");
            None
        }
    };
    let matched = matcher.as_ref().map(|matcher| &matcher.path);
    let (target, functions) = target(route, matched, lower);
    let policies = policies::policies(&route.policies, matched, lower);
    useless(route, &policies, lower);
    let listeners = listeners(route, lower);
    let errors = lower.word(&route.errors, "routes[].errors", &ERRORS).unwrap_or_default();
    let order = lower.number(&route.order, 0..=1_000_000).and_then(|order| u32::try_from(order).ok());
    let scripts = route.scripts.as_ref().and_then(|scripts| scripts_of(scripts, lower));
    let id = route.id.as_ref().and_then(|leaf| lower.not_empty(leaf).map(|text| (text, leaf.span.clone())));
    let canary = canary::lower(route, target.as_ref(), lower);
    let route_of = |matcher: Matcher, target: Target| Route {
        listeners: listeners.iter().map(|(address, _)| *address).collect(),
        canary: canary.clone(),
        errors,
        order: order.unwrap_or_default(),
        scripts: scripts.clone(),
        policies: policies.clone(),
        origin: route.span.origin(),
        ..Route::new(matcher, target)
    };
    PartRoute {
        route: matcher.zip(target).map(|(matcher, target)| route_of(matcher, target)),
        id,
        span: route.span.clone(),
        functions,
        listeners,
    }
}

/// Changes of a request that no target sees.
fn useless(route: &syntax::Route, policies: &Policies, lower: &mut Lower<'_>) {
    let target = match (&route.redirect, &route.answer) {
        (Some(_), _) => "redirect",
        (None, Some(_)) => "static",
        (None, None) => return,
    };
    let changes = policies.rewrite != Rewrite::default() || !policies.request_headers.is_empty();
    if let Some(scripts) = &route.scripts {
        let message = format!("`scripts` have nothing to do beside `{target}`");
        lower.report.error(&scripts.span, message).help("remove them");
    }
    if changes {
        lower
            .report
            .error(&route.span, format!("changes of the request have nothing to do beside `{target}`"))
            .help("remove `rewrite` and `request_headers`");
    }
}

fn matcher_of(matcher: &syntax::Match, lower: &mut Lower<'_>) -> Option<Matcher> {
    let host = matcher.host.as_ref().and_then(|leaf| host(leaf, lower));
    let path = path(matcher, lower);
    let methods = methods(matcher, lower);
    let mut headers: Vec<(String, ValueMatch)> = Vec::new();
    for list in [&matcher.headers, &matcher.query] {
        if let Some((name, _)) = list.get(MAX_PAIRS) {
            lower
                .report
                .error(&name.span, format!("a route matches {MAX_PAIRS} headers or parameters at most"));
        }
    }
    for (name, value) in matcher.headers.iter().take(MAX_PAIRS) {
        let lowered = name.text.to_ascii_lowercase();
        if !values::is_token(&name.text) {
            lower.wrong(name, "is not the name of a header", "letters, digits and `-`");
        } else if headers.iter().any(|(other, _)| *other == lowered) {
            lower.wrong(name, "stands twice", "header names do not tell upper from lower case; remove one");
        }
        headers.extend(condition(value, lower).map(|value| (lowered, value)));
    }
    let mut query = Vec::new();
    for (name, value) in matcher.query.iter().take(MAX_PAIRS) {
        query.extend(condition(value, lower).map(|value| (name.text.clone(), value)));
    }
    Some(Matcher { host, path: path?, methods, headers, query })
}

fn condition(condition: &syntax::Condition, lower: &mut Lower<'_>) -> Option<ValueMatch> {
    match condition {
        syntax::Condition::Exact(leaf) => Some(ValueMatch::Exact(leaf.text.clone())),
        syntax::Condition::Map { regex: Some(leaf), present: None, .. } => {
            lower.regex(leaf).map(ValueMatch::Regex)
        }
        syntax::Condition::Map { regex: None, present, .. } if present.is_some() => {
            lower.bool(present).map(ValueMatch::Present)
        }
        syntax::Condition::Map { span, .. } => {
            lower
                .report
                .error(span, "a value is matched by one of `regex` and `present`")
                .help("write `NAME: value` for an exact value");
            None
        }
    }
}

fn host(leaf: &Leaf, lower: &mut Lower<'_>) -> Option<String> {
    match values::host(&leaf.text) {
        Ok((host, port)) => {
            if port {
                lower
                    .report
                    .warning(&leaf.span, format!("the port in {} is ignored", leaf.shown))
                    .help("a host matches whatever its port; `listeners` ties a route to an address");
            }
            Some(host)
        }
        Err(reason) => {
            let help = match leaf.text.as_str() {
                "*" | "" => "leave `host` out to match every host",
                _ => "write `api.example.com` or `*.example.com`",
            };
            lower.wrong(leaf, format!("is not a host: {reason}"), help);
            None
        }
    }
}

fn path(matcher: &syntax::Match, lower: &mut Lower<'_>) -> Option<PathMatch> {
    let kinds =
        [("path", &matcher.path), ("path_prefix", &matcher.path_prefix), ("path_regex", &matcher.path_regex)];
    let mut found = kinds.iter().filter_map(|(name, leaf)| leaf.as_ref().map(|leaf| (*name, leaf)));
    let Some((name, leaf)) = found.next() else {
        if matcher.has_path {
            return None;
        }
        lower
            .report
            .error(&matcher.span, "`match` has no path")
            .help("add `path`, `path_prefix` or `path_regex`; `path_prefix: /` matches every path");
        return None;
    };
    let others: Vec<_> = found.collect();
    for (other, leaf) in &others {
        lower
            .report
            .error(&leaf.span, format!("`{name}` and `{other}` exclude each other"))
            .help("keep one of them, or write two routes");
    }
    if !others.is_empty() {
        return None;
    }
    match name {
        "path" => match leaf.text.parse::<Template>() {
            Ok(template) => Some(PathMatch::Template(template)),
            Err(error) => {
                let help = "write `/users`, `/users/{id}` or `/files/{rest+}`";
                lower.wrong(leaf, format!("is not a path template: {}", error.reason), help);
                None
            }
        },
        "path_prefix" => prefix(leaf, lower),
        _ => lower.path_regex(leaf),
    }
}

fn prefix(leaf: &Leaf, lower: &mut Lower<'_>) -> Option<PathMatch> {
    let (reason, help) = match leaf.text.as_str() {
        text if !text.starts_with('/') => {
            ("it must start with `/`", "write `/api`; it matches `/api` and `/api/…`")
        }
        text if text.contains(['?', '#']) => {
            ("a path has no `?` or `#`", "match the query with `query: { name: value }`")
        }
        text if text.contains('*') => {
            ("a prefix has no patterns", "`/api` matches everything below it; `{name}` is a parameter")
        }
        text if text.contains(['{', '}']) => match text.trim_end_matches('/').parse::<Template>() {
            Ok(template) if template.parameters().any(|(_, _, rest)| rest) => {
                ("`{name+}` takes the rest of a path", "use `path` in place of `path_prefix`")
            }
            Ok(template) => return Some(PathMatch::PrefixTemplate(template)),
            Err(error) => (error.reason, "write `/tenants/{id}`"),
        },
        text => {
            let trimmed = text.trim_end_matches('/');
            return Some(PathMatch::Prefix(if trimmed.is_empty() { "/" } else { trimmed }.to_owned()));
        }
    };
    lower.wrong(leaf, format!("is not a path prefix: {reason}"), help);
    None
}

fn methods(matcher: &syntax::Match, lower: &mut Lower<'_>) -> Vec<String> {
    let Some((span, methods)) = &matcher.methods else { return Vec::new() };
    if methods.is_empty() {
        lower.report.error(span, "`methods` is empty").help("leave it out to match every method");
    }
    let mut out: Vec<String> = Vec::new();
    if let Some(leaf) = methods.get(MAX_PAIRS) {
        lower.report.error(&leaf.span, format!("a route matches {MAX_PAIRS} methods at most"));
    }
    for leaf in methods.iter().take(MAX_PAIRS) {
        let method = leaf.text.to_ascii_uppercase();
        if !values::is_token(&method) {
            lower.wrong(leaf, "is not a method", "write `GET`, `POST`, …; leave `methods` out to match all");
        } else if method == "*" || method == "ANY" || method == "ALL" {
            lower.wrong(leaf, "is not a method", "leave `methods` out to match all");
        } else if out.contains(&method) {
            lower.wrong(leaf, "stands twice", "remove one of them");
        } else {
            out.push(method);
        }
    }
    out
}

/// The target, and the functions it names with their places: whether they exist is known when all files are read.
fn target(
    route: &syntax::Route,
    matched: Option<&PathMatch>,
    lower: &mut Lower<'_>,
) -> (Option<Target>, Vec<Reference>) {
    let mut found = Vec::new();
    if let Some(leaf) = &route.function {
        found.push(("function", &leaf.span));
    }
    if let Some((span, _)) = &route.functions {
        found.push(("functions", span));
    }
    if let Some(answer) = &route.answer {
        found.push(("static", &answer.span));
    }
    if let Some(upstream) = &route.upstream {
        found.push(("upstream", &upstream.span));
    }
    if let Some(redirect) = &route.redirect {
        found.push(("redirect", &redirect.span));
    }
    if let Some(from) = &route.function_from {
        found.push(("function_from", &from.span));
    }
    match found.as_slice() {
        [] if route.has_target => return (None, Vec::new()),
        [] => {
            lower
                .report
                .error(&route.span, "this route goes nowhere")
                .help("add `function`, `functions`, `function_from`, `upstream`, `redirect` or `static`");
        }
        [_] => {}
        [(first, _), rest @ ..] => {
            for (other, span) in rest {
                lower
                    .report
                    .error(span, format!("`{first}` and `{other}` exclude each other"))
                    .help("a route has one target");
            }
        }
    }
    if let Some(leaf) = &route.function {
        let one = Weighted { function: leaf.text.clone(), weight: 1 };
        return (Some(Target::Functions(vec![one])), vec![reference(leaf)]);
    }
    if let Some((span, set)) = &route.functions {
        return weighted(set, span, lower);
    }
    if let Some(from) = &route.function_from {
        return function_from(route, from, lower);
    }
    if let Some(upstream) = &route.upstream {
        return (policies::upstream(upstream, lower).map(Target::Upstream), Vec::new());
    }
    if let Some(redirect) = &route.redirect {
        return (Some(Target::Redirect(policies::redirect(redirect, matched, lower))), Vec::new());
    }
    let answer = route.answer.as_ref().map(|answer| Target::Static(static_answer(answer, lower)));
    (answer, Vec::new())
}

fn weighted(
    set: &[syntax::Weighted],
    span: &crate::document::Span,
    lower: &mut Lower<'_>,
) -> (Option<Target>, Vec<Reference>) {
    if set.is_empty() {
        lower
            .report
            .error(span, "`functions` is empty")
            .help("add `{ name: KEY, weight: 1 }` for each function");
    }
    if set.len() > MAX_TARGETS {
        lower.report.error(span, format!("`functions` has more than {MAX_TARGETS} entries"));
    }
    let mut targets: Vec<Weighted> = Vec::new();
    let mut references = Vec::new();
    for one in set.iter().take(MAX_TARGETS) {
        let Some(leaf) = lower.required(&one.name, &one.span, "functions", "name") else { continue };
        let weight = lower.number(&one.weight, 0..=1_000_000).and_then(|weight| u32::try_from(weight).ok());
        if targets.iter().any(|target| target.function == leaf.text) {
            lower.wrong(leaf, "stands twice in this set", "add up the weights");
        }
        references.push(reference(leaf));
        targets.push(Weighted { function: leaf.text.clone(), weight: weight.unwrap_or(1) });
    }
    if !targets.is_empty() && targets.iter().all(|target| target.weight == 0) {
        lower
            .report
            .warning(span, "every weight is 0: requests get 503 `no_target`")
            .help("give one function a weight above 0");
    }
    (Some(Target::Functions(targets)), references)
}

/// A name from the request, and which names may be called.
fn function_from(
    route: &syntax::Route,
    from: &syntax::FunctionFrom,
    lower: &mut Lower<'_>,
) -> (Option<Target>, Vec<Reference>) {
    let sources = [("path", &from.path), ("header", &from.header), ("query", &from.query)];
    let mut written = sources.iter().filter_map(|(name, leaf)| leaf.as_ref().map(|leaf| (*name, leaf)));
    let source = written.next();
    match (source, written.next()) {
        (None, _) => {
            lower
                .report
                .error(&from.span, "`function_from` does not say where the name stands")
                .help("add `path`, `header` or `query`");
        }
        (Some((first, _)), Some((other, leaf))) => {
            lower
                .report
                .error(&leaf.span, format!("`{first}` and `{other}` exclude each other"))
                .help("the name stands in one place");
        }
        _ => {}
    }
    let source = source.and_then(|(kind, leaf)| name_source(route, kind, leaf, lower));
    let allow: Vec<String> =
        from.allow.iter().flat_map(|(_, leaves)| leaves).map(|leaf| leaf.text.clone()).collect();
    if allow.is_empty() {
        let span = from.allow.as_ref().map_or(&from.span, |(span, _)| span);
        lower
            .report
            .error(span, "`allow` names no function")
            .help("list the names that clients may call; `shop-*` allows those that begin so, `*` all");
    }
    let leaf = lower.required(&from.function, &from.span, "function_from", "function");
    let references = leaf.iter().map(|leaf| reference(leaf)).collect();
    let target = source.zip(leaf).map(|(source, leaf)| {
        Target::FunctionFrom(FunctionFrom { function: leaf.text.clone(), source, allow })
    });
    (target, references)
}

fn name_source(route: &syntax::Route, kind: &str, leaf: &Leaf, lower: &mut Lower<'_>) -> Option<NameSource> {
    match kind {
        "path" => {
            let template: Option<Template> =
                route.matcher.as_ref().and_then(|matcher| matcher.path.as_ref()?.text.parse().ok());
            let known =
                |segment: &Segment| matches!(segment, Segment::Param { name, .. } if *name == leaf.text);
            let is_known = template.is_some_and(|template| template.segments().iter().any(known));
            if !is_known && route.scripts.is_none() {
                let message =
                    format!("{} is no parameter of the path: no request names a function", leaf.shown);
                let help = format!("write the path with `{{{}}}` in it", leaf.text);
                lower.report.warning(&leaf.span, message).help(help);
            }
            Some(NameSource::Path(leaf.text.clone()))
        }
        "header" => {
            if !values::is_token(&leaf.text) {
                lower.wrong(leaf, "is not the name of a header", "letters, digits and `-`");
            }
            Some(NameSource::Header(leaf.text.to_ascii_lowercase()))
        }
        _ => lower.not_empty(leaf).map(NameSource::Query),
    }
}

fn scripts_of(scripts: &syntax::Scripts, lower: &mut Lower<'_>) -> Option<Scripts> {
    let mut sources = Vec::new();
    for (span, name, text) in &scripts.sources {
        let name = lower.required(name, span, "sources", "name");
        let text = lower.required(text, span, "sources", "text");
        if let (Some(name), Some(text)) = (name, text) {
            sources.push(ScriptSource { name: name.text.clone(), text: text.text.clone() });
        }
    }
    let code = |leaf: &Option<Leaf>| leaf.as_ref().map(|leaf| leaf.text.clone());
    let (pre, post) = (code(&scripts.pre), code(&scripts.post));
    if pre.is_none() && post.is_none() && sources.is_empty() {
        lower.report.error(&scripts.span, "`scripts` has no code").help("add `pre`, `post` or `sources`");
        return None;
    }
    let open_libs = lower.bool(&scripts.open_libs).unwrap_or_default();
    Some(Scripts { sources, pre, post, open_libs, origin: scripts.span.origin() })
}

fn static_answer(answer: &syntax::Static, lower: &mut Lower<'_>) -> StaticAnswer {
    let status = lower.number(&answer.status, 200..=599).and_then(|status| u16::try_from(status).ok());
    let status = status.unwrap_or(200);
    if let Some(body) =
        answer.body.as_ref().filter(|body| !body.text.is_empty() && matches!(status, 204 | 205 | 304))
    {
        lower
            .report
            .error(&body.span, format!("an answer with status {status} has no body"))
            .help("remove `body`, or choose another status");
    }
    let mut headers = Vec::new();
    for (name, values) in &answer.headers {
        let lowered = name.text.to_ascii_lowercase();
        if !values::is_token(&name.text) {
            lower.wrong(name, "is not the name of a header", "letters, digits and `-`");
        } else if OWN_HEADERS.contains(&lowered.as_str()) {
            lower.wrong(name, "is written by the server itself", "remove it");
        }
        for value in values {
            if !values::is_field_value(&value.text) {
                let help = "no control characters, and no blanks at its ends";
                lower.wrong(value, "is not the value of a header", help);
            }
            headers.push((lowered.clone(), value.text.clone()));
        }
    }
    let body = answer.body.as_ref().map(|leaf| leaf.text.clone().into_bytes()).unwrap_or_default();
    StaticAnswer { status, headers, body }
}

fn listeners(
    route: &syntax::Route,
    lower: &mut Lower<'_>,
) -> Vec<(std::net::SocketAddr, crate::document::Span)> {
    let Some((span, leaves)) = &route.listeners else { return Vec::new() };
    if leaves.is_empty() {
        lower
            .report
            .error(span, "`listeners` is empty")
            .help("leave it out to serve the route on every listener");
    }
    leaves.iter().filter_map(|leaf| Some((lower.address(leaf)?, leaf.span.clone()))).collect()
}

fn reference(leaf: &Leaf) -> Reference {
    Reference { key: leaf.text.clone(), shown: leaf.shown.clone(), span: leaf.span.clone() }
}
