//! The names that a template can read, made from the request. Only those are made that the template names.
//!
//! | name | what |
//! | --- | --- |
//! | `method`, `path`, `raw_query`, `protocol` | as the client sent them |
//! | `params` | the path's parameters, decoded |
//! | `query`, `multi_query` | decoded: the first value of each name; all of them, as lists |
//! | `headers`, `multi_headers` | by name in lower case: values joined with `, ` (`cookie`: `; `); as lists |
//! | `body`, `body_base64` | as text; in base64 |
//! | `json` | the body, parsed; undefined where it is empty |
//! | `host`, `source_ip`, `request_id`, `time_ms`, `resource` | as in other events; `resource` is the route's template |

use std::borrow::Cow;
use std::collections::BTreeMap;

use lambridge_event::{Context, Request};
use minijinja::{Error, ErrorKind, Value};
use percent_encoding::percent_decode_str;

pub(super) const NAMES: [&str; 17] = [
    "method",
    "path",
    "raw_query",
    "protocol",
    "params",
    "query",
    "multi_query",
    "headers",
    "multi_headers",
    "body",
    "body_base64",
    "json",
    "host",
    "source_ip",
    "request_id",
    "time_ms",
    "resource",
];

/// The value of one of [`NAMES`].
pub(super) fn value(name: &str, request: &Request<'_>, context: &Context<'_>) -> Value {
    let body = request.body;
    match name {
        "method" => Value::from(request.method),
        "path" => Value::from(request.path),
        "raw_query" => Value::from(request.query),
        "protocol" => Value::from(context.protocol),
        "params" => map(context
            .path_parameters
            .iter()
            .map(|(name, value)| (name.to_string(), Value::from(decoded(value))))),
        "query" => map(lists(query(request.query))
            .into_iter()
            .filter_map(|(name, values)| Some((name, Value::from(values.into_iter().next()?))))),
        "multi_query" => {
            map(lists(query(request.query)).into_iter().map(|(name, values)| (name, Value::from(values))))
        }
        "headers" => map(lists(headers(request)).into_iter().map(|(name, values)| {
            let between = if name == "cookie" { "; " } else { ", " };
            (name, Value::from(values.join(between)))
        })),
        "multi_headers" => {
            map(lists(headers(request)).into_iter().map(|(name, values)| (name, Value::from(values))))
        }
        "body" => match std::str::from_utf8(body) {
            Ok(text) => Value::from(text),
            Err(_) => unreadable("the body is no text"),
        },
        "body_base64" => Value::from(base64_simd::STANDARD.encode_to_string(body)),
        "json" if body.is_empty() => Value::UNDEFINED,
        "json" => match serde_json::from_slice::<Value>(body) {
            Ok(value) => value,
            Err(error) => unreadable(format!("the body is no JSON: {error}")),
        },
        "host" => Value::from(context.domain_name),
        "source_ip" => Value::from(context.source_ip),
        "request_id" => Value::from(context.request_id),
        "time_ms" => Value::from(context.time_ms),
        "resource" => context.resource.map_or(Value::UNDEFINED, Value::from),
        _ => Value::UNDEFINED,
    }
}

/// An error as soon as it is used, and none while it is not.
fn unreadable(message: impl Into<Cow<'static, str>>) -> Value {
    Value::from(Error::new(ErrorKind::CannotDeserialize, message))
}

fn map(entries: impl Iterator<Item = (String, Value)>) -> Value {
    Value::from(entries.collect::<BTreeMap<String, Value>>())
}

/// Values by name, each name's in their order.
fn lists(pairs: impl Iterator<Item = (String, String)>) -> BTreeMap<String, Vec<String>> {
    let mut lists: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, value) in pairs {
        lists.entry(name).or_default().push(value);
    }
    lists
}

fn query(raw: &str) -> impl Iterator<Item = (String, String)> {
    let plus = |text: &str| decoded(&text.replace('+', " "));
    raw.split('&').filter(|pair| !pair.is_empty()).map(move |pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (plus(name), plus(value))
    })
}

/// As other events have them: UTF-8, else a character a byte.
fn headers(request: &Request<'_>) -> impl Iterator<Item = (String, String)> {
    let text = |bytes: &[u8]| match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().copied().map(char::from).collect(),
    };
    request.headers.iter().map(move |(name, value)| (text(name).to_ascii_lowercase(), text(value)))
}

fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}
