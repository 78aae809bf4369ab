//! What a route asks of a request beside host and path: listener, method, headers, query.
//!
//! A header matches when one of its lines has the value. A query parameter matches by its first occurrence, as the
//! Gateway API recommends; `+` is a space, and an escape that is none stays as it is.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::net::SocketAddr;

use http::HeaderName;
use lambridge_model::Route;
use percent_encoding::percent_decode_str;

use super::Lookup;
use crate::Problem;

/// The conditions of one route.
#[derive(Debug)]
pub(super) struct Conditions {
    listeners: Box<[SocketAddr]>,
    methods: Box<[Box<str>]>,
    headers: Box<[(HeaderName, Box<[u8]>)]>,
    query: Box<[(Box<str>, Box<str>)]>,
}

impl Conditions {
    pub(super) fn new(route: &Route) -> (Self, Vec<Problem>) {
        let mut problems = Vec::new();
        let mut headers = Vec::new();
        for (name, value) in &route.matcher.headers {
            match HeaderName::from_bytes(name.as_bytes()) {
                Ok(name) => headers.push((name, value.as_bytes().into())),
                Err(_) => problems.push(Problem {
                    origin: route.origin.clone(),
                    message: format!("`{name}` of route `{}` is not a header name", route.id),
                }),
            }
        }
        let conditions = Self {
            listeners: route.listeners.as_slice().into(),
            methods: route.matcher.methods.iter().map(|method| method.as_str().into()).collect(),
            headers: headers.into(),
            query: route.matcher.query.iter().map(|(k, v)| (k.as_str().into(), v.as_str().into())).collect(),
        };
        (conditions, problems)
    }

    /// Sorts routes of equal host and path: the best first.
    pub(super) fn rank(&self, index: usize) -> (bool, Reverse<usize>, Reverse<usize>, usize) {
        (self.methods.is_empty(), Reverse(self.headers.len()), Reverse(self.query.len()), index)
    }

    pub(super) fn methods(&self) -> &[Box<str>] {
        &self.methods
    }

    pub(super) fn on_listener(&self, listener: SocketAddr) -> bool {
        self.listeners.is_empty() || self.listeners.contains(&listener)
    }

    pub(super) fn takes_method(&self, method: &str) -> bool {
        self.methods.is_empty() || self.methods.iter().any(|known| **known == *method)
    }

    /// Whether all of them hold.
    pub(super) fn accept(&self, lookup: &Lookup<'_>) -> bool {
        self.takes_method(lookup.method)
            && self.on_listener(lookup.listener)
            && self.headers.iter().all(|(name, value)| {
                lookup.headers.get_all(name).iter().any(|line| line.as_bytes() == &**value)
            })
            && self
                .query
                .iter()
                .all(|(key, value)| first_value(lookup.query, key).is_some_and(|v| v == **value))
    }
}

/// The first value of `key`, decoded.
pub(crate) fn first_value<'a>(query: &'a str, key: &str) -> Option<Cow<'a, str>> {
    query.split('&').find_map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decoded(name) == key && !pair.is_empty()).then(|| decoded(value))
    })
}

/// Form decoding; text without escapes is borrowed.
fn decoded(text: &str) -> Cow<'_, str> {
    if !text.contains('+') {
        return percent_decode_str(text).decode_utf8_lossy();
    }
    let spaced = text.replace('+', " ");
    Cow::Owned(percent_decode_str(&spaced).decode_utf8_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::first_value;

    fn check(query: &str, key: &str, expect: Option<&str>) {
        assert_eq!(first_value(query, key).as_deref(), expect, "{query} {key}");
    }

    #[test]
    fn query_values() {
        check("a=1&b=2", "b", Some("2"));
        check("a=1&a=2", "a", Some("1"));
        check("a", "a", Some(""));
        check("", "", None);
        check("x+y=1+2", "x y", Some("1 2"));
        check("%61=%2B", "a", Some("+"));
        check("a=1=2", "a", Some("1=2"));
        check("b=2", "a", None);
    }
}
