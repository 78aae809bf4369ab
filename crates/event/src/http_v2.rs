//! `http_v2`: API Gateway HTTP API payload 2.0, as a function URL sends it.
//!
//! Of the two sources with this format the function URL is the faithful one: `rawPath` stays encoded, and the `cookie`
//! header is kept beside the `cookies` list (an HTTP API decodes the one and removes the other). Recorded 10 July 2026,
//! hotsock/voker, MIT. From HTTP APIs come `routeKey` and `pathParameters`, for routes with a template.
//!
//! The format joins repeats with a comma, so a reader cannot tell `a,b` from `a` and `b`; for queries
//! `rawQueryString` has the truth, for cookies the list. What is absent is left out, never null.

use std::borrow::Cow;

use crate::answer::{Answer, AnswerError};
use crate::context;
use crate::envelope::{self, Envelope};
use crate::fields;
use crate::json::{Object, Value, reader, writer};
use crate::reply::{self, Reply};
use crate::request::{Context, EventError, Field, Kind, Received, Request};
use crate::{path, query, text, time};

pub(crate) fn encode_request(request: &Request<'_>, context: &Context<'_>, out: &mut Vec<u8>) {
    let mut event = Object::open(out);
    event.string("version", "2.0");
    route_key(event.key("routeKey"), request, context);
    event.string("rawPath", request.path);
    event.string("rawQueryString", request.query);
    if cookies(request.headers).next().is_some() {
        writer::array(event.key("cookies"), cookies(request.headers), writer::bytes);
    }
    headers(event.key("headers"), request.headers);
    if !request.query.is_empty() {
        parameters(event.key("queryStringParameters"), request.query);
    }
    request_context(event.key("requestContext"), request, context);
    if !context.path_parameters.is_empty() {
        let mut object = Object::open(event.key("pathParameters"));
        for (name, value) in context.path_parameters {
            writer::string(object.foreign_key(name.as_bytes()), &path::decode(value));
        }
        object.close();
    }
    let text = text::plain_request(request);
    if !request.body.is_empty() {
        text::write(&mut event, request.body, text);
    }
    event.bool("isBase64Encoded", text.is_none());
    event.close();
}

pub(crate) fn decode_request<'a>(envelope: &Envelope<'a>) -> Result<Received<'a>, EventError> {
    let method = envelope::method("requestContext.http.method", envelope.http_method.flatten())?;
    // Some local emulators spell it `path`.
    let path = envelope::fit_path("rawPath", envelope.raw_path.or(envelope.path))?;
    let query = match envelope::text("rawQueryString", envelope.raw_query)? {
        Some(raw) => query::fit(raw),
        None => {
            let mut query = String::new();
            envelope::each("queryStringParameters", envelope.query, |key, value| {
                query::push_encoded(&mut query, &key, &value);
                Ok(())
            })?;
            Cow::Owned(query)
        }
    };
    let mut headers = envelope::headers("headers", envelope.headers)?;
    if let Some(cookie) = joined_cookies(envelope.cookies)? {
        // A function URL has sent the same cookies as a header too.
        headers.retain(|(name, _)| !name.eq_ignore_ascii_case("cookie"));
        headers.push((Cow::Borrowed("cookie"), cookie));
    }
    let (body, base64) = envelope.body()?;
    let request_context = envelope.context;
    Ok(Received { kind: Kind::HttpV2, method, path, query, headers, body, base64, request_context })
}

/// Opens an answer: all there is before the body.
pub(crate) fn open_answer<'o>(answer: &Answer<'_>, out: &'o mut Vec<u8>) -> Object<'o> {
    let mut object = Object::open(out);
    head(&mut object, answer);
    object
}

/// Writes `statusCode`, `headers` and `cookies`: all there is before the body, buffered or streamed.
pub(crate) fn head(object: &mut Object<'_>, answer: &Answer<'_>) {
    object.number("statusCode", answer.status.into());
    let fields: Vec<Field<'_>> = answer.headers.iter().map(|(name, value)| (&**name, &**value)).collect();
    let is_cookie = |name: &[u8]| name.eq_ignore_ascii_case(b"set-cookie");
    let mut map = Object::open(object.key("headers"));
    fields::headers_by_name(&fields, |run| {
        let name = fields[run[0]].0;
        if !is_cookie(name) {
            joined(map.foreign_key(name), run.iter().map(|&at| fields[at].1), b", ");
        }
    });
    map.close();
    if fields.iter().any(|(name, _)| is_cookie(name)) {
        let cookies = fields.iter().filter(|(name, _)| is_cookie(name)).map(|(_, value)| *value);
        writer::array(object.key("cookies"), cookies, writer::bytes);
    }
}

/// Rules of HTTP APIs and function URLs: without `statusCode` the JSON itself, of any type, is the body of a 200, and
/// a string is unquoted; unknown keys are ignored, and so is `multiValueHeaders`; `cookies` come before `set-cookie`.
pub(crate) fn decode_answer(payload: &[u8]) -> Result<Answer<'_>, AnswerError> {
    let reply = match Reply::read(payload)? {
        Ok(reply) => reply,
        Err(Value::String(text)) => return Ok(inferred(text.bytes())),
        Err(_) => return Ok(inferred(compact(payload))),
    };
    let Some(status) = reply.status()? else { return Ok(inferred(compact(payload))) };
    let mut headers = Vec::new();
    reply.push_cookies(&mut headers)?;
    headers.append(&mut reply.single()?);
    reply::default_type(status, &mut headers, "application/json");
    Ok(Answer { status, headers, body: reply.body(true)? })
}

