//! Gloo Edge: the routes of a `VirtualService` go to functions of an `Upstream`.
//!
//! A route becomes one model route for each domain and each of its matchers, with the id `VirtualService NAMESPACE/NAME`
//! and a number behind it from the second on. Routes are tried in the order they stand in: [`Route::order`]. A domain
//! that has no route for a request answers 404, even where the `*` of another object has one, as Envoy's virtual hosts do;
//! a last route of each such domain sees to it.
//!
//! A function is given the bytes of the body and called for 15 seconds, unless the route says otherwise. What comes back
//! is shown as it is, or read by one of the rules of [`AnswerRule`]. With both of them set the documentation has
//! `unwrapAsAlb` win, and newer versions of Gloo refuse the route: the documentation is followed, with a warning.
//!
//! A route to a logical name that its upstream does not list is called only while Lambda lists a function of that name,
//! which is what Gloo's discovery comes to; see [`upstream`].
//!
//! Source: solo-io/gloo, API definitions and translators of August 2026.

mod listeners;
mod matches;
pub mod upstream;

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::time::Duration;

use lambridge_event::Format;
use lambridge_model::{
    AnswerRule, Errors, Function, Invocation, Matcher, PathMatch, Retries, Route, StaticAnswer, Target,
    Weighted,
};

use self::upstream::Upstream;
use super::gateway_api::lower_of;
use crate::document::Span;
use crate::kubernetes::set::{Reference, Set};
use crate::kubernetes::support::GLOO;
use crate::kubernetes::support::gloo::VIRTUAL_SERVICE;
use crate::kubernetes::syntax::gloo::{self as syntax, Action, AwsDestination, Destination, VirtualService};
use crate::kubernetes::syntax::{Body, Object};
use crate::leaf::Lower;
use crate::merge::{Part, PartFunction, PartRoute};
use crate::reader::Leaf;
use crate::report::{Report, quoted};
use crate::values;

/// Domains of one object, destinations of one route.
const MAX_DOMAINS: usize = 256;
const MAX_DESTINATIONS: usize = 256;
/// Model routes of all objects: domains multiply matchers.
const MAX_ROUTES: usize = 20_000;
/// Source: Envoy's default of `timeout`.
const TIMEOUT: Duration = Duration::from_secs(15);
/// Lambda's own bound on an invocation. Source: Lambda quotas.
const QUARTER_HOUR: Duration = Duration::from_secs(900);

/// Adds listeners, functions and routes.
pub fn lower(set: &Set<'_>, part: &mut Part, report: &mut Report) {
    let upstreams = upstream::upstreams(set, report);
    let services: Vec<(&Object, &VirtualService)> = set
        .objects()
        .filter_map(|object| match &object.body {
            Body::Gloo(syntax::Body::VirtualService(service)) => Some((object, &**service)),
            _ => None,
        })
        .collect();
    let listeners = listeners::listeners(set, &services, part, report);
    let mut functions = Functions::default();
    let mut domains = Domains::default();
    for (object, service) in services {
        let mut lowering = Lowering {
            set,
            upstreams: &upstreams,
            functions: &mut functions,
            object,
            lower: lower_of(report, &VIRTUAL_SERVICE),
        };
        let Some(host) = &service.host else {
            let message = format!("{} has no `virtualHost`", object.reference());
            report.error(&service.span, message).help("add `virtualHost` with `domains` and `routes`");
            continue;
        };
        let names = lowering.domains(host);
        let routes = lowering.routes(host);
        let addresses = listeners.of(object);
        if addresses.is_empty() {
            report
                .warning(&object.span, format!("no `Gateway` serves {}", object.reference()))
                .help("name it in `virtualServices` of one, or leave the list out");
            continue;
        }
        domains.take(names, &addresses, object, report);
        domains.last().routes = routes;
    }
    domains.into_routes(part, report);
    part.functions.extend(functions.into_part());
}

/// One route without its domains.
struct Lowered {
    span: Span,
    order: u32,
    matchers: Vec<Matcher>,
    target: Option<Target>,
}

/// What each object serves: names, addresses, routes.
#[derive(Default)]
struct Domains<'o>(Vec<Served<'o>>);

struct Served<'o> {
    object: &'o Object,
    /// `None` is every host.
    names: Vec<(Option<String>, Span)>,
    addresses: Vec<(SocketAddr, Span)>,
    routes: Vec<Lowered>,
}

