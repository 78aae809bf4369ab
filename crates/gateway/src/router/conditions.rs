//! What a route asks of a request beside host and path: listener, method, headers, query.
//!
//! A header matches when one of its lines has the value. A query parameter matches by its first occurrence, as the
//! Gateway API recommends; `+` is a space, and an escape that is none stays as it is. A pattern takes the whole value.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::net::SocketAddr;

use http::HeaderName;
use lambridge_model::{Route, ValueMatch};
use percent_encoding::percent_decode_str;
use regex::bytes::Regex;

use super::Lookup;
use super::pattern::anchored;
use crate::Problem;

/// The conditions of one route.
#[derive(Debug)]
pub(super) struct Conditions {
    listeners: Box<[SocketAddr]>,
    methods: Box<[Box<str>]>,
    headers: Box<[(HeaderName, Value)]>,
    query: Box<[(Box<str>, Value)]>,
}

/// A compiled [`ValueMatch`].
#[derive(Debug)]
enum Value {
    Exact(Box<[u8]>),
    Regex(Regex),
    Present(bool),
}

impl Value {
    fn new(value: &ValueMatch) -> Result<Self, String> {
        Ok(match value {
            ValueMatch::Exact(text) => Self::Exact(text.as_bytes().into()),
            ValueMatch::Regex(text) => Self::Regex(anchored(text)?),
            ValueMatch::Present(present) => Self::Present(*present),
        })
    }

    /// Whether one of `values` is as it must be.
    fn accepts<'v>(&self, mut values: impl Iterator<Item = &'v [u8]>) -> bool {
        match self {
            Self::Exact(value) => values.any(|one| one == &**value),
            Self::Regex(regex) => values.any(|one| regex.is_match(one)),
            Self::Present(present) => values.next().is_some() == *present,
        }
    }
}

impl Conditions {
    pub(super) fn new(route: &Route) -> (Self, Vec<Problem>) {
        let mut problems = Vec::new();
        let mut refuse = |reason: String| {
            let message = format!("route `{}`: {reason}", route.id);
            problems.push(Problem { origin: route.origin.clone(), message });
        };
        let mut headers = Vec::new();
        for (name, value) in &route.matcher.headers {
            match HeaderName::from_bytes(name.as_bytes()) {
                Ok(name) => headers.extend(Value::new(value).map_err(&mut refuse).map(|value| (name, value))),
                Err(_) => refuse(format!("`{name}` is not a header name")),
            }
        }
        let mut query = Vec::new();
        for (key, value) in &route.matcher.query {
            query.extend(Value::new(value).map_err(&mut refuse).map(|value| (key.as_str().into(), value)));
        }
        let conditions = Self {
            listeners: route.listeners.as_slice().into(),
            methods: route.matcher.methods.iter().map(|method| method.as_str().into()).collect(),
            headers: headers.into(),
            query: query.into(),
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
                value.accepts(lookup.headers.get_all(name).iter().map(|line| line.as_bytes()))
            })
            && self.query.iter().all(|(key, value)| {
                value.accepts(first_value(lookup.query, key).iter().map(|first| first.as_bytes()))
            })
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
    use lambridge_model::ValueMatch;

    use super::{Value, first_value};

    fn accepts(value: &ValueMatch, sent: &[&str], expect: bool) {
        let compiled = Value::new(value).unwrap();
        assert_eq!(compiled.accepts(sent.iter().map(|one| one.as_bytes())), expect, "{value:?} {sent:?}");
    }

    #[test]
    fn values() {
        let regex = |text: &str| ValueMatch::Regex(text.to_owned());
        accepts(&"a".into(), &["b", "a"], true);
        accepts(&"a".into(), &["aa"], false);
        accepts(&regex("a|b"), &["b"], true);
        // The whole value, whatever the pattern's own bars say.
        accepts(&regex("a|b"), &["ab"], false);
        accepts(&regex("v[0-9]+"), &["x", "v12"], true);
        accepts(&regex(".*"), &[], false);
        accepts(&ValueMatch::Present(true), &[""], true);
        accepts(&ValueMatch::Present(true), &[], false);
        accepts(&ValueMatch::Present(false), &[], true);
        accepts(&ValueMatch::Present(false), &["a"], false);
        for wrong in ["(", "a)|(?:b", "(?:a{1000}){1000}"] {
            assert!(Value::new(&regex(wrong)).is_err(), "{wrong}");
        }
    }

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
