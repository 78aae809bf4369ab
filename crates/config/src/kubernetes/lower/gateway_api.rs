//! The Gateway API: listeners of `Gateway`s, and the routes that attach to them.
//!
//! An `HTTPRoute` becomes one model route for each host it is served at and each of its matches; its id is
//! `HTTPRoute NAMESPACE/NAME`, with a number behind it from the second on. A host is what a listener and the route
//! agree on; precedence among routes is the router's.
//!
//! What a cluster writes into the status of a route (no such parent, not allowed, no such backend, no grant) is an error
//! here, since a file has no status that someone reads later. Gateways of other controllers are left alone, with a
//! warning.
//!
//! Source: Gateway API 1.6, `HTTPRoute` and `Gateway` reference.

mod attach;
mod filters;
mod grant;
mod matches;

pub use grant::{Referrer, check as check_grant};

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::time::Duration;

use lambridge_model::{Errors, Policies, Route, StaticAnswer, Target, Weighted};

use super::kgateway;
use crate::document::Span;
use crate::kubernetes::set::{Reference, Set};
use crate::kubernetes::support::gateway_api::{HTTP_ROUTE, REFERENCE_GRANT};
use crate::kubernetes::support::{GATEWAY_API, GLOO, KGATEWAY};
use crate::kubernetes::syntax::gateway_api::{BackendRef, Extension, Filter, HttpRoute, Rule};
use crate::kubernetes::syntax::{Body, Object};
use crate::leaf::Lower;
use crate::merge::{Part, PartFunction, PartRoute};
use crate::reader::Leaf;
use crate::report::{Report, quoted};
use crate::suggest::nearest;

/// Source: the bounds of the `HTTPRoute` definition.
const MAX_RULES: usize = 16;
const MAX_MATCHES: usize = 128;
const MAX_BACKENDS: usize = 16;
/// Model routes of all objects: hosts multiply matches.
const MAX_ROUTES: usize = 20_000;
/// Lambda's own bound on an invocation. Source: Lambda quotas.
const QUARTER_HOUR: Duration = Duration::from_secs(900);

/// Adds listeners, functions and routes.
pub fn lower(set: &Set<'_>, part: &mut Part, report: &mut Report) {
    for object in set.objects() {
        if let Body::ReferenceGrant(grant) = &object.body {
            grant::complain(grant, object, &mut lower_of(report, &REFERENCE_GRANT));
        }
    }
    let backends = kgateway::backends(set, report);
    let sections = attach::sections(set, part, report);
    let mut functions = BTreeMap::new();
    for object in set.objects() {
        let Body::HttpRoute(route) = &object.body else { continue };
        let mut lowering = Lowering {
            set,
            backends: &backends,
            functions: &mut functions,
            object,
            lower: lower_of(report, &HTTP_ROUTE),
        };
        let hosts = attach::attach(route, object, &sections, set, &mut lowering.lower);
        let rules = lowering.rules(route);
        if part.routes.len() + hosts.len() * rules.iter().map(|rule| rule.matchers.len()).sum::<usize>()
            > MAX_ROUTES
        {
            report
                .error(&object.span, format!("hosts and matches make more than {MAX_ROUTES} routes"))
                .help("name fewer hosts, or fewer matches");
            return;
        }
        routes(object, &hosts, rules, part);
    }
    part.functions.extend(functions.into_values());
}

/// Lowering of objects of one kind; files that they name do not exist.
pub fn lower_of<'a>(report: &'a mut Report, table: &'static crate::table::Table) -> Lower<'a> {
    Lower { folder: Path::new(""), report, table }
}

/// A rule whose matches and target stand.
struct Lowered {
    span: Span,
    matchers: Vec<lambridge_model::Matcher>,
    target: Option<Target>,
    policies: Policies,
}

/// Every host with every match.
fn routes(object: &Object, hosts: &attach::Hosts, rules: Vec<Lowered>, part: &mut Part) {
    let mut number = 0;
    for Lowered { span, matchers, target, policies } in rules {
        for matcher in &matchers {
            for (host, listeners) in hosts {
                number += 1;
                let reference = format!("HTTPRoute {}/{}", object.namespace, object.name.text);
                let id = if number == 1 { reference } else { format!("{reference} #{number}") };
                let matcher = lambridge_model::Matcher { host: host.clone(), ..matcher.clone() };
                let route = target.clone().map(|target| Route {
                    listeners: listeners.iter().map(|(address, _)| *address).collect(),
                    errors: Errors::Envoy,
                    policies: policies.clone(),
                    origin: span.origin(),
                    ..Route::new(matcher, target)
                });
                part.routes.push(PartRoute {
                    route,
                    id: Some((id, span.clone())),
                    span: span.clone(),
                    functions: Vec::new(),
                    listeners: listeners.clone(),
                });
            }
        }
    }
}

