//! An answer of a function before it has a format: its keys, read once, with the rules that all formats share.

use std::borrow::Cow;

use crate::answer::{Answer, AnswerError, AnswerField};
use crate::base64;
use crate::fields::{self, MAX_FIELDS};
use crate::json::{JsonError, Reader, Value, reader};
use crate::request::Field;

/// Header fields of an answer.
pub(crate) type Headers<'a> = Vec<AnswerField<'a>>;

/// The keys of an answer that some format reads. `null` is as good as absent.
#[derive(Debug, Default)]
pub(crate) struct Reply<'a> {
    pub(crate) status: Option<Value<'a>>,
    pub(crate) headers: Option<Value<'a>>,
    pub(crate) multi_headers: Option<Value<'a>>,
    pub(crate) cookies: Option<Value<'a>>,
    pub(crate) body: Option<Value<'a>>,
    pub(crate) base64: Option<Value<'a>>,
    /// The first key that is none of REST's five.
    pub(crate) unknown: Option<Cow<'a, str>>,
}

impl<'a> Reply<'a> {
    /// Reads an object; any other value comes back as the error.
    pub(crate) fn read(payload: &'a [u8]) -> Result<Result<Self, Value<'a>>, AnswerError> {
        let reader = Reader::new(payload)?;
        let Some(mut entries) = reader.clone().entries() else { return Ok(Err(reader.document()?)) };
        let mut reply = Self::default();
        while let Some((key, value)) = entries.next()? {
            reply.take(key.cow(), value);
        }
        Ok(Ok(reply))
    }

    /// Reads an object and refuses any other value.
    pub(crate) fn read_object(payload: &'a [u8]) -> Result<Self, AnswerError> {
        Self::read(payload)?.map_err(|other| AnswerError::NotAnObject { found: other.kind() })
    }

    fn take(&mut self, key: Cow<'a, str>, value: Value<'a>) {
        let value = (!matches!(value, Value::Null)).then_some(value);
        match &*key {
            "statusCode" => self.status = value,
            "headers" => self.headers = value,
            "multiValueHeaders" => self.multi_headers = value,
            "body" => self.body = value,
            "isBase64Encoded" => self.base64 = value,
            _ => {
                if key == "cookies" {
                    self.cookies = value;
                }
                self.unknown.get_or_insert(key);
            }
        }
    }

    /// The status: a number, or a string of digits, as API Gateway takes it (recorded, localstack, Apache-2.0). Languages
    /// with one kind of number write `200.0`, which is the same number (RFC 8259 section 6).
    pub(crate) fn status(&self) -> Result<Option<u16>, AnswerError> {
        let digits = match self.status {
            None => return Ok(None),
            Some(Value::Number(number)) => Cow::Borrowed(number.strip_suffix(".0").unwrap_or(number)),
            Some(Value::String(text)) => text.cow(),
            Some(other) => return Err(unexpected("statusCode", "a number", &other)),
        };
        match digits.parse() {
            // RFC 9110 section 15: a status beyond is invalid. REST and HTTP APIs have a pattern for theirs, `[1-5]\d\d`.
            Ok(status @ 100..=599) if digits.len() == 3 => Ok(Some(status)),
            _ => Err(bad("statusCode", format!("`{}` is no status", excerpt(&digits)))),
        }
    }

    /// Whether the body is said to be base64.
    pub(crate) fn is_base64(&self) -> Result<bool, AnswerError> {
        match self.base64 {
            None => Ok(false),
            Some(Value::Bool(encoded)) => Ok(encoded),
            Some(other) => Err(unexpected("isBase64Encoded", "a boolean", &other)),
        }
    }

    /// The body, decoded if it is said to be base64 (and `decode` allows it). Borrowed when it is plain text without
    /// escapes, else in one new buffer.
    pub(crate) fn body(&self, decode: bool) -> Result<Cow<'a, [u8]>, AnswerError> {
        let encoded = self.is_base64()?;
        let body = match self.body {
            None => return Ok(Cow::Borrowed(b"")),
            Some(Value::String(text)) => text.bytes(),
            Some(other) => return Err(unexpected("body", "a string", &other)),
        };
        if encoded && decode {
            return base64::decode(body).map(Cow::Owned).ok_or(AnswerError::BadBase64);
        }
        Ok(body)
    }

