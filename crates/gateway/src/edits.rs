//! What a route changes of requests and answers: path, host, headers.
//!
//! Routing, limits and the log see the request as it was sent; everything from there on, scripts and the target included,
//! sees it changed. A route that changes nothing pays nothing.

use std::sync::Arc;

use http::header::{HOST, HeaderMap, HeaderName, HeaderValue};
use http::request::Parts;
use http::uri::{PathAndQuery, Uri};
use lambridge_model::{HeaderChanges, Route};

use crate::headers::Client;
use crate::rewrite::PathRule;

/// The compiled changes of one route.
#[derive(Debug)]
pub(crate) struct Edits {
    path: Option<PathRule>,
    host: Option<(String, HeaderValue)>,
    request: Fields,
    answer: Fields,
}

/// Compiled [`HeaderChanges`].
#[derive(Debug, Default)]
struct Fields {
    set: Vec<(HeaderName, HeaderValue)>,
    add: Vec<(HeaderName, HeaderValue)>,
    remove: Vec<HeaderName>,
}

impl Edits {
    /// `None` where the route changes nothing.
    pub(crate) fn new(route: &Route) -> Result<Option<Arc<Self>>, String> {
        let policies = &route.policies;
        let rewrite = &policies.rewrite;
        let untouched = rewrite.path.is_none()
            && rewrite.host.is_none()
            && policies.request_headers.is_empty()
            && policies.answer_headers.is_empty();
        if untouched {
            return Ok(None);
        }
        let path = rewrite.path.as_ref().map(|path| PathRule::new(path, &route.matcher.path)).transpose()?;
        let host = rewrite.host.as_ref().map(|host| {
            let value = HeaderValue::from_str(host).map_err(|_| format!("`{host}` is not a host"))?;
            Ok::<_, String>((host.clone(), value))
        });
        Ok(Some(Arc::new(Self {
            path,
            host: host.transpose()?,
            request: Fields::new(&policies.request_headers)?,
            answer: Fields::new(&policies.answer_headers)?,
        })))
    }

    /// The request as the target gets it, and the host that it is asked for.
    pub(crate) fn request<'a>(
        &'a self,
        head: &Parts,
        host: &'a str,
        client: &mut Client,
    ) -> (Parts, &'a str) {
        let mut head = head.clone();
        if let Some(rule) = &self.path {
            let mut target = rule.apply(head.uri.path());
            if let Some(query) = head.uri.query() {
                target.push('?');
                target.push_str(query);
            }
            // Its parts are those of a path that was parsed, and of one that was encoded.
            if let Ok(target) = PathAndQuery::try_from(target) {
                head.uri = Uri::from(target);
            }
        }
        for name in self.request.names() {
            client.yield_to_route(name, &mut head.headers);
        }
        self.request.apply(&mut head.headers);
        let Some((name, value)) = &self.host else { return (head, host) };
        head.headers.insert(HOST, value.clone());
        (head, name)
    }

    /// The answer as the client gets it.
    pub(crate) fn answer(&self, headers: &mut HeaderMap) {
        self.answer.apply(headers);
    }
}

impl Fields {
    fn new(changes: &HeaderChanges) -> Result<Self, String> {
        let name = |name: &String| {
            HeaderName::from_bytes(name.as_bytes()).map_err(|_| format!("`{name}` is not a header name"))
        };
        let pairs = |pairs: &[(String, String)]| {
            let pair = |(key, value): &(String, String)| {
                let value =
                    HeaderValue::from_str(value).map_err(|_| format!("the value of `{key}` is none"))?;
                Ok((name(key)?, value))
            };
            pairs.iter().map(pair).collect::<Result<Vec<_>, String>>()
        };
        let remove = changes.remove.iter().map(name).collect::<Result<_, _>>()?;
        Ok(Self { set: pairs(&changes.set)?, add: pairs(&changes.add)?, remove })
    }

    /// What is written.
    fn names(&self) -> impl Iterator<Item = &HeaderName> {
        self.set.iter().chain(&self.add).map(|(name, _)| name)
    }

    fn apply(&self, headers: &mut HeaderMap) {
        for name in &self.remove {
            headers.remove(name);
        }
        for (name, value) in &self.set {
            headers.insert(name.clone(), value.clone());
        }
        for (name, value) in &self.add {
            headers.append(name.clone(), value.clone());
        }
    }
}
