//! Lambda's answer as an outcome.

use std::time::Duration;

use bytes::Bytes;
use lambridge_wire::invoke as wire;

use crate::{InvokeError, Invoked};

/// Texts of Lambda's errors are for the log; more than this is not kept.
const MESSAGE_MAX: usize = 2048;

/// The head of an answer: the fields that say something here.
#[derive(Debug, Default)]
pub(crate) struct Head {
    status: u16,
    /// `x-amzn-RequestId`.
    pub(crate) request_id: Option<String>,
    function_error: Option<String>,
    executed_version: Option<String>,
    log_tail: Option<String>,
    error_type: Option<String>,
    retry_after: Option<String>,
    /// `Date`, of a refusal that may be about the clock.
    pub(crate) date: Option<String>,
    /// Its body comes in frames, by the type it says.
    event_stream: Option<bool>,
}

impl Head {
    pub(crate) fn new(status: u16) -> Self {
        Self { status, ..Self::default() }
    }

    /// The head that a general client read.
    pub(crate) fn of(status: http::StatusCode, fields: &http::HeaderMap) -> Self {
        let mut head = Self::new(status.as_u16());
        for (name, value) in fields {
            head.field(name.as_str(), value.as_bytes());
        }
        head
    }

    /// Takes a field in. Of several with one name, the first that says something counts.
    pub(crate) fn field(&mut self, name: &str, value: &[u8]) {
        // Few names have these lengths, so most fields are passed over with one comparison.
        let is = |known: &str| name.eq_ignore_ascii_case(known);
        let place = match name.len() {
            4 if self.status == 403 && is("date") => &mut self.date,
            11 if is("retry-after") => &mut self.retry_after,
            12 if is("content-type") => {
                let kind = value.split(|&byte| byte == b';').next().unwrap_or_default().trim_ascii();
                let is_stream = kind.eq_ignore_ascii_case(wire::EVENT_STREAM_TYPE.as_bytes());
                self.event_stream.get_or_insert(is_stream);
                return;
            }
            16 if is(wire::X_AMZN_REQUEST_ID) => &mut self.request_id,
            16 if is(wire::X_AMZ_LOG_RESULT) => &mut self.log_tail,
            16 if is(wire::X_AMZN_ERROR_TYPE) => &mut self.error_type,
            20 if is(wire::X_AMZ_FUNCTION_ERROR) => &mut self.function_error,
            22 if is(wire::X_AMZ_EXECUTED_VERSION) => &mut self.executed_version,
            _ => return,
        };
        if place.is_none() && !value.is_empty() {
            *place = Some(String::from_utf8_lossy(value).into_owned());
        }
    }

    /// Whether a function has begun, and its answer comes in frames.
    pub(crate) fn is_stream(&self) -> bool {
        self.event_stream == Some(true) && is_success(self.status)
    }
}

fn is_success(status: u16) -> bool {
    (200..300).contains(&status)
}

/// What an answer of `head` and `payload` means.
pub(crate) fn read(head: Head, payload: Bytes) -> Result<Invoked, InvokeError> {
    let status = head.status;
    let request_id = head.request_id;
    if is_success(status) {
        return Ok(Invoked {
            status,
            payload,
            function_error: head.function_error,
            executed_version: head.executed_version,
            log_tail: head.log_tail,
            request_id,
        });
    }
    let body = wire::read_message(&payload);
    let kind = head.error_type.or_else(|| body.kind.clone()).unwrap_or_default();
    let kind = wire::error_name(&kind).to_owned();
    let message = shorten(body.message());
    Err(match status {
        429 => InvokeError::Throttled {
            reason: body.reason.filter(|reason| !reason.is_empty()).unwrap_or(kind),
            retry_after: head.retry_after.as_deref().and_then(retry_after),
            request_id,
        },
        404 => InvokeError::NotFound { message, request_id },
        403 => InvokeError::AccessDenied { kind, message, request_id, cured: false },
        413 => InvokeError::TooLarge,
        400..=499 => InvokeError::InvalidRequest { status, kind, message, request_id },
        _ => InvokeError::Service { status, kind, message, request_id },
    })
}