impl<'o> Domains<'o> {
    /// Adds an object; a domain that another one has at the same address is reported.
    fn take(
        &mut self,
        names: Vec<(Option<String>, Span)>,
        addresses: &[(SocketAddr, Span)],
        object: &'o Object,
        report: &mut Report,
    ) {
        let mut own: Vec<(Option<String>, Span)> = Vec::new();
        for (name, span) in names {
            let elsewhere = self
                .0
                .iter()
                .filter(|served| served.shares(addresses))
                .flat_map(|served| &served.names)
                .chain(&own)
                .find(|(other, _)| *other == name);
            if let Some((_, first)) = elsewhere {
                let shown = quoted(name.as_deref().unwrap_or("*"));
                report
                    .error(&span, format!("domain {shown} is taken: first at {first}"))
                    .help("a domain belongs to one `VirtualService`; put the routes into that one");
                continue;
            }
            own.push((name, span));
        }
        self.0.push(Served { object, names: own, addresses: addresses.to_vec(), routes: Vec::new() });
    }

    fn last(&mut self) -> &mut Served<'o> {
        let at = self.0.len().saturating_sub(1);
        &mut self.0[at]
    }

    fn into_routes(self, part: &mut Part, report: &mut Report) {
        for served in &self.0 {
            let matchers: usize = served.routes.iter().map(|route| route.matchers.len()).sum();
            if part.routes.len() + served.names.len() * (matchers + 1) > MAX_ROUTES {
                report
                    .error(
                        &served.object.span,
                        format!("domains and matchers make more than {MAX_ROUTES} routes"),
                    )
                    .help("name fewer domains, or fewer matchers");
                return;
            }
            let mut number = 0;
            for (name, span) in &served.names {
                for route in &served.routes {
                    for matcher in &route.matchers {
                        number += 1;
                        let matcher = Matcher { host: name.clone(), ..matcher.clone() };
                        part.routes.push(served.route(number, route, matcher));
                    }
                }
                if self.falls_through(name.as_deref(), served) {
                    number += 1;
                    let nothing = StaticAnswer { status: 404, headers: Vec::new(), body: Vec::new() };
                    let route = Lowered {
                        span: span.clone(),
                        order: served.routes.last().map_or(1, |last| last.order + 1),
                        matchers: Vec::new(),
                        target: Some(Target::Static(nothing)),
                    };
                    let mut matcher = Matcher::path(PathMatch::Prefix("/".to_owned()));
                    matcher.host.clone_from(name);
                    part.routes.push(served.route(number, &route, matcher));
                }
            }
        }
    }

    /// Whether requests for `name` could reach a route of a less specific domain, and its own routes leave some over.
    fn falls_through(&self, name: Option<&str>, served: &Served<'_>) -> bool {
        let Some(name) = name else { return false };
        let everything = Matcher::path(PathMatch::Prefix("/".to_owned()));
        if served.routes.iter().any(|route| route.matchers.contains(&everything)) {
            return false;
        }
        let covers = |other: Option<&str>| match other {
            None => true,
            Some(other) => {
                other != name && other.strip_prefix('*').is_some_and(|suffix| name.ends_with(suffix))
            }
        };
        let others = self.0.iter().filter(|other| other.shares(&served.addresses));
        others.flat_map(|other| &other.names).any(|(other, _)| covers(other.as_deref()))
    }
}

impl Served<'_> {
    fn shares(&self, addresses: &[(SocketAddr, Span)]) -> bool {
        self.addresses.iter().any(|(own, _)| addresses.iter().any(|(other, _)| own == other))
    }

    fn route(&self, number: usize, lowered: &Lowered, matcher: Matcher) -> PartRoute {
        let reference = format!("VirtualService {}/{}", self.object.namespace, self.object.name.text);
        let id = if number == 1 { reference } else { format!("{reference} #{number}") };
        let route = lowered.target.clone().map(|target| Route {
            listeners: self.addresses.iter().map(|(address, _)| *address).collect(),
            errors: Errors::Envoy,
            order: lowered.order,
            origin: lowered.span.origin(),
            ..Route::new(matcher, target)
        });
        PartRoute {
            route,
            id: Some((id, lowered.span.clone())),
            span: lowered.span.clone(),
            functions: Vec::new(),
            listeners: self.addresses.clone(),
        }
    }
}

