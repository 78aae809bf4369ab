//! WebSocket APIs of API Gateway, as requests: each of their events is a `POST`.
//!
//! | event | query and headers | body |
//! | --- | --- | --- |
//! | `CONNECT` | those of the upgrade | none |
//! | `MESSAGE` | none | the message, decoded where it is binary |
//! | `DISCONNECT` | what API Gateway gives | none |
//!
//! Which event it is, the connection and the route stand in `requestContext`. Where the request goes is the caller's to
//! say; here its path is `/`. The answer's status decides a `CONNECT` (2xx accepts); its body goes back to the client if
//! the route has a route response. Its headers have one value a name, since `Sec-WebSocket-Protocol` is read from there.
//!
//! Source: "Working with WebSocket APIs" of the API Gateway developer guide.

use std::borrow::Cow;

use crate::answer::Answer;
use crate::envelope::{self, Envelope};
use crate::json::Object;
use crate::request::{EventError, Kind, Received};
use crate::{alb, query, rest_v1};

pub(crate) fn decode_request<'a>(envelope: &Envelope<'a>) -> Result<Received<'a>, EventError> {
    let mut query = String::new();
    let mut each = |key: Cow<'a, str>, value: Cow<'a, str>| {
        query::push_encoded(&mut query, &key, &value);
        Ok(())
    };
    match envelope.multi_query {
        Some(_) => envelope::each("multiValueQueryStringParameters", envelope.multi_query, &mut each)?,
        None => envelope::each("queryStringParameters", envelope.query, &mut each)?,
    }
    let (body, base64) = envelope.body()?;
    Ok(Received {
        kind: Kind::WebSocket,
        method: Cow::Borrowed("POST"),
        path: Cow::Borrowed("/"),
        query: Cow::Owned(query),
        headers: rest_v1::all_headers(envelope)?,
        body,
        base64,
        request_context: envelope.context,
    })
}

pub(crate) fn open_answer<'o>(answer: &Answer<'_>, out: &'o mut Vec<u8>) -> Object<'o> {
    let mut object = Object::open(out);
    object.number("statusCode", answer.status.into());
    alb::single_headers(&mut object, answer);
    object
}
