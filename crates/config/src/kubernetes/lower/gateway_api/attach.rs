//! Listeners of gateways, and which of them a route attaches to.
//!
//! A listener is served at every address of the machine, on its port. Listeners of one gateway may share a port and
//! tell their requests apart by host; gateways that share a port are served as one, with a warning, since here they
//! run in one process.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};

use lambridge_model::{Errors, Listener};

use super::lower_of;
use crate::document::Span;
use crate::kubernetes::set::{Reference, Set};
use crate::kubernetes::support::GATEWAY_API;
use crate::kubernetes::support::gateway_api::GATEWAY;
use crate::kubernetes::syntax::gateway_api::{self as syntax, HttpRoute, Parent};
use crate::kubernetes::syntax::{Body, Object};
use crate::leaf::Lower;
use crate::merge::Part;
use crate::reader::Leaf;
use crate::report::{Report, quoted};
use crate::suggest::nearest;
use crate::values;

/// Source: the bounds of the `Gateway` and `HTTPRoute` definitions.
const MAX_LISTENERS: usize = 64;
const MAX_PARENTS: usize = 32;
const MAX_HOSTNAMES: usize = 16;

/// Classes of gateways that these controllers make by themselves.
const CLASSES: [&str; 4] = ["kgateway", "kgateway-waypoint", "gloo-gateway", "lambridge"];
const CONTROLLERS: [&str; 3] = ["kgateway.dev/kgateway", "solo.io/gloo-gateway", "lambridge"];

/// A listener that routes may attach to.
#[derive(Debug)]
pub struct Section<'o> {
    gateway: Reference<'o>,
    name: &'o str,
    /// `None` when it was reported as wrong: routes are attached all the same, so that they are not blamed too.
    address: Option<SocketAddr>,
    host: Option<String>,
    from: From,
    /// Whether `HTTPRoute`s are of the kinds that may attach.
    takes_routes: bool,
    span: &'o Span,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum From {
    Same,
    All,
    None,
}

/// Hosts that a route is served at, `None` for every one, and where.
pub type Hosts = BTreeMap<Option<String>, Vec<(SocketAddr, Span)>>;

/// Listeners of all gateways that are ours.
pub fn sections<'o>(set: &Set<'o>, part: &mut Part, report: &mut Report) -> Vec<Section<'o>> {
    let mut sections: Vec<Section<'o>> = Vec::new();
    for object in set.objects() {
        let Body::Gateway(gateway) = &object.body else { continue };
        if !is_ours(gateway, object, set, report) {
            continue;
        }
        let listeners = gateway.listeners.as_ref().map_or(&[][..], |(_, listeners)| listeners);
        if listeners.is_empty() || listeners.len() > MAX_LISTENERS {
            let message = format!("{} has from 1 to {MAX_LISTENERS} listeners", object.reference());
            report
                .error(&object.span, message)
                .help("add `listeners: [{ name: http, port: 8080, protocol: HTTP }]`");
        }
        for listener in listeners.iter().take(MAX_LISTENERS) {
            let section = section(listener, object, &mut lower_of(report, &GATEWAY));
            check_against(&sections, &section, report);
            if let Some(address) = section.address {
                let origin = listener.span.origin();
                let listener = Listener { errors: Errors::Envoy, origin, ..Listener::new(address) };
                part.listeners.push((listener, section.span.clone()));
            }
            sections.push(section);
        }
    }
    sections
}

/// Whether a gateway is of a class that is served here; told where it is not.
fn is_ours(gateway: &syntax::Gateway, object: &Object, set: &Set<'_>, report: &mut Report) -> bool {
    let mut lower = lower_of(report, &GATEWAY);
    let Some(class) = lower.required(&gateway.class, &object.span, "spec", "gatewayClassName") else {
        return true;
    };
    if is_our_class(&class.text, set) {
        return true;
    }
    let message =
        format!("{} is left alone: its class {} is not kgateway's", object.reference(), class.shown);
    report
        .warning(&class.span, message)
        .help("write `gatewayClassName: kgateway`, or add a `GatewayClass` with `controllerName: kgateway.dev/kgateway`");
    false
}