/// Functions by key. Routes that call one in the same way share it; another way is another function.
#[derive(Default)]
struct Functions(BTreeMap<String, (Function, Span)>);

impl Functions {
    fn key_of(&mut self, name: String, function: Function, span: &Span) -> String {
        let mut key = name.clone();
        let mut number = 1;
        while let Some((known, _)) = self.0.get(&key) {
            if known.without_place() == function.without_place() {
                return key;
            }
            number += 1;
            key = format!("{name} #{number}");
        }
        self.0.insert(key.clone(), (function, span.clone()));
        key
    }

    fn into_part(self) -> impl Iterator<Item = PartFunction> {
        self.0.into_iter().map(|(key, (function, span))| PartFunction { key, function: Some(function), span })
    }
}

struct Lowering<'a, 'o> {
    set: &'a Set<'o>,
    upstreams: &'a HashMap<String, Upstream<'o>>,
    functions: &'a mut Functions,
    object: &'a Object,
    lower: Lower<'a>,
}

/// What the options of a route come to.
struct Called {
    timeout: Duration,
    retries: Retries,
}

impl<'a, 'o> Lowering<'a, 'o> {
    /// The hosts, `None` for every one.
    fn domains(&mut self, host: &syntax::VirtualHost) -> Vec<(Option<String>, Span)> {
        let Some((span, leaves)) = host.domains.as_ref().filter(|(_, leaves)| !leaves.is_empty()) else {
            return vec![(None, self.object.span.clone())];
        };
        if leaves.len() > MAX_DOMAINS {
            self.lower.report.error(span, format!("an object has {MAX_DOMAINS} `domains` at most"));
        }
        let mut out = Vec::new();
        for leaf in leaves.iter().take(MAX_DOMAINS) {
            if leaf.text == "*" {
                out.push((None, leaf.span.clone()));
                continue;
            }
            match values::host(&leaf.text) {
                Ok((name, port)) => {
                    if port {
                        let message = format!("the port in {} is ignored", leaf.shown);
                        self.lower
                            .report
                            .warning(&leaf.span, message)
                            .help("a host matches whatever its port");
                        // `a` and `a:80` are one domain here, and would be taken for the same twice.
                        if out.iter().any(|(other, _)| other.as_deref() == Some(name.as_str())) {
                            continue;
                        }
                    }
                    out.push((Some(name), leaf.span.clone()));
                }
                Err(reason) => {
                    let help = "write `api.example.com`, `*.example.com` or `*`";
                    self.lower.wrong(leaf, format!("is not a domain: {reason}"), help);
                }
            }
        }
        out
    }

    fn routes(&mut self, host: &syntax::VirtualHost) -> Vec<Lowered> {
        if host.routes.is_empty() {
            self.lower
                .report
                .warning(&host.span, format!("{} has no routes: requests get 404", self.object.reference()))
                .help("add `routes`");
        }
        let mut out = Vec::new();
        for (route, order) in host.routes.iter().zip(1_u32..) {
            let matchers = matches::matchers(route, &mut self.lower);
            let called = self.called(route.options.as_ref(), host.options.as_ref());
            let target = route.action.as_ref().and_then(|action| self.target(action, route, &called));
            out.push(Lowered { span: route.span.clone(), order, matchers, target });
        }
        out
    }

    fn called(&mut self, own: Option<&syntax::Options>, all: Option<&syntax::Options>) -> Called {
        let timeout = own.and_then(|options| options.timeout.as_ref());
        let timeout = match timeout.map(|leaf| (leaf, values::go_duration(&leaf.text))) {
            None => TIMEOUT,
            // Envoy takes zero for "no bound"; Lambda has one.
            Some((_, Ok(time))) if time.is_zero() => QUARTER_HOUR,
            Some((_, Ok(time))) => time.min(QUARTER_HOUR),
            Some((leaf, Err(reason))) => {
                let help = "a duration is a number and a unit: `400ms`, `30s`";
                self.lower.wrong(leaf, format!("is not a duration: {reason}"), help);
                TIMEOUT
            }
        };
        let retries = own.and_then(|options| options.retries.as_ref());
        let retries = retries.or_else(|| all.and_then(|options| options.retries.as_ref()));
        let retries = match retries {
            None => Retries::default(),
            Some(retries) => {
                let max = self.lower.number(&retries.max, 0..=10).and_then(|max| u32::try_from(max).ok());
                // Source: Gloo's default of `numRetries`.
                Retries { max: max.unwrap_or(1), ..Retries::default() }
            }
        };
        Called { timeout, retries }
    }

