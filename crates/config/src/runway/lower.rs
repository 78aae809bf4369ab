//! From the document's shape to model types: a Lambda route becomes a route and a function of its own.
//!
//! Pure, as in every dialect. Messages begin with the route's name where runway's do (`route X: path is required`).

mod middleware;
mod route;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use lambridge_model::{Admin, Drain, Errors, HttpsRedirect, Limits, Listener, Tls};

use super::support::TABLE;
use super::syntax;
use crate::document::{ScalarKind, Span};
use crate::leaf::Lower;
use crate::merge::Part;
use crate::reader::Leaf;
use crate::report::Report;

/// Where runway listens when no listener is written.
const ADDRESS: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::UNSPECIFIED), 8080);
/// The admin port. On loopback only: there is no authentication, and runway's own listens on all interfaces.
const ADMIN_PORT: u16 = 8081;
const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);

/// Lowers one document; relative paths start at `folder`.
pub fn lower(document: &syntax::Document, folder: &Path, report: &mut Report) -> Part {
    let mut lower = Lower { folder, report, table: &TABLE };
    let mut part = Part::default();
    listeners(document, &mut part, &mut lower);
    entrance(document, &mut part, &mut lower);
    admin(document, &mut part, &mut lower);
    limits(document, &mut part, &mut lower);
    if let Some(shutdown) = &document.shutdown {
        let default = Drain::default();
        let value = Drain {
            delay: lower.go_duration(&shutdown.drain_delay, Duration::ZERO..=HOUR).unwrap_or(default.delay),
            deadline: lower.go_duration(&shutdown.timeout, Duration::ZERO..=HOUR).unwrap_or(default.deadline),
        };
        part.drain.push((value, shutdown.span.clone()));
    }
    if let Some((span, networks)) = &document.trusted_proxies {
        let value = networks.iter().filter_map(|leaf| lower.network(leaf)).collect();
        part.trusted_proxies.push((value, span.clone()));
    }
    route::lower(document, &mut part, &mut lower);
    part
}

/// `true` or `false`; `default` when absent or reported as wrong.
fn switch(leaf: &Option<Leaf>, default: bool, lower: &mut Lower<'_>) -> bool {
    let Some(leaf) = leaf else { return default };
    if leaf.kind == ScalarKind::Bool || leaf.referred {
        if leaf.text.eq_ignore_ascii_case("true") {
            return true;
        }
        if leaf.text.eq_ignore_ascii_case("false") {
            return false;
        }
    }
    lower.wrong(leaf, "is neither true nor false", "write `true` or `false`, without quotes");
    default
}

fn listeners(document: &syntax::Document, part: &mut Part, lower: &mut Lower<'_>) {
    let Some((span, listeners)) = &document.listeners else {
        let span = document.routes.first().map(|route| route.span.clone());
        let span = span.unwrap_or(Span { file: "".into(), line: 0, column: 0, length: 0 });
        let listener = Listener { errors: Errors::Runway, origin: span.origin(), ..Listener::new(ADDRESS) };
        part.listeners.push((listener, span));
        return;
    };
    if listeners.is_empty() {
        lower
            .report
            .error(span, "at least one listener is required")
            .help("add `{ address: \":8080\" }`, or remove `listeners` to serve on 0.0.0.0:8080");
    }
    for listener in listeners {
        let tls = tls_of(listener, part, lower);
        // Only `http` is let through; the words that are not are refused by the table.
        lower.word(&listener.protocol, "listeners[].protocol", &[("http", ())]);
        let Some(leaf) = &listener.address else {
            lower
                .report
                .error(&listener.span, "listener: address is required")
                .help("add `address: \":8080\"`");
            continue;
        };
        let Some(address) = address(leaf, lower) else { continue };
        let span = leaf.span.clone();
        let listener =
            Listener { tls, errors: Errors::Runway, origin: span.origin(), ..Listener::new(address) };
        part.listeners.push((listener, span));
    }
}

/// What every listener asks of a request.
fn entrance(document: &syntax::Document, part: &mut Part, lower: &mut Lower<'_>) {
    let allowed = document.allowed_hosts.as_ref().filter(|allowed| switch(&allowed.enabled, false, lower));
    let hosts = allowed.map(|allowed| {
        if allowed.hosts.is_empty() {
            lower
                .report
                .error(&allowed.span, "allowed_hosts: at least one host is required")
                .help("add `hosts: [api.example.com]`, or turn it off");
        }
        lower.hosts(&allowed.hosts)
    });
    let redirect = document.https_redirect.as_ref().filter(|to| switch(&to.enabled, false, lower));
    let https_redirect = redirect.map(|redirect| {
        let port = lower.number(&redirect.port, 0..=65535).and_then(|port| u16::try_from(port).ok());
        let status = if switch(&redirect.permanent, false, lower) { 301 } else { 302 };
        HttpsRedirect { port: port.filter(|port| *port > 0).unwrap_or(443), status }
    });
    for (listener, _) in &mut part.listeners {
        listener.hosts = hosts.clone().unwrap_or_default();
        listener.https_redirect = https_redirect.filter(|_| listener.tls.is_none());
    }
}

