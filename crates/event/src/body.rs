//! `body`: the raw body is the event, and the answer is the raw body.
//!
//! On the function's side the same file serves every event that is no HTTP: the event is the body of `POST /`, and what
//! the app answers becomes the answer of the function, if it is JSON. If not it becomes `null`, as with the Lambda
//! Web Adapter: sources such as SQS read an answer, and must not take an app's "OK" for a malformed batch report.

use std::borrow::Cow;

use crate::answer::{Answer, AnswerError};
use crate::json::Reader;
use crate::request::{Context, EventError, Kind, Received, Request};

pub(crate) fn encode_request(request: &Request<'_>, _: &Context<'_>, out: &mut Vec<u8>) {
    out.extend_from_slice(request.body);
}

pub(crate) fn decode_request<'a>(
    event: &'a [u8],
    context: Option<&'a str>,
) -> Result<Received<'a>, EventError> {
    Ok(Received {
        kind: Kind::Other,
        method: Cow::Borrowed("POST"),
        path: Cow::Borrowed("/"),
        query: Cow::Borrowed(""),
        headers: Vec::new(),
        body: Cow::Borrowed(event),
        base64: false,
        request_context: context,
    })
}

pub(crate) fn encode_answer(answer: &Answer<'_>, out: &mut Vec<u8>) {
    let is_json = Reader::new(&answer.body).and_then(Reader::document).is_ok();
    out.extend_from_slice(if is_json { &answer.body } else { b"null" });
}

/// A 200 with the payload as it is. Infallible, since the payload is not looked into.
pub(crate) fn decode_answer(payload: &[u8]) -> Result<Answer<'_>, AnswerError> {
    Ok(Answer {
        status: 200,
        headers: vec![(Cow::Borrowed(b"content-type"), Cow::Borrowed(b"application/json"))],
        body: Cow::Borrowed(payload),
    })
}