    fn target(&mut self, action: &Action, route: &syntax::Route, called: &Called) -> Option<Target> {
        match action {
            Action::Single(destination) => {
                let function = self.function(destination, called)?;
                Some(Target::Functions(vec![Weighted { function, weight: 1 }]))
            }
            Action::Multi { span, destinations } => self.multi(span, destinations, called),
            Action::Direct { span, status, body } => {
                let status = self.lower.required(status, span, "directResponseAction", "status").cloned();
                let status =
                    self.lower.number(&status, 200..=599).and_then(|status| u16::try_from(status).ok());
                let body = body.as_ref().map(|leaf| leaf.text.clone().into_bytes()).unwrap_or_default();
                Some(Target::Static(StaticAnswer { status: status?, headers: Vec::new(), body }))
            }
            Action::Nothing => {
                self.lower
                    .report
                    .error(&route.span, "this route does nothing")
                    .help("add `routeAction: { single: { upstream, destinationSpec } }`");
                None
            }
        }
    }

    fn multi(
        &mut self,
        span: &Span,
        destinations: &[(Destination, Option<Leaf>)],
        called: &Called,
    ) -> Option<Target> {
        if destinations.is_empty() || destinations.len() > MAX_DESTINATIONS {
            let message = format!("`multi` has from 1 to {MAX_DESTINATIONS} destinations");
            self.lower.report.error(span, message).help("add `{ weight: 1, destination: … }`");
        }
        let mut set: Vec<Weighted> = Vec::new();
        let mut wrong = destinations.is_empty();
        for (destination, weight) in destinations.iter().take(MAX_DESTINATIONS) {
            let weight = self.lower.required(weight, &destination.span, "destinations", "weight").cloned();
            let weight =
                self.lower.number(&weight, 0..=1_000_000).and_then(|weight| u32::try_from(weight).ok());
            let function = self.function(destination, called);
            let (Some(function), Some(weight)) = (function, weight) else {
                wrong = true;
                continue;
            };
            // Two shares of one function are one.
            match set.iter_mut().find(|known| known.function == function) {
                Some(known) => known.weight = known.weight.saturating_add(weight),
                None => set.push(Weighted { function, weight }),
            }
        }
        if wrong {
            return None;
        }
        if set.iter().all(|share| share.weight == 0) {
            self.lower
                .report
                .error(span, "the weights of `multi` add up to 0")
                .help("give one destination a weight above 0");
        }
        Some(Target::Functions(set))
    }

    /// The key of the function that a destination calls.
    fn function(&mut self, destination: &Destination, called: &Called) -> Option<String> {
        let upstream = self.upstream(destination)?;
        let own = destination.aws.as_ref();
        let rest = upstream.overrides;
        let logical = leaf_of(own, rest, |aws| &aws.logical_name).filter(|leaf| !leaf.text.is_empty());
        if own.is_none() && rest.is_none() && !upstream.fallback {
            self.lower
                .report
                .error(&destination.span, "`destinationSpec.aws` is missing: which function is called?")
                .help("add `destinationSpec: { aws: { logicalName: … } }`");
            return None;
        }
        let span = own.map_or(&destination.span, |aws| &aws.span);
        let style = leaf_of(own, rest, |aws| &aws.invocation_style).cloned();
        let styles = [
            ("SYNC", Invocation::Sync),
            ("ASYNC", Invocation::Async),
            ("0", Invocation::Sync),
            ("1", Invocation::Async),
        ];
        let path = "spec.virtualHost.routes[].routeAction.single.destinationSpec.aws.invocationStyle";
        let invoke = self.lower.word(&style, path, &styles).unwrap_or_default();
        let answer = self.answer(own, rest);
        self.refuse_events(own, rest);
        let (name, function) = upstream.function(logical, span, self.lower.report)?;
        let function = Function {
            event: Format::Body.into(),
            answer,
            invoke,
            timeout: called.timeout,
            retries: called.retries,
            origin: span.origin(),
            ..function
        };
        let key = format!("{}/{}/{name}", upstream.reference.namespace, upstream.reference.name);
        Some(self.functions.key_of(key, function, span))
    }

