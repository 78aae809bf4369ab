//! Why a route takes a request or does not, for people.
//!
//! The answer itself comes from the router that serves; only the reasons are worked out here, by asking a router of
//! one route about one condition at a time. So this cannot say another route than the one that will answer.

use std::net::SocketAddr;

use http::HeaderMap;
use lambridge_model::{Matcher, Model, PathMatch, Route, Segment, ValueMatch};

use super::{Found, Lookup, Router, segment};

/// A request to ask about.
#[derive(Debug, Clone)]
pub struct Probe {
    /// The listener's address as configured.
    pub listener: SocketAddr,
    /// Perhaps with a port.
    pub host: String,
    /// `GET`.
    pub method: String,
    /// Percent-encoded, without query.
    pub path: String,
    /// Without `?`.
    pub query: String,
    /// The header fields that routes may look at.
    pub headers: HeaderMap,
}

/// What becomes of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The route at this index of the model answers.
    Route(usize),
    /// 405: the path is known under the methods named.
    MethodNotAllowed(String),
    /// 404.
    NoRoute,
}

/// What becomes of a request, and why not the others.
#[derive(Debug, Clone)]
pub struct Explanation {
    /// Who answers.
    pub outcome: Outcome,
    /// Name and value, as sent, of the path's parameters.
    pub parameters: Vec<(String, String)>,
    /// For every other route, by index: why it does not.
    pub others: Vec<(usize, String)>,
}

/// Asks the router of `model` about `probe`.
pub fn explain(model: &Model, probe: &Probe) -> Explanation {
    let lookup = Lookup {
        listener: probe.listener,
        host: &probe.host,
        method: &probe.method,
        path: &probe.path,
        query: &probe.query,
        headers: &probe.headers,
    };
    let (router, _) = Router::new(&model.routes);
    let outcome = match router.find(&lookup) {
        Found::Route(index) => Outcome::Route(index),
        Found::MethodNotAllowed(allow) => Outcome::MethodNotAllowed(allow),
        Found::Nothing => Outcome::NoRoute,
    };
    let winner = match &outcome {
        Outcome::Route(index) => model.routes.get(*index),
        _ => None,
    };
    let others = model.routes.iter().enumerate().filter(|(index, _)| outcome != Outcome::Route(*index));
    let others = others.map(|(index, route)| {
        let reason = mismatch(route, &lookup);
        let reason = reason.or_else(|| winner.map(|winner| beaten(route, winner)));
        (index, reason.unwrap_or_else(|| "it does not match".to_owned()))
    });
    let parameters = winner.map(|route| parameters(route, &probe.path)).unwrap_or_default();
    Explanation { others: others.collect(), outcome, parameters }
}

fn parameters(route: &Route, path: &str) -> Vec<(String, String)> {
    let (PathMatch::Template(template) | PathMatch::PrefixTemplate(template)) = &route.matcher.path else {
        return Vec::new();
    };
    let named = template.parameters();
    named.map(|(name, index, rest)| (name.to_owned(), segment(path, index, rest).to_owned())).collect()
}

/// The first condition that does not hold.
fn mismatch(route: &Route, lookup: &Lookup<'_>) -> Option<String> {
    let everything = || Matcher::path(PathMatch::Prefix("/".to_owned()));
    let holds = |matcher: Matcher| {
        let alone = Route { matcher, listeners: Vec::new(), order: 0, ..route.clone() };
        matches!(Router::new(&[alone]).0.find(lookup), Found::Route(_))
    };
    let matcher = &route.matcher;
    if !route.listeners.is_empty() && !route.listeners.contains(&lookup.listener) {
        return Some(format!("it is not served on {}", lookup.listener));
    }
    if let Some(host) = &matcher.host
        && !holds(Matcher { host: Some(host.clone()), ..everything() })
    {
        return Some(format!("its host is `{host}`"));
    }
    if !holds(Matcher::path(matcher.path.clone())) {
        return Some(match &matcher.path {
            PathMatch::Template(template) => format!("its path is `{template}`"),
            PathMatch::Prefix(prefix) => format!("its path begins with `{prefix}`"),
            PathMatch::PrefixTemplate(prefix) => format!("its path begins with `{prefix}`"),
            PathMatch::Regex(regex) => format!("its path is `{regex}`, a regular expression"),
        });
    }
    if !holds(Matcher { methods: matcher.methods.clone(), ..everything() }) {
        return Some(format!("it takes {}", matcher.methods.join(", ")));
    }
    for (name, value) in &matcher.headers {
        if !holds(Matcher { headers: vec![(name.clone(), value.clone())], ..everything() }) {
            return Some(match value {
                ValueMatch::Exact(value) => format!("it wants the header `{name}: {value}`"),
                ValueMatch::Regex(regex) => {
                    format!("it wants the header `{name}: {regex}`, a regular expression")
                }
                ValueMatch::Present(true) => format!("it wants the header `{name}`"),
                ValueMatch::Present(false) => format!("it wants no header `{name}`"),
            });
        }
    }
    for (name, value) in &matcher.query {
        if !holds(Matcher { query: vec![(name.clone(), value.clone())], ..everything() }) {
            return Some(match value {
                ValueMatch::Exact(value) => format!("it wants the query parameter `{name}={value}`"),
                ValueMatch::Regex(regex) => {
                    format!("it wants the query parameter `{name}={regex}`, a regular expression")
                }
                ValueMatch::Present(true) => format!("it wants the query parameter `{name}`"),
                ValueMatch::Present(false) => format!("it wants no query parameter `{name}`"),
            });
        }
    }
    None
}

