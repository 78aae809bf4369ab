//! `matchers` of a route: any of them.
//!
//! Envoy's prefix is one of letters, not of segments: `/api` takes `/apis` too. So it becomes a pattern, except for `/`,
//! which takes every path. Patterns take the whole path, here as there.
//!
//! Source: Gloo's `matchers.proto`; Envoy's `RouteMatch`.

use lambridge_model::{Matcher, PathMatch, ValueMatch};

use crate::kubernetes::syntax::gloo::{self as syntax, Pair};
use crate::leaf::Lower;
use crate::reader::Leaf;
use crate::values;

/// Matchers of a route; headers, parameters or methods of a matcher.
const MAX_MATCHERS: usize = 256;
const MAX_PAIRS: usize = 64;
/// A path that is longer is none.
const MAX_PATH: usize = 8192;

/// Those that can be read. A route without any takes every path.
pub fn matchers(route: &syntax::Route, lower: &mut Lower<'_>) -> Vec<Matcher> {
    let Some(matchers) = route.matchers.as_ref().filter(|matchers| !matchers.is_empty()) else {
        return vec![Matcher::path(PathMatch::Prefix("/".to_owned()))];
    };
    if matchers.len() > MAX_MATCHERS {
        lower.report.error(&route.span, format!("a route has {MAX_MATCHERS} matchers at most"));
    }
    matchers.iter().take(MAX_MATCHERS).filter_map(|one| matcher(one, lower)).collect()
}

fn matcher(one: &syntax::Matcher, lower: &mut Lower<'_>) -> Option<Matcher> {
    let path = path(one, lower);
    let mut headers = pairs(&one.headers, "headers", one, lower);
    for (name, _) in &mut headers {
        *name = name.to_ascii_lowercase();
    }
    let query = pairs(&one.query, "queryParameters", one, lower);
    let methods = methods(one, lower);
    Some(Matcher { host: None, path: path?, methods, headers, query })
}

fn path(one: &syntax::Matcher, lower: &mut Lower<'_>) -> Option<PathMatch> {
    let sensitive = lower.bool(&one.case_sensitive).unwrap_or(true);
    let kinds = [("prefix", &one.prefix), ("exact", &one.exact), ("regex", &one.regex)];
    let mut found = kinds.iter().filter_map(|(name, leaf)| leaf.as_ref().map(|leaf| (*name, leaf)));
    let Some((name, leaf)) = found.next() else {
        return (!one.other).then(|| PathMatch::Prefix("/".to_owned()));
    };
    if let Some((other, leaf)) = found.next() {
        lower
            .report
            .error(&leaf.span, format!("`{name}` and `{other}` exclude each other"))
            .help("keep one of them, or write two matchers");
        return None;
    }
    let case = if sensitive { "" } else { "(?i)" };
    match name {
        "regex" if sensitive => lower.path_regex(leaf),
        "regex" => {
            // The text itself must compile too: `a)(b` would be well formed only inside the group.
            lower.path_regex(leaf)?;
            lower.path_regex(&Leaf { text: format!("(?i:{})", leaf.text), ..leaf.clone() })
        }
        "exact" => {
            let text = checked(leaf, lower)?;
            match text.parse() {
                Ok(template) if sensitive => Some(PathMatch::Template(template)),
                _ => Some(PathMatch::Regex(format!("{case}{}", regex::escape(text)))),
            }
        }
        _ => match checked(leaf, lower)? {
            "/" => Some(PathMatch::Prefix("/".to_owned())),
            text => Some(PathMatch::Regex(format!("{case}{}.*", regex::escape(text)))),
        },
    }
}

/// A path as it stands in a request.
fn checked<'l>(leaf: &'l Leaf, lower: &mut Lower<'_>) -> Option<&'l str> {
    let text = leaf.text.as_str();
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-/._~!$&'()*+,;=:@%[]".contains(&b);
    let reason = match text {
        _ if !text.starts_with('/') => "it must start with `/`",
        _ if text.len() > MAX_PATH => "it is too long",
        _ if text.contains(['#', '?']) => "it has `#` or `?`",
        _ if !text.bytes().all(plain) => "it has characters that a URL encodes",
        _ => return Some(text),
    };
    lower.wrong(leaf, format!("is not a path: {reason}"), "write `/users`, as it stands in a URL");
    None
}

fn pairs(
    list: &[Pair],
    section: &str,
    one: &syntax::Matcher,
    lower: &mut Lower<'_>,
) -> Vec<(String, ValueMatch)> {
    if list.len() > MAX_PAIRS {
        lower.report.error(&one.span, format!("a matcher has {MAX_PAIRS} `{section}` at most"));
    }
    let mut out: Vec<(String, ValueMatch)> = Vec::new();
    for pair in list.iter().take(MAX_PAIRS) {
        let Some(name) = lower.required(&pair.name, &pair.span, section, "name") else { continue };
        if section == "headers" && !values::is_token(&name.text) {
            let help = if name.text.starts_with(':') {
                "match the path with `exact`, `prefix` or `regex`, the method with `methods`"
            } else {
                "letters, digits and `-`"
            };
            lower.wrong(name, "is not the name of a header", help);
        }
        out.extend(value(pair, section, lower).map(|value| (name.text.clone(), value)));
    }
    out
}

/// Without a `value` any will do, or none where the match is inverted.
fn value(pair: &Pair, section: &str, lower: &mut Lower<'_>) -> Option<ValueMatch> {
    let regex = lower.bool(&pair.regex).unwrap_or(false);
    let inverted = lower.bool(&pair.invert).unwrap_or(false);
    let Some(value) = pair.value.as_ref().filter(|leaf| !leaf.text.is_empty()) else {
        return Some(ValueMatch::Present(!inverted));
    };
    if inverted {
        let span = lower.span_of(&pair.invert, &pair.span);
        lower
            .report
            .error(&span, format!("`invertMatch` of a `value` in `{section}` is not supported yet"))
            .help("put a route for that value before this one");
        return None;
    }
    if regex {
        lower.regex(value).map(ValueMatch::Regex)
    } else {
        Some(ValueMatch::Exact(value.text.clone()))
    }
}

fn methods(one: &syntax::Matcher, lower: &mut Lower<'_>) -> Vec<String> {
    let Some((span, leaves)) = &one.methods else { return Vec::new() };
    if leaves.len() > MAX_PAIRS {
        lower.report.error(span, format!("a matcher has {MAX_PAIRS} `methods` at most"));
    }
    let mut out: Vec<String> = Vec::new();
    for leaf in leaves.iter().take(MAX_PAIRS) {
        if !values::is_token(&leaf.text) || leaf.text.bytes().any(|b| b.is_ascii_lowercase()) {
            lower.wrong(leaf, "is not a method", "write `GET`, `POST`, …, in upper case");
        } else if !out.contains(&leaf.text) {
            out.push(leaf.text.clone());
        }
    }
    out
}
