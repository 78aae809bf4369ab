//! Lambda's answer as an outcome.

use std::time::Duration;

use bytes::Bytes;
use http::Response;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use lambridge_wire::invoke as wire;

use crate::{InvokeError, Invoked};

/// Texts of Lambda's errors are for the log; more than this is not kept.
const MESSAGE_MAX: usize = 2048;

/// Made here, since a name given as text is read letter by letter at every look.
const REQUEST_ID: HeaderName = HeaderName::from_static(wire::X_AMZN_REQUEST_ID);
const FUNCTION_ERROR: HeaderName = HeaderName::from_static(wire::X_AMZ_FUNCTION_ERROR);
const EXECUTED_VERSION: HeaderName = HeaderName::from_static(wire::X_AMZ_EXECUTED_VERSION);
const LOG_RESULT: HeaderName = HeaderName::from_static(wire::X_AMZ_LOG_RESULT);
const ERROR_TYPE: HeaderName = HeaderName::from_static(wire::X_AMZN_ERROR_TYPE);

/// What `answer` means.
pub(crate) fn read(answer: Response<Bytes>) -> Result<Invoked, InvokeError> {
    let (head, payload) = answer.into_parts();
    let header = |name| text(&head.headers, name);
    let request_id = header(REQUEST_ID);
    let status = head.status.as_u16();
    if head.status.is_success() {
        return Ok(Invoked {
            status,
            payload,
            function_error: header(FUNCTION_ERROR),
            executed_version: header(EXECUTED_VERSION),
            log_tail: header(LOG_RESULT),
            request_id,
        });
    }
    let body = wire::read_message(&payload);
    let kind = header(ERROR_TYPE).or_else(|| body.kind.clone()).unwrap_or_default();
    let kind = wire::error_name(&kind).to_owned();
    let message = shorten(body.message());
    Err(match status {
        429 => InvokeError::Throttled {
            reason: body.reason.filter(|reason| !reason.is_empty()).unwrap_or(kind),
            retry_after: retry_after(&head.headers),
            request_id,
        },
        404 => InvokeError::NotFound { message, request_id },
        403 => InvokeError::AccessDenied { kind, message, request_id },
        413 => InvokeError::TooLarge,
        400..=499 => InvokeError::InvalidRequest { status, kind, message, request_id },
        _ => InvokeError::Service { status, kind, message, request_id },
    })
}

/// Whether a function has begun, and its answer comes in frames.
pub(crate) fn is_stream<B>(answer: &Response<B>) -> bool {
    let kind = answer.headers().get(CONTENT_TYPE).map_or(&[][..], HeaderValue::as_bytes);
    let kind = kind.split(|&byte| byte == b';').next().unwrap_or_default().trim_ascii();
    answer.status().is_success() && kind.eq_ignore_ascii_case(wire::EVENT_STREAM_TYPE.as_bytes())
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

/// `x-amzn-RequestId`.
pub(crate) fn request_id(headers: &HeaderMap) -> Option<String> {
    text(headers, REQUEST_ID)
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

fn text(headers: &HeaderMap, name: HeaderName) -> Option<String> {
    let value = headers.get(name)?;
    Some(String::from_utf8_lossy(value.as_bytes()).into_owned()).filter(|text| !text.is_empty())
}

/// Seconds only, fractions allowed; a day at most, so that no sum overflows.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds: f64 = text(headers, RETRY_AFTER)?.trim().parse().ok()?;
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
        let mut answer = Response::builder().status(status);
        for (name, value) in headers {
            answer = answer.header(*name, *value);
        }
        let outcome = read(answer.body(Bytes::copy_from_slice(body.as_bytes())).unwrap());
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
    fn retry_after_is_lenient() {
        for (value, expect) in [
            ("1", Some(1000)),
            ("0.5", Some(500)),
            ("-1", None),
            ("NaN", None),
            ("1e300", None),
            ("Wed, 21 Oct 2026 07:28:00 GMT", None),
        ] {
            let headers = HeaderMap::from_iter([(http::header::RETRY_AFTER, value.parse().unwrap())]);
            assert_eq!(retry_after(&headers), expect.map(Duration::from_millis), "{value}");
        }
    }
}