/// Something other than Lambda took the call, and knows no streams.
pub(crate) fn no_stream(invoked: Invoked) -> InvokeError {
    InvokeError::Service {
        status: invoked.status,
        kind: String::new(),
        message: "the answer to InvokeWithResponseStream is no event stream".to_owned(),
        request_id: invoked.request_id,
    }
}

/// Whether Lambda means the keys and not what they may do.
pub(crate) fn blames_keys(kind: &str) -> bool {
    const KINDS: [&str; 5] = [
        "ExpiredTokenException",
        "ExpiredToken",
        "UnrecognizedClientException",
        "InvalidClientTokenId",
        "InvalidSignatureException",
    ];
    KINDS.contains(&kind)
}

/// Whether Lambda may mean the date of the signature. Source: the errors that AWS's SDKs take for a skewed clock.
pub(crate) fn blames_clock(kind: &str) -> bool {
    const KINDS: [&str; 6] = [
        "AuthFailure",
        "InvalidSignatureException",
        "RequestExpired",
        "RequestInTheFuture",
        "RequestTimeTooSkewed",
        "SignatureDoesNotMatch",
    ];
    KINDS.contains(&kind)
}

/// Seconds only, fractions allowed; a day at most, so that no sum overflows.
fn retry_after(text: &str) -> Option<Duration> {
    let seconds: f64 = text.trim().parse().ok()?;
    (0.0..=86_400.0).contains(&seconds).then(|| Duration::from_secs_f64(seconds))
}

fn shorten(message: &str) -> String {
    match message.char_indices().nth(MESSAGE_MAX) {
        Some((end, _)) => format!("{}…", &message[..end]),
        None => message.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(status: u16, headers: &[(&str, &str)], body: &str, expect: &str) {
        let mut head = Head::new(status);
        for (name, value) in headers {
            head.field(name, value.as_bytes());
        }
        let outcome = read(head, Bytes::copy_from_slice(body.as_bytes()));
        assert_eq!(outcome.unwrap_err().to_string(), expect);
    }

    #[test]
    fn failures() {
        let kind = |name| [("x-amzn-errortype", name)];
        check(
            404,
            &kind("ResourceNotFoundException:http://x/"),
            r#"{"Message":"no f"}"#,
            "function not found: no f",
        );
        check(
            403,
            &kind("AccessDeniedException"),
            r#"{"Message":"no"}"#,
            "access denied (AccessDeniedException): no",
        );
        check(403, &[], r#"{"__type":"a#Expired","message":"old"}"#, "access denied (Expired): old");
        check(413, &kind("RequestTooLargeException"), "{}", "the event is larger than Lambda takes");
        check(400, &kind("X"), r#"{"message":"m"}"#, "Lambda refused the request with 400 X: m");
        check(409, &[], "not json", "Lambda refused the request with 409 : ");
        check(
            500,
            &kind("ServiceException"),
            r#"{"Message":"m"}"#,
            "Lambda failed with 500 ServiceException: m",
        );
        check(302, &[], "", "Lambda failed with 302 : ");
        check(429, &kind("TooManyRequestsException"), r#"{"Reason":"R"}"#, "throttled: R");
        check(429, &kind("TooManyRequestsException"), "", "throttled: TooManyRequestsException");
    }

    #[test]
    fn the_first_of_a_name_counts() {
        let mut head = Head::new(200);
        for (name, value) in [
            ("Content-Type", "application/vnd.amazon.eventstream; charset=x"),
            ("content-type", "text/plain"),
            ("x-amzn-requestid", ""),
            ("X-Amzn-RequestId", "a"),
            ("x-amzn-requestid", "b"),
        ] {
            head.field(name, value.as_bytes());
        }
        assert!(head.is_stream());
        assert_eq!(head.request_id.as_deref(), Some("a"));
    }

    #[test]
    fn retry_after_is_lenient() {
        for (value, expect) in [
            ("1", Some(1000)),
            ("0.5", Some(500)),
            ("-1", None),
            ("NaN", None),
            ("1e300", None),
            ("Wed, 21 Oct 2026 07:28:00 GMT", None),
        ] {
            assert_eq!(retry_after(value), expect.map(Duration::from_millis), "{value}");
        }
    }
}
