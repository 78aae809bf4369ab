//! An event before it has a format: its keys, read once, and the kind they add up to.
//!
//! A kind is never found by trying parsers in turn, for then a small oddity in one key silently makes an event another
//! kind. The keys decide, and what is wrong in a key afterwards is an error that names it:
//!
//! | keys | kind |
//! | --- | --- |
//! | `requestContext.http` | `HttpV2` |
//! | `httpMethod`, `path`, `requestContext.elb`, with or without `multiValueHeaders` | `AlbMultiValue`, `Alb` |
//! | `httpMethod`, `path`, and a `requestContext` or a `resource` | `RestV1` |
//! | `method`, `path`, `requestContext.serviceArn` or `serviceNetworkArn` | `LatticeV2` |
//! | `method`, `raw_path`, and no `requestContext` | `LatticeV1` |
//! | `requestContext.connectionId` and `eventType` | `WebSocket` |
//! | anything else; also authorizers (`methodArn`, `routeArn`) | `Other` |

use std::borrow::Cow;

use crate::fields::{self, MAX_FIELDS};
use crate::json::{JsonError, Reader, Value, reader};
use crate::request::{EventError, Kind};
use crate::{base64, path};

/// Below this a body is decoded at once.
const LONG: usize = 64 * 1024;

/// A list of header fields as an event holds them.
pub(crate) type Headers<'a> = Vec<(Cow<'a, str>, Cow<'a, str>)>;

/// The keys of an event that some format reads. `null` is as good as absent.
#[derive(Debug, Default)]
pub(crate) struct Envelope<'a> {
    pub(crate) raw_path: Option<Value<'a>>,
    pub(crate) raw_query: Option<Value<'a>>,
    pub(crate) path: Option<Value<'a>>,
    pub(crate) method: Option<Value<'a>>,
    pub(crate) headers: Option<Value<'a>>,
    pub(crate) multi_headers: Option<Value<'a>>,
    pub(crate) cookies: Option<Value<'a>>,
    pub(crate) query: Option<Value<'a>>,
    pub(crate) multi_query: Option<Value<'a>>,
    pub(crate) context: Option<&'a str>,
    /// `requestContext.http.method`; the outer `Option` says whether `requestContext.http` is there.
    pub(crate) http_method: Option<Option<Value<'a>>>,
    /// Lattice's `method`, and of its version 1 what is spelled otherwise there.
    pub(crate) lattice_method: Option<Value<'a>>,
    pub(crate) lattice_path: Option<Value<'a>>,
    pub(crate) lattice_query: Option<Value<'a>>,
    pub(crate) lattice_base64: Option<Value<'a>>,
    body: Option<Value<'a>>,
    base64: Option<Value<'a>>,
    elb: bool,
    lattice: bool,
    connection: bool,
    socket_event: bool,
    resource: bool,
    not_http: bool,
    /// A long body that is base64 stays so.
    lazy: bool,
}

impl<'a> Envelope<'a> {
    /// As [`Envelope::read`]; a long body that is base64 is not decoded.
    pub(crate) fn read_lazily(event: &'a [u8]) -> Result<Self, EventError> {
        Ok(Self { lazy: true, ..Self::read(event)? })
    }

    pub(crate) fn read(event: &'a [u8]) -> Result<Self, EventError> {
        let reader = Reader::new(event)?;
        let mut envelope = Self::default();
        let Some(mut entries) = reader.clone().entries() else {
            reader.document()?;
            return Ok(envelope);
        };
        while let Some((key, value)) = entries.next()? {
            envelope.take(&key.cow(), value);
        }
        Ok(envelope)
    }

    fn take(&mut self, key: &str, value: Value<'a>) {
        let present = !matches!(value, Value::Null);
        let value = present.then_some(value);
        match key {
            "rawPath" => self.raw_path = value,
            "rawQueryString" => self.raw_query = value,
            "path" => self.path = value,
            "httpMethod" => self.method = value,
            "headers" => self.headers = value,
            "multiValueHeaders" => self.multi_headers = value,
            "cookies" => self.cookies = value,
            "queryStringParameters" => self.query = value,
            "multiValueQueryStringParameters" => self.multi_query = value,
            "body" => self.body = value,
            "method" => self.lattice_method = value,
            "raw_path" => self.lattice_path = value,
            "query_string_parameters" => self.lattice_query = value,
            "is_base64_encoded" => self.lattice_base64 = value,
            "isBase64Encoded" => self.base64 = value,
            "resource" => self.resource = present,
            "methodArn" | "routeArn" => self.not_http |= present,
            "requestContext" => {
                if let Some(Value::Object(context)) = value {
                    self.take_context(context);
                }
            }
            _ => {}
        }
    }

    fn take_context(&mut self, context: &'a str) {
        self.context = Some(context);
        for (key, value) in reader::entries(context) {
            match (&*key.cow(), value) {
                ("elb", Value::Object(_)) => self.elb = true,
                ("serviceArn" | "serviceNetworkArn", Value::String(_)) => self.lattice = true,
                ("connectionId", Value::String(_)) => self.connection = true,
                ("eventType", Value::String(kind)) => {
                    self.socket_event = matches!(&*kind.cow(), "CONNECT" | "MESSAGE" | "DISCONNECT");
                }
                ("http", Value::Object(http)) => {
                    let method = reader::entries(http).filter(|(key, _)| key.cow() == "method").last();
                    self.http_method = Some(method.map(|(_, value)| value));
                }
                _ => {}
            }
        }
    }

