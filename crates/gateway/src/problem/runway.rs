//! Error answers as those of runway.
//!
//! What came of a call is 502: with the function's own error payload where the function failed, else with one line of
//! text, whatever AWS said. Runway answers so even where the call took too long, or where its credentials are refused. All else
//! is a JSON object with the status and its name, and the request's id where a route took the request. A method that
//! no route takes is 404 there, not 405.
//!
//! Sources: runway's document "AWS Lambda Backend" for the function's errors, its handler for the text.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER, X_CONTENT_TYPE_OPTIONS};
use http::{Response, StatusCode};
use http_body_util::Full;

use super::{Reason, Refusal};

/// What a client learns of a call that came to nothing.
const INVOKE_FAILED: &[u8] = b"lambda: invoke failed\n";

/// What it says where a host is not on the list.
const MISDIRECTED: &[u8] = br#"{"error":"misdirected_request","message":"Host not allowed"}"#;

pub(super) fn answer(refusal: &Refusal, request_id: &str) -> Response<Full<Bytes>> {
    if let Some(payload) = &refusal.payload {
        return response(StatusCode::BAD_GATEWAY, "application/json", payload.clone());
    }
    if refusal.reason == Reason::Misdirected {
        return response(
            StatusCode::MISDIRECTED_REQUEST,
            "application/json",
            Bytes::from_static(MISDIRECTED),
        );
    }
    let Some(status) = own_status(refusal.reason) else {
        let text = "text/plain; charset=utf-8";
        let mut response = response(StatusCode::BAD_GATEWAY, text, Bytes::from_static(INVOKE_FAILED));
        response.headers_mut().insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        return response;
    };
    let message = message(status);
    let body = if status == StatusCode::NOT_FOUND {
        format!("{{\"code\":404,\"message\":\"{message}\"}}\n")
    } else {
        let code = status.as_u16();
        format!("{{\"code\":{code},\"message\":\"{message}\",\"request_id\":\"{request_id}\"}}\n")
    };
    let mut response = response(status, "application/json", Bytes::from(body));
    if let Some(seconds) = refusal.retry_after {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

/// The status of a refusal that is no outcome of a call.
fn own_status(reason: Reason) -> Option<StatusCode> {
    let status = match reason {
        Reason::NoRoute | Reason::MethodNotAllowed => StatusCode::NOT_FOUND,
        Reason::FunctionError
        | Reason::MalformedAnswer
        | Reason::AnswerTooLarge
        | Reason::InvalidRequest
        | Reason::Throttled
        | Reason::NotFound
        | Reason::AccessDenied
        | Reason::NoCredentials
        | Reason::Timeout
        | Reason::Unreachable
        | Reason::ServiceError => return None,
        other => StatusCode::from_u16(other.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
    };
    Some(status)
}

/// As Go names a status (`http.StatusText`), which is not always what the `http` crate has.
fn message(status: StatusCode) -> &'static str {
    match status {
        StatusCode::PAYLOAD_TOO_LARGE => "Request Entity Too Large",
        status => status.canonical_reason().unwrap_or("Error"),
    }
}

fn response(status: StatusCode, media_type: &'static str, body: Bytes) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    response
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http_body_util::BodyExt;
    use lambridge_invoke::InvokeError;
    use lambridge_model::Errors;

    use crate::problem::{Reason, Refusal};

    async fn check(refusal: Refusal, status: u16, media_type: &str, body: &str) {
        let reason = refusal.reason;
        let response = refusal.respond(Errors::Runway, "id-1");
        assert_eq!(response.status().as_u16(), status, "{reason:?}");
        assert_eq!(response.headers()["content-type"], media_type, "{reason:?}");
        let nosniff = response.headers().contains_key("x-content-type-options");
        assert_eq!(nosniff, media_type.starts_with("text/"), "{reason:?}");
        assert!(!response.headers().contains_key("allow"), "{reason:?}");
        let found = response.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(std::str::from_utf8(&found).unwrap(), body, "{reason:?}");
    }

    #[tokio::test]
    async fn answers() {
        let json = "application/json";
        let payload = Bytes::from_static(b"{\"errorMessage\":\"boom\"}");
        let failed = Refusal::from(Reason::FunctionError).with_payload(payload);
        check(failed, 502, json, "{\"errorMessage\":\"boom\"}").await;
        let not_found = "{\"code\":404,\"message\":\"Not Found\"}\n";
        check(Reason::NoRoute.into(), 404, json, not_found).await;
        check(Refusal::method_not_allowed("GET".to_owned()), 404, json, not_found).await;
        let too_large = "{\"code\":413,\"message\":\"Request Entity Too Large\",\"request_id\":\"id-1\"}\n";
        check(Reason::BodyTooLarge.into(), 413, json, too_large).await;
        check(Reason::EventTooLarge.into(), 413, json, too_large).await;
        let busy = "{\"code\":503,\"message\":\"Service Unavailable\",\"request_id\":\"id-1\"}\n";
        check(Reason::Overloaded.into(), 503, json, busy).await;
    }

    #[tokio::test]
    async fn no_word_of_aws() {
        let secret = "arn:aws:lambda:us-east-1:123456789012:function:f".to_owned();
        let refused = InvokeError::AccessDenied {
            kind: "AccessDenied".into(),
            message: secret,
            request_id: None,
            cured: false,
        };
        let text = "text/plain; charset=utf-8";
        check(Refusal::from_invoke(&refused), 502, text, "lambda: invoke failed\n").await;
        for reason in [
            Reason::AnswerTooLarge,
            Reason::InvalidRequest,
            Reason::Throttled,
            Reason::NotFound,
            Reason::NoCredentials,
            Reason::Timeout,
            Reason::Unreachable,
            Reason::ServiceError,
        ] {
            check(reason.into(), 502, text, "lambda: invoke failed\n").await;
        }
    }
}
