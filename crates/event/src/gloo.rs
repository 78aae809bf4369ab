//! What Gloo Edge makes of a function's answer: `unwrapAsAlb` and `unwrapAsApiGateway`.
//!
//! Neither is what AWS's own load balancer or API Gateway does; both are rules of Gloo's, read from its filter
//! (envoy-gloo, `aws_lambda` and the API Gateway transformer) and its tests, February 2026. Where they answer a payload
//! that they cannot read with words of their own, so do we: [`GlooError::Shown`]. Under `unwrapAsAlb` that is 500 without
//! a body; under `unwrapAsApiGateway` it is 500 with `text/plain` and `x-amzn-errortype: 500`.
//!
//! Deviations, each because the original loses or hides something:
//!
//! - a function that failed, and a call that was refused or throttled, never come here: their answer is an error answer,
//!   not 200 with `{}`;
//! - a body that is said to be base64 and is none is malformed, not empty;
//! - a body may hold NUL, which ends it in Gloo;
//! - `set-cookie` under `unwrapAsApiGateway` has a line a value; other lists are joined with commas, as there;
//! - a `content-type` of the function under `unwrapAsAlb` takes the place of Lambda's `application/json`, which Gloo
//!   leaves beside it; without one, `application/json` stays;
//! - a header under `unwrapAsAlb` that HTTP cannot carry is malformed; `unwrapAsApiGateway` leaves it out, as Gloo does.

use std::borrow::Cow;

use crate::answer::{Answer, AnswerError};
use crate::base64;
use crate::fields::{self, MAX_FIELDS};
use crate::json::reader::{self, compact};
use crate::json::{Reader, Value};
use crate::reply::{self, Headers};

/// A payload that Gloo's rules cannot read.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum GlooError {
    /// Gloo has an answer of its own for this.
    #[error("{why}")]
    Shown {
        /// For the log.
        why: AnswerError,
        /// For the client.
        answer: Box<Answer<'static>>,
    },
    /// Gloo would show something else than the function meant.
    #[error(transparent)]
    Malformed(AnswerError),
}

/// Reads an answer as `unwrapAsAlb` does. No payload at all is an empty answer.
pub fn decode_alb(payload: &[u8]) -> Result<Answer<'_>, GlooError> {
    match alb(payload) {
        // Gloo's parser takes a comma before a closing bracket, ours does not: rare enough for a second look.
        Err(GlooError::Shown { why: AnswerError::NotJson { .. }, .. }) if has_stray_comma(payload) => {
            alb(&without_stray_commas(payload)).map(into_owned)
        }
        decoded => decoded,
    }
}

/// Reads an answer as `unwrapAsApiGateway` does. No payload at all is an empty answer.
pub fn decode_api_gateway(payload: &[u8]) -> Result<Answer<'_>, GlooError> {
    if payload.is_empty() {
        return Ok(Answer { status: 200, headers: Vec::new(), body: Cow::Borrowed(b"") });
    }
    let read = Keys::read(payload).map_err(|why| refused(why, "failed to parse response body as JSON"))?;
    // Gloo looks for its keys in whatever JSON it gets, and finds none in what is no object.
    let keys = read.unwrap_or_default();
    let status = unsigned_status(keys.status)?;
    let mut headers = single(keys.headers)?;
    join_lists(keys.multi_headers, &mut headers)?;
    let body = match keys.body {
        None => Cow::Borrowed(&b"{}"[..]),
        Some(Value::String(text)) => text.bytes(),
        Some(other) => reply::bytes(as_json(other)),
    };
    let body = match keys.base64 {
        Some(Value::Bool(true)) => decoded(body)?,
        _ => body,
    };
    Ok(Answer { status, headers, body })
}

