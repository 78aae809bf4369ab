//! `rest_v1`: API Gateway REST API payload 1.0.
//!
//! Every key is always there, empty maps are null, and both a single-value map (the last value wins) and a multi-value
//! map of headers and of the query are sent. Header names are as received; some headers do not pass. Recorded 10 July
//! 2026 (hotsock/voker, MIT) and 2 August 2024 (localstack, Apache-2.0).
//!
//! Two rules of AWS lose data, and are followed only where a route sets `binary_media_types`: a body of a type that is
//! not listed is made text by force, and an answer with `isBase64Encoded` stays base64 unless the client's `Accept`
//! names a listed type. Otherwise text is text, all else is base64, and base64 is always decoded.

use std::borrow::Cow;

use crate::answer::{Answer, AnswerError};
use crate::context;
use crate::envelope::{self, Envelope, Headers};
use crate::fields;
use crate::json::{Object, writer};
use crate::reply::{self, Reply};
use crate::request::{Context, EventError, Field, Received, Request};
use crate::{query, text, time};

pub(crate) fn encode_request(request: &Request<'_>, context: &Context<'_>, out: &mut Vec<u8>) {
    let route = Route::of(request, context);
    let mut event = Object::open(out);
    event.string("resource", &route.resource);
    event.string("path", request.path);
    event.string("httpMethod", request.method);
    headers(&mut event, request.headers);
    parameters(&mut event, request.query);
    path_parameters(&mut event, &route);
    event.null("stageVariables");
    request_context(event.key("requestContext"), request, context, &route.resource);
    body(&mut event, request, context);
    event.close();
}

pub(crate) fn decode_request<'a>(envelope: &Envelope<'a>) -> Result<Received<'a>, EventError> {
    decode_maps(envelope, query::push_encoded)
}

/// A request out of the maps that REST APIs and load balancers share; `push` says how its query was encoded.
pub(crate) fn decode_maps<'a>(
    envelope: &Envelope<'a>,
    push: fn(&mut String, &str, &str),
) -> Result<Received<'a>, EventError> {
    let method = envelope::method("httpMethod", envelope.method)?;
    let path = envelope::fit_path("path", envelope.path)?;
    let mut query = String::new();
    let mut each = |key: Cow<'a, str>, value: Cow<'a, str>| {
        push(&mut query, &key, &value);
        Ok(())
    };
    match envelope.multi_query {
        Some(_) => envelope::each("multiValueQueryStringParameters", envelope.multi_query, &mut each)?,
        None => envelope::each("queryStringParameters", envelope.query, &mut each)?,
    }
    let headers = all_headers(envelope)?;
    let (body, base64) = envelope.body()?;
    Ok(Received {
        kind: envelope.kind(),
        method,
        path,
        query: Cow::Owned(query),
        headers,
        body,
        base64,
        request_context: envelope.context,
    })
}

/// `multiValueHeaders`, which has all that `headers` has; `headers` only where the other is empty.
pub(crate) fn all_headers<'a>(envelope: &Envelope<'a>) -> Result<Headers<'a>, EventError> {
    let headers = envelope::headers("multiValueHeaders", envelope.multi_headers)?;
    if headers.is_empty() { envelope::headers("headers", envelope.headers) } else { Ok(headers) }
}

pub(crate) fn open_answer<'o>(answer: &Answer<'_>, out: &'o mut Vec<u8>) -> Object<'o> {
    let mut object = Object::open(out);
    object.number("statusCode", answer.status.into());
    multi_value_headers(&mut object, answer);
    object
}

pub(crate) fn multi_value_headers(object: &mut Object<'_>, answer: &Answer<'_>) {
    let fields: Vec<Field<'_>> = answer.headers.iter().map(|(name, value)| (&**name, &**value)).collect();
    let mut map = Object::open(object.key("multiValueHeaders"));
    fields::headers_by_name(&fields, |run| {
        let out = map.foreign_key(fields[run[0]].0);
        writer::array(out, run.iter().map(|&at| fields[at].1), writer::bytes);
    });
    map.close();
}

