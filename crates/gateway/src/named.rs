//! Functions that a request names itself.
//!
//! The name comes from the path, a header or the query, and is called only if the route's list allows it: a client
//! must not reach every function that the gateway's credentials can. Every setting but the name is that of one
//! configured function.

use std::sync::Arc;

use http::HeaderName;
use http::request::Parts;
use lambridge_invoke::{Lambda, Target};
use lambridge_model::{FunctionFrom, Invocation, NameSource};
use lambridge_wire::name::FunctionName;
use percent_encoding::percent_decode_str;

use crate::function::FunctionState;
use crate::problem::{Reason, Refusal};
use crate::router;

/// The target of a `function_from` route.
#[derive(Debug)]
pub(crate) struct Named {
    source: NameSource,
    allow: Vec<String>,
    pub(crate) function: Arc<FunctionState>,
}

impl Named {
    pub(crate) fn new(from: &FunctionFrom, function: Arc<FunctionState>) -> Self {
        Self { source: from.source.clone(), allow: from.allow.clone(), function }
    }

    /// The function that the request names, and its name. `parameters` are those of the path, as sent.
    pub(crate) fn target(
        &self,
        head: &Parts,
        parameters: &[(&str, &str)],
    ) -> Result<(Target, Box<str>), Refusal> {
        let missing = |what: &str| Refusal::from(Reason::NoName).with_detail(format!("no function: {what}"));
        let name = match &self.source {
            NameSource::Path(wanted) => {
                let (_, value) = parameters
                    .iter()
                    .find(|(name, _)| name == wanted)
                    .ok_or_else(|| missing("the parameter is not set"))?;
                percent_decode_str(value).decode_utf8().map_err(|_| missing("the parameter is no text"))?
            }
            NameSource::Header(wanted) => {
                let name = HeaderName::from_bytes(wanted.as_bytes()).ok();
                let value =
                    name.and_then(|name| head.headers.get(name)).ok_or_else(|| missing("no header"))?;
                value.to_str().map_err(|_| missing("the header is no text"))?.into()
            }
            NameSource::Query(wanted) => router::first_value(head.uri.query().unwrap_or_default(), wanted)
                .ok_or_else(|| missing("no query parameter"))?,
        };
        if name.is_empty() {
            return Err(missing("the name is empty"));
        }
        // One answer for names that are none and names that are not allowed: nothing can be found out by trying.
        let unknown = || Refusal::from(Reason::UnknownName).with_detail("the function named is not allowed");
        if !self.allow.iter().any(|pattern| matches(pattern, &name)) {
            return Err(unknown());
        }
        let parsed: FunctionName = name.parse().map_err(|_| unknown())?;
        let settings = &self.function.settings;
        let qualifier = settings.qualifier.as_deref();
        let target = match settings.invoke {
            Invocation::Stream => Lambda::stream_target_of(&parsed, qualifier),
            _ => Lambda::target_of(&parsed, qualifier),
        };
        Ok((target, name.into()))
    }
}

/// `*` in `pattern` stands for any characters, none included.
fn matches(pattern: &str, name: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else { return pattern == name };
    let Some(mut left) = name.strip_prefix(head) else { return false };
    let mut parts: Vec<&str> = rest.split('*').collect();
    let tail = parts.pop().unwrap_or_default();
    for part in parts {
        match left.find(part) {
            Some(at) => left = &left[at + part.len()..],
            None => return false,
        }
    }
    left.ends_with(tail)
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn patterns() {
        for (pattern, name, expect) in [
            ("*", "anything", true),
            ("shop", "shop", true),
            ("shop", "shop2", false),
            ("shop-*", "shop-a", true),
            ("shop-*", "shop-", true),
            ("shop-*", "xshop-a", false),
            ("*-live", "a-live", true),
            ("a*b*c", "a1b2c", true),
            ("a*b*c", "a1c2b", false),
            ("a*a", "a", false),
            ("", "a", false),
        ] {
            assert_eq!(matches(pattern, name), expect, "{pattern} {name}");
        }
    }
}
