//! HTTP ⇄ Lambda event, every format, both directions.
//!
//! Each format is one file with the same floor plan: `encode_request`, `decode_request`, `open_answer` (an answer up to
//! its body, which is the same everywhere and may come piece by piece), `decode_answer`. The functions here choose the
//! file. Everything is pure: no sockets, no clock, no environment; what the source of an event knows beside the request
//! itself is in [`Context`].
//!
//! Encoders write JSON straight into the caller's buffer. Decoders borrow from the received bytes and allocate only
//! for escapes and base64.

mod alb;
mod answer;
mod base64;
mod body;
mod body_first;
mod context;
mod envelope;
mod fields;
pub mod gloo;
mod http_v2;
mod json;
mod krakend;
mod lattice;
mod path;
mod piecewise;
mod query;
mod reply;
mod request;
mod rest_v1;
mod runway;
mod text;
mod time;
mod vector;
mod websocket;

use std::borrow::Cow;

use alb::Maps;
pub use answer::{Answer, AnswerError, AnswerField};
pub use base64::decode_base64;
pub use body_first::BodyFirst;
use envelope::Envelope;
pub use fields::{is_token, is_value, letters_digits_and};
pub use krakend::Tree;
pub use piecewise::Piecewise;
pub use request::{Context, EventError, Field, Kind, Received, Request};

/// The event formats an HTTP request can be turned into.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Format {
    /// API Gateway HTTP API payload 2.0 in its function URL flavour.
    #[default]
    HttpV2,
    /// API Gateway REST API payload 1.0.
    RestV1,
    /// Application Load Balancer, single-value maps.
    Alb,
    /// Application Load Balancer, multi-value maps.
    AlbMultiValue,
    /// VPC Lattice, version 2.
    LatticeV2,
    /// The raw body is the event.
    Body,
    /// runway's payload.
    Runway,
    /// KrakenD's payload of a GET: the parameters of the path.
    Krakend,
}

/// Appends the event for `request` to `out`. Infallible: every HTTP request has an event in every format.
pub fn encode_request(format: Format, request: &Request<'_>, context: &Context<'_>, out: &mut Vec<u8>) {
    let path = path::written(request.path);
    let request = &Request { path: &path, ..*request };
    match format {
        Format::HttpV2 => http_v2::encode_request(request, context, out),
        Format::RestV1 => rest_v1::encode_request(request, context, out),
        Format::Alb => alb::encode_request(Maps::Single, request, context, out),
        Format::AlbMultiValue => alb::encode_request(Maps::Multi, request, context, out),
        Format::LatticeV2 => lattice::encode_request(request, context, out),
        Format::Body => body::encode_request(request, context, out),
        Format::Runway => runway::encode_request(request, context, out),
        Format::Krakend => krakend::encode_request(request, context, out),
    }
}

/// Reads an event of unknown kind: its kind is found from its keys, once. Events that are not HTTP (SQS, plain
/// JSON, anything) come back as [`Kind::Other`] with the bytes as the body of `POST /`; so do those of WebSocket APIs.
pub fn decode_request(event: &[u8]) -> Result<Received<'_>, EventError> {
    let envelope = Envelope::read(event)?;
    match envelope.kind() {
        Kind::WebSocket => body::decode_request(event, envelope.context),
        kind => decode(event, &envelope, kind),
    }
}

/// As [`decode_request`], with the events of WebSocket APIs as requests too: [`Kind::WebSocket`], `POST /` with the
/// message as the body.
pub fn decode_request_or_message(event: &[u8]) -> Result<Received<'_>, EventError> {
    let envelope = Envelope::read(event)?;
    decode(event, &envelope, envelope.kind())
}

/// As [`decode_request`], or where `messages` are wanted [`decode_request_or_message`]; except that a long body which is
/// base64 stays so, and [`Received::base64`] says it. It is checked: each part of it that starts and ends at a fourth
/// character can be decoded by itself. So a large body need not be in memory twice.
pub fn decode_request_lazily(event: &[u8], messages: bool) -> Result<Received<'_>, EventError> {
    let envelope = Envelope::read_lazily(event)?;
    match envelope.kind() {
        Kind::WebSocket if !messages => body::decode_request(event, envelope.context),
        kind => decode(event, &envelope, kind),
    }
}

/// The kind of an event, whether all of its keys can be read or not; `None` when it is no JSON. It tells who waits for
/// the answer to an event that [`decode_request`] refuses.
pub fn kind(event: &[u8]) -> Option<Kind> {
    Envelope::read(event).ok().map(|envelope| envelope.kind())
}

