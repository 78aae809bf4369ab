//! Error answers as those of Envoy, which serves kgateway and Gloo Edge.
//!
//! Envoy says little: a status, and for some of them one line of text. What these two systems do with a failed call is
//! kept where it is safe, and changed where it hides the failure or tells what is none of the client's business:
//!
//! | situation | here | there |
//! | --- | --- | --- |
//! | no route, or none for the method | 404, empty | the same |
//! | the function failed | 504, empty | kgateway: 200 with the function's error; Gloo: 504 with it, after `unwrapAsApiGateway` 200 `{}` |
//! | Lambda throttles | 429, `retry-after` | kgateway and Gloo: 429 with AWS's message; after `unwrapAsApiGateway` 500 |
//! | Lambda does not take the event: a body that is no JSON | 400, empty | 400 with AWS's message |
//! | no such function, not allowed, no credentials | 502, empty | 404, 403 with AWS's message, which names the ARN |
//! | Lambda failed | 502, empty | AWS's status and message |
//! | Lambda cannot be reached | 503 | 503 |
//! | no answer in time | 504, `upstream request timeout` | the same |
//! | the answer breaks the rules of an unwrap | 500, empty | the same |
//! | no backend has a weight | 500, empty | the same |
//! | body or event too large | 413, `Payload Too Large` | the same |
//!
//! So no failure is ever 200, and nothing that AWS said reaches a client. A function's error has its text in the log only:
//! stack traces are for its owner.
//!
//! Sources: Envoy's local replies; Gloo Edge issues 5618 and 10192; kgateway's configuration of missing backends.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use http::{Response, StatusCode};
use http_body_util::Full;

use super::{Reason, Refusal};

/// Envoy's answers name no request; the id stands in a header of every answer.
pub(super) fn answer(refusal: &Refusal) -> Response<Full<Bytes>> {
    let (status, text) = row(refusal.reason);
    let mut response = Response::new(Full::new(Bytes::from_static(text.as_bytes())));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    if !text.is_empty() {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    }
    if let Some(seconds) = refusal.retry_after {
        headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

/// Status and text.
const fn row(reason: Reason) -> (u16, &'static str) {
    match reason {
        Reason::NoRoute | Reason::MethodNotAllowed => (404, ""),
        Reason::FunctionError => (504, ""),
        Reason::Timeout | Reason::UpstreamTimeout => (504, "upstream request timeout"),
        Reason::Throttled => (429, ""),
        Reason::InvalidRequest => (400, ""),
        Reason::MalformedAnswer | Reason::NoTarget => (500, ""),
        Reason::BodyTooLarge | Reason::EventTooLarge => (413, "Payload Too Large"),
        Reason::Unreachable | Reason::UpstreamError => {
            (503, "upstream connect error or disconnect/reset before headers")
        }
        Reason::RateLimited => (429, "local_rate_limited"),
        Reason::BadRequest => (400, "Bad Request"),
        Reason::RequestTimeout => (408, "request timeout"),
        _ => (reason.status(), ""),
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;
    use lambridge_invoke::InvokeError;
    use lambridge_model::Errors;

    use crate::problem::{Reason, Refusal};

    async fn check(refusal: Refusal, status: u16, text: &str, retry_after: Option<&str>) {
        let reason = refusal.reason;
        let response = refusal.respond(Errors::Envoy, "id-1");
        assert_eq!(response.status().as_u16(), status, "{reason:?}");
        let header =
            |name: &str| response.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
        assert_eq!(
            header("content-type").as_deref(),
            (!text.is_empty()).then_some("text/plain"),
            "{reason:?}"
        );
        assert_eq!(header("retry-after").as_deref(), retry_after, "{reason:?}");
        let body = response.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(std::str::from_utf8(&body).unwrap(), text, "{reason:?}");
    }

    #[tokio::test]
    async fn answers() {
        for (reason, status, text) in [
            (Reason::NoRoute, 404, ""),
            (Reason::MethodNotAllowed, 404, ""),
            (Reason::FunctionError, 504, ""),
            (Reason::Timeout, 504, "upstream request timeout"),
            (Reason::InvalidRequest, 400, ""),
            (Reason::MalformedAnswer, 500, ""),
            (Reason::NoTarget, 500, ""),
            (Reason::EventTooLarge, 413, "Payload Too Large"),
            (Reason::NotFound, 502, ""),
            (Reason::AccessDenied, 502, ""),
            (Reason::NoCredentials, 502, ""),
            (Reason::ServiceError, 502, ""),
            (Reason::Unreachable, 503, "upstream connect error or disconnect/reset before headers"),
        ] {
            check(reason.into(), status, text, None).await;
        }
        check(Reason::Throttled.into(), 429, "", Some("1")).await;
        check(Reason::Overloaded.into(), 503, "", Some("1")).await;
    }

    #[tokio::test]
    async fn no_word_of_aws_or_of_a_failed_function() {
        let message = "arn:aws:lambda:us-east-1:123456789012:function:f".to_owned();
        let refused = InvokeError::NotFound { message, request_id: None };
        check(Refusal::from_invoke(&refused), 502, "", None).await;
        let failed = Refusal::from(Reason::FunctionError).with_payload("{\"stackTrace\":[]}".into());
        check(failed, 504, "", None).await;
    }
}