/// As Go reads an address, except that names are not looked up: without a host it is every address.
fn address(leaf: &Leaf, lower: &mut Lower<'_>) -> Option<SocketAddr> {
    if let Some(port) = leaf.text.strip_prefix(':') {
        if let Some(port) = port.parse().ok().filter(|_| port.bytes().all(|b| b.is_ascii_digit())) {
            return Some(SocketAddr::from((Ipv4Addr::UNSPECIFIED, port)));
        }
        lower.wrong(leaf, "is not an address and a port", "write `:8080`, or `127.0.0.1:8080`");
        return None;
    }
    lower.address(leaf)
}

fn tls_of(listener: &syntax::Listener, part: &mut Part, lower: &mut Lower<'_>) -> Option<Tls> {
    let tls = listener.tls.as_ref()?;
    if !switch(&tls.enabled, false, lower) {
        return None;
    }
    let cert_file = lower.required(&tls.cert_file, &tls.span, "tls", "cert_file");
    let cert_file = lower.path(cert_file);
    let key_file = lower.required(&tls.key_file, &tls.span, "tls", "key_file");
    let key_file = lower.path(key_file);
    let words = [("none", false), ("verify", true), ("", false)];
    let verify = lower.word(&tls.client_auth, "listeners[].tls.client_auth", &words);
    let client_ca_file = match verify.unwrap_or(false) {
        true => {
            let leaf = lower.required(&tls.client_ca_file, &tls.span, "tls", "client_ca_file");
            lower.path(leaf)
        }
        false => {
            if let Some(leaf) =
                tls.client_ca_file.as_ref().filter(|_| verify.is_some() || tls.client_auth.is_none())
            {
                lower
                    .report
                    .warning(&leaf.span, "`client_ca_file` is not used: no client needs a certificate")
                    .help("add `client_auth: verify`, or remove it");
            }
            None
        }
    };
    let tls = Tls { cert_file: cert_file?, key_file: key_file?, client_ca_file };
    part.files.extend([tls.cert_file.clone(), tls.key_file.clone()]);
    part.files.extend(tls.client_ca_file.clone());
    Some(tls)
}

fn admin(document: &syntax::Document, part: &mut Part, lower: &mut Lower<'_>) {
    let at = |port: u16| Admin { address: SocketAddr::from((Ipv4Addr::LOCALHOST, port)) };
    let Some(admin) = &document.admin else {
        part.admin_default = part.listeners.first().map(|(_, span)| (at(ADMIN_PORT), span.clone()));
        return;
    };
    let port = lower.number(&admin.port, 1..=65535).and_then(|port| u16::try_from(port).ok());
    if switch(&admin.enabled, true, lower) {
        part.admin.push((at(port.unwrap_or(ADMIN_PORT)), lower.span_of(&admin.port, &admin.span)));
    }
}

/// The bounds of all listeners: they count for the gateway as a whole, and so must agree.
fn limits(document: &syntax::Document, part: &mut Part, lower: &mut Lower<'_>) {
    let mut limits = Limits::default();
    let mut found: Option<Span> = None;
    let listeners = document.listeners.iter().flat_map(|(_, listeners)| listeners);
    let http: Vec<&syntax::Http> = listeners.filter_map(|listener| listener.http.as_ref()).collect();
    let span = |leaf: &Leaf| leaf.span.clone();
    let longest = SECOND..=SECOND * 3600;
    if let Some(leaf) =
        agreed(http.iter().map(|http| &http.read_header_timeout), "read_header_timeout", lower)
    {
        found.get_or_insert_with(|| span(leaf));
        let value = lower.go_duration(&Some(leaf.clone()), SECOND..=SECOND * 600);
        limits.head_timeout = value.unwrap_or(limits.head_timeout);
    }
    if let Some(leaf) = agreed(http.iter().map(|http| &http.read_timeout), "read_timeout", lower) {
        found.get_or_insert_with(|| span(leaf));
        let value = lower.go_duration(&Some(leaf.clone()), longest.clone());
        limits.body_timeout = value.unwrap_or(limits.body_timeout);
    }
    if let Some(leaf) = agreed(http.iter().map(|http| &http.idle_timeout), "idle_timeout", lower) {
        found.get_or_insert_with(|| span(leaf));
        let value = lower.go_duration(&Some(leaf.clone()), longest);
        limits.idle = value.unwrap_or(limits.idle);
    }
    if let Some(leaf) = agreed(http.iter().map(|http| &http.max_header_bytes), "max_header_bytes", lower) {
        found.get_or_insert_with(|| span(leaf));
        limits.head = lower.number(&Some(leaf.clone()), 1 << 10..=1 << 20).unwrap_or(limits.head);
    }
    if let Some(span) = found {
        part.limits.push((limits, span));
    }
}

/// The first value, with a complaint at the first that differs from it.
fn agreed<'d>(
    leaves: impl Iterator<Item = &'d Option<Leaf>>,
    name: &str,
    lower: &mut Lower<'_>,
) -> Option<&'d Leaf> {
    let mut leaves = leaves.flatten();
    let first = leaves.next()?;
    if let Some(other) = leaves.find(|leaf| leaf.text != first.text) {
        let message = format!("`{name}` is another one at {}", first.span);
        lower
            .report
            .error(&other.span, message)
            .help("it counts for the gateway as a whole; write the same one");
    }
    Some(first)
}