fn decode<'a>(event: &'a [u8], envelope: &Envelope<'a>, kind: Kind) -> Result<Received<'a>, EventError> {
    let mut received = match kind {
        Kind::HttpV2 => http_v2::decode_request(envelope),
        Kind::RestV1 => rest_v1::decode_request(envelope),
        Kind::Alb | Kind::AlbMultiValue => alb::decode_request(envelope),
        Kind::LatticeV1 | Kind::LatticeV2 => lattice::decode_request(envelope, kind),
        Kind::WebSocket => websocket::decode_request(envelope),
        Kind::Other => body::decode_request(event, envelope.context),
    }?;
    // The target `*` stands alone (RFC 9112, section 3.2.4): beside a query it can only be a path that lost its slash.
    if received.path == "*" && !received.query.is_empty() {
        received.path = Cow::Borrowed("/*");
    }
    Ok(received)
}

/// Appends the Lambda answer of an HTTP `answer` in the shape that the source of `kind` expects.
pub fn encode_answer(kind: Kind, answer: &Answer<'_>, out: &mut Vec<u8>) {
    match open_answer(kind, answer, out) {
        Some(object) => piecewise::write_whole(object, answer),
        None => body::encode_answer(answer, out),
    }
}

/// As [`encode_answer`], for a body that is still to come: appends all that stands before it. The answer's body is not
/// looked at. `None`, and nothing written, for [`Kind::Other`], where only the whole body tells what the answer is.
pub fn begin_answer(kind: Kind, answer: &Answer<'_>, out: &mut Vec<u8>) -> Option<Piecewise> {
    let mut object = open_answer(kind, answer, out)?;
    Some(Piecewise::open(reply::fields(answer), object.key("body")))
}

fn open_answer<'o>(kind: Kind, answer: &Answer<'_>, out: &'o mut Vec<u8>) -> Option<json::Object<'o>> {
    Some(match kind {
        Kind::HttpV2 => http_v2::open_answer(answer, out),
        Kind::RestV1 => rest_v1::open_answer(answer, out),
        Kind::Alb | Kind::AlbMultiValue => alb::open_answer(kind, answer, out),
        // Lattice reads what a load balancer with one value a header reads.
        Kind::LatticeV1 | Kind::LatticeV2 => alb::open_answer(Kind::Alb, answer, out),
        Kind::WebSocket => websocket::open_answer(answer, out),
        Kind::Other => return None,
    })
}

/// Reads what a function answered, by the proxy rules of `format`'s own source.
///
/// A body that is said to be base64 is always decoded. For a REST route with `binary_media_types`, where the client's
/// `Accept` has a say in that, see [`decode_binary_answer`].
pub fn decode_answer(format: Format, payload: &[u8]) -> Result<Answer<'_>, AnswerError> {
    match format {
        Format::HttpV2 => http_v2::decode_answer(payload),
        Format::RestV1 => rest_v1::decode_answer(payload),
        Format::Alb => alb::decode_answer(Maps::Single, payload),
        Format::AlbMultiValue => alb::decode_answer(Maps::Multi, payload),
        Format::LatticeV2 => lattice::decode_answer(payload),
        // Neither runway nor KrakenD unwraps an answer: what a payload means there is an answer rule of its own.
        Format::Body | Format::Runway | Format::Krakend => body::decode_answer(payload),
    }
}

/// As [`decode_answer`] for [`Format::RestV1`], by API Gateway's own rule for base64: a body that is said to be base64 is
/// decoded only if the first media type of the request's `Accept` header is one of `binary_media_types`.
pub fn decode_binary_answer<'a>(
    payload: &'a [u8],
    accept: Option<&[u8]>,
    binary_media_types: &[String],
) -> Result<Answer<'a>, AnswerError> {
    rest_v1::decode_binary_answer(payload, accept, binary_media_types)
}

/// Reads the JSON in front of a streamed answer, without the eight NUL bytes that end it: the status (200 when there
/// is none) and the headers of an answer whose body is what follows the NULs.
pub fn decode_prelude(prelude: &[u8]) -> Result<Answer<'_>, AnswerError> {
    http_v2::decode_head(prelude)
}

/// Appends the JSON in front of a streamed answer, without the eight NUL bytes. The answer's body is not looked at.
pub fn encode_prelude(answer: &Answer<'_>, out: &mut Vec<u8>) {
    let mut object = json::Object::open(out);
    http_v2::head(&mut object, answer);
    object.close();
}

impl Format {
    /// The name in the native configuration.
    pub const fn name(self) -> &'static str {
        match self {
            Format::HttpV2 => "http_v2",
            Format::RestV1 => "rest_v1",
            Format::Alb => "alb",
            Format::AlbMultiValue => "alb_multi_value",
            Format::LatticeV2 => "lattice_v2",
            Format::Body => "body",
            Format::Runway => "runway",
            Format::Krakend => "krakend",
        }
    }

    /// Every format, in the order of the documentation.
    pub const ALL: [Format; 8] = [
        Format::HttpV2,
        Format::RestV1,
        Format::Alb,
        Format::AlbMultiValue,
        Format::LatticeV2,
        Format::Body,
        Format::Runway,
        Format::Krakend,
    ];
}
