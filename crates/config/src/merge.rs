//! Several files, one model.
//!
//! A dialect makes a [`Part`] of each file. Here parts are joined: listeners with the same address are one; an id or a
//! key that stands twice is an error that names both places; settings of the whole process may stand in several files
//! only if they agree. What one file says about another (a route to a function elsewhere) is checked here too.

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::path::PathBuf;

use lambridge_model::{
    Admin, Cidr, ConnectionSettings, Drain, EmulatorSettings, Errors, Function, Http2, Limits, Listener, Log,
    Matcher, Model, Otlp, PathMatch, Route, Segment, Target, Template, TraceSettings, ValueMatch,
};

use crate::document::Span;
use crate::report::{Report, quoted};
use crate::suggest::nearest;

/// Addresses to serve on.
const MAX_LISTENERS: usize = 1000;

/// What one file adds. Settings are lists only because a file may hold several documents.
#[derive(Debug, Default)]
pub struct Part {
    pub listeners: Vec<(Listener, Span)>,
    pub functions: Vec<PartFunction>,
    pub routes: Vec<PartRoute>,
    pub admin: Vec<(Admin, Span)>,
    /// The admin address where no file writes one.
    pub admin_default: Option<(Admin, Span)>,
    pub limits: Vec<(Limits, Span)>,
    pub drain: Vec<(Drain, Span)>,
    pub log: Vec<(Log, Span)>,
    pub trusted_proxies: Vec<(Vec<Cidr>, Span)>,
    pub trace: Vec<(TraceSettings, Span)>,
    pub telemetry: Vec<(Option<Otlp>, Span)>,
    pub emulator: Vec<(EmulatorSettings, Span)>,
    pub connections: Vec<(ConnectionSettings, Span)>,
    /// Other addresses that will be listened on: whose, the address, the place.
    pub sockets: Vec<(&'static str, SocketAddr, Span)>,
    /// Files that the data plane will read.
    pub files: Vec<PathBuf>,
}

/// A function, `None` when it was reported as wrong: its key is taken all the same.
#[derive(Debug)]
pub struct PartFunction {
    pub key: String,
    pub function: Option<Function>,
    pub span: Span,
}

/// A route and what it refers to.
#[derive(Debug)]
pub struct PartRoute {
    /// Its own id still empty; `None` when it was reported as wrong.
    pub route: Option<Route>,
    pub id: Option<(String, Span)>,
    pub span: Span,
    pub functions: Vec<Reference>,
    pub listeners: Vec<(SocketAddr, Span)>,
}

impl PartRoute {
    /// The file that the data plane will read for it.
    pub fn file(&self) -> Option<PathBuf> {
        match &self.route.as_ref()?.target {
            Target::Upstream(upstream) => upstream.ca_file.clone(),
            _ => None,
        }
    }
}

/// A function's key as a route names it.
#[derive(Debug, Clone)]
pub struct Reference {
    pub key: String,
    pub shown: String,
    pub span: Span,
}

/// Joins `parts` in order.
pub fn merge(parts: Vec<Part>, report: &mut Report) -> Model {
    let mut all = Part::default();
    for part in parts {
        all.listeners.extend(part.listeners);
        all.functions.extend(part.functions);
        all.routes.extend(part.routes);
        all.admin.extend(part.admin);
        all.admin_default = all.admin_default.or(part.admin_default);
        all.limits.extend(part.limits);
        all.drain.extend(part.drain);
        all.log.extend(part.log);
        all.trusted_proxies.extend(part.trusted_proxies);
        all.trace.extend(part.trace);
        all.telemetry.extend(part.telemetry);
        all.emulator.extend(part.emulator);
        all.connections.extend(part.connections);
        all.sockets.extend(part.sockets);
    }
    let admin = single("admin", all.admin, report).or(all.admin_default);
    let listeners = listeners(all.listeners, report);
    check_sockets(&listeners, admin.as_ref(), &all.sockets, report);
    check_references(&all.routes, &all.functions, &listeners, report);
    let mut model = Model {
        admin: admin.map(|(admin, _)| admin),
        limits: single("limits", all.limits, report).map(|(value, _)| value).unwrap_or_default(),
        drain: single("drain", all.drain, report).map(|(value, _)| value).unwrap_or_default(),
        log: single("log", all.log, report).map(|(value, _)| value).unwrap_or_default(),
        trusted_proxies: single("trusted_proxies", all.trusted_proxies, report)
            .map(|(value, _)| value)
            .unwrap_or_default(),
        telemetry: single("telemetry", all.telemetry, report).and_then(|(value, _)| value),
        trace: single("trace", all.trace, report).map(|(value, _)| value).unwrap_or_default(),
        emulator: single("emulator", all.emulator, report).map(|(value, _)| value).unwrap_or_default(),
        connections: single("aws.connections", all.connections, report)
            .map(|(value, _)| value)
            .unwrap_or_default(),
        listeners: listeners.into_iter().map(|(listener, _)| listener).collect(),
        ..Model::default()
    };
    let mut keys: HashMap<String, Span> = HashMap::new();
    for PartFunction { key, function, span } in all.functions {
        if let Some(first) = keys.get(&key) {
            report
                .error(&span, format!("function {} stands twice: first at {first}", quoted(&key)))
                .help("give one of them another key");
            continue;
        }
        if let Some(function) = function {
            model.functions.insert(key.clone(), function);
        }
        keys.insert(key, span);
    }
    model.routes = routes(all.routes, report);
    model
}

/// A setting of the whole process.
fn single<T: PartialEq>(name: &str, found: Vec<(T, Span)>, report: &mut Report) -> Option<(T, Span)> {
    let mut found = found.into_iter();
    let first = found.next()?;
    for (value, span) in found {
        if value != first.0 {
            report
                .error(&span, format!("`{name}` stands twice with different values: first at {}", first.1))
                .help("it counts for the whole process; write it once");
        }
    }
    Some(first)
}

fn listeners(found: Vec<(Listener, Span)>, report: &mut Report) -> Vec<(Listener, Span)> {
    let mut out: Vec<(Listener, Span)> = Vec::new();
    if let Some((_, span)) = found.get(MAX_LISTENERS) {
        report.error(span, format!("there are more than {MAX_LISTENERS} listeners"));
    }
    for (listener, span) in found.into_iter().take(MAX_LISTENERS) {
        // Port 0 takes a free port each time, so two of them are two listeners.
        let same =
            out.iter_mut().find(|(other, _)| other.address == listener.address && other.address.port() != 0);
        match same {
            None => out.push((listener, span)),
            // The style of a dialect says more than native's, which is the style of those who name none.
            Some((other, _)) if other.tls == listener.tls => {
                if other.errors == Errors::Native {
                    other.errors = listener.errors;
                }
                if other.http2 == Http2::default() {
                    other.http2 = listener.http2;
                }
                // Who names hosts speaks for the address; a file without any adds none.
                for host in listener.hosts {
                    if !other.hosts.contains(&host) {
                        other.hosts.push(host);
                    }
                }
                other.https_redirect = other.https_redirect.or(listener.https_redirect);
            }
            Some((other, first)) => {
                report
                    .error(&span, format!("listener `{}` has other `tls` settings at {first}", other.address))
                    .help("write the same `tls` in both places, or leave one of the two out");
            }
        }
    }
    if out.is_empty() {
        let address = SocketAddr::from(([127, 0, 0, 1], 8080));
        let span = Span { file: "".into(), line: 0, column: 0, length: 0 };
        out.push((Listener::new(address), span));
    }
    out
}

/// Two things cannot listen on one address; better said here than at the second bind.
fn check_sockets(
    listeners: &[(Listener, Span)],
    admin: Option<&(Admin, Span)>,
    others: &[(&'static str, SocketAddr, Span)],
    report: &mut Report,
) {
    let mut taken: HashMap<SocketAddr, &str> =
        listeners.iter().map(|(listener, _)| (listener.address, "a listener")).collect();
    let admin = admin.map(|(admin, span)| ("admin", admin.address, span.clone()));
    for (name, address, span) in admin.iter().chain(others) {
        if address.port() == 0 {
            continue;
        }
        match taken.get(address) {
            Some(owner) => {
                report
                    .error(span, format!("`{address}` is the address of {owner} already"))
                    .help("use another port");
            }
            None => {
                taken.insert(*address, name);
            }
        }
    }
}

fn check_references(
    routes: &[PartRoute],
    functions: &[PartFunction],
    listeners: &[(Listener, Span)],
    report: &mut Report,
) {
    let known: HashSet<&str> = functions.iter().map(|function| function.key.as_str()).collect();
    for route in routes {
        for Reference { key, shown, span } in &route.functions {
            if known.contains(key.as_str()) {
                continue;
            }
            if report.is_full() {
                report.error(span, "");
                continue;
            }
            let help = match nearest(key, functions.iter().map(|function| function.key.as_str())) {
                Some(near) => format!("did you mean {}?", quoted(near)),
                None => "add it to `functions`".to_owned(),
            };
            report.error(span, format!("function {shown} does not exist")).help(help);
        }
        for (address, span) in &route.listeners {
            if !listeners.iter().any(|(listener, _)| listener.address == *address) {
                let known: Vec<String> =
                    listeners.iter().take(8).map(|(listener, _)| format!("`{}`", listener.address)).collect();
                report
                    .error(span, format!("no listener has the address `{address}`"))
                    .help(format!("listeners are {}", known.join(", ")));
            }
        }
    }
}

/// Ids are made unique, and a route that can never match is told.
fn routes(found: Vec<PartRoute>, report: &mut Report) -> Vec<Route> {
    let mut ids: HashMap<String, Span> = HashMap::new();
    for (id, span) in found.iter().filter_map(|route| route.id.as_ref()) {
        match ids.get(id) {
            Some(first) => {
                report
                    .error(span, format!("route id {} stands twice: first at {first}", quoted(id)))
                    .help("give one of them another id");
            }
            None => {
                ids.insert(id.clone(), span.clone());
            }
        }
    }
    let mut numbers: HashMap<String, usize> = HashMap::new();
    let mut earlier: HashMap<String, Vec<(Vec<SocketAddr>, Span)>> = HashMap::new();
    let mut out = Vec::new();
    for PartRoute { route, id, span, .. } in found {
        let Some(mut route) = route else { continue };
        let same = earlier.entry(identity(&route.matcher)).or_default();
        let shadow = same.iter().find(|(listeners, _)| {
            let covered = |address| listeners.contains(address);
            listeners.is_empty() || (!route.listeners.is_empty() && route.listeners.iter().all(covered))
        });
        if let Some((_, first)) = shadow {
            report
                .warning(
                    &span,
                    format!("this route never matches: the one at {first} matches the same requests"),
                )
                .help("remove one of them, or tell them apart by method, header or query");
        } else {
            same.push((route.listeners.clone(), span.clone()));
        }
        route.id = match id {
            Some((id, _)) => id,
            None => {
                let name = name(&route.matcher);
                let number: &mut usize = numbers.entry(name.clone()).or_insert(1);
                let mut id = name.clone();
                while ids.contains_key(&id) {
                    *number += 1;
                    id = format!("{name} #{number}");
                }
                ids.insert(id.clone(), span);
                id
            }
        };
        out.push(route);
    }
    out
}

/// Equal for matchers that take exactly the same requests: order and the names of parameters do not count.
fn identity(matcher: &Matcher) -> String {
    let path = match &matcher.path {
        PathMatch::Template(template) => format!("template {:?}", shapes(template)),
        PathMatch::PrefixTemplate(template) => format!("prefix {:?}", shapes(template)),
        PathMatch::Prefix(prefix) => format!("prefix {prefix:?}"),
        PathMatch::Regex(regex) => format!("regex {regex:?}"),
    };
    let sorted = |list: &[(String, ValueMatch)]| {
        let mut list = list.to_vec();
        list.sort();
        list
    };
    let mut methods = matcher.methods.clone();
    methods.sort();
    let (headers, query) = (sorted(&matcher.headers), sorted(&matcher.query));
    format!("{:?} {path} {methods:?} {headers:?} {query:?}", matcher.host)
}

/// Its segments without the names of parameters.
fn shapes(template: &Template) -> Vec<String> {
    let shape = |segment: &Segment| match segment {
        Segment::Literal(text) => format!("={text}"),
        Segment::Param { kind, .. } => format!("{kind:?}"),
    };
    template.segments().iter().map(shape).collect()
}

/// What a route without an id is called: `GET api.example.com/users/{id}`.
fn name(matcher: &Matcher) -> String {
    let methods = match matcher.methods.as_slice() {
        [] => String::new(),
        methods => format!("{} ", methods.join("|")),
    };
    let host = matcher.host.as_deref().unwrap_or("");
    match &matcher.path {
        PathMatch::Template(template) => format!("{methods}{host}{template}"),
        PathMatch::PrefixTemplate(template) => format!("{methods}{host}{template}/*"),
        PathMatch::Prefix(prefix) => format!("{methods}{host}{}/*", prefix.trim_end_matches('/')),
        PathMatch::Regex(regex) => format!("{methods}{host}~{regex}"),
    }
}
