//! `matches` of a rule.
//!
//! Source: Gateway API 1.6, `HTTPRouteMatch`: values are checked by the patterns of its definition.

use lambridge_model::{Matcher, PathMatch, ValueMatch};

use crate::kubernetes::syntax::gateway_api::{Match, Pair, Path, Rule};
use crate::leaf::Lower;
use crate::reader::Leaf;
use crate::values;

/// Source: the bounds of the definition.
const MAX_MATCHES: usize = 64;
const MAX_PAIRS: usize = 16;
const METHODS: [&str; 9] = ["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"];

#[derive(Clone, Copy)]
enum Kind {
    Exact,
    Prefix,
    Regex,
}

/// Any of these; a rule without matches takes every path.
pub fn matchers(rule: &Rule, lower: &mut Lower<'_>) -> Vec<Matcher> {
    let Some((span, matches)) = rule.matches.as_ref().filter(|(_, matches)| !matches.is_empty()) else {
        return vec![Matcher::path(PathMatch::Prefix("/".to_owned()))];
    };
    if matches.len() > MAX_MATCHES {
        lower
            .report
            .error(span, format!("a rule has {MAX_MATCHES} matches at most"))
            .help("write another rule");
    }
    matches.iter().take(MAX_MATCHES).filter_map(|one| matcher(one, lower)).collect()
}

fn matcher(one: &Match, lower: &mut Lower<'_>) -> Option<Matcher> {
    let path = match &one.path {
        Some(path) => path_of(path, lower),
        None => Some(PathMatch::Prefix("/".to_owned())),
    };
    let mut headers = pairs(&one.headers, "headers", "spec.rules[].matches[].headers[].type", one, lower);
    for (name, _) in &mut headers {
        *name = name.to_ascii_lowercase();
    }
    let query = pairs(&one.query, "queryParams", "spec.rules[].matches[].queryParams[].type", one, lower);
    let mut methods = Vec::new();
    if let Some(leaf) = &one.method {
        if !METHODS.contains(&leaf.text.as_str()) {
            let help = format!("write one of `{}`, in upper case", METHODS.join("`, `"));
            lower.wrong(leaf, "is not a method", &help);
        }
        methods.push(leaf.text.clone());
    }
    Some(Matcher {
        host: None,
        path: path?,
        methods,
        headers: first_of_each(headers),
        query: first_of_each(query),
    })
}

/// Of entries with an equal name the first counts.
fn first_of_each(pairs: Vec<(String, ValueMatch)>) -> Vec<(String, ValueMatch)> {
    let mut out: Vec<(String, ValueMatch)> = Vec::new();
    for (name, value) in pairs {
        if !out.iter().any(|(other, _)| *other == name) {
            out.push((name, value));
        }
    }
    out
}

fn pairs(
    list: &[Pair],
    name: &str,
    types: &str,
    one: &Match,
    lower: &mut Lower<'_>,
) -> Vec<(String, ValueMatch)> {
    if list.len() > MAX_PAIRS {
        lower.report.error(&one.span, format!("a match has {MAX_PAIRS} `{name}` at most"));
    }
    let mut out = Vec::new();
    for pair in list.iter().take(MAX_PAIRS) {
        let regex = lower.word(&pair.kind, types, &[("Exact", false), ("RegularExpression", true)]);
        let key = lower.required(&pair.name, &pair.span, name, "name");
        let value = lower.required(&pair.value, &pair.span, name, "value");
        let (Some(key), Some(value)) = (key, value) else { continue };
        if !values::is_token(&key.text) {
            lower.wrong(key, format!("is not a name for `{name}`"), "letters, digits and `-`");
        }
        let value = match regex {
            Some(true) => lower.regex(value).map(ValueMatch::Regex),
            _ => Some(ValueMatch::Exact(value.text.clone())),
        };
        out.extend(value.map(|value| (key.text.clone(), value)));
    }
    out
}

fn path_of(path: &Path, lower: &mut Lower<'_>) -> Option<PathMatch> {
    let kinds = [("Exact", Kind::Exact), ("PathPrefix", Kind::Prefix), ("RegularExpression", Kind::Regex)];
    let kind = match &path.kind {
        None => Kind::Prefix,
        kind => lower.word(kind, "spec.rules[].matches[].path.type", &kinds)?,
    };
    let Some(leaf) = &path.value else { return Some(PathMatch::Prefix("/".to_owned())) };
    match kind {
        Kind::Regex => lower.path_regex(leaf),
        Kind::Exact => {
            let text = checked(leaf, lower)?;
            text.parse().map(PathMatch::Template).ok()
        }
        Kind::Prefix => {
            let trimmed = checked(leaf, lower)?.trim_end_matches('/');
            Some(PathMatch::Prefix(if trimmed.is_empty() { "/" } else { trimmed }.to_owned()))
        }
    }
}

/// A path that the definition allows: one that no proxy between here and the client reads in another way.
fn checked<'l>(leaf: &'l Leaf, lower: &mut Lower<'_>) -> Option<&'l str> {
    let text = leaf.text.as_str();
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-/._~!$&'()*+,;=:@%".contains(&b);
    let low = text.to_ascii_lowercase();
    let reason = match text {
        _ if !text.starts_with('/') => "it must start with `/`",
        _ if text.len() > 1024 => "it has 1024 characters at most",
        _ if ["//", "/./", "/../"].iter().any(|part| text.contains(part)) => "it has `//`, `/./` or `/../`",
        _ if text.ends_with("/.") || text.ends_with("/..") => "it ends in `/.` or `/..`",
        _ if low.contains("%2f") => "it has an encoded `/`",
        _ if text.contains(['#', '?']) => "it has `#` or `?`",
        _ if !text.bytes().all(plain) => "it has characters that a URL encodes",
        _ => return Some(text),
    };
    lower.wrong(leaf, format!("is not a path: {reason}"), "write `/users`, as it stands in a URL");
    None
}
