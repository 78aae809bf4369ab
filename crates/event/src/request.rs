//! The request side of the codecs: what goes in and what comes out, for every format.

use std::borrow::Cow;

/// One header field, name and value as bytes. Lists keep order and repeats.
pub type Field<'a> = (&'a [u8], &'a [u8]);

/// An HTTP request on its way into an event.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// As in the request line, e.g. `GET`.
    pub method: &'a str,
    /// The path as the client sent it, percent-encoding untouched, without query. Starts with `/` (or is `*`). Bytes that no
    /// path holds are percent-encoded in the event.
    pub path: &'a str,
    /// The query as the client sent it, without `?`; empty when there is none.
    pub query: &'a str,
    /// In order of arrival, repeats kept; names as received. Hop-by-hop fields are already gone.
    pub headers: &'a [Field<'a>],
    /// The whole body.
    pub body: &'a [u8],
}

/// What the source of an event adds to the request itself.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// `requestContext.requestId`.
    pub request_id: &'a str,
    /// Milliseconds since the epoch at which the request arrived.
    pub time_ms: u64,
    /// The client's address, without port.
    pub source_ip: &'a str,
    /// `HTTP/1.1`, `HTTP/2.0`.
    pub protocol: &'a str,
    /// The host the client asked for, without port.
    pub domain_name: &'a str,
    /// Twelve digits, or `anonymous`.
    pub account_id: &'a str,
    /// Where the source stands, in events that say so.
    pub region: &'a str,
    /// `requestContext.apiId`; also the domain prefix when `domain_name` has none.
    pub api_id: &'a str,
    /// `$default` unless configured.
    pub stage: &'a str,
    /// The route's path template (`/users/{id}`), or `None` for prefix, regex and catch-all routes.
    pub resource: Option<&'a str>,
    /// Values of the template's parameters, still percent-encoded as in the path, in template order.
    pub path_parameters: &'a [(&'a str, &'a str)],
    /// `None`: text bodies are text, all others base64 (nothing is lost). `Some`: API Gateway's own rule for REST.
    pub binary_media_types: Option<&'a [String]>,
    /// `requestContext.elb.targetGroupArn` of ALB events.
    pub target_group_arn: &'a str,
}

/// Which source an event came from, read once from its keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// HTTP API payload 2.0 and function URLs.
    HttpV2,
    /// REST API payload 1.0.
    RestV1,
    /// ALB with `headers`.
    Alb,
    /// ALB with `multiValueHeaders`.
    AlbMultiValue,
    /// VPC Lattice, version 1: keys in snake case.
    LatticeV1,
    /// VPC Lattice, version 2.
    LatticeV2,
    /// A WebSocket API's event, where such events are asked for as requests.
    WebSocket,
    /// No HTTP event: passed through whole.
    Other,
}

/// An event read back as an HTTP request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received<'a> {
    /// The event's source.
    pub kind: Kind,
    /// Upper case as in the event.
    pub method: Cow<'a, str>,
    /// Path in encoded form, fit for a request line.
    pub path: Cow<'a, str>,
    /// Raw query without `?`, fit for a request line; empty when there is none.
    pub query: Cow<'a, str>,
    /// In event order, repeats kept. A v2 event's `cookies` are one `cookie` field joined by `; `.
    pub headers: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    /// Decoded from base64 where the event says so, unless `base64` is set.
    pub body: Cow<'a, [u8]>,
    /// `body` is base64 still, checked: see [`decode_request_lazily`](crate::decode_request_lazily).
    pub base64: bool,
    /// The event's `requestContext` object as JSON text, if it has one.
    pub request_context: Option<&'a str>,
}

/// Why an event that looks like HTTP could not be read.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum EventError {
    /// The bytes are no JSON.
    #[error("the event is not JSON: {reason} at byte {offset}")]
    NotJson {
        /// What the parser met.
        reason: String,
        /// Where.
        offset: usize,
    },
    /// A key has a value of another type than its format says.
    #[error("`{key}` of the event: {reason}")]
    BadKey {
        /// The key's name.
        key: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// `isBase64Encoded` is true and `body` is no base64.
    #[error("the event's body is not valid base64")]
    BadBase64,
}