    pub(crate) const fn kind(&self) -> Kind {
        if self.not_http {
            return Kind::Other;
        }
        if self.connection {
            return if self.socket_event { Kind::WebSocket } else { Kind::Other };
        }
        if self.http_method.is_some() {
            return Kind::HttpV2;
        }
        if self.method.is_none() && self.lattice_method.is_some() {
            if self.lattice && self.path.is_some() {
                return Kind::LatticeV2;
            }
            if self.context.is_none() && self.lattice_path.is_some() {
                return Kind::LatticeV1;
            }
        }
        if self.method.is_none() || self.path.is_none() {
            return Kind::Other;
        }
        match (self.elb, self.multi_headers.is_some(), self.context.is_some() || self.resource) {
            (true, true, _) => Kind::AlbMultiValue,
            (true, false, _) => Kind::Alb,
            (false, _, true) => Kind::RestV1,
            (false, _, false) => Kind::Other,
        }
    }

    /// The body, decoded, and whether it is base64 still. Borrowed when it is plain text without escapes, else in one new
    /// buffer.
    pub(crate) fn body(&self) -> Result<(Cow<'a, [u8]>, bool), EventError> {
        self.body_coded("isBase64Encoded", self.base64)
    }

    /// As [`Envelope::body`], where another key says whether it is base64.
    pub(crate) fn body_coded(
        &self,
        key: &'static str,
        base64: Option<Value<'a>>,
    ) -> Result<(Cow<'a, [u8]>, bool), EventError> {
        let encoded = match base64 {
            None => false,
            Some(Value::Bool(encoded)) => encoded,
            Some(other) => return Err(unexpected(key, "a boolean", &other)),
        };
        let text = match self.body {
            None => return Ok((Cow::Borrowed(b""), false)),
            Some(Value::String(text)) => text,
            Some(other) => return Err(unexpected("body", "a string", &other)),
        };
        let body = text.bytes();
        if !encoded {
            return Ok((body, false));
        }
        let strict = |body: &Cow<'_, [u8]>| matches!(body, Cow::Borrowed(body) if base64::is_strict(body, text.seen_base64()));
        if self.lazy && body.len() >= LONG && strict(&body) {
            return Ok((body, true));
        }
        base64::decode(body).map(|bytes| (Cow::Owned(bytes), false)).ok_or(EventError::BadBase64)
    }
}

impl From<JsonError> for EventError {
    fn from(error: JsonError) -> Self {
        EventError::NotJson { reason: error.reason.to_owned(), offset: error.offset }
    }
}

/// A method that a request line can hold.
pub(crate) fn method<'a>(key: &'static str, value: Option<Value<'a>>) -> Result<Cow<'a, str>, EventError> {
    let method = text(key, value)?.unwrap_or_default();
    if fields::is_token(method.as_bytes()) {
        Ok(method)
    } else {
        Err(EventError::BadKey { key, reason: format!("`{}` is no method", method.escape_debug()) })
    }
}

/// A path that a request line can hold.
pub(crate) fn fit_path<'a>(key: &'static str, value: Option<Value<'a>>) -> Result<Cow<'a, str>, EventError> {
    Ok(path::fit(text(key, value)?.unwrap_or_default()))
}

/// The fields of a map of strings, or of a map of lists of strings.
///
/// A field that HTTP cannot carry is left out: an ALB forwards names that are no tokens, and one odd name that a client
/// makes up must not cost it the request, nor may a line break in a value reach the app.
pub(crate) fn headers<'a>(key: &'static str, value: Option<Value<'a>>) -> Result<Headers<'a>, EventError> {
    let mut headers = Vec::new();
    each(key, value, |name, value| {
        if headers.len() == MAX_FIELDS {
            return Err(EventError::BadKey { key, reason: format!("more than {MAX_FIELDS} values") });
        }
        if fields::is_token(name.as_bytes()) && fields::is_value(value.as_bytes()) {
            if headers.is_empty() {
                headers.reserve(24);
            }
            headers.push((name, value));
        }
        Ok(())
    })?;
    Ok(headers)
}

/// Calls `found` for every pair of a map of strings, or of a map of lists of strings. `null` values are passed over.
pub(crate) fn each<'a>(
    key: &'static str,
    map: Option<Value<'a>>,
    mut found: impl FnMut(Cow<'a, str>, Cow<'a, str>) -> Result<(), EventError>,
) -> Result<(), EventError> {
    let map = match map {
        None => return Ok(()),
        Some(Value::Object(map)) => map,
        Some(other) => return Err(unexpected(key, "an object", &other)),
    };
    for (name, value) in reader::entries(map) {
        match value {
            Value::Null => {}
            Value::String(text) => found(name.cow(), text.cow())?,
            Value::Array(array) => {
                for item in reader::items(array) {
                    match item {
                        Value::Null => {}
                        Value::String(text) => found(name.cow(), text.cow())?,
                        other => return Err(unexpected(key, "strings in the lists", &other)),
                    }
                }
            }
            other => return Err(unexpected(key, "strings", &other)),
        }
    }
    Ok(())
}

pub(crate) fn text<'a>(
    key: &'static str,
    value: Option<Value<'a>>,
) -> Result<Option<Cow<'a, str>>, EventError> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.cow())),
        Some(other) => Err(unexpected(key, "a string", &other)),
    }
}

fn unexpected(key: &'static str, wanted: &str, found: &Value<'_>) -> EventError {
    EventError::BadKey { key, reason: format!("expected {wanted}, found {}", found.kind()) }
}
