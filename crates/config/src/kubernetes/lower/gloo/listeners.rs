//! Where virtual services are served: `Gateway`s of gateway.solo.io, or port 8080 at every address where there is none.
//!
//! A gateway with `ssl` serves virtual services with certificates, of which there are none here; the one that Gloo
//! installs itself is left out with a warning.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use lambridge_model::{Errors, Listener};

use crate::document::Span;
use crate::kubernetes::lower::gateway_api::lower_of;
use crate::kubernetes::set::Set;
use crate::kubernetes::support::gloo::GATEWAY;
use crate::kubernetes::syntax::gloo::{Body as Gloo, Gateway, VirtualService};
use crate::kubernetes::syntax::{Body, Object};
use crate::merge::Part;
use crate::report::Report;

/// Where Gloo's proxy listens in its Pod. Source: Gloo's Helm chart.
const PORT: u16 = 8080;

/// All listeners of Gloo's objects.
pub struct Listeners<'o>(Vec<One<'o>>);

struct One<'o> {
    address: SocketAddr,
    span: Span,
    /// Namespace and name; `None` is every one.
    services: Option<Vec<(&'o str, &'o str)>>,
    namespaces: Option<Vec<&'o str>>,
}

impl Listeners<'_> {
    /// The addresses that an object is served at.
    pub fn of(&self, object: &Object) -> Vec<(SocketAddr, Span)> {
        let serves = |one: &&One<'_>| {
            let named = |services: &Vec<(&str, &str)>| {
                services.contains(&(object.namespace.as_str(), object.name.text.as_str()))
            };
            let inside =
                |names: &Vec<&str>| names.iter().any(|name| *name == "*" || *name == object.namespace);
            one.services.as_ref().is_none_or(named) && one.namespaces.as_ref().is_none_or(inside)
        };
        self.0.iter().filter(serves).map(|one| (one.address, one.span.clone())).collect()
    }
}

/// Adds the listeners; without a virtual service there is nothing to serve.
pub fn listeners<'o>(
    set: &Set<'o>,
    services: &[(&'o Object, &'o VirtualService)],
    part: &mut Part,
    report: &mut Report,
) -> Listeners<'o> {
    let mut out = Listeners(Vec::new());
    let mut any = false;
    for object in set.objects() {
        let Body::Gloo(Gloo::Gateway(gateway)) = &object.body else { continue };
        any = true;
        out.0.extend(one(gateway, object, report));
    }
    let Some((first, _)) = services.first() else { return Listeners(Vec::new()) };
    if !any {
        let address = SocketAddr::from((Ipv4Addr::UNSPECIFIED, PORT));
        out.0.push(One { address, span: first.span.clone(), services: None, namespaces: None });
    }
    for One { address, span, .. } in &out.0 {
        let listener = Listener { errors: Errors::Envoy, origin: span.origin(), ..Listener::new(*address) };
        part.listeners.push((listener, span.clone()));
    }
    out
}

fn one<'o>(gateway: &'o Gateway, object: &'o Object, report: &mut Report) -> Option<One<'o>> {
    let mut lower = lower_of(report, &GATEWAY);
    if let Some(leaf) = gateway.ssl.as_ref().filter(|_| lower.bool(&gateway.ssl) == Some(true)) {
        lower
            .report
            .warning(&leaf.span, format!("{} is left out: TLS is not served for it", object.reference()))
            .help("end TLS in front, or serve a native document with `listeners: [{ address, tls }]`");
        return None;
    }
    if let Some(leaf) =
        gateway.proxy_proto.as_ref().filter(|_| lower.bool(&gateway.proxy_proto) == Some(true))
    {
        lower
            .report
            .error(
                &leaf.span,
                "`useProxyProto` (clients' addresses by the PROXY protocol) is not supported yet",
            )
            .help("remove it; what a proxy writes into `X-Forwarded-For` counts with `trusted_proxies`");
    }
    let port = lower.required(&gateway.port, &gateway.span, "spec", "bindPort").cloned();
    let port = lower.number(&port, 1..=65_535).and_then(|port| u16::try_from(port).ok());
    let ip: IpAddr = match &gateway.address {
        None => Ipv6Addr::UNSPECIFIED.into(),
        Some(leaf) => match leaf.text.parse() {
            Ok(ip) => ip,
            Err(_) => {
                lower.wrong(leaf, "is not an address", "write `::`, `0.0.0.0` or one of the machine's own");
                return None;
            }
        },
    };
    let mut services = Vec::new();
    for reference in gateway.services.iter().flatten() {
        let Some(name) = lower.required(&reference.name, &reference.span, "virtualServices", "name") else {
            continue;
        };
        let namespace = reference.namespace.as_ref().map_or(object.namespace.as_str(), |leaf| &leaf.text);
        services.push((namespace, name.text.as_str()));
    }
    let namespaces = gateway.namespaces.as_ref().filter(|names| !names.is_empty());
    Some(One {
        address: SocketAddr::new(ip, port?),
        span: object.span.clone(),
        // An empty list is no list.
        services: (!services.is_empty()).then_some(services),
        namespaces: namespaces.map(|names| names.iter().map(|leaf| leaf.text.as_str()).collect()),
    })
}
