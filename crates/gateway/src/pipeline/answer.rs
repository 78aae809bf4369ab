//! The function's payload as the client's answer.
//!
//! A body that stands in the payload as it is goes out without a copy.

mod krakend;

use std::borrow::Cow;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderValue, TRANSFER_ENCODING};
use http::{Method, Response, StatusCode};
use http_body::Body as _;
use http_body_util::Full;
use lambridge_event::gloo::{self, GlooError};
use lambridge_event::{Answer, Format, decode_answer};
use lambridge_invoke::Invoked;
use lambridge_model::{AnswerRule, Event, Invocation};

use crate::answer_body::{AnswerBody, has_body};
use crate::function::FunctionState;
use crate::headers;
use crate::problem::{Reason, Refusal};
use crate::record::Facts;

/// Reads the answer by the function's rule.
pub(super) fn decode(
    function: &FunctionState,
    invoked: &Invoked,
    method: &Method,
    facts: &mut Facts,
) -> Result<Response<Full<Bytes>>, Refusal> {
    match (function.settings.invoke, &function.settings.answer) {
        (Invocation::Async, _) => Ok(empty(StatusCode::ACCEPTED)),
        (Invocation::DryRun, _) => Ok(empty(StatusCode::NO_CONTENT)),
        (Invocation::Sync | Invocation::Stream, AnswerRule::Raw) => {
            let mut response = Response::new(Full::new(invoked.payload.clone()));
            response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            Ok(response)
        }
        (Invocation::Sync | Invocation::Stream, AnswerRule::Krakend(rule)) => krakend::decode(rule, invoked),
        (Invocation::Sync | Invocation::Stream, AnswerRule::GlooAlb) => {
            gloo(gloo::decode_alb(&invoked.payload), &invoked.payload, method, facts)
        }
        (Invocation::Sync | Invocation::Stream, AnswerRule::GlooApiGateway) => {
            gloo(gloo::decode_api_gateway(&invoked.payload), &invoked.payload, method, facts)
        }
        (Invocation::Sync | Invocation::Stream, AnswerRule::Proxy) => {
            // A template has no source with rules; those of a function URL take an answer with a status and one without.
            let format = match function.settings.event {
                Event::Format(format) => format,
                Event::Template(_) => Format::HttpV2,
            };
            let answer =
                decode_answer(format, &invoked.payload).map_err(|error| malformed(error.to_string()))?;
            respond(answer, &invoked.payload, method)
        }
    }
}

fn malformed(detail: String) -> Refusal {
    Refusal::from(Reason::MalformedAnswer).with_detail(detail)
}

/// Gloo has answers of its own to payloads that it cannot read; the log says what they are.
fn gloo(
    decoded: Result<Answer<'_>, GlooError>,
    payload: &Bytes,
    method: &Method,
    facts: &mut Facts,
) -> Result<Response<Full<Bytes>>, Refusal> {
    match decoded {
        Ok(answer) => respond(answer, payload, method),
        Err(GlooError::Shown { why, answer }) => {
            facts.reason = Some(Reason::MalformedAnswer);
            facts.detail = Some(why.to_string());
            respond(*answer, payload, method)
        }
        Err(GlooError::Malformed(error)) => Err(malformed(error.to_string())),
    }
}

/// The answer on its way to the client.
fn respond(answer: Answer<'_>, payload: &Bytes, method: &Method) -> Result<Response<Full<Bytes>>, Refusal> {
    let (status, mut fields, declared) = head_of(&answer)?;
    let body = match answer.body {
        Cow::Borrowed(part) => shared_part(payload, part),
        Cow::Owned(whole) => Bytes::from(whole),
    };
    // The length that GET would have is the function's to know, RFC 9110 section 8.6.
    if *method == Method::HEAD
        && let Some(length) = declared.filter(|_| body.is_empty())
    {
        fields.insert(CONTENT_LENGTH, HeaderValue::from(length));
    }
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    *response.headers_mut() = fields;
    Ok(response)
}

/// Status and fields as the client gets them, and the length that the function has declared.
pub(super) fn head_of(answer: &Answer<'_>) -> Result<(StatusCode, HeaderMap, Option<u64>), Refusal> {
    // 1xx is no final answer, and would leave the client waiting for one; above 599 there is none. RFC 9110 section 15.
    let status = StatusCode::from_u16(answer.status)
        .ok()
        .filter(|status| (200..600).contains(&status.as_u16()))
        .ok_or_else(|| malformed(format!("`{}` is not a final status", answer.status)))?;
    let mut fields = HeaderMap::with_capacity(answer.headers.len() + 2);
    let borrowed = answer.headers.iter().map(|(name, value)| (name.as_ref(), value.as_ref()));
    let declared =
        headers::for_answer(borrowed, &mut fields).map_err(|error| malformed(error.to_string()))?;
    Ok((status, fields, declared))
}

/// `part` without a copy where it lies in `payload`, which `slice_ref` would insist on by a panic.
fn shared_part(payload: &Bytes, part: &[u8]) -> Bytes {
    let start = part.as_ptr().addr().wrapping_sub(payload.as_ptr().addr());
    match start.checked_add(part.len()) {
        Some(end) if end <= payload.len() => payload.slice(start..end),
        _ => Bytes::copy_from_slice(part),
    }
}

fn empty(status: StatusCode) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = status;
    response
}

/// Takes away what the function said where no body belongs.
pub(super) fn without_body_where_none_belongs(method: &Method, response: &mut Response<AnswerBody>) {
    let (status, is_head) = (response.status(), *method == Method::HEAD);
    if has_body(status) && !is_head {
        response.headers_mut().remove(CONTENT_LENGTH);
        return;
    }
    let length = response.body().size_hint().exact().unwrap_or_default();
    if let AnswerBody::Stream(flow) =
        std::mem::replace(response.body_mut(), AnswerBody::Whole(Full::default()))
    {
        flow.run_out();
    }
    let fields = response.headers_mut();
    fields.remove(TRANSFER_ENCODING);
    if !has_body(status) {
        fields.remove(CONTENT_LENGTH);
    } else if length > 0 {
        fields.insert(CONTENT_LENGTH, HeaderValue::from(length));
    }
}