    /// The fields of `headers`, a map of single values.
    pub(crate) fn single(&self) -> Result<Headers<'a>, AnswerError> {
        let mut headers = Vec::new();
        for (name, value) in object("headers", self.headers)? {
            if let Some(value) = scalar("headers", value)? {
                push("headers", &mut headers, name.cow(), value)?;
            }
        }
        Ok(headers)
    }

    /// The fields of `multiValueHeaders`, a map of lists.
    pub(crate) fn multi(&self) -> Result<Headers<'a>, AnswerError> {
        const KEY: &str = "multiValueHeaders";
        let mut headers = Vec::new();
        for (name, value) in object(KEY, self.multi_headers)? {
            let list = match value {
                Value::Null => continue,
                Value::Array(list) => list,
                other => return Err(unexpected(KEY, "lists", &other)),
            };
            for item in reader::items(list) {
                if let Some(value) = scalar(KEY, item)? {
                    push(KEY, &mut headers, name.cow(), value)?;
                }
            }
        }
        Ok(headers)
    }

    /// Appends a `set-cookie` field for each of `cookies`.
    pub(crate) fn push_cookies(&self, headers: &mut Headers<'a>) -> Result<(), AnswerError> {
        let list = match self.cookies {
            None => return Ok(()),
            Some(Value::Array(list)) => list,
            Some(other) => return Err(unexpected("cookies", "a list", &other)),
        };
        for item in reader::items(list) {
            match item {
                Value::String(text) => push("cookies", headers, Cow::Borrowed("set-cookie"), text.cow())?,
                other => return Err(unexpected("cookies", "strings", &other)),
            }
        }
        Ok(())
    }
}

impl From<JsonError> for AnswerError {
    fn from(error: JsonError) -> Self {
        AnswerError::NotJson { reason: error.reason.to_owned(), offset: error.offset }
    }
}

/// Adds the `content-type` that a source gives an answer without one. Not to 204, 205 and 304, which have no content to
/// describe: a 304 with another type would change what the client has cached.
pub(crate) fn default_type(status: u16, headers: &mut Headers<'_>, media: &'static str) {
    let described = headers.iter().any(|(name, _)| name.eq_ignore_ascii_case(b"content-type"));
    if !described && !matches!(status, 100..=199 | 204 | 205 | 304) {
        headers.push((Cow::Borrowed(b"content-type"), Cow::Borrowed(media.as_bytes())));
    }
}

/// The header fields of an answer, borrowed.
pub(crate) fn fields<'a>(answer: &'a Answer<'_>) -> impl Iterator<Item = Field<'a>> + Clone {
    answer.headers.iter().map(|(name, value)| (name.as_ref(), value.as_ref()))
}

pub(crate) fn bytes(text: Cow<'_, str>) -> Cow<'_, [u8]> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
        Cow::Owned(text) => Cow::Owned(text.into_bytes()),
    }
}

pub(crate) fn unexpected(key: &'static str, wanted: &str, found: &Value<'_>) -> AnswerError {
    bad(key, format!("expected {wanted}, found {}", found.kind()))
}

fn bad(key: &'static str, reason: String) -> AnswerError {
    AnswerError::BadKey { key, reason }
}

fn object<'a>(
    key: &'static str,
    value: Option<Value<'a>>,
) -> Result<impl Iterator<Item = (crate::json::Text<'a>, Value<'a>)>, AnswerError> {
    match value {
        None => Ok(reader::entries("{}")),
        Some(Value::Object(object)) => Ok(reader::entries(object)),
        Some(other) => Err(unexpected(key, "an object", &other)),
    }
}

/// A header value. Booleans and numbers are printed (recorded for booleans, localstack); `null` is no value.
fn scalar<'a>(key: &'static str, value: Value<'a>) -> Result<Option<Cow<'a, str>>, AnswerError> {
    match value {
        Value::Null => Ok(None),
        Value::Bool(true) => Ok(Some(Cow::Borrowed("true"))),
        Value::Bool(false) => Ok(Some(Cow::Borrowed("false"))),
        Value::Number(number) => Ok(Some(Cow::Borrowed(number))),
        Value::String(text) => Ok(Some(text.cow())),
        other => Err(unexpected(key, "single values", &other)),
    }
}

/// Adds a field, or says why HTTP cannot carry it: a line break in a value would let a function write headers, or a
/// second answer, that no one sees in its code.
fn push<'a>(
    key: &'static str,
    headers: &mut Headers<'a>,
    name: Cow<'a, str>,
    value: Cow<'a, str>,
) -> Result<(), AnswerError> {
    if headers.len() == MAX_FIELDS {
        return Err(bad(key, format!("more than {MAX_FIELDS} values")));
    }
    if !fields::is_token(name.as_bytes()) {
        return Err(bad(key, format!("`{}` is no header name", excerpt(&name))));
    }
    if !fields::is_value(value.as_bytes()) {
        return Err(bad(key, format!("the value of `{name}` has control characters")));
    }
    headers.push((bytes(name), bytes(value)));
    Ok(())
}

/// The start of a text that came from outside, for messages.
fn excerpt(text: &str) -> String {
    text.chars().take(40).flat_map(char::escape_debug).collect()
}