/// Rules as recorded on 15 November 2024 (localstack, Apache-2.0): an object with no key beside its five; a missing
/// status is 200; a status may be a string; where a name is in both header maps, both are sent, the list first.
pub(crate) fn decode_answer(payload: &[u8]) -> Result<Answer<'_>, AnswerError> {
    decode(payload, |_| true)
}

/// As [`decode_answer`], with AWS's own rule for base64: it is decoded only if the first media type of the request's
/// `Accept` is one of `types`.
pub(crate) fn decode_binary_answer<'a, S: AsRef<str>>(
    payload: &'a [u8],
    accept: Option<&[u8]>,
    types: &[S],
) -> Result<Answer<'a>, AnswerError> {
    let first = accept.map(|accept| {
        accept.split(|byte| matches!(byte, b',' | b';')).next().unwrap_or_default().trim_ascii()
    });
    decode(payload, |_| first.is_some_and(|first| text::is_listed(types, Some(first))))
}

fn decode<'a>(payload: &'a [u8], base64: impl Fn(&Reply<'a>) -> bool) -> Result<Answer<'a>, AnswerError> {
    let reply = Reply::read_object(payload)?;
    if let Some(key) = &reply.unknown {
        return Err(AnswerError::UnknownKey { key: key.chars().take(80).collect() });
    }
    let status = reply.status()?.unwrap_or(200);
    let mut headers = merged(&reply)?;
    reply::default_type(status, &mut headers, "application/json");
    Ok(Answer { status, headers, body: reply.body(base64(&reply))? })
}

/// Both header maps as one list: values of the list first, then the single one, under the list's spelling.
pub(crate) fn merged<'a>(reply: &Reply<'a>) -> Result<reply::Headers<'a>, AnswerError> {
    let mut headers = reply.multi()?;
    for (name, value) in reply.single()? {
        match headers.iter().rposition(|(listed, _)| listed.eq_ignore_ascii_case(&name)) {
            Some(at) => headers.insert(at + 1, (headers[at].0.clone(), value)),
            None => headers.push((name, value)),
        }
    }
    Ok(headers)
}

/// The resource that a REST API would have for the route.
struct Route<'a> {
    resource: Cow<'a, str>,
    parameters: Vec<(&'a str, &'a str)>,
}

impl<'a> Route<'a> {
    /// A route without a template is what REST APIs spell `/{proxy+}`, and `/` is a resource of its own beside it. A
    /// greedy parameter does not have the path's trailing slash (recorded, localstack).
    fn of(request: &Request<'a>, context: &Context<'a>) -> Self {
        let greedy = |value: &'a str| value.strip_suffix('/').unwrap_or(value);
        match context.resource {
            Some(template) => {
                let mut parameters = context.path_parameters.to_vec();
                if template.ends_with("+}")
                    && let Some((_, value)) = parameters.last_mut()
                {
                    *value = greedy(value);
                }
                Self { resource: Cow::Borrowed(template), parameters }
            }
            None => match request.path.strip_prefix('/') {
                Some("") | None => Self { resource: Cow::Borrowed("/"), parameters: Vec::new() },
                Some(rest) => {
                    Self { resource: Cow::Borrowed("/{proxy+}"), parameters: vec![("proxy", greedy(rest))] }
                }
            },
        }
    }
}

fn headers(event: &mut Object<'_>, all: &[Field<'_>]) {
    // REST APIs do not hand these on.
    const REMOVED: [&str; 6] = ["content-length", "expect", "max-forwards", "te", "trailer", "upgrade"];
    let removed = |name: &[u8]| REMOVED.iter().any(|one| name.eq_ignore_ascii_case(one.as_bytes()));
    let fields: Vec<Field<'_>> = all.iter().copied().filter(|(name, _)| !removed(name)).collect();
    if fields.is_empty() {
        event.null("headers");
        event.null("multiValueHeaders");
        return;
    }
    let mut map = Object::open(event.key("headers"));
    fields::headers_by_name(&fields, |run| {
        let out = map.foreign_key(fields[run[0]].0);
        writer::bytes(out, fields[run[run.len() - 1]].1);
    });
    map.close();
    let mut map = Object::open(event.key("multiValueHeaders"));
    fields::headers_by_name(&fields, |run| {
        let out = map.foreign_key(fields[run[0]].0);
        writer::array(out, run.iter().map(|&at| fields[at].1), writer::bytes);
    });
    map.close();
}