/// The head of a streamed answer. Every key is optional, and REST's `multiValueHeaders` are taken too.
pub(crate) fn decode_head(prelude: &[u8]) -> Result<Answer<'_>, AnswerError> {
    let reply = Reply::read_object(prelude)?;
    let mut headers = Vec::new();
    reply.push_cookies(&mut headers)?;
    headers.append(&mut crate::rest_v1::merged(&reply)?);
    Ok(Answer { status: reply.status()?.unwrap_or(200), headers, body: Cow::Borrowed(b"") })
}

fn inferred(body: Cow<'_, [u8]>) -> Answer<'_> {
    let mut headers = Vec::new();
    reply::default_type(200, &mut headers, "application/json");
    Answer { status: 200, headers, body }
}

/// JSON as a function URL serves it, without space (recorded, localstack: `["hello", 3, true]` leaves in 16 bytes).
fn compact(payload: &[u8]) -> Cow<'_, [u8]> {
    match simdutf8::basic::from_utf8(payload) {
        Ok(text) => reply::bytes(reader::compact(text)),
        Err(_) => Cow::Borrowed(payload),
    }
}

/// `$default`, or `METHOD /template`.
fn route_key(out: &mut Vec<u8>, request: &Request<'_>, context: &Context<'_>) {
    match context.resource {
        None => writer::string(out, "$default"),
        Some(template) => {
            out.push(b'"');
            writer::fragment(out, request.method.as_bytes());
            out.push(b' ');
            writer::fragment(out, template.as_bytes());
            out.push(b'"');
        }
    }
}

/// Names in lower case, values joined with a comma; several `cookie` fields with `; `, as RFC 9113, 8.2.3 joins them.
fn headers(out: &mut Vec<u8>, fields: &[Field<'_>]) {
    let mut map = Object::open(out);
    fields::headers_by_name(fields, |run| {
        let name = context::lower(fields[run[0]].0);
        let between: &[u8] = if *name == *b"cookie" { b"; " } else { b"," };
        joined(map.foreign_key(&name), run.iter().map(|&at| fields[at].1), between);
    });
    map.close();
}

fn joined<'v>(out: &mut Vec<u8>, values: impl Iterator<Item = &'v [u8]>, between: &[u8]) {
    out.push(b'"');
    for (place, value) in values.enumerate() {
        if place > 0 {
            out.extend_from_slice(between);
        }
        writer::fragment(out, value);
    }
    out.push(b'"');
}

fn cookies<'f>(fields: &'f [Field<'_>]) -> impl Iterator<Item = &'f [u8]> {
    fields
        .iter()
        .filter(|(name, _)| name.eq_ignore_ascii_case(b"cookie"))
        .flat_map(|(_, value)| value.split(|&byte| byte == b';'))
        .map(<[u8]>::trim_ascii)
        .filter(|cookie| !cookie.is_empty())
}

fn parameters(out: &mut Vec<u8>, raw: &str) {
    let pairs = query::pairs(raw);
    let mut map = Object::open(out);
    fields::pairs_by_name(&pairs, |run| {
        let out = map.foreign_key(pairs[run[0]].0.as_bytes());
        joined(out, run.iter().map(|&at| pairs[at].1.as_bytes()), b",");
    });
    map.close();
}

fn request_context(out: &mut Vec<u8>, request: &Request<'_>, context: &Context<'_>) {
    let mut object = Object::open(out);
    object.string("accountId", context.account_id);
    object.string("apiId", context.api_id);
    object.string("domainName", context.domain_name);
    object.string("domainPrefix", context::domain_prefix(context));
    let mut http = Object::open(object.key("http"));
    http.string("method", request.method);
    http.string("path", &path::decode(request.path));
    http.string("protocol", context.protocol);
    http.string("sourceIp", context.source_ip);
    http.bytes("userAgent", fields::first(request.headers, "user-agent").unwrap_or_default());
    http.close();
    object.string("requestId", context.request_id);
    route_key(object.key("routeKey"), request, context);
    object.string("stage", context.stage);
    let out = object.key("time");
    out.push(b'"');
    time::clf(out, context.time_ms);
    out.push(b'"');
    object.number("timeEpoch", context.time_ms);
    object.close();
}

/// The `cookies` of an event as one header value; `None` when there are none, or none that a header can carry.
fn joined_cookies<'a>(cookies: Option<Value<'a>>) -> Result<Option<Cow<'a, str>>, EventError> {
    let bad = |wanted: &str, found: &Value<'_>| EventError::BadKey {
        key: "cookies",
        reason: format!("expected {wanted}, found {}", found.kind()),
    };
    let list = match cookies {
        None => return Ok(None),
        Some(Value::Array(list)) => list,
        Some(other) => return Err(bad("a list", &other)),
    };
    let mut joined: Option<Cow<'a, str>> = None;
    for item in reader::items(list) {
        let Value::String(cookie) = item else { return Err(bad("strings", &item)) };
        let cookie = cookie.cow();
        if !fields::is_value(cookie.as_bytes()) {
            continue;
        }
        match &mut joined {
            None => joined = Some(cookie),
            Some(joined) => {
                let joined = joined.to_mut();
                joined.push_str("; ");
                joined.push_str(&cookie);
            }
        }
    }
    Ok(joined)
}