fn is_our_class(class: &str, set: &Set<'_>) -> bool {
    let reference = Reference { group: GATEWAY_API, kind: "GatewayClass", namespace: "", name: class };
    match set.find(reference).map(|object| &object.body) {
        Some(Body::GatewayClass(class)) => {
            class.controller.as_ref().is_some_and(|leaf| CONTROLLERS.contains(&leaf.text.as_str()))
        }
        _ => CLASSES.contains(&class),
    }
}

fn section<'o>(listener: &'o syntax::Listener, object: &'o Object, lower: &mut Lower<'_>) -> Section<'o> {
    let name = lower.required(&listener.name, &listener.span, "listeners", "name");
    lower.required(&listener.port, &listener.span, "listeners", "port");
    let port = lower.number(&listener.port, 1..=65535).and_then(|port| u16::try_from(port).ok());
    lower.required(&listener.protocol, &listener.span, "listeners", "protocol");
    let protocol = lower.word(&listener.protocol, "spec.listeners[].protocol", &[("HTTP", ())]);
    let froms = [("Same", From::Same), ("All", From::All), ("None", From::None)];
    let from = lower.word(&listener.from, "spec.listeners[].allowedRoutes.namespaces.from", &froms);
    let takes_routes = listener.kinds.as_ref().is_none_or(|kinds| {
        kinds.iter().any(|(group, kind)| {
            let group = group.as_ref().map_or(GATEWAY_API, |leaf| leaf.text.as_str());
            group == GATEWAY_API && kind.as_ref().is_some_and(|leaf| leaf.text == "HTTPRoute")
        })
    });
    let host = listener.hostname.as_ref().filter(|leaf| !leaf.text.is_empty()).map(|leaf| host(leaf, lower));
    let whole = protocol.is_some() && host != Some(None);
    Section {
        gateway: object.reference(),
        name: name.map_or("", |leaf| &leaf.text),
        address: port.filter(|_| whole).map(|port| SocketAddr::from((Ipv4Addr::UNSPECIFIED, port))),
        host: host.flatten(),
        from: from.unwrap_or(From::Same),
        takes_routes,
        span: &listener.span,
    }
}