    fn upstream(&mut self, destination: &Destination) -> Option<&'a Upstream<'o>> {
        let Some(reference) = &destination.upstream else {
            if !destination.other {
                self.lower
                    .report
                    .error(&destination.span, "`upstream` is missing in this destination")
                    .help("add `upstream: { name: …, namespace: … }`");
            }
            return None;
        };
        let name = self.lower.required(&reference.name, &reference.span, "upstream", "name")?;
        let namespace =
            reference.namespace.as_ref().map_or(self.object.namespace.as_str(), |leaf| &leaf.text);
        let wanted = Reference { group: GLOO, kind: "Upstream", namespace, name: &name.text };
        let Some(found) = self.upstreams.get(&format!("{namespace}/{}", name.text)) else {
            let help = self.set.help_for_missing(wanted);
            self.lower.report.error(&name.span, format!("{wanted} does not exist")).help(help);
            return None;
        };
        if !found.is_aws {
            self.lower
                .report
                .error(&name.span, format!("{wanted} is not an AWS upstream"))
                .help("only Lambda functions are served: name an upstream with `spec.aws`");
            return None;
        }
        Some(found)
    }

    fn flag(&mut self, leaf: Option<&Leaf>) -> bool {
        self.lower.bool(&leaf.cloned()).unwrap_or_default()
    }

    /// What is set by the route or by its upstream is set.
    fn either(
        &mut self,
        own: Option<&AwsDestination>,
        rest: Option<&AwsDestination>,
        key: fn(&AwsDestination) -> &Option<Leaf>,
    ) -> Option<Leaf> {
        let leaf = |aws: Option<&AwsDestination>| aws.and_then(|aws| key(aws).clone());
        let (own, rest) = (leaf(own), leaf(rest));
        let own = own.filter(|leaf| self.flag(Some(leaf)));
        own.or_else(|| rest.filter(|leaf| self.flag(Some(leaf))))
    }

    fn answer(&mut self, own: Option<&AwsDestination>, rest: Option<&AwsDestination>) -> AnswerRule {
        let alb = self.either(own, rest, |aws| &aws.unwrap_as_alb);
        let gateway = self.either(own, rest, |aws| &aws.unwrap_as_api_gateway);
        let older = self.either(own, rest, |aws| &aws.response_transformation);
        if let Some(leaf) = &older {
            self.lower
                .report
                .warning(&leaf.span, "`responseTransformation` is an older name of `unwrapAsApiGateway`")
                .help("write `unwrapAsApiGateway: true`");
        }
        match (alb, gateway.or(older)) {
            (Some(_), Some(leaf)) => {
                self.lower
                    .report
                    .warning(&leaf.span, "answers cannot be read in two ways: `unwrapAsAlb` counts")
                    .help("remove one of them; Gloo refuses such a route from version 1.14 on");
                AnswerRule::GlooAlb
            }
            (Some(_), None) => AnswerRule::GlooAlb,
            (None, Some(_)) => AnswerRule::GlooApiGateway,
            (None, None) => AnswerRule::Raw,
        }
    }

    fn refuse_events(&mut self, own: Option<&AwsDestination>, rest: Option<&AwsDestination>) {
        let request = self.either(own, rest, |aws| &aws.request_transformation);
        let wrap = self.either(own, rest, |aws| &aws.wrap_as_api_gateway);
        for (name, leaf) in [("requestTransformation", request), ("wrapAsApiGateway", wrap)] {
            let Some(leaf) = leaf else { continue };
            self.lower
                .report
                .error(&leaf.span, format!("`{name}` (an event of the whole request) is not supported yet"))
                .help("remove it, and the function gets the body alone; or write the route in a native document with `event: rest_v1`");
        }
    }
}

fn leaf_of<'d>(
    own: Option<&'d AwsDestination>,
    rest: Option<&'d AwsDestination>,
    key: fn(&AwsDestination) -> &Option<Leaf>,
) -> Option<&'d Leaf> {
    own.and_then(|aws| key(aws).as_ref()).or_else(|| rest.and_then(|aws| key(aws).as_ref()))
}
