//! HTTP ⇄ Lambda event, every format, both directions.
//!
//! Each format is one file with the same floor plan: `encode_request`, `decode_request`, `encode_answer`,
//! `decode_answer`. The functions here choose the file. Everything is pure: no sockets, no clock, no environment;
//! what the source of an event knows beside the request itself is in [`Context`].
//!
//! Encoders write JSON straight into the caller's buffer. Decoders borrow from the received bytes and allocate only
//! for escapes and base64.

mod answer;
mod request;

pub use answer::{Answer, AnswerError};
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
    /// The raw body is the event.
    Body,
}

/// Appends the event for `request` to `out`. Infallible: every HTTP request has an event in every format.
pub fn encode_request(format: Format, request: &Request<'_>, context: &Context<'_>, out: &mut Vec<u8>) {
    let _ = (format, request, context, out);
    todo!()
}

/// Reads an event of unknown kind: its kind is found from its keys, once. Events that are not HTTP (SQS, plain
/// JSON, anything) come back as [`Kind::Other`] with the bytes as the body of `POST /`.
pub fn decode_request(event: &[u8]) -> Result<Received<'_>, EventError> {
    let _ = event;
    todo!()
}

/// Appends the Lambda answer of an HTTP `answer` in the shape that the source of `kind` expects.
pub fn encode_answer(kind: Kind, answer: &Answer<'_>, out: &mut Vec<u8>) {
    let _ = (kind, answer, out);
    todo!()
}

/// Reads what a function answered, by the proxy rules of `format`'s own source.
///
/// `accept` is the request's `Accept` header and matters only for REST with `binary_media_types`.
pub fn decode_answer(format: Format, payload: &[u8]) -> Result<Answer<'_>, AnswerError> {
    let _ = (format, payload);
    todo!()
}

impl Format {
    /// The name in the native configuration.
    pub const fn name(self) -> &'static str {
        match self {
            Format::HttpV2 => "http_v2",
            Format::RestV1 => "rest_v1",
            Format::Alb => "alb",
            Format::AlbMultiValue => "alb_multi_value",
            Format::Body => "body",
        }
    }

    /// Every format, in the order of the documentation.
    pub const ALL: [Format; 5] =
        [Format::HttpV2, Format::RestV1, Format::Alb, Format::AlbMultiValue, Format::Body];
}