fn check_against(earlier: &[Section<'_>], section: &Section<'_>, report: &mut Report) {
    let mine = |other: &&Section<'_>| other.gateway == section.gateway;
    if let Some(other) =
        earlier.iter().filter(mine).find(|other| other.name == section.name && !section.name.is_empty())
    {
        let message = format!("listener {} stands twice: first at {}", quoted(section.name), other.span);
        report.error(section.span, message).help("names are unique in a gateway");
    }
    let Some(address) = section.address else { return };
    let same = |other: &&Section<'_>| other.address == Some(address);
    if let Some(other) = earlier.iter().filter(mine).filter(same).find(|other| other.host == section.host) {
        let message =
            format!("port {} with the same host stands twice: first at {}", address.port(), other.span);
        report.error(section.span, message).help("tell them apart by `hostname` or `port`");
    } else if let Some(other) = earlier.iter().filter(same).find(|other| !mine(other)) {
        let message =
            format!("port {} is that of {} too: they are served as one", address.port(), other.gateway);
        report
            .warning(section.span, message)
            .help("routes of both answer there; use another port to keep them apart");
    }
}

/// A host as the Gateway API writes it: a name, perhaps with `*.` in front.
fn host(leaf: &Leaf, lower: &mut Lower<'_>) -> Option<String> {
    match values::host(&leaf.text) {
        Ok((host, false)) => Some(host),
        Ok((_, true)) => {
            lower.wrong(
                leaf,
                "is not a host: it has a port",
                "write the name alone; a listener has the port",
            );
            None
        }
        Err(reason) => {
            let help = "write `api.example.com` or `*.example.com`; leave it out to match every host";
            lower.wrong(leaf, format!("is not a host: {reason}"), help);
            None
        }
    }
}

/// Every host that `route` is served at.
pub fn attach(
    route: &HttpRoute,
    object: &Object,
    sections: &[Section<'_>],
    set: &Set<'_>,
    lower: &mut Lower<'_>,
) -> Hosts {
    let hostnames = hostnames(route, lower);
    let parents = route.parents.as_ref().map_or(&[][..], |(_, parents)| parents);
    if parents.is_empty() || parents.len() > MAX_PARENTS {
        lower
            .report
            .error(&object.span, format!("{} names from 1 to {MAX_PARENTS} gateways", object.reference()))
            .help("add `parentRefs: [{ name: GATEWAY }]`");
    }
    let mut hosts = Hosts::new();
    for parent in parents.iter().take(MAX_PARENTS) {
        for section in of_parent(parent, object, sections, set, lower) {
            add(section, &hostnames, &mut hosts);
        }
        if let Some(span) = no_host(parent, object, sections, &hostnames) {
            lower
                .report
                .error(span, "no host of this route is one of the listener's")
                .help("make `hostnames` of the route and `hostname` of the listener agree, or leave one of them out");
        }
    }
    hosts
}

/// `[None]` when the route takes every host; empty when all are wrong.
fn hostnames(route: &HttpRoute, lower: &mut Lower<'_>) -> Vec<Option<String>> {
    let Some((span, leaves)) = route.hostnames.as_ref().filter(|(_, leaves)| !leaves.is_empty()) else {
        return vec![None];
    };
    if leaves.len() > MAX_HOSTNAMES {
        lower
            .report
            .error(span, format!("a route has {MAX_HOSTNAMES} hosts at most"))
            .help("write several routes");
    }
    leaves.iter().take(MAX_HOSTNAMES).filter_map(|leaf| host(leaf, lower).map(Some)).collect()
}

/// The listeners that a parent reference means and that let the route in.
fn of_parent<'s, 'o>(
    parent: &Parent,
    object: &Object,
    sections: &'s [Section<'o>],
    set: &Set<'_>,
    lower: &mut Lower<'_>,
) -> Vec<&'s Section<'o>> {
    let kind = parent.kind.as_ref().map_or("Gateway", |leaf| leaf.text.as_str());
    let group = parent.group.as_ref().map_or(GATEWAY_API, |leaf| leaf.text.as_str());
    if (group, kind) != (GATEWAY_API, "Gateway") {
        let message = format!("parents of kind {} ({}) are not served", quoted(kind), quoted(group));
        lower.report.error(&parent.span, message).help("attach the route to a `Gateway`");
        return Vec::new();
    }
    let Some(name) = lower.required(&parent.name, &parent.span, "parentRefs", "name") else {
        return Vec::new();
    };
    let Some((reference, gateway)) = gateway_of(parent, object, set) else {
        let reference = reference_of(parent, object, &name.text);
        let help = set.help_for_missing(reference);
        lower.report.error(&name.span, format!("{reference} does not exist")).help(help);
        return Vec::new();
    };
    let all: Vec<&Section<'_>> = sections.iter().filter(|section| section.gateway == reference).collect();
    if all.is_empty() {
        // Of another controller, or without listeners: told there.
        return Vec::new();
    }
    let meant: Vec<&Section<'_>> = all.iter().copied().filter(|section| is_meant(parent, section)).collect();
    if meant.is_empty() {
        let leaf = parent.section.as_ref().or(parent.port.as_ref());
        let (span, shown) = leaf.map_or((&parent.span, "that"), |leaf| (&leaf.span, leaf.shown.as_str()));
        let names: Vec<&str> = all.iter().map(|section| section.name).collect();
        let near = parent.section.as_ref().and_then(|leaf| nearest(&leaf.text, names.iter().copied()));
        let help = match near {
            Some(near) if parent.port.is_none() => format!("did you mean {}?", quoted(near)),
            _ => format!("its listeners are at {}", gateway.span),
        };
        lower.report.error(span, format!("{reference} has no listener {shown}")).help(help);
    }
    let lets_in = |section: &&Section<'_>| {
        let from = match section.from {
            From::All => true,
            From::Same => section.gateway.namespace == object.namespace,
            From::None => false,
        };
        from && section.takes_routes
    };
    let open: Vec<&Section<'_>> = meant.iter().copied().filter(lets_in).collect();
    if open.is_empty()
        && let Some(section) = meant.first()
    {
        let help = match section.takes_routes {
            true => {
                "write `allowedRoutes: { namespaces: { from: All } }` there, or move the route to its namespace"
            }
            false => "add `kind: HTTPRoute` to `allowedRoutes.kinds` there, or leave that out",
        };
        let message = format!(
            "{reference} does not let routes of `{}` in: its listener is at {}",
            object.namespace, section.span
        );
        lower.report.error(&name.span, message).help(help);
    }
    open
}

