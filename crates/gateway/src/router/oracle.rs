//! The router against a naive one: sort every route by the stated precedence, try each.

use std::cmp::Reverse;
use std::net::SocketAddr;

use http::{HeaderMap, HeaderName, HeaderValue};
use lambridge_model::{Matcher, ParamKind, PathMatch, Route, Segment, StaticAnswer, Target, ValueMatch};
use proptest::prelude::*;

use super::{Found, Lookup, Router};

fn listener(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

fn route(id: usize, host: Option<&str>, path: PathMatch) -> Route {
    let matcher = Matcher { host: host.map(str::to_owned), ..Matcher::path(path) };
    let target = Target::Static(StaticAnswer { status: 200, headers: vec![], body: vec![] });
    Route { id: format!("r{id}"), ..Route::new(matcher, target) }
}

fn template(text: &str) -> PathMatch {
    PathMatch::Template(text.parse().expect("a template"))
}

/// Rank of the path, smaller is better: kind, then a key per segment.
fn path_rank(path: &PathMatch) -> (u8, Vec<u8>) {
    match path {
        PathMatch::Template(t) if t.is_exact() => (0, vec![]),
        PathMatch::Template(t) => {
            let ranks = t.segments().iter().map(|segment| match segment {
                Segment::Literal(_) => 0,
                Segment::Param { kind: ParamKind::One, .. } => 1,
                Segment::Param { kind: ParamKind::Rest, .. } => 2,
            });
            (1, ranks.collect())
        }
        PathMatch::Prefix(p) => {
            let literals = p.split('/').filter(|s| !s.is_empty()).map(|_| 0);
            (1, literals.chain([3]).collect())
        }
        PathMatch::PrefixTemplate(t) => {
            let one = |segment: &Segment| u8::from(!matches!(segment, Segment::Literal(_)));
            (1, t.segments().iter().map(one).chain([3]).collect())
        }
        PathMatch::Regex(_) => (2, vec![]),
    }
}

fn path_matches(path: &PathMatch, sent: &str) -> bool {
    let segments: Vec<&str> = sent[1..].split('/').collect();
    match path {
        PathMatch::Template(t) => {
            let mut at = 0;
            for segment in t.segments() {
                match segment {
                    Segment::Literal(text) if segments.get(at) == Some(&text.as_str()) => at += 1,
                    Segment::Param { kind: ParamKind::One, .. }
                        if segments.get(at).is_some_and(|s| !s.is_empty()) =>
                    {
                        at += 1;
                    }
                    Segment::Param { kind: ParamKind::Rest, .. } => {
                        return segments.get(at..).is_some_and(|rest| !rest.is_empty() && rest != [""]);
                    }
                    _ => return false,
                }
            }
            at == segments.len()
        }
        PathMatch::Prefix(p) => p == "/" || sent == p || sent.starts_with(&format!("{p}/")),
        PathMatch::PrefixTemplate(t) => {
            let one = |(at, segment): (usize, &Segment)| match segment {
                Segment::Literal(text) => segments.get(at) == Some(&text.as_str()),
                Segment::Param { .. } => segments.get(at).is_some_and(|s| !s.is_empty()),
            };
            t.segments().iter().enumerate().all(one)
        }
        PathMatch::Regex(r) => regex::Regex::new(&format!("^(?:{r})$")).expect("a regex").is_match(sent),
    }
}

fn host_rank(host: Option<&str>) -> (u8, Reverse<usize>) {
    match host {
        Some(host) if host.starts_with('*') => (1, Reverse(host.len())),
        Some(_) => (0, Reverse(0)),
        None => (2, Reverse(0)),
    }
}

fn host_matches(host: Option<&str>, sent: &str) -> bool {
    match host {
        None => true,
        Some(host) => match host.strip_prefix('*') {
            Some(suffix) => sent.ends_with(suffix) && sent.len() > suffix.len(),
            None => host == sent,
        },
    }
}

fn value_matches(value: &ValueMatch, sent: Option<&str>) -> bool {
    match value {
        ValueMatch::Exact(text) => sent == Some(text),
        ValueMatch::Regex(r) => {
            sent.is_some_and(|sent| regex::Regex::new(&format!("^(?:{r})$")).expect("a regex").is_match(sent))
        }
        ValueMatch::Present(present) => sent.is_some() == *present,
    }
}

fn naive(routes: &[Route], lookup: &Lookup<'_>) -> Found {
    let mut order: Vec<usize> = (0..routes.len()).collect();
    order.sort_by_key(|&i| {
        let m = &routes[i].matcher;
        let conditions = (m.methods.is_empty(), Reverse(m.headers.len()), Reverse(m.query.len()), i);
        (host_rank(m.host.as_deref()), routes[i].order, path_rank(&m.path), conditions)
    });
    let on_path: Vec<usize> = order
        .into_iter()
        .filter(|&i| {
            let r = &routes[i];
            host_matches(r.matcher.host.as_deref(), lookup.host)
                && path_matches(&r.matcher.path, lookup.path)
                && (r.listeners.is_empty() || r.listeners.contains(&lookup.listener))
        })
        .collect();
    let takes = |i: usize| {
        let methods = &routes[i].matcher.methods;
        methods.is_empty() || methods.iter().any(|m| m == lookup.method)
    };
    for &i in &on_path {
        let m = &routes[i].matcher;
        let headers = m.headers.iter().all(|(k, v)| value_matches(v, lookup.headers.get(k).map(|_| "1")));
        let query = m.query.iter().all(|(k, v)| {
            value_matches(v, lookup.query.split('&').any(|pair| pair == format!("{k}=1")).then_some("1"))
        });
        if takes(i) && headers && query {
            return Found::Route(i);
        }
    }
    if on_path.is_empty() || on_path.iter().any(|&i| takes(i)) {
        return Found::Nothing;
    }
    let mut allowed: Vec<&str> =
        on_path.iter().flat_map(|&i| routes[i].matcher.methods.iter().map(String::as_str)).collect();
    allowed.sort_unstable();
    allowed.dedup();
    Found::MethodNotAllowed(allowed.join(", "))
}

fn any_path() -> impl Strategy<Value = PathMatch> {
    prop_oneof![
        prop::sample::select(vec![
            "/",
            "/a",
            "/a/",
            "/a/b",
            "/{x}",
            "/a/{x}",
            "/{x}/b",
            "/{x}/{y}",
            "/{x+}",
            "/a/{x+}",
            "/{x}/b/{y+}",
            "/a/b/c",
            "/a/{x}/c",
            "/a/{x}/",
        ])
        .prop_map(template),
        prop::sample::select(vec!["/", "/a", "/a/b", "/b", "/a/b/c"])
            .prop_map(|p| PathMatch::Prefix(p.into())),
        prop::sample::select(vec!["/{x}", "/a/{x}", "/{x}/b"])
            .prop_map(|p| PathMatch::PrefixTemplate(p.parse().expect("a template"))),
        prop::sample::select(vec!["/a.*", "/[ab]", "/a/b|/b", "/.*/c"])
            .prop_map(|p| PathMatch::Regex(p.into())),
    ]
}

fn any_value() -> impl Strategy<Value = ValueMatch> {
    prop::sample::select(vec![
        "1".into(),
        "1".into(),
        "2".into(),
        ValueMatch::Regex("[12]".into()),
        ValueMatch::Regex("1|".into()),
        ValueMatch::Present(true),
        ValueMatch::Present(false),
    ])
}

fn any_route() -> impl Strategy<Value = Route> {
    let hosts = vec![None, Some("a.example.com"), Some("*.example.com"), Some("*.com"), Some("b.org")];
    (
        prop::sample::select(hosts),
        any_path(),
        prop::sample::subsequence(vec!["GET", "POST"], 0..=2),
        prop::sample::subsequence(vec!["x-a", "x-b"], 0..=2),
        prop::sample::subsequence(vec!["q", "r"], 0..=2),
        any_value(),
        prop::sample::subsequence(vec![1_u16, 2], 0..=1),
        prop::sample::select(vec![0_u32, 0, 0, 1, 2]),
    )
        .prop_map(|(host, path, methods, headers, query, value, ports, order)| {
            let mut made = route(0, host, path);
            made.matcher.methods = methods.into_iter().map(str::to_owned).collect();
            made.matcher.headers = headers.into_iter().map(|k| (k.to_owned(), value.clone())).collect();
            made.matcher.query = query.into_iter().map(|k| (k.to_owned(), value.clone())).collect();
            made.order = order;
            made.listeners = ports.into_iter().map(listener).collect();
            made
        })
}

proptest! {
    #[test]
    fn agrees_with_the_naive_router(
        routes in prop::collection::vec(any_route(), 0..14),
        host in prop::sample::select(vec!["a.example.com", "x.y.example.com", "example.com", "b.org", "c.net"]),
        path in "(/(a|b|c|d)?){1,4}",
        method in prop::sample::select(vec!["GET", "POST", "PUT"]),
        headers in prop::sample::subsequence(vec!["x-a", "x-b"], 0..=2),
        query in prop::sample::subsequence(vec!["q=1", "r=1"], 0..=2),
        port in 1_u16..=2,
    ) {
        let map: HeaderMap =
            headers.iter().map(|k| (HeaderName::from_static(k), HeaderValue::from_static("1"))).collect();
        let query = query.join("&");
        let lookup =
            Lookup { listener: listener(port), host, method, path: &path, query: &query, headers: &map };
        let (router, problems) = Router::new(&routes);
        prop_assert!(problems.is_empty());
        let found = router.find(&lookup);
        prop_assert_eq!(&found, &naive(&routes, &lookup));
        // In the order that operators are shown, the first that takes the request is the one that does.
        let takes = |index: &usize| {
            let (alone, _) = Router::new(&routes[*index..=*index]);
            alone.find(&lookup) == Found::Route(0)
        };
        let first = super::effective(&routes).into_iter().find(takes);
        prop_assert_eq!(first, if let Found::Route(index) = found { Some(index) } else { None });
    }
}

#[test]
fn precedence_by_example() {
    let routes = [
        route(0, None, PathMatch::Prefix("/".into())),
        route(1, None, PathMatch::Regex("/users/[0-9]+".into())),
        route(2, None, template("/users/{id}")),
        route(3, None, template("/users/{rest+}")),
        route(4, None, PathMatch::Prefix("/users".into())),
        route(5, None, template("/users/me")),
        route(6, Some("*.example.com"), PathMatch::Prefix("/".into())),
        route(7, Some("api.example.com"), PathMatch::Regex("/special.*".into())),
    ];
    let (router, problems) = Router::new(&routes);
    assert_eq!(problems, []);
    let check = |host: &str, path: &str, expect: usize| {
        let headers = HeaderMap::new();
        let lookup =
            Lookup { listener: listener(1), host, method: "GET", path, query: "", headers: &headers };
        assert_eq!(router.find(&lookup), Found::Route(expect), "{host}{path}");
    };
    check("x.org", "/users/me", 5);
    check("x.org", "/users/%6De", 5);
    check("x.org", "/users/1", 2);
    check("x.org", "/users/a%2Fb", 2);
    check("x.org", "/users/1/2", 3);
    check("x.org", "/users", 4);
    check("x.org", "/users/", 4);
    check("x.org", "/usersx", 0);
    check("x.org", "/", 0);
    check("API.example.com:8080", "/special/x", 7);
    check("api.example.com", "/users/me", 6);
    check("a.b.example.com", "/users/me", 6);
    check("example.com", "/users/me", 5);
}

#[test]
fn odd_targets_have_no_route() {
    let (router, _) = Router::new(&[route(0, None, PathMatch::Prefix("/".into()))]);
    for path in ["*", "", "a/b"] {
        let headers = HeaderMap::new();
        let lookup =
            Lookup { listener: listener(1), host: "", method: "OPTIONS", path, query: "", headers: &headers };
        assert_eq!(router.find(&lookup), Found::Nothing, "{path}");
    }
}

#[test]
fn a_bad_regex_is_a_problem_and_an_anchor_is_not_escaped() {
    let (_, problems) = Router::new(&[route(0, None, PathMatch::Regex("(".into()))]);
    assert_eq!(problems.len(), 1);
    assert!(problems[0].message.contains("`(`"), "{}", problems[0].message);
    let (_, problems) = Router::new(&[route(0, None, PathMatch::Regex("a)|(?:b".into()))]);
    assert_eq!(problems.len(), 1, "a pattern cannot close the anchoring group");
}

/// What a lookup costs among many routes; run it alone, optimised: `cargo test --release -p lambridge-gateway --lib -- --ignored
/// --nocapture routes_cost`.
#[test]
#[ignore = "a measurement"]
fn routes_cost() {
    let router = |count: usize| {
        let route = |at: usize| {
            let path = match at % 4 {
                0 => template(&format!("/exact/{at}")),
                1 => template(&format!("/users{at}/{{id}}/files/{{rest+}}")),
                2 => PathMatch::Prefix(format!("/prefix/{at}")),
                _ => template(&format!("/a/{{x}}/b{at}/{{y}}")),
            };
            route(at, at.is_multiple_of(8).then_some("api.example.com"), path)
        };
        Router::new(&(0..count).map(route).collect::<Vec<_>>()).0
    };
    let paths = ["/exact/4", "/users5/7/files/a/b", "/prefix/6/x/y", "/a/1/b7/2", "/nowhere/at/all"];
    let headers = HeaderMap::new();
    let time = |router: &Router| {
        let rounds = 200_000;
        let began = std::time::Instant::now();
        for round in 0..rounds {
            let path = paths[round % paths.len()];
            let lookup = Lookup {
                listener: listener(1),
                host: "api.example.com",
                method: "GET",
                path,
                query: "",
                headers: &headers,
            };
            std::hint::black_box(router.find(std::hint::black_box(&lookup)));
        }
        began.elapsed().as_nanos() as f64 / rounds as f64
    };
    let (few, many) = (router(10), router(10_000));
    // The best of several: what others do on the machine only adds.
    let best = |router: &Router| (0..7).map(|_| time(router)).fold(f64::INFINITY, f64::min);
    let (few, many) = (best(&few), best(&many));
    eprintln!("a lookup among 10 routes {few:.0} ns, among 10,000 {many:.0} ns: {:.2} times", many / few);
}
