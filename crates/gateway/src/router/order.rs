//! The order in which routes are asked, as one list, for people.
//!
//! The router itself keeps no such list: it goes from host to path to conditions. Of any two routes that take the same
//! request, the one that comes first here is the one that answers; where no request fits both, their order says nothing,
//! and is that of their text.

use std::borrow::Cow;
use std::cmp::Reverse;

use lambridge_model::{ParamKind, PathMatch, Route, Segment};

use super::canonical_literal;

/// Indices of `routes`, the first to be asked first.
pub(crate) fn effective(routes: &[Route]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..routes.len()).collect();
    order.sort_by_cached_key(|&index| {
        let route = &routes[index];
        let matcher = &route.matcher;
        let conditions =
            (matcher.methods.is_empty(), Reverse(matcher.headers.len()), Reverse(matcher.query.len()), index);
        (host(matcher.host.as_deref()), route.order, path(&matcher.path), conditions)
    });
    order
}

/// Exact hosts, then wildcards with the longest first, then routes for any host.
fn host(host: Option<&str>) -> (u8, Reverse<usize>, String) {
    let Some(host) = host else { return (2, Reverse(0), String::new()) };
    let host = host.to_ascii_lowercase();
    match host.starts_with('*') {
        true => (1, Reverse(host.len()), host),
        false => (0, Reverse(0), host),
    }
}

/// Exact paths, then templates and prefixes segment by segment, then regexes, which are asked in the order of their conditions.
fn path(path: &PathMatch) -> (u8, Vec<(u8, Cow<'_, str>)>) {
    let none = Cow::Borrowed("");
    match path {
        PathMatch::Template(template) if template.is_exact() => {
            (0, vec![(0, canonical_literal(template.as_str()))])
        }
        PathMatch::Template(template) => {
            let segments = template.segments().iter().map(|segment| match segment {
                Segment::Literal(text) => (0, canonical_literal(text)),
                Segment::Param { kind: ParamKind::One, .. } => (1, none.clone()),
                Segment::Param { kind: ParamKind::Rest, .. } => (2, none.clone()),
            });
            (1, segments.collect())
        }
        PathMatch::Prefix(prefix) => {
            let literals = prefix.split('/').filter(|segment| !segment.is_empty());
            (1, literals.map(|text| (0, canonical_literal(text))).chain([(3, none)]).collect())
        }
        PathMatch::PrefixTemplate(template) => {
            let segments = template.segments().iter().map(|segment| match segment {
                Segment::Literal(text) => (0, canonical_literal(text)),
                Segment::Param { .. } => (1, none.clone()),
            });
            (1, segments.chain([(3, none.clone())]).collect())
        }
        PathMatch::Regex(_) => (2, Vec::new()),
    }
}
