//! From the document's shape to model types.
//!
//! An endpoint becomes a route and a function of its own, both called `krakend/GET /path`. Placeholders are known inside
//! KrakenD with their first letter in upper case, to `function_param_name` and to Lua alike, so the route's template has them
//! so: `{lambda}` is `{Lambda}`.

mod backend;

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use lambridge_model::{
    Drain, Errors, Http2, KrakendAnswer, KrakendEncoding, Listener, Matcher, PathMatch, Route, StaticAnswer,
    Target, Template, Tls,
};

use super::support::TABLE;
use super::syntax;
use crate::document::{ScalarKind, Span};
use crate::leaf::Lower;
use crate::merge::{Part, PartFunction, PartRoute, Reference};
use crate::reader::Leaf;
use crate::report::{Report, printable};
use crate::source::Files;

const HOUR: Duration = Duration::from_secs(3600);
/// When neither the endpoint nor the file says one. Source: `config.DefaultTimeout` of luraproject/lura.
const TIMEOUT: Duration = Duration::from_secs(2);
/// The methods that KrakenD registers.
const METHODS: [&str; 5] = ["GET", "POST", "PUT", "PATCH", "DELETE"];

/// What the file says for endpoints that do not say it themselves.
struct Defaults {
    timeout: Duration,
    cache_ttl: Duration,
    encoding: KrakendEncoding,
}

/// Lowers one document; `files` are the texts of [`syntax::Document::files`].
pub fn lower(document: &syntax::Document, files: &Files, report: &mut Report) -> Part {
    // Paths start at the working directory, not at the file.
    let mut lower = Lower { folder: Path::new(""), report, table: &TABLE };
    let mut part = Part::default();
    version(document, &mut lower);
    listener(document, &mut part, &mut lower);
    settings(document, &mut part, &mut lower);
    let defaults = Defaults {
        timeout: timeout(&document.timeout, TIMEOUT, &mut lower),
        cache_ttl: ttl(&document.cache_ttl, Duration::ZERO, &mut lower),
        encoding: encoding(&document.output_encoding, "output_encoding", KrakendEncoding::Json, &mut lower),
    };
    let mut taken = HashMap::new();
    for one in &document.endpoints {
        endpoint(one, &defaults, files, &mut taken, &mut part, &mut lower);
    }
    own_endpoints(document, &mut part, &mut lower);
    part
}

fn version(document: &syntax::Document, lower: &mut Lower<'_>) {
    if let Some(leaf) = document.version.as_ref().filter(|leaf| leaf.text != "3") {
        lower
            .report
            .error(&leaf.span, format!("version {} of KrakenD's format is not known", leaf.shown))
            .help("write `\"version\": 3`; KrakenD's own migration tool reads older files");
    }
}

fn listener(document: &syntax::Document, part: &mut Part, lower: &mut Lower<'_>) {
    let span = lower.span_of(&document.port, &document.span);
    let port = port(&document.port, lower);
    let ip = listen_ip(&document.listen_ip, lower);
    let tls = document.tls.as_ref().filter(|tls| !is_true(&tls.disabled, lower)).and_then(|tls| {
        let cert_file = lower.required(&tls.public_key, &tls.span, "tls", "public_key");
        let cert_file = lower.path(cert_file);
        let key_file = lower.required(&tls.private_key, &tls.span, "tls", "private_key");
        let key_file = lower.path(key_file);
        Some(Tls { cert_file: cert_file?, key_file: key_file?, client_ca_file: None })
    });
    if let Some(tls) = &tls {
        part.files.extend([tls.cert_file.clone(), tls.key_file.clone()]);
    }
    let http2 = if is_true(&document.use_h2c, lower) { Http2::Cleartext } else { Http2::default() };
    if let Some((ip, port)) = ip.zip(port) {
        let address = SocketAddr::new(ip, port);
        part.listeners.push((
            Listener { tls, http2, errors: Errors::Krakend, origin: span.origin(), ..Listener::new(address) },
            span,
        ));
    }
}

/// As text too: KrakenD's parser minds no quotes.
fn port(leaf: &Option<Leaf>, lower: &mut Lower<'_>) -> Option<u16> {
    let Some(leaf) = leaf else { return Some(8080) };
    let port = leaf.text.parse::<u16>().ok().filter(|port| *port > 0);
    if port.is_none() {
        lower.wrong(leaf, "is not a port", "write a number from 1 to 65535");
    }
    port
}