fn alb(payload: &[u8]) -> Result<Answer<'_>, GlooError> {
    let mut headers = Vec::new();
    if payload.is_empty() {
        reply::default_type(200, &mut headers, "application/json");
        return Ok(Answer { status: 200, headers, body: Cow::Borrowed(b"") });
    }
    let keys = Keys::read(payload)
        .map_err(failed)?
        .map_err(|other| failed(AnswerError::NotAnObject { found: other.kind() }))?;
    let body = match keys.body {
        Some(Value::String(text)) => text.bytes(),
        _ => Cow::Borrowed(&b""[..]),
    };
    let body = match (&keys.body, keys.base64) {
        (None, _) | (_, None | Some(Value::Bool(false))) => body,
        (_, Some(Value::Bool(true))) => decoded(body)?,
        (_, Some(other)) => return Err(failed(reply::unexpected("isBase64Encoded", "a boolean", &other))),
    };
    let status = match keys.status {
        None => 200,
        Some(Value::Number(digits)) => truncated(digits)?,
        Some(other) => return Err(failed(reply::unexpected("statusCode", "a number", &other))),
    };
    for (name, value) in object(keys.headers) {
        add(&mut headers, "headers", name, text_or_nothing(value))?;
    }
    for (name, value) in object(keys.multi_headers) {
        let Value::Array(list) = value else { continue };
        for item in reader::items(list) {
            add(&mut headers, "multiValueHeaders", name.clone(), text_or_nothing(item))?;
        }
    }
    keep_last_type(&mut headers);
    reply::default_type(status, &mut headers, "application/json");
    Ok(Answer { status, headers, body })
}

/// The keys that both rules read; `null` is a value here, and the last of two equal keys counts.
#[derive(Debug, Default)]
struct Keys<'a> {
    status: Option<Value<'a>>,
    headers: Option<Value<'a>>,
    multi_headers: Option<Value<'a>>,
    body: Option<Value<'a>>,
    base64: Option<Value<'a>>,
}