/// The rule of precedence by which `winner` comes before `route`, which matches too.
fn beaten(route: &Route, winner: &Route) -> String {
    let (ours, theirs) = (&route.matcher, &winner.matcher);
    let winner_id = format!("`{}`", winner.id);
    let rule = if ours.host != theirs.host {
        format!("its host is less specific than that of {winner_id}")
    } else if route.order != winner.order {
        format!("its `order` is higher than that of {winner_id}")
    } else if !same_path(&ours.path, &theirs.path) {
        format!("its path is less specific than that of {winner_id}")
    } else if ours.methods.is_empty() != theirs.methods.is_empty() {
        format!("it names no method, unlike {winner_id}")
    } else if ours.headers.len() != theirs.headers.len() {
        format!("it asks for fewer headers than {winner_id}")
    } else if ours.query.len() != theirs.query.len() {
        format!("it asks for fewer query parameters than {winner_id}")
    } else {
        format!("it stands later than {winner_id}")
    };
    format!("it matches too, but {rule}")
}

/// The same shape; the names of parameters do not count.
fn same_path(a: &PathMatch, b: &PathMatch) -> bool {
    match (a, b) {
        (PathMatch::Template(a), PathMatch::Template(b))
        | (PathMatch::PrefixTemplate(a), PathMatch::PrefixTemplate(b)) => {
            let same = |pair: (&Segment, &Segment)| match pair {
                (Segment::Literal(a), Segment::Literal(b)) => a == b,
                (Segment::Param { kind: a, .. }, Segment::Param { kind: b, .. }) => a == b,
                _ => false,
            };
            a.segments().len() == b.segments().len() && a.segments().iter().zip(b.segments()).all(same)
        }
        _ => a == b,
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderName, HeaderValue};
    use lambridge_model::{Matcher, Model, PathMatch, Route, StaticAnswer, Target};

    use super::{Outcome, Probe, explain};

    fn route(id: &str, path: &str) -> Route {
        let path = match path.strip_suffix('*') {
            Some(prefix) => PathMatch::Prefix(prefix.to_owned()),
            None => PathMatch::Template(path.parse().unwrap()),
        };
        let target = Target::Static(StaticAnswer { status: 200, headers: Vec::new(), body: Vec::new() });
        Route { id: id.to_owned(), ..Route::new(Matcher::path(path), target) }
    }

    fn with(mut route: Route, change: impl FnOnce(&mut Route)) -> Route {
        change(&mut route);
        route
    }

    #[test]
    fn every_reason() {
        let routes = vec![
            route("winner", "/users/{id}"),
            with(route("host", "/users/{id}"), |r| r.matcher.host = Some("api.example.com".into())),
            route("path", "/users"),
            with(route("method", "/users/{id}"), |r| r.matcher.methods = vec!["POST".into()]),
            with(route("header", "/users/{id}"), |r| r.matcher.headers = vec![("x-a".into(), "2".into())]),
            with(route("query", "/users/{id}"), |r| r.matcher.query = vec![("q".into(), "2".into())]),
            with(route("listener", "/users/{id}"), |r| r.listeners = vec![([127, 0, 0, 1], 9).into()]),
            route("prefix", "/users*"),
            route("later", "/users/{name}"),
            with(route("order", "/users/me"), |r| r.order = 1),
        ];
        let model = Model { routes, ..Model::default() };
        let mut headers = HeaderMap::new();
        headers.insert(HeaderName::from_static("x-a"), HeaderValue::from_static("1"));
        let probe = Probe {
            listener: ([127, 0, 0, 1], 8080).into(),
            host: "localhost:8080".into(),
            method: "GET".into(),
            path: "/users/me".into(),
            query: "q=1".into(),
            headers,
        };
        let found = explain(&model, &probe);
        assert_eq!(found.outcome, Outcome::Route(0));
        assert_eq!(found.parameters, [("id".to_owned(), "me".to_owned())]);
        let reasons: Vec<(&str, &str)> =
            found.others.iter().map(|(index, reason)| (&*model.routes[*index].id, &**reason)).collect();
        assert_eq!(
            reasons,
            [
                ("host", "its host is `api.example.com`"),
                ("path", "its path is `/users`"),
                ("method", "it takes POST"),
                ("header", "it wants the header `x-a: 2`"),
                ("query", "it wants the query parameter `q=2`"),
                ("listener", "it is not served on 127.0.0.1:8080"),
                ("prefix", "it matches too, but its path is less specific than that of `winner`"),
                ("later", "it matches too, but it stands later than `winner`"),
                ("order", "it matches too, but its `order` is higher than that of `winner`"),
            ]
        );
        let wrong_method = Probe { method: "PUT".into(), ..probe.clone() };
        let only = Model { routes: vec![model.routes[3].clone()], ..Model::default() };
        assert_eq!(explain(&only, &wrong_method).outcome, Outcome::MethodNotAllowed("POST".into()));
        let nowhere = Probe { path: "/x".into(), ..probe };
        assert_eq!(explain(&only, &nowhere).outcome, Outcome::NoRoute);
    }
}