fn listen_ip(leaf: &Option<Leaf>, lower: &mut Lower<'_>) -> Option<IpAddr> {
    let Some(leaf) = leaf.as_ref().filter(|leaf| !leaf.text.is_empty()) else {
        return Some(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
    };
    let ip = leaf.text.trim_matches(['[', ']']).parse().ok();
    if ip.is_none() {
        lower.wrong(leaf, "is not an IP address", "write `127.0.0.1`, `0.0.0.0` or `::`");
    }
    ip
}

fn settings(document: &syntax::Document, part: &mut Part, lower: &mut Lower<'_>) {
    if let Some(deadline) = lower.go_duration(&document.max_shutdown_wait_time, Duration::ZERO..=HOUR) {
        let span = lower.span_of(&document.max_shutdown_wait_time, &document.span);
        part.drain.push((Drain { deadline, ..Drain::default() }, span));
    }
    if let Some((span, networks)) = &document.router.trusted_proxies {
        let value = networks.iter().filter_map(|leaf| lower.network(leaf)).collect();
        part.trusted_proxies.push((value, span.clone()));
    }
}

/// What KrakenD serves by itself.
fn own_endpoints(document: &syntax::Document, part: &mut Part, lower: &mut Lower<'_>) {
    if !is_true(&document.router.disable_health, lower) {
        let leaf = &document.router.health_path;
        let path = leaf.as_ref().map_or("/__health", |leaf| leaf.text.as_str());
        match path.parse::<Template>() {
            Ok(template) => {
                let span = lower.span_of(leaf, &document.span);
                fixed(template, &["GET"], r#"{"agents":{},"status":"ok"}"#, span, part);
            }
            Err(error) => {
                if let Some(leaf) = leaf {
                    lower.wrong(leaf, format!("is not a path: {}", error.reason), "write `/health`");
                }
            }
        }
    }
    if is_true(&document.debug_endpoint, lower)
        && let Ok(template) = "/__debug/{rest+}".parse::<Template>()
    {
        let span = lower.span_of(&document.debug_endpoint, &document.span);
        fixed(template, &METHODS, r#"{"message":"pong"}"#, span, part);
    }
}

fn fixed(template: Template, methods: &[&str], body: &str, span: Span, part: &mut Part) {
    let matcher = Matcher {
        methods: methods.iter().map(|&method| method.to_owned()).collect(),
        ..Matcher::path(PathMatch::Template(template))
    };
    let answer = StaticAnswer {
        status: 200,
        headers: vec![("content-type".to_owned(), "application/json; charset=utf-8".to_owned())],
        body: body.as_bytes().to_vec(),
    };
    let route = Route {
        errors: Errors::Krakend,
        origin: span.origin(),
        ..Route::new(matcher, Target::Static(answer))
    };
    part.routes.push(PartRoute {
        route: Some(route),
        // Without a name of its own: several files may serve it.
        id: None,
        span,
        functions: Vec::new(),
        listeners: Vec::new(),
    });
}

fn endpoint(
    one: &syntax::Endpoint,
    defaults: &Defaults,
    files: &Files,
    taken: &mut HashMap<String, Span>,
    part: &mut Part,
    lower: &mut Lower<'_>,
) {
    let method = method(&one.method, lower);
    let path = lower.required(&one.endpoint, &one.span, "endpoints", "endpoint");
    let template = path.and_then(|leaf| template(leaf, lower));
    let timeout = timeout(&one.timeout, defaults.timeout, lower);
    let encoding = encoding(&one.output_encoding, "endpoints[].output_encoding", defaults.encoding, lower);
    let cache_ttl = ttl(&one.cache_ttl, defaults.cache_ttl, lower);
    once(&one.concurrent_calls, lower);
    let backend = only(one, lower);
    // Values of a file may be of any length; an id is what a log line can hold.
    let shown =
        format!("{} {}", method.unwrap_or("GET"), path.map_or(String::new(), |leaf| printable(&leaf.text)));
    let key = format!("krakend/{shown}");
    let lowered = backend.and_then(|backend| {
        let answer = KrakendAnswer { encoding, cache_ttl, ..backend::answer(backend) };
        let method = method.unwrap_or("GET");
        let endpoint = backend::Endpoint { key: &key, method, template: template.as_ref(), timeout, answer };
        backend::lower(backend, endpoint, files, lower)
    });
    let (Some(method), Some(path), Some(template)) = (method, path, template) else { return };
    let span = path.span.clone();
    if let Some(first) = taken.get(&key) {
        lower
            .report
            .error(&span, format!("endpoint `{shown}` stands twice: first at {first}"))
            .help("remove one of them, or give it another method");
        return;
    }
    taken.insert(key.clone(), span.clone());
    let (function, target, scripts) = match lowered {
        Some(backend::Lowered { function, target, scripts }) => (Some(function), Some(target), scripts),
        None => (None, None, None),
    };
    let matcher =
        Matcher { methods: vec![method.to_owned()], ..Matcher::path(PathMatch::Template(template)) };
    let route = target.map(|target| Route {
        errors: Errors::Krakend,
        scripts,
        origin: span.origin(),
        ..Route::new(matcher, target)
    });
    part.functions.push(PartFunction { key: key.clone(), function, span: span.clone() });
    let reference = Reference { key: key.clone(), shown: format!("`{key}`"), span: span.clone() };
    part.routes.push(PartRoute {
        route,
        id: Some((key, span.clone())),
        span,
        functions: vec![reference],
        listeners: Vec::new(),
    });
}

/// In upper case, as KrakenD registers it.
fn method(leaf: &Option<Leaf>, lower: &mut Lower<'_>) -> Option<&'static str> {
    let Some(leaf) = leaf.as_ref().filter(|leaf| !leaf.text.is_empty()) else { return Some("GET") };
    let known = METHODS.iter().find(|method| method.eq_ignore_ascii_case(&leaf.text));
    if known.is_none() {
        lower.wrong(
            leaf,
            "is not a method of an endpoint",
            "write `GET`, `POST`, `PUT`, `PATCH` or `DELETE`",
        );
    }
    known.copied()
}

/// The template with its parameters as KrakenD calls them.
fn template(leaf: &Leaf, lower: &mut Lower<'_>) -> Option<Template> {
    const HELP: &str = "write `/users`, or `/users/{id}` with whole segments as placeholders";
    if ["/__debug", "/__echo", "/__health"].iter().any(|taken| leaf.text.starts_with(taken)) {
        lower.wrong(leaf, "is a path of KrakenD's own", "use another path");
        return None;
    }
    if leaf.text.contains(['*', '+']) {
        lower.wrong(leaf, "is not an endpoint: it has a wildcard", HELP);
        return None;
    }
    let segments: Vec<String> = leaf
        .text
        .split('/')
        .map(|segment| match segment.strip_prefix('{').and_then(|inner| inner.strip_suffix('}')) {
            Some(name) => format!("{{{}}}", backend::capital(name)),
            None => segment.to_owned(),
        })
        .collect();
    match segments.join("/").parse::<Template>() {
        Ok(template) => Some(template),
        Err(error) => {
            lower.wrong(leaf, format!("is not an endpoint: {}", error.reason), HELP);
            None
        }
    }
}

/// The one backend of an endpoint.
fn only<'s>(one: &'s syntax::Endpoint, lower: &mut Lower<'_>) -> Option<&'s syntax::Backend> {
    let Some((span, backends)) = &one.backends else {
        if !one.has_backend {
            lower
                .report
                .error(&one.span, "`backend` is missing in this endpoint")
                .help("add `\"backend\": [{ \"extra_config\": { \"backend/lambda\": { … } } }]`");
        }
        return None;
    };
    match backends.as_slice() {
        [] => {
            lower
                .report
                .error(span, "this endpoint has no backend")
                .help("add one with `backend/lambda` in its `extra_config`");
            None
        }
        [backend] => Some(backend),
        [_, second, ..] => {
            lower
                .report
                .error(&second.span, "several backends (their answers are merged) are not supported yet")
                .help("write an endpoint for each, or let one function call the others");
            None
        }
    }
}

/// Go's `0` is "the default" here.
fn timeout(leaf: &Option<Leaf>, default: Duration, lower: &mut Lower<'_>) -> Duration {
    lower.go_duration(leaf, Duration::ZERO..=HOUR).filter(|timeout| !timeout.is_zero()).unwrap_or(default)
}

fn ttl(leaf: &Option<Leaf>, default: Duration, lower: &mut Lower<'_>) -> Duration {
    lower.go_duration(leaf, Duration::ZERO..=24 * 366 * HOUR).unwrap_or(default)
}

fn encoding(
    leaf: &Option<Leaf>,
    path: &str,
    default: KrakendEncoding,
    lower: &mut Lower<'_>,
) -> KrakendEncoding {
    let known = [
        ("json", KrakendEncoding::Json),
        ("fast-json", KrakendEncoding::Json),
        ("json-collection", KrakendEncoding::JsonCollection),
        ("string", KrakendEncoding::String),
        ("no-op", KrakendEncoding::NoOp),
    ];
    lower.word(leaf, path, &known).unwrap_or(default)
}

fn once(leaf: &Option<Leaf>, lower: &mut Lower<'_>) {
    if let Some(leaf) = leaf.as_ref().filter(|leaf| leaf.text != "1" && leaf.text != "0") {
        let help = "write `1`, or remove it: each call is billed, and each does what the function does";
        let message = format!("`concurrent_calls` (several calls at once) is not supported: {}", leaf.shown);
        lower.report.error(&leaf.span, message).help(help);
    }
}

/// A switch that may stand there only to say no.
fn off(leaf: &Option<Leaf>, name: &str, help: &str, lower: &mut Lower<'_>) {
    if is_true(leaf, lower)
        && let Some(leaf) = leaf
    {
        lower.report.error(&leaf.span, format!("`{name}: true` is not supported yet")).help(help);
    }
}

fn is_true(leaf: &Option<Leaf>, lower: &mut Lower<'_>) -> bool {
    let Some(leaf) = leaf else { return false };
    match leaf.text.as_str() {
        "true" => true,
        "false" => false,
        _ => {
            let help = if leaf.kind == ScalarKind::Text { "write it without quotes" } else { "" };
            let help = if help.is_empty() { "write `true` or `false`" } else { help };
            lower.wrong(leaf, "is neither `true` nor `false`", help);
            false
        }
    }
}
