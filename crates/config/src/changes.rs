//! What a route may change of requests and answers, as every dialect writes it: names and values of headers, hosts, paths.
//!
//! The gateway writes some fields itself, and only Lambda's side may write others; a change of those would be without effect,
//! so it is refused here.

use lambridge_model::{PathMatch, PathRewrite, Template};

use crate::leaf::Lower;
use crate::reader::Leaf;
use crate::values;

/// Fields of a connection, not of a message, and those that say where a message ends.
const OF_CONNECTION: [&str; 11] = [
    "connection",
    "content-length",
    "expect",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Headers in one list.
pub const MAX_HEADERS: usize = 64;

/// In which direction a header goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    Request,
    Answer,
}

/// The name of a header that may be changed, in lower case.
pub fn header_name(leaf: &Leaf, direction: Direction, lower: &mut Lower<'_>) -> Option<String> {
    let name = leaf.text.to_ascii_lowercase();
    if !values::is_token(&name) {
        lower.wrong(leaf, "is not the name of a header", "letters, digits and `-`");
        return None;
    }
    let ours = match direction {
        // Which prefix a path has lost, a route alone can say.
        Direction::Request if name == "x-forwarded-prefix" => false,
        Direction::Request => {
            name == "host"
                || name == "forwarded"
                || ["x-forwarded-", "x-amz-", "x-amzn-"].iter().any(|prefix| name.starts_with(prefix))
        }
        Direction::Answer => name == "date",
    };
    if ours || name == "x-request-id" || OF_CONNECTION.contains(&name.as_str()) {
        let help = if name == "host" { "write it as a rewrite of the host" } else { "remove it" };
        lower.wrong(leaf, "is written by the gateway itself", help);
        return None;
    }
    Some(name)
}

/// A header's value.
pub fn header_value(leaf: &Leaf, lower: &mut Lower<'_>) -> Option<String> {
    if !values::is_field_value(&leaf.text) {
        let help = "no control characters, and no blanks at its ends";
        lower.wrong(leaf, "is not the value of a header", help);
        return None;
    }
    Some(leaf.text.clone())
}

/// A host to put in place of the client's, perhaps with a port.
pub fn host(leaf: &Leaf, with_port: bool, lower: &mut Lower<'_>) -> Option<String> {
    let reason = match values::host(&leaf.text) {
        Ok((name, _)) if name.starts_with('*') => "it is a pattern",
        Ok((_, true)) if !with_port => "the port has a key of its own",
        Ok(_) => return Some(leaf.text.clone()),
        Err(reason) => reason,
    };
    lower.wrong(leaf, format!("is not a host: {reason}"), "write `api.example.com`");
    None
}

/// A path in place of the whole one; `{name}` stands for what the match has there.
pub fn whole_path(leaf: &Leaf, matched: Option<&PathMatch>, lower: &mut Lower<'_>) -> Option<PathRewrite> {
    let template = match leaf.text.parse::<Template>() {
        Ok(template) => template,
        Err(error) => {
            lower.wrong(leaf, format!("is not a path: {}", error.reason), "write `/users` or `/users/{id}`");
            return None;
        }
    };
    let known: Vec<&str> = match matched {
        // What is wrong with the match was told.
        None => return None,
        Some(PathMatch::Template(matched) | PathMatch::PrefixTemplate(matched)) => {
            matched.parameters().map(|(name, _, _)| name).collect()
        }
        Some(PathMatch::Prefix(_) | PathMatch::Regex(_)) => Vec::new(),
    };
    if let Some((unknown, _, _)) = template.parameters().find(|(name, _, _)| !known.contains(name)) {
        let help = match known.as_slice() {
            [] => "the path that is matched has no parameters".to_owned(),
            known => format!("the path that is matched has `{}`", known.join("`, `")),
        };
        lower.wrong(leaf, format!("has a parameter `{unknown}` that nothing gives"), &help);
        return None;
    }
    Some(PathRewrite::Path(template))
}

/// A path in place of the prefix that matched.
pub fn prefix(leaf: &Leaf, matched: Option<&PathMatch>, lower: &mut Lower<'_>) -> Option<PathRewrite> {
    match matched {
        None => return None,
        Some(PathMatch::Prefix(_) | PathMatch::PrefixTemplate(_)) => {}
        Some(PathMatch::Template(_) | PathMatch::Regex(_)) => {
            let help = "match the route by a prefix, or write a whole path";
            lower.wrong(leaf, "is a prefix, and the path is matched as a whole", help);
            return None;
        }
    }
    let text = leaf.text.as_str();
    if !text.is_empty() && !text.starts_with('/') || text.contains(['?', '#']) {
        lower.wrong(leaf, "is not a path prefix", "write `/api`, or `/` to take the prefix away");
        return None;
    }
    let trimmed = text.trim_end_matches('/');
    Some(PathRewrite::Prefix(if trimmed.is_empty() { "/" } else { trimmed }.to_owned()))
}
