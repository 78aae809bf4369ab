//! Which route takes a request.
//!
//! Precedence follows the Gateway API, one rule after the other:
//!
//! 1. a route with a host beats one without; an exact host beats a wildcard, a longer wildcard a shorter one;
//! 2. a route with a lower `order`, which is 0 unless its configuration lists routes in an order of its own;
//! 3. an exact path; then templates and prefixes compared segment by segment, where a literal beats `{x}`, which
//!    beats `{x+}`, which beats the end of a prefix; then regexes;
//! 4. a route that names methods beats one that takes all; more headers, then more query parameters;
//! 5. the order of the file.
//!
//! A route whose methods, headers or query do not match is passed over for the next one. 405 is the answer only if
//! some route's path matched and none of those takes the method.
//!
//! Paths are compared in the canonical form of [`path`]: unreserved characters decoded, everything else as sent.
//! `.`, `..` and empty segments (`//`) are ordinary segments: nothing is normalised silently, since a function
//! behind the gateway sees the path as the client sent it and must not be reached by another spelling.
//!
//! The common lookup (a host in lower case, a path without odd escapes) does not allocate.

mod conditions;
mod explain;
mod host;
#[cfg(test)]
mod oracle;
mod order;
mod path;
mod pattern;
mod trie;

use std::borrow::Cow;
use std::collections::HashMap;
use std::net::SocketAddr;

use http::HeaderMap;
use lambridge_model::Route;

use crate::Problem;
use conditions::Conditions;
use trie::PathTable;

pub(crate) use conditions::first_value;
pub use explain::{Explanation, Outcome, Probe, explain};
pub(crate) use host::{is_host, without_port};
pub(crate) use order::effective;
pub(crate) use path::segment;

/// The routes of a model, ready for lookups. Routes are named by their index in the model.
#[derive(Debug, Default)]
pub(crate) struct Router {
    exact_hosts: HashMap<Box<str>, Tiers>,
    /// Suffixes with their leading dot, longest first.
    wildcard_hosts: Vec<(Box<str>, Tiers)>,
    any_host: Tiers,
    conditions: Vec<Conditions>,
}

/// The paths of one host, one table for each `order`, lowest first.
#[derive(Debug, Default)]
struct Tiers(Vec<(u32, PathTable)>);

impl Tiers {
    fn table(&mut self, order: u32) -> &mut PathTable {
        let at = match self.0.binary_search_by_key(&order, |(order, _)| *order) {
            Ok(at) => at,
            Err(at) => {
                self.0.insert(at, (order, PathTable::default()));
                at
            }
        };
        &mut self.0[at].1
    }

    fn visit<T>(&self, path: &str, offer: &mut impl FnMut(usize) -> Option<T>) -> Option<T> {
        self.0.iter().find_map(|(_, table)| table.visit(path, offer))
    }
}

/// What the router looks at.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lookup<'a> {
    /// The listener's address as configured.
    pub(crate) listener: SocketAddr,
    /// As the client sent it, perhaps with a port.
    pub(crate) host: &'a str,
    pub(crate) method: &'a str,
    /// As sent, without query.
    pub(crate) path: &'a str,
    /// As sent, without `?`.
    pub(crate) query: &'a str,
    pub(crate) headers: &'a HeaderMap,
}

/// The router's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Found {
    /// Index of the route.
    Route(usize),
    /// The path is known under other methods: the value of `Allow`.
    MethodNotAllowed(String),
    /// No route.
    Nothing,
}

impl Router {
    /// Compiles `routes`; all problems are reported.
    pub(crate) fn new(routes: &[Route]) -> (Self, Vec<Problem>) {
        let mut router = Self::default();
        let mut problems = Vec::new();
        for route in routes {
            let (conditions, mut wrong) = Conditions::new(route);
            router.conditions.push(conditions);
            problems.append(&mut wrong);
        }
        let mut order: Vec<usize> = (0..routes.len()).collect();
        order.sort_by_key(|&index| router.conditions[index].rank(index));
        for index in order {
            let route = &routes[index];
            let table = router.tiers(route.matcher.host.as_deref()).table(route.order);
            if let Err(message) = table.insert(&route.matcher.path, index) {
                problems.push(Problem { origin: route.origin.clone(), message });
            }
        }
        router.wildcard_hosts.sort_by_key(|(suffix, _)| std::cmp::Reverse(suffix.len()));
        (router, problems)
    }

    /// The tables of one host; made when new.
    fn tiers(&mut self, host: Option<&str>) -> &mut Tiers {
        let Some(host) = host else { return &mut self.any_host };
        let host = host.to_ascii_lowercase();
        let Some(suffix) = host.strip_prefix('*') else {
            return self.exact_hosts.entry(host.into()).or_default();
        };
        let at = self.wildcard_hosts.iter().position(|(known, _)| **known == *suffix).unwrap_or_else(|| {
            self.wildcard_hosts.push((suffix.into(), Tiers::default()));
            self.wildcard_hosts.len() - 1
        });
        &mut self.wildcard_hosts[at].1
    }

    /// Finds the route for a request.
    pub(crate) fn find(&self, lookup: &Lookup<'_>) -> Found {
        if !lookup.path.starts_with('/') {
            return Found::Nothing;
        }
        let host = host::canonical(lookup.host);
        let path = path::canonical(lookup.path);
        let taken =
            self.visit(&host, &path, &mut |index| self.conditions[index].accept(lookup).then_some(index));
        match taken {
            Some(index) => Found::Route(index),
            None => self.refusal(lookup, &host, &path),
        }
    }

    /// Tells 405 from 404. Only failed lookups come here, so it may allocate.
    fn refusal(&self, lookup: &Lookup<'_>, host: &str, path: &str) -> Found {
        let mut allowed: Vec<&str> = Vec::new();
        let taken = self.visit(host, path, &mut |index| {
            let conditions = &self.conditions[index];
            if !conditions.on_listener(lookup.listener) {
                return None;
            }
            allowed.extend(conditions.methods().iter().map(|method| &**method));
            conditions.takes_method(lookup.method).then_some(())
        });
        if taken.is_some() || allowed.is_empty() {
            return Found::Nothing;
        }
        allowed.sort_unstable();
        allowed.dedup();
        Found::MethodNotAllowed(allowed.join(", "))
    }

    /// Calls `offer` with each route whose host and path match, best first, until it returns something.
    fn visit<T>(&self, host: &str, path: &str, offer: &mut impl FnMut(usize) -> Option<T>) -> Option<T> {
        if !self.exact_hosts.is_empty()
            && let Some(table) = self.exact_hosts.get(host)
            && let Some(found) = table.visit(path, offer)
        {
            return Some(found);
        }
        for (suffix, table) in &self.wildcard_hosts {
            if host.len() > suffix.len()
                && host.ends_with(&**suffix)
                && let Some(found) = table.visit(path, offer)
            {
                return Some(found);
            }
        }
        self.any_host.visit(path, offer)
    }
}

/// The canonical text of a configured path.
fn canonical_literal(text: &str) -> Cow<'_, str> {
    path::canonical(text)
}