impl<'a> Keys<'a> {
    /// Reads an object; any other value comes back as the inner error.
    fn read(payload: &'a [u8]) -> Result<Result<Self, Value<'a>>, AnswerError> {
        let reader = Reader::new(payload)?;
        let Some(mut entries) = reader.clone().entries() else { return Ok(Err(reader.document()?)) };
        let mut keys = Self::default();
        while let Some((key, value)) = entries.next()? {
            let place = match &*key.cow() {
                "statusCode" => &mut keys.status,
                "headers" => &mut keys.headers,
                "multiValueHeaders" => &mut keys.multi_headers,
                "body" => &mut keys.body,
                "isBase64Encoded" => &mut keys.base64,
                _ => continue,
            };
            *place = Some(value);
        }
        Ok(Ok(keys))
    }
}

/// `unwrapAsAlb` takes any number and drops its fraction.
fn truncated(digits: &str) -> Result<u16, GlooError> {
    let number = digits.parse::<f64>().map(f64::trunc).unwrap_or_default();
    if (100.0..=999.0).contains(&number) {
        // In range, and whole.
        return Ok(number as u16);
    }
    Err(failed(no_status(digits)))
}

/// `unwrapAsApiGateway` takes whole numbers without a sign.
fn unsigned_status(value: Option<Value<'_>>) -> Result<u16, GlooError> {
    const SHOWN: &str = "cannot parse non unsigned integer status code";
    match value {
        None => Ok(200),
        Some(Value::Number(digits)) => match digits.parse() {
            Ok(status @ 100..=999) => Ok(status),
            _ => Err(refused(no_status(digits), SHOWN)),
        },
        Some(other) => Err(refused(reply::unexpected("statusCode", "a number", &other), SHOWN)),
    }
}

/// `headers` of `unwrapAsApiGateway`: values that are no strings as JSON, what HTTP cannot carry left out.
fn single(value: Option<Value<'_>>) -> Result<Headers<'_>, GlooError> {
    let entries = match value {
        None => return Ok(Vec::new()),
        Some(Value::Object(_)) => object(value),
        Some(other) => {
            let why = reply::unexpected("headers", "an object", &other);
            return Err(refused(why, "invalid headers object"));
        }
    };
    let mut headers = Vec::new();
    for (name, value) in entries {
        let value = reply::bytes(as_json(value));
        if fields::is_token(name.as_bytes()) && fields::is_value(&value) {
            push(&mut headers, reply::bytes(name), value)?;
        }
    }
    Ok(headers)
}

/// `multiValueHeaders` of `unwrapAsApiGateway`: the values of a name, one that `headers` has included, are one list with
/// commas. Cookies have commas of their own, so each keeps its line.
fn join_lists<'a>(value: Option<Value<'a>>, headers: &mut Headers<'a>) -> Result<(), GlooError> {
    const KEY: &str = "multiValueHeaders";
    let entries = match value {
        None => return Ok(()),
        Some(Value::Object(_)) => object(value),
        Some(other) => {
            let why = reply::unexpected(KEY, "an object", &other);
            return Err(refused(why, "invalid multiValueHeaders object"));
        }
    };
    for (name, value) in entries {
        let values: Vec<Cow<'a, str>> = match value {
            Value::Null => continue,
            Value::Array(list) => reader::items(list).map(as_json).collect(),
            Value::Object(_) => {
                let why = reply::unexpected(KEY, "lists", &value);
                return Err(refused(why, "invalid multi header value object"));
            }
            scalar => vec![as_json(scalar)],
        };
        if !fields::is_token(name.as_bytes()) {
            continue;
        }
        let name = reply::bytes(name);
        let fit = values.into_iter().map(reply::bytes).filter(|value| fields::is_value(value));
        if name.eq_ignore_ascii_case(b"set-cookie") {
            for value in fit {
                push(headers, name.clone(), value)?;
            }
            continue;
        }
        let at = headers.iter().position(|(known, _)| known.eq_ignore_ascii_case(&name));
        let before = at.map(|at| std::mem::take(&mut headers[at].1));
        let list: Vec<Cow<'a, [u8]>> = before.into_iter().chain(fit).collect();
        let joined = match <[_; 1]>::try_from(list) {
            Ok([one]) => one,
            Err(list) if list.is_empty() => continue,
            Err(list) => Cow::Owned(list.join(&b","[..])),
        };
        match at {
            Some(at) => headers[at].1 = joined,
            None => push(headers, name, joined)?,
        }
    }
    Ok(())
}

/// The entries of an object, the last of equal names only, in place of the first; nothing where there is no object.
fn object(value: Option<Value<'_>>) -> Vec<(Cow<'_, str>, Value<'_>)> {
    let Some(Value::Object(object)) = value else { return Vec::new() };
    let mut entries: Vec<(Cow<'_, str>, Value<'_>)> = Vec::new();
    // One more than may be, so that too many are noticed; looking for equal names is quadratic.
    for (name, value) in reader::entries(object) {
        let name = name.cow();
        match entries.iter().position(|(known, _)| *known == name) {
            Some(at) => entries[at].1 = value,
            None if entries.len() > MAX_FIELDS => break,
            None => entries.push((name, value)),
        }
    }
    entries
}

/// A string as it is, anything else as compact JSON.
fn as_json(value: Value<'_>) -> Cow<'_, str> {
    match value {
        Value::Null => Cow::Borrowed("null"),
        Value::Bool(true) => Cow::Borrowed("true"),
        Value::Bool(false) => Cow::Borrowed("false"),
        Value::Number(number) => Cow::Borrowed(number),
        Value::String(text) => text.cow(),
        Value::Array(text) | Value::Object(text) => compact(text),
    }
}

fn text_or_nothing(value: Value<'_>) -> Cow<'_, str> {
    match value {
        Value::String(text) => text.cow(),
        _ => Cow::Borrowed(""),
    }
}

/// A field of `unwrapAsAlb`.
fn add<'a>(
    headers: &mut Headers<'a>,
    key: &'static str,
    name: Cow<'a, str>,
    value: Cow<'a, str>,
) -> Result<(), GlooError> {
    if !fields::is_token(name.as_bytes()) || !fields::is_value(value.as_bytes()) {
        let shown: String = name.chars().take(40).flat_map(char::escape_debug).collect();
        let reason = format!("`{shown}` is not a header that HTTP can carry");
        return Err(GlooError::Malformed(AnswerError::BadKey { key, reason }));
    }
    push(headers, reply::bytes(name), reply::bytes(value))
}

fn push<'a>(headers: &mut Headers<'a>, name: Cow<'a, [u8]>, value: Cow<'a, [u8]>) -> Result<(), GlooError> {
    if headers.len() == MAX_FIELDS {
        let reason = format!("more than {MAX_FIELDS} values");
        return Err(GlooError::Malformed(AnswerError::BadKey { key: "headers", reason }));
    }
    headers.push((name, value));
    Ok(())
}