fn parameters(event: &mut Object<'_>, raw: &str) {
    let pairs = query::pairs(raw);
    if pairs.is_empty() {
        event.null("queryStringParameters");
        event.null("multiValueQueryStringParameters");
        return;
    }
    let mut map = Object::open(event.key("queryStringParameters"));
    fields::pairs_by_name(&pairs, |run| {
        let out = map.foreign_key(pairs[run[0]].0.as_bytes());
        writer::string(out, &pairs[run[run.len() - 1]].1);
    });
    map.close();
    let mut map = Object::open(event.key("multiValueQueryStringParameters"));
    fields::pairs_by_name(&pairs, |run| {
        let out = map.foreign_key(pairs[run[0]].0.as_bytes());
        writer::array(out, run.iter().map(|&at| &*pairs[at].1), writer::string);
    });
    map.close();
}

fn path_parameters(event: &mut Object<'_>, route: &Route<'_>) {
    if route.parameters.is_empty() {
        event.null("pathParameters");
        return;
    }
    let mut map = Object::open(event.key("pathParameters"));
    for (name, value) in &route.parameters {
        writer::string(map.foreign_key(name.as_bytes()), value);
    }
    map.close();
}

fn request_context(out: &mut Vec<u8>, request: &Request<'_>, context: &Context<'_>, resource: &str) {
    let mut object = Object::open(out);
    object.string("accountId", context.account_id);
    object.string("apiId", context.api_id);
    object.string("deploymentId", &context::opaque_id(context.api_id));
    object.string("domainName", context.domain_name);
    object.string("domainPrefix", context::domain_prefix(context));
    object.string("extendedRequestId", context.request_id);
    object.string("httpMethod", request.method);
    identity(object.key("identity"), request, context);
    let out = object.key("path");
    out.push(b'"');
    // The invoke URL of a stage has its name in front; `$default` is the one without.
    if context.stage != "$default" && !context.stage.is_empty() {
        out.push(b'/');
        writer::fragment(out, context.stage.as_bytes());
    }
    writer::fragment(out, request.path.as_bytes());
    out.push(b'"');
    object.string("protocol", context.protocol);
    object.string("requestId", context.request_id);
    let out = object.key("requestTime");
    out.push(b'"');
    time::clf(out, context.time_ms);
    out.push(b'"');
    object.number("requestTimeEpoch", context.time_ms);
    object.string("resourceId", &context::opaque_id(resource));
    object.string("resourcePath", resource);
    object.string("stage", context.stage);
    object.close();
}

/// All keys of an identity that is not authenticated, in the order of the recordings.
fn identity(out: &mut Vec<u8>, request: &Request<'_>, context: &Context<'_>) {
    let mut identity = Object::open(out);
    for key in [
        "accessKey",
        "accountId",
        "caller",
        "cognitoAuthenticationProvider",
        "cognitoAuthenticationType",
        "cognitoIdentityId",
        "cognitoIdentityPoolId",
        "principalOrgId",
    ] {
        identity.null(key);
    }
    identity.string("sourceIp", context.source_ip);
    identity.null("user");
    match fields::first(request.headers, "user-agent") {
        Some(agent) => identity.bytes("userAgent", agent),
        None => identity.null("userAgent"),
    }
    identity.null("userArn");
    identity.close();
}

fn body(event: &mut Object<'_>, request: &Request<'_>, context: &Context<'_>) {
    if request.body.is_empty() {
        event.null("body");
        event.bool("isBase64Encoded", false);
        return;
    }
    let replaced;
    let text = match context.binary_media_types {
        None => text::rest_request(request),
        Some(types) if text::is_listed(types, text::media_type(request.headers.iter().copied())) => None,
        Some(_) => match text::utf8(request.body) {
            Some(text) => Some(text),
            None => {
                replaced = String::from_utf8_lossy(request.body);
                Some(&*replaced)
            }
        },
    };
    text::write(event, request.body, text);
    event.bool("isBase64Encoded", text.is_none());
}