struct Lowering<'a, 'o> {
    set: &'a Set<'o>,
    backends: &'a HashMap<Reference<'o>, kgateway::Backend<'o>>,
    /// By key, so that a function that two routes use is one.
    functions: &'a mut BTreeMap<String, PartFunction>,
    object: &'a Object,
    lower: Lower<'a>,
}

impl Lowering<'_, '_> {
    fn rules(&mut self, route: &HttpRoute) -> Vec<Lowered> {
        let Some((span, rules)) = route.rules.as_ref().filter(|(_, rules)| !rules.is_empty()) else {
            self.lower
                .report
                .error(&self.object.span, format!("{} has no rules", self.object.reference()))
                .help("add `rules` with `backendRefs`");
            return Vec::new();
        };
        let matches: usize =
            rules.iter().map(|rule| rule.matches.as_ref().map_or(1, |(_, all)| all.len())).sum();
        if rules.len() > MAX_RULES || matches > MAX_MATCHES {
            self.lower
                .report
                .error(span, format!("a route has {MAX_RULES} rules and {MAX_MATCHES} matches at most"))
                .help("write several routes");
            return Vec::new();
        }
        rules.iter().map(|rule| self.rule(rule)).collect()
    }

    fn rule(&mut self, rule: &Rule) -> Lowered {
        let matchers = matches::matchers(rule, &mut self.lower);
        let (policies, redirect) = filters::lower(rule, &matchers, &mut self.lower);
        let timeout = self.timeout(rule);
        let backends = rule.backends.as_ref().is_some_and(|(_, backends)| !backends.is_empty());
        // Backends beside a redirect are wrong, and what is wrong with them is told all the same.
        let target = if redirect.is_none() || backends { self.target(rule, timeout) } else { None };
        let target = redirect.map(Target::Redirect).or(target);
        let policies = match &target {
            // The answer to a rule without backends: no one sees its requests.
            Some(Target::Static(_)) => Policies::default(),
            _ => policies,
        };
        Lowered { span: rule.span.clone(), matchers, target, policies }
    }

    /// The shorter of both; zero is none, and then Lambda's own bound counts.
    fn timeout(&mut self, rule: &Rule) -> Option<Duration> {
        let [request, backend] = [&rule.request, &rule.backend_request]
            .map(|leaf| self.lower.duration(leaf, Duration::ZERO..=QUARTER_HOUR * 4))
            .map(|found| found.map(|found| if found.is_zero() { QUARTER_HOUR } else { found }));
        match (request, backend) {
            (Some(request), Some(backend)) => Some(request.min(backend)),
            (request, backend) => request.or(backend),
        }
    }

    fn target(&mut self, rule: &Rule, timeout: Option<Duration>) -> Option<Target> {
        let backends = rule.backends.as_ref().map_or(&[][..], |(_, backends)| backends);
        if backends.is_empty() {
            self.lower
                .report
                .warning(&rule.span, "this rule has no `backendRefs`: its requests get 500")
                .help("add `backendRefs` with a `Backend`");
            return Some(Target::Static(StaticAnswer { status: 500, headers: Vec::new(), body: Vec::new() }));
        }
        if let Some(backend) = backends.get(MAX_BACKENDS) {
            let message = format!("a rule has {MAX_BACKENDS} backends at most");
            self.lower.report.error(&backend.span, message).help("write another rule");
        }
        let mut targets: Vec<Weighted> = Vec::new();
        let mut whole = true;
        for backend in backends.iter().take(MAX_BACKENDS) {
            let weight = self
                .lower
                .number(&backend.weight, 0..=1_000_000)
                .and_then(|weight| u32::try_from(weight).ok());
            let weight = weight.unwrap_or(1);
            let Some(key) = self.backend(backend, timeout) else {
                whole = false;
                continue;
            };
            match targets.iter_mut().find(|target| target.function == key) {
                Some(same) => same.weight = same.weight.saturating_add(weight),
                None => targets.push(Weighted { function: key, weight }),
            }
        }
        if whole && targets.iter().all(|target| target.weight == 0) {
            self.lower
                .report
                .warning(&rule.span, "every weight is 0: requests get 500")
                .help("give one backend a weight above 0");
        }
        whole.then_some(Target::Functions(targets))
    }

