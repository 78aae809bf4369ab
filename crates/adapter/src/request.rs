//! From an event to the request that the application gets.
//!
//! The path goes on as the event has it, dot segments and escapes untouched, so that the application sees what the
//! gateway authorised. Hop-by-hop fields are dropped (RFC 9110, section 7.6.1), the length is that of the body at hand,
//! and a field whose name or value cannot stand in HTTP is dropped rather than the request: such a request must neither
//! fail nor turn up on the pass-through path.

use std::borrow::Cow;

use bytes::Bytes;
use http::header::{
    AUTHORIZATION, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, EXPECT, FORWARDED, HOST, TE, TRAILER,
    TRANSFER_ENCODING, UPGRADE,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri};
use lambridge_event::{Kind, Received};
use serde_json::value::RawValue;

use crate::context::{FunctionContext, is_copy};
use crate::exchange::Failure;
use crate::payload::Payload;
use crate::runtime::Delivery;
use crate::settings::Settings;
use crate::web_function;

/// Fields that mean one connection only.
pub const HOP_BY_HOP: [HeaderName; 7] = [
    CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
];

/// The request for the application, and how many header fields could not go along.
pub fn build(
    received: Received<'_>,
    delivery: &Delivery,
    settings: &Settings,
    function: &FunctionContext,
) -> Result<(Request<Payload>, usize), Failure> {
    let event = &delivery.event;
    let http = received.kind != Kind::Other;
    let mut body = share(event, received.body);
    let base64 = received.base64 && received.kind != Kind::WebSocket;
    if received.base64 && !base64 {
        // The message has to be looked at.
        let decoded = base64_simd::STANDARD.decode_to_vec(&body);
        body = decoded.map_err(|_| Failure::BadRequest("the message is no base64"))?.into();
    }
    let mut headers = HeaderMap::with_capacity(received.headers.len() + 6);
    let mut dropped = 0;
    for (name, value) in received.headers {
        match field(event, name, value) {
            Some((HOST, _)) if headers.contains_key(HOST) => dropped += 1,
            Some((name, _)) if is_copy(&name) => dropped += 1,
            Some((name, value)) => {
                headers.append(name, value);
            }
            None => dropped += 1,
        }
    }
    end_hop(&mut headers);
    headers.remove(CONTENT_LENGTH);
    headers.remove(EXPECT);
    if let Some(source) = &settings.authorization_source
        && let Some(value) = headers.get(source).cloned()
    {
        headers.remove(source);
        headers.insert(AUTHORIZATION, value);
    }
    if !headers.contains_key(HOST) {
        headers.insert(HOST, settings.app.authority.clone());
    }
    if !http {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    } else if received.kind == Kind::WebSocket && !body.is_empty() && !headers.contains_key(CONTENT_TYPE) {
        headers.insert(CONTENT_TYPE, message_type(&body));
    }
    let method = if http { method(&received.method)? } else { Method::POST };
    let context = received.request_context.filter(|_| http);
    function.set(delivery, context, &mut headers);
    if settings.web_function && http {
        web_function::admit(&method)?;
        web_function::request(&mut headers, delivery, &settings.function, context);
    }
    if body.is_empty() && matches!(method, Method::POST | Method::PUT | Method::PATCH) {
        // Servers may insist on a length where a body is usual (RFC 9110, section 8.6).
        headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
    }
    let uri = if received.kind == Kind::WebSocket {
        let path = settings.websocket_path.as_deref().unwrap_or("/");
        let (path, own) = path.split_once('?').unwrap_or((path, ""));
        let between = if own.is_empty() || received.query.is_empty() { "" } else { "&" };
        target(path, &format!("{own}{between}{}", received.query))
    } else if http {
        let path = without_base(&received.path, settings.remove_base_path.as_deref());
        target(path, &received.query)
    } else {
        configured_target(&settings.pass_through_path)
    };
    let mut request = Request::new(if base64 { Payload::base64(body) } else { Payload::new(body) });
    *request.method_mut() = method;
    *request.uri_mut() = uri.ok_or(Failure::BadRequest("the event's path is no path"))?;
    *request.headers_mut() = headers;
    Ok((request, dropped))
}

/// Removes the hop-by-hop fields, those named in `Connection` among them.
pub fn end_hop(headers: &mut HeaderMap) {
    if headers.contains_key(CONNECTION) {
        let named: Vec<HeaderName> = headers
            .get_all(CONNECTION)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|list| list.split(','))
            .filter_map(|name| name.trim().parse().ok())
            .collect();
        // A client must not be able to strip the host, nor what stands between it and us has added: who it is, and how it
        // came. The context headers come later.
        let ours = |name: &HeaderName| {
            *name == HOST
                || *name == FORWARDED
                || ["x-forwarded-", "x-amzn-", "x-amz-"]
                    .iter()
                    .any(|family| name.as_str().starts_with(family))
        };
        for name in named.iter().filter(|name| !ours(name)) {
            headers.remove(name);
        }
    }
    for name in &HOP_BY_HOP {
        headers.remove(name);
    }
}

