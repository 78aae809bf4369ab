//! Error answers as those of KrakenD: the status says it all, the body is empty.
//!
//! A refusal of Lambda's API keeps Lambda's own status, everything that never got one is 500: no answer in time, no
//! connection, no credentials, no name, an answer that cannot be read. A function that failed is 500 too; KrakenD answers 200
//! with the error object, and lets clients cache it.
//!
//! Source: krakend/krakend-lambda and luraproject/lura (Apache-2.0), gin's texts for 404 and 405 (MIT), read July 2026.

use bytes::Bytes;
use http::header::{ALLOW, CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER};
use http::{HeaderName, Response, StatusCode};
use http_body_util::Full;

use super::{Reason, Refusal};

/// The KrakenD whose behaviour is followed.
const VERSION: HeaderValue = HeaderValue::from_static("Version 2.13.8");
const X_KRAKEND: HeaderName = HeaderName::from_static("x-krakend");
const X_KRAKEND_COMPLETED: HeaderName = HeaderName::from_static("x-krakend-completed");

/// The two headers that every answer of KrakenD has.
pub(crate) fn mark(headers: &mut HeaderMap, complete: bool) {
    headers.insert(X_KRAKEND, VERSION);
    headers.insert(X_KRAKEND_COMPLETED, HeaderValue::from_static(if complete { "true" } else { "false" }));
}

pub(super) fn answer(refusal: &Refusal, _request_id: &str) -> Response<Full<Bytes>> {
    let body = match refusal.reason {
        Reason::NoRoute => "404 page not found",
        Reason::MethodNotAllowed => "405 method not allowed",
        _ => "",
    };
    let mut response = Response::new(Full::new(Bytes::from_static(body.as_bytes())));
    *response.status_mut() = status(refusal);
    let headers = response.headers_mut();
    mark(headers, false);
    if !body.is_empty() {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    }
    if let Some(allow) = refusal.allow.as_deref().and_then(|text| HeaderValue::from_str(text).ok()) {
        headers.insert(ALLOW, allow);
    }
    if let Some(seconds) = refusal.retry_after {
        headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

fn status(refusal: &Refusal) -> StatusCode {
    let lambdas =
        |default| refusal.status.and_then(|status| StatusCode::from_u16(status).ok()).unwrap_or(default);
    match refusal.reason {
        Reason::NotFound | Reason::UnknownName => StatusCode::NOT_FOUND,
        Reason::AccessDenied => StatusCode::FORBIDDEN,
        Reason::Throttled => StatusCode::TOO_MANY_REQUESTS,
        Reason::InvalidRequest => lambdas(StatusCode::BAD_REQUEST),
        Reason::ServiceError | Reason::Script => lambdas(StatusCode::INTERNAL_SERVER_ERROR),
        Reason::FunctionError
        | Reason::MalformedAnswer
        | Reason::AnswerTooLarge
        | Reason::NoCredentials
        | Reason::Timeout
        | Reason::Unreachable
        | Reason::UpstreamError
        | Reason::UpstreamTimeout
        | Reason::NoName
        | Reason::NoTenant
        | Reason::Template => StatusCode::INTERNAL_SERVER_ERROR,
        // What never came as far as KrakenD's own pipeline: the same as everywhere.
        Reason::NoRoute
        | Reason::MethodNotAllowed
        | Reason::BadRequest
        | Reason::Incomplete
        | Reason::HeadTooLarge
        | Reason::RequestTimeout
        | Reason::BodyTooLarge
        | Reason::EventTooLarge
        | Reason::Overloaded
        | Reason::NoTarget
        | Reason::CircuitOpen
        | Reason::NoUpgrade
        | Reason::RateLimited
        | Reason::Misdirected
        | Reason::Draining
        | Reason::ClientGone => {
            StatusCode::from_u16(refusal.reason.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
        }
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;
    use lambridge_invoke::{Executed, InvokeError};
    use lambridge_model::Errors;

    use crate::problem::{Reason, Refusal};

    async fn check(refusal: Refusal, status: u16, body: &str) {
        let response = refusal.respond(Errors::Krakend, "id");
        assert_eq!(response.status(), status, "{refusal:?}");
        assert_eq!(response.headers()["x-krakend"], "Version 2.13.8");
        assert_eq!(response.headers()["x-krakend-completed"], "false");
        assert_eq!(response.headers().contains_key("content-type"), !body.is_empty());
        let found = response.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(String::from_utf8_lossy(&found), body);
    }

    #[tokio::test]
    async fn statuses() {
        let text = || "arn:aws:lambda:us-east-1:123456789012:function:f".to_owned();
        let invalid = |status| InvokeError::InvalidRequest {
            status,
            kind: "k".into(),
            message: text(),
            request_id: None,
        };
        let service =
            |status| InvokeError::Service { status, kind: "k".into(), message: text(), request_id: None };
        for (error, status) in [
            (InvokeError::NotFound { message: text(), request_id: None }, 404),
            (
                InvokeError::AccessDenied {
                    kind: "k".into(),
                    message: text(),
                    request_id: None,
                    cured: false,
                },
                403,
            ),
            (invalid(400), 400),
            (invalid(415), 415),
            (InvokeError::TooLarge, 413),
            (InvokeError::Throttled { reason: text(), retry_after: None, request_id: None }, 429),
            (service(500), 500),
            (service(503), 503),
            (InvokeError::Unreachable { message: text(), executed: Executed::No }, 500),
            (InvokeError::AnswerTooLarge { limit: 1 }, 500),
            (InvokeError::Timeout { executed: Executed::Maybe }, 500),
            (InvokeError::NoCredentials { message: text() }, 500),
            (InvokeError::NoRegion, 500),
        ] {
            check(Refusal::from_invoke(&error), status, "").await;
        }
        check(Reason::FunctionError.into(), 500, "").await;
        check(Reason::MalformedAnswer.into(), 500, "").await;
        check(Reason::NoName.into(), 500, "").await;
        check(Reason::UnknownName.into(), 404, "").await;
        check(Reason::Script.into(), 500, "").await;
        check(Refusal::from(Reason::Script).with_status(418), 418, "").await;
        check(Reason::Draining.into(), 503, "").await;
        check(Reason::NoRoute.into(), 404, "404 page not found").await;
        check(Refusal::method_not_allowed("GET".into()), 405, "405 method not allowed").await;
    }
}