    /// The key of the function that a backend reference means.
    fn backend(&mut self, backend: &BackendRef, timeout: Option<Duration>) -> Option<String> {
        let parameter = self.parameter(&backend.filters);
        let name = self.lower.required(&backend.name, &backend.span, "backendRefs", "name")?;
        let group = backend.group.as_ref().map_or("", |leaf| leaf.text.as_str());
        // Source: defaults of `backendRefs`.
        let kind = backend.kind.as_ref().map_or("Service", |leaf| leaf.text.as_str());
        if (group, kind) != (KGATEWAY, "Backend") {
            let span = [&backend.kind, &backend.group]
                .into_iter()
                .flatten()
                .next()
                .map_or(&name.span, |leaf| &leaf.span);
            let named =
                if group.is_empty() { quoted(kind) } else { format!("{} ({})", quoted(kind), quoted(group)) };
            self.lower
                .report
                .error(span, format!("backends of kind {named} are not served"))
                .help(format!("only functions are: write `group: {KGATEWAY}` and `kind: Backend`"));
            return None;
        }
        let namespace = backend.namespace.as_ref().map_or(self.object.namespace.as_str(), |leaf| &leaf.text);
        let reference = Reference { group, kind, namespace, name: &name.text };
        let Some(found) = self.backends.get(&reference) else {
            let help = self.set.help_for_missing(reference);
            self.lower.report.error(&name.span, format!("{reference} does not exist")).help(help);
            return None;
        };
        let from = Referrer { group: GATEWAY_API, kind: "HTTPRoute", namespace: &self.object.namespace };
        let span = backend.namespace.as_ref().map_or(&name.span, |leaf| &leaf.span);
        check_grant(self.set, from, reference, span, self.lower.report)?;
        let (key, function) = found.function(parameter?, &name.span, self.lower.report)?;
        let mut function = function;
        let key = match timeout {
            Some(timeout) => {
                function.timeout = timeout;
                format!("{key} timeout {}", crate::values::show_duration(timeout))
            }
            None => key,
        };
        let span = found.span.clone();
        self.functions.entry(key.clone()).or_insert_with(|| PartFunction {
            key: key.clone(),
            function: Some(function),
            span,
        });
        Some(key)
    }

    /// The one filter that is known here: it names the function. `None` when one was reported as wrong.
    fn parameter<'f>(&mut self, filters: &'f [Filter]) -> Option<Option<&'f Leaf>> {
        let mut found = None;
        let mut whole = true;
        for filter in filters {
            let name = self.filter(filter);
            whole &= name.is_some();
            if let Some(second) = name.filter(|_| found.is_some()) {
                self.lower.wrong(
                    second,
                    "is the second `Parameter` of this backend",
                    "a backend calls one function",
                );
            }
            found = found.or(name);
        }
        whole.then_some(found)
    }

    fn filter<'f>(&mut self, filter: &'f Filter) -> Option<&'f Leaf> {
        self.lower.required(&filter.kind, &filter.span, "filters", "type")?;
        let path = "spec.rules[].backendRefs[].filters[].type";
        self.lower.word(&filter.kind, path, &[("ExtensionRef", ())])?;
        match &filter.extension {
            Some(extension) => self.extension(extension),
            None => {
                self.lower
                    .report
                    .error(&filter.span, "`extensionRef` is missing in this filter")
                    .help(format!("add `extensionRef: {{ group: {KGATEWAY}, kind: Parameter, name: … }}`"));
                None
            }
        }
    }

    fn extension<'f>(&mut self, extension: &'f Extension) -> Option<&'f Leaf> {
        let [group, kind, name] =
            [("group", &extension.group), ("kind", &extension.kind), ("name", &extension.name)]
                .map(|(name, leaf)| self.lower.required(leaf, &extension.span, "extensionRef", name));
        let (group, kind, name) = (group?, kind?, name?);
        if ![KGATEWAY, GLOO].contains(&group.text.as_str()) || kind.text != "Parameter" {
            let near = nearest(&kind.text, ["Parameter"]).filter(|near| *near != kind.text);
            let help = match near {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!(
                    "`Parameter` of `{KGATEWAY}` or `{GLOO}` names the function; others are not known"
                ),
            };
            let message = format!("filters of kind {} ({}) are not known", kind.shown, group.shown);
            self.lower.report.error(&kind.span, message).help(help);
            return None;
        }
        Some(name)
    }
}