fn reference_of<'a>(parent: &'a Parent, object: &'a Object, name: &'a str) -> Reference<'a> {
    let namespace = parent.namespace.as_ref().map_or(object.namespace.as_str(), |leaf| &leaf.text);
    Reference { group: GATEWAY_API, kind: "Gateway", namespace, name }
}

fn gateway_of<'o>(parent: &Parent, object: &Object, set: &Set<'o>) -> Option<(Reference<'o>, &'o Object)> {
    let found = set.find(reference_of(parent, object, &parent.name.as_ref()?.text))?;
    Some((found.reference(), found))
}

fn is_meant(parent: &Parent, section: &Section<'_>) -> bool {
    let named = parent.section.as_ref().is_none_or(|leaf| leaf.text == section.name);
    let port = parent
        .port
        .as_ref()
        .is_none_or(|leaf| section.address.is_some_and(|address| address.port().to_string() == leaf.text));
    named && port
}

/// The place to complain at when a route and the listeners it means have no host in common.
fn no_host<'p>(
    parent: &'p Parent,
    object: &Object,
    sections: &[Section<'_>],
    hostnames: &[Option<String>],
) -> Option<&'p Span> {
    let name = parent.name.as_ref()?;
    let reference = reference_of(parent, object, &name.text);
    let mut meant = sections
        .iter()
        .filter(|section| section.gateway == reference && is_meant(parent, section))
        .peekable();
    meant.peek()?;
    let common = |section: &Section<'_>| {
        hostnames.iter().any(|host| intersection(section.host.as_deref(), host.as_deref()).is_some())
    };
    (!hostnames.is_empty() && !meant.any(common)).then_some(&name.span)
}

fn add(section: &Section<'_>, hostnames: &[Option<String>], hosts: &mut Hosts) {
    let Some(address) = section.address else { return };
    for hostname in hostnames {
        let Some(common) = intersection(section.host.as_deref(), hostname.as_deref()) else { continue };
        let listeners = hosts.entry(common.map(str::to_owned)).or_default();
        if !listeners.iter().any(|(other, _)| *other == address) {
            listeners.push((address, section.span.clone()));
        }
    }
}

/// The hosts that two patterns have in common; `None` inside is every host.
fn intersection<'a>(listener: Option<&'a str>, route: Option<&'a str>) -> Option<Option<&'a str>> {
    let (Some(listener), Some(route)) = (listener, route) else { return Some(listener.or(route)) };
    // `*.example.com` takes what ends in `.example.com`, a longer wildcard included, but not `example.com`.
    let takes = |wide: &str, narrow: &str| {
        wide.strip_prefix('*').is_some_and(|end| narrow.strip_prefix('*').unwrap_or(narrow).ends_with(end))
    };
    match () {
        () if listener == route || takes(listener, route) => Some(Some(route)),
        () if takes(route, listener) => Some(Some(listener)),
        () => None,
    }
}

#[cfg(test)]
mod tests {
    use super::intersection;

    #[test]
    fn hosts_in_common() {
        for (listener, route, expect) in [
            (None, None, Some(None)),
            (None, Some("a.x"), Some(Some("a.x"))),
            (Some("a.x"), None, Some(Some("a.x"))),
            (Some("a.x"), Some("a.x"), Some(Some("a.x"))),
            (Some("a.x"), Some("b.x"), None),
            (Some("*.x"), Some("a.x"), Some(Some("a.x"))),
            (Some("*.x"), Some("b.a.x"), Some(Some("b.a.x"))),
            (Some("*.x"), Some("x"), None),
            (Some("a.x"), Some("*.x"), Some(Some("a.x"))),
            (Some("*.x"), Some("*.a.x"), Some(Some("*.a.x"))),
            (Some("*.a.x"), Some("*.x"), Some(Some("*.a.x"))),
            (Some("*.x"), Some("a.bx"), None),
        ] {
            assert_eq!(intersection(listener, route), expect, "{listener:?} {route:?}");
        }
    }
}
