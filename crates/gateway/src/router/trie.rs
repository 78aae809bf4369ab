//! The paths of one host: a map of exact ones, a trie of segments, regexes last.
//!
//! The trie is walked depth first, at each node the literal child, then `{x}`, then `{x+}`, then the prefix that
//! ends here; that order is the precedence. A walk visits a node once at most, so its cost is bounded by the
//! configuration, not by what a client sends.

use std::collections::HashMap;

use lambridge_model::{ParamKind, PathMatch, Segment};
use regex::bytes::Regex;

use super::canonical_literal;
use super::pattern::anchored;

/// Routes by path; each list is best first.
#[derive(Debug)]
pub(super) struct PathTable {
    exact: HashMap<Box<str>, Vec<usize>>,
    nodes: Vec<Node>,
    regexes: Vec<(Regex, usize)>,
}

#[derive(Debug, Default)]
struct Node {
    literals: HashMap<Box<str>, usize>,
    one: Option<usize>,
    /// `{x+}` from here.
    rest: Vec<usize>,
    /// Templates that end here.
    end: Vec<usize>,
    /// Prefixes that end here.
    prefix: Vec<usize>,
}

impl Default for PathTable {
    fn default() -> Self {
        Self { exact: HashMap::new(), nodes: vec![Node::default()], regexes: Vec::new() }
    }
}

impl PathTable {
    /// Adds a route. Routes come in the order of their conditions' rank.
    pub(super) fn insert(&mut self, path: &PathMatch, route: usize) -> Result<(), String> {
        match path {
            PathMatch::Template(template) if template.is_exact() => {
                let text = canonical_literal(template.as_str());
                self.exact.entry(text.as_ref().into()).or_default().push(route);
            }
            PathMatch::Template(template) => {
                let mut node = 0;
                for segment in template.segments() {
                    match segment {
                        Segment::Literal(text) => node = self.literal(node, text),
                        Segment::Param { kind: ParamKind::One, .. } => node = self.one(node),
                        Segment::Param { kind: ParamKind::Rest, .. } => {
                            self.nodes[node].rest.push(route);
                            return Ok(());
                        }
                    }
                }
                self.nodes[node].end.push(route);
            }
            PathMatch::Prefix(prefix) => {
                let mut node = 0;
                let inner = prefix.trim_end_matches('/').trim_start_matches('/');
                for segment in inner.split('/').filter(|_| !inner.is_empty()) {
                    node = self.literal(node, segment);
                }
                self.nodes[node].prefix.push(route);
            }
            PathMatch::PrefixTemplate(template) => {
                let mut node = 0;
                for segment in template.segments() {
                    node = match segment {
                        Segment::Literal(text) => self.literal(node, text),
                        Segment::Param { .. } => self.one(node),
                    };
                }
                self.nodes[node].prefix.push(route);
            }
            PathMatch::Regex(text) => {
                self.regexes.push((anchored(text)?, route));
            }
        }
        Ok(())
    }

    fn literal(&mut self, node: usize, text: &str) -> usize {
        let text = canonical_literal(text);
        if let Some(&child) = self.nodes[node].literals.get(text.as_ref()) {
            return child;
        }
        let child = self.grow();
        self.nodes[node].literals.insert(text.as_ref().into(), child);
        child
    }

    fn one(&mut self, node: usize) -> usize {
        if let Some(child) = self.nodes[node].one {
            return child;
        }
        let child = self.grow();
        self.nodes[node].one = Some(child);
        child
    }

    fn grow(&mut self) -> usize {
        self.nodes.push(Node::default());
        self.nodes.len() - 1
    }

    /// Offers the routes that match `path` (canonical, starting with `/`), best first.
    pub(super) fn visit<T>(&self, path: &str, offer: &mut impl FnMut(usize) -> Option<T>) -> Option<T> {
        if !self.exact.is_empty()
            && let Some(found) = self.exact.get(path).and_then(|routes| each(routes, offer))
        {
            return Some(found);
        }
        if let Some(found) = self.walk(0, path.strip_prefix('/'), offer) {
            return Some(found);
        }
        self.regexes
            .iter()
            .find_map(|(regex, route)| if regex.is_match(path.as_bytes()) { offer(*route) } else { None })
    }

    /// `remaining` is what follows the `/` after this node; `None` when the path ends here.
    fn walk<T>(
        &self,
        node: usize,
        remaining: Option<&str>,
        offer: &mut impl FnMut(usize) -> Option<T>,
    ) -> Option<T> {
        let node = &self.nodes[node];
        let found = match remaining {
            None => each(&node.end, offer),
            Some(remaining) => {
                let (segment, tail) = match remaining.split_once('/') {
                    Some((segment, tail)) => (segment, Some(tail)),
                    None => (remaining, None),
                };
                let literal = if node.literals.is_empty() { None } else { node.literals.get(segment) };
                literal
                    .and_then(|&child| self.walk(child, tail, offer))
                    .or_else(|| {
                        let child = node.one.filter(|_| !segment.is_empty())?;
                        self.walk(child, tail, offer)
                    })
                    .or_else(|| if remaining.is_empty() { None } else { each(&node.rest, offer) })
            }
        };
        found.or_else(|| each(&node.prefix, offer))
    }
}

fn each<T>(routes: &[usize], offer: &mut impl FnMut(usize) -> Option<T>) -> Option<T> {
    routes.iter().find_map(|&route| offer(route))
}