/// A function that fills both maps says its type twice.
fn keep_last_type(headers: &mut Headers<'_>) {
    let is_type = |(name, _): &crate::AnswerField<'_>| name.eq_ignore_ascii_case(b"content-type");
    let mut left = headers.iter().filter(|field| is_type(field)).count();
    headers.retain(|field| {
        if !is_type(field) {
            return true;
        }
        left -= 1;
        left == 0
    });
}

fn decoded(body: Cow<'_, [u8]>) -> Result<Cow<'_, [u8]>, GlooError> {
    base64::decode(body).map(Cow::Owned).ok_or(GlooError::Malformed(AnswerError::BadBase64))
}

fn no_status(digits: &str) -> AnswerError {
    let shown: String = digits.chars().take(40).collect();
    AnswerError::BadKey { key: "statusCode", reason: format!("`{shown}` is no status") }
}

/// What `unwrapAsAlb` answers to what it cannot read.
fn failed(why: AnswerError) -> GlooError {
    let answer = Answer { status: 500, headers: Vec::new(), body: Cow::Borrowed(b"") };
    GlooError::Shown { why, answer: Box::new(answer) }
}

/// What `unwrapAsApiGateway` answers to what it cannot read.
fn refused(why: AnswerError, text: &str) -> GlooError {
    let field = |name: &'static str, value: &'static str| {
        (Cow::Borrowed(name.as_bytes()), Cow::Borrowed(value.as_bytes()))
    };
    let headers = vec![field("content-type", "text/plain"), field("x-amzn-errortype", "500")];
    let body = Cow::Owned(format!("500: {text}").into_bytes());
    GlooError::Shown { why, answer: Box::new(Answer { status: 500, headers, body }) }
}

/// Whether some comma outside strings stands before a closing bracket.
fn has_stray_comma(payload: &[u8]) -> bool {
    without_stray_commas(payload).len() < payload.len()
}

fn without_stray_commas(payload: &[u8]) -> Vec<u8> {
    let mut out: Vec<u8> = Vec::with_capacity(payload.len());
    let (mut in_string, mut escaped) = (false, false);
    // Where a comma lies in `out` with nothing but space behind it.
    let mut comma = None;
    for &byte in payload {
        if in_string {
            in_string = escaped || byte != b'"';
            escaped = !escaped && byte == b'\\';
        } else {
            match byte {
                b' ' | b'\t' | b'\r' | b'\n' => {}
                b',' => comma = Some(out.len()),
                b'}' | b']' => {
                    if let Some(at) = comma.take() {
                        out.remove(at);
                    }
                }
                _ => {
                    in_string = byte == b'"';
                    comma = None;
                }
            }
        }
        out.push(byte);
    }
    out
}

fn into_owned(answer: Answer<'_>) -> Answer<'static> {
    let own = |bytes: Cow<'_, [u8]>| Cow::Owned(bytes.into_owned());
    let headers = answer.headers.into_iter().map(|(name, value)| (own(name), own(value))).collect();
    Answer { status: answer.status, headers, body: own(answer.body) }
}

#[cfg(test)]
mod tests;