/// Path and query as a request target; what cannot stand in one is percent-encoded.
pub fn target(path: &str, query: &str) -> Option<Uri> {
    let mut text = Vec::with_capacity(path.len() + query.len() + 2);
    let whole_server = path == "*" && query.is_empty();
    if !path.starts_with('/') && !whole_server {
        text.push(b'/');
    }
    escape(path, b"?", &mut text);
    if !query.is_empty() {
        text.push(b'?');
        escape(query, b"", &mut text);
    }
    Uri::from_maybe_shared(Bytes::from(text)).ok()
}

/// A path of the settings, which may have a query.
pub fn configured_target(path: &str) -> Option<Uri> {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    target(path, query)
}

fn escape(part: &str, also: &[u8], out: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let plain = |b: u8| b.is_ascii_graphic() && !b"\"<>#\\^`{|}".contains(&b) && !also.contains(&b);
    if part.bytes().all(plain) {
        out.extend_from_slice(part.as_bytes());
        return;
    }
    for byte in part.bytes() {
        if plain(byte) {
            out.push(byte);
        } else {
            out.extend([b'%', HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
        }
    }
}

/// What a message of a WebSocket most likely is: most frameworks read a body by its type.
fn message_type(message: &[u8]) -> HeaderValue {
    HeaderValue::from_static(if serde_json::from_slice::<&RawValue>(message).is_ok() {
        "application/json"
    } else if std::str::from_utf8(message).is_ok() {
        "text/plain; charset=utf-8"
    } else {
        "application/octet-stream"
    })
}

/// The path without `base`, once, at a segment boundary.
fn without_base<'a>(path: &'a str, base: Option<&str>) -> &'a str {
    match base.and_then(|base| path.strip_prefix(base)) {
        Some("") => "/",
        Some(rest) if rest.starts_with('/') => rest,
        _ => path,
    }
}

fn method(name: &str) -> Result<Method, Failure> {
    match name {
        "" => Ok(Method::GET),
        // A tunnel is not ours to open.
        "CONNECT" => Err(Failure::BadRequest("CONNECT is not supported")),
        name => name.parse().map_err(|_| Failure::BadRequest("the event's method is no method")),
    }
}

fn field(event: &Bytes, name: Cow<'_, str>, value: Cow<'_, str>) -> Option<(HeaderName, HeaderValue)> {
    let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
    let value = match value {
        Cow::Borrowed(value) => Cow::Borrowed(value.as_bytes()),
        Cow::Owned(value) => Cow::Owned(value.into_bytes()),
    };
    Some((name, HeaderValue::from_maybe_shared(share(event, value)).ok()?))
}

/// The bytes without a copy: as a part of the event where they are one.
fn share(event: &Bytes, part: Cow<'_, [u8]>) -> Bytes {
    match part {
        Cow::Owned(bytes) => bytes.into(),
        Cow::Borrowed(bytes) => {
            let (whole, part) = (event.as_ptr_range(), bytes.as_ptr_range());
            if whole.start <= part.start && part.end <= whole.end {
                event.slice_ref(bytes)
            } else {
                Bytes::copy_from_slice(bytes)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base_paths_end_at_a_segment() {
        for (path, base, expect) in [
            ("/api/x", Some("/api"), "/x"),
            ("/api", Some("/api"), "/"),
            ("/api/", Some("/api"), "/"),
            ("/api/api/x", Some("/api"), "/api/x"),
            ("/apiorder", Some("/api"), "/apiorder"),
            ("/x/api", Some("/api"), "/x/api"),
            ("/api/x", None, "/api/x"),
        ] {
            assert_eq!(without_base(path, base), expect, "{path} {base:?}");
        }
    }

    #[test]
    fn targets_are_fit_for_a_request_line() {
        for (path, query, expect) in [
            ("/a%20b/../c", "", "/a%20b/../c"),
            ("", "", "/"),
            ("a", "", "/a"),
            ("/a b\"<>#?é\u{1}", "", "/a%20b%22%3C%3E%23%3F%C3%A9%01"),
            ("/", "a=1&a=2&b=x+y%2F", "/?a=1&a=2&b=x+y%2F"),
            ("/", "q=\"<a b>\"#x&u=http://h/?a", "/?q=%22%3Ca%20b%3E%22%23x&u=http://h/?a"),
            ("//a", "", "//a"),
            ("*", "", "*"),
            ("*", "q", "/*?q"),
        ] {
            assert_eq!(
                target(path, query).map(|uri| uri.to_string()).as_deref(),
                Some(expect),
                "{path} {query}"
            );
        }
    }

    #[test]
    fn one_hop_ends() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("connection", "keep-alive, X-Secret"),
            ("connection", "host, X-Forwarded-For, x-amzn-oidc-data"),
            ("x-forwarded-for", "203.0.113.7"),
            ("x-amzn-oidc-data", "1"),
            ("x-secret", "1"),
            ("host", "h"),
            ("te", "trailers"),
            ("upgrade", "websocket"),
            ("accept", "*/*"),
        ] {
            headers.append(name.parse::<HeaderName>().unwrap(), HeaderValue::from_static(value));
        }
        end_hop(&mut headers);
        let mut left: Vec<_> = headers.keys().map(HeaderName::as_str).collect();
        left.sort_unstable();
        assert_eq!(left, ["accept", "host", "x-amzn-oidc-data", "x-forwarded-for"]);
    }
}
