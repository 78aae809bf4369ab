//! What a client is told when there is no answer of a function: the error table.
//!
//! The table is [`Reason`]; how a row looks is the style of the route, or of the listener where no route took the
//! request: here native's, in the modules below those of the systems whose configurations are served.
//!
//! Native bodies are `application/problem+json` (RFC 9457). `type` ends in the stable reason, `request_id` finds the log line.
//! Nothing in them comes from AWS: no message, no ARN, no account. What AWS said stands in the log.

mod envoy;
pub(crate) mod krakend;
mod runway;

use std::time::Duration;

use bytes::Bytes;
use http::header::{ALLOW, CONNECTION, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use http::{Response, StatusCode};
use http_body_util::Full;
use lambridge_invoke::{InvokeError, StreamError};
use lambridge_model::Errors;

/// Why a request got no answer of its target. One row of the error table each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reason {
    NoRoute,
    MethodNotAllowed,
    BadRequest,
    HeadTooLarge,
    RequestTimeout,
    BodyTooLarge,
    EventTooLarge,
    FunctionError,
    MalformedAnswer,
    AnswerTooLarge,
    InvalidRequest,
    Throttled,
    Overloaded,
    NotFound,
    AccessDenied,
    NoCredentials,
    Timeout,
    Unreachable,
    ServiceError,
    NoTarget,
    /// The function is left alone: too many calls of it failed.
    CircuitOpen,
    Draining,
    /// The HTTP service behind the route gave no answer.
    UpstreamError,
    /// Or none in time.
    UpstreamTimeout,
    /// The client asks for another protocol than HTTP.
    NoUpgrade,
    /// The client asks more often than the route allows.
    RateLimited,
    /// The request should name its function, and names none.
    NoName,
    /// The request should name its tenant, and names none.
    NoTenant,
    /// The function that it names is no name, or is not to be called.
    UnknownName,
    /// The request has not all that the event's template reads.
    Incomplete,
    /// The event's template failed.
    Template,
    /// A script of the route failed, or refused the request.
    Script,
    /// The listener does not serve this host.
    Misdirected,
    /// In the log only: there is no one left to tell. The last one: `ALL` ends with it.
    ClientGone,
}

impl Reason {
    /// Each, in the order of its number.
    pub(crate) const ALL: [Self; Self::ClientGone as usize + 1] = [
        Self::NoRoute,
        Self::MethodNotAllowed,
        Self::BadRequest,
        Self::HeadTooLarge,
        Self::RequestTimeout,
        Self::BodyTooLarge,
        Self::EventTooLarge,
        Self::FunctionError,
        Self::MalformedAnswer,
        Self::AnswerTooLarge,
        Self::InvalidRequest,
        Self::Throttled,
        Self::Overloaded,
        Self::NotFound,
        Self::AccessDenied,
        Self::NoCredentials,
        Self::Timeout,
        Self::Unreachable,
        Self::ServiceError,
        Self::NoTarget,
        Self::CircuitOpen,
        Self::Draining,
        Self::UpstreamError,
        Self::UpstreamTimeout,
        Self::NoUpgrade,
        Self::RateLimited,
        Self::NoName,
        Self::NoTenant,
        Self::UnknownName,
        Self::Incomplete,
        Self::Template,
        Self::Script,
        Self::Misdirected,
        Self::ClientGone,
    ];

    /// Status, stable name, title.
    const fn row(self) -> (u16, &'static str, &'static str) {
        match self {
            Self::NoRoute => (404, "no_route", "No route matches the request"),
            Self::MethodNotAllowed => (405, "method_not_allowed", "The path does not take this method"),
            Self::BadRequest => (400, "bad_request", "The request is malformed"),
            Self::HeadTooLarge => (431, "head_too_large", "The request's head is too large"),
            Self::RequestTimeout => (408, "request_timeout", "The request took too long to arrive"),
            Self::BodyTooLarge => (413, "body_too_large", "The request's body is too large"),
            Self::EventTooLarge => (413, "event_too_large", "The request is larger than a function takes"),
            Self::FunctionError => (502, "function_error", "The function failed"),
            Self::MalformedAnswer => (502, "malformed_answer", "The function's answer is not a valid answer"),
            Self::AnswerTooLarge => (502, "answer_too_large", "The function's answer is too large"),
            Self::InvalidRequest => (502, "invalid_request", "The function's service refused the call"),
            Self::Throttled => (503, "throttled", "The function is being called too often"),
            Self::Overloaded => (503, "overloaded", "The gateway is overloaded"),
            Self::NotFound => (502, "not_found", "The function does not exist"),
            Self::AccessDenied => (502, "access_denied", "The gateway may not call the function"),
            Self::NoCredentials => (502, "no_credentials", "The gateway has no credentials for the function"),
            Self::Timeout => (504, "timeout", "The function did not answer in time"),
            Self::Unreachable => (502, "unreachable", "The function's service cannot be reached"),
            Self::ServiceError => (502, "service_error", "The function's service failed"),
            Self::NoTarget => (503, "no_target", "No function takes requests for this route"),
            Self::CircuitOpen => {
                (503, "circuit_open", "The function is failing and is not called for a while")
            }
            Self::Draining => (503, "draining", "The gateway is shutting down"),
            Self::UpstreamError => (502, "upstream_error", "The service behind the gateway gave no answer"),
            Self::UpstreamTimeout => {
                (504, "timeout", "The service behind the gateway did not answer in time")
            }
            Self::NoUpgrade => (501, "upgrade_refused", "The gateway does not switch protocols"),
            Self::RateLimited => (429, "rate_limited", "Too many requests"),
            Self::NoName => (400, "bad_request", "The request names no function"),
            Self::NoTenant => (400, "bad_request", "The request names no tenant"),
            Self::UnknownName => (404, "no_route", "No route matches the request"),
            Self::Incomplete => (400, "bad_request", "The request lacks what the event is made of"),
            Self::Template => (500, "template_error", "The event's template failed"),
            Self::Script => (500, "script_error", "The route's script failed"),
            Self::Misdirected => (421, "misdirected", "This host is not served here"),
            Self::ClientGone => (499, "client_gone", "The client went away"),
        }
    }

    pub(crate) const fn status(self) -> u16 {
        self.row().0
    }

    pub(crate) const fn name(self) -> &'static str {
        self.row().1
    }
}

/// A refusal on its way to the client; leaves the pipeline through `?`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) reason: Reason,
    /// The value of `Allow`.
    allow: Option<String>,
    /// Seconds.
    retry_after: Option<u64>,
    /// The connection's framing can no longer be trusted, or its body was not read.
    close: bool,
    /// For the log only.
    pub(crate) detail: Option<String>,
    /// The status that Lambda's API or a script gave; only KrakenD's style shows it.
    pub(crate) status: Option<u16>,
    /// What the function said when it failed; only runway's style shows it.
    pub(crate) payload: Option<Bytes>,
}

impl From<Reason> for Refusal {
    fn from(reason: Reason) -> Self {
        let retry_after = matches!(reason, Reason::Overloaded | Reason::Throttled).then_some(1);
        let close = matches!(
            reason,
            Reason::BadRequest
                | Reason::HeadTooLarge
                | Reason::RequestTimeout
                | Reason::BodyTooLarge
                | Reason::Draining
        );
        Self { reason, allow: None, retry_after, close, detail: None, status: None, payload: None }
    }
}

impl Refusal {
    pub(crate) fn method_not_allowed(allow: String) -> Self {
        Self { allow: Some(allow), ..Self::from(Reason::MethodNotAllowed) }
    }

    /// A breaker is open for `wait`.
    pub(crate) fn circuit_open(wait: Duration) -> Self {
        let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        Self { retry_after: Some(seconds.max(1)), ..Self::from(Reason::CircuitOpen) }
    }

    pub(crate) fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    pub(crate) fn with_status(mut self, status: u16) -> Self {
        self.status = Some(status);
        self
    }

    pub(crate) fn with_payload(mut self, payload: Bytes) -> Self {
        self.payload = Some(payload);
        self
    }

    /// When to ask again.
    pub(crate) fn with_retry_after(mut self, seconds: u64) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// Ends the connection after the answer.
    pub(crate) fn closing(mut self) -> Self {
        self.close = true;
        self
    }

    /// The row of the table that a failed call is.
    pub(crate) fn reason_of(error: &InvokeError) -> Reason {
        match error {
            InvokeError::Throttled { .. } => Reason::Throttled,
            InvokeError::NotFound { .. } => Reason::NotFound,
            InvokeError::AccessDenied { .. } => Reason::AccessDenied,
            InvokeError::TooLarge => Reason::EventTooLarge,
            InvokeError::InvalidRequest { .. } => Reason::InvalidRequest,
            InvokeError::Service { .. } => Reason::ServiceError,
            InvokeError::Unreachable { .. } => Reason::Unreachable,
            InvokeError::AnswerTooLarge { .. } => Reason::AnswerTooLarge,
            InvokeError::Timeout { .. } => Reason::Timeout,
            // Without a region no call can be signed: the same remedy as for missing credentials.
            InvokeError::NoCredentials { .. } | InvokeError::NoRegion => Reason::NoCredentials,
        }
    }

    /// What came of a call, as the client may know it; the whole of it goes to the log.
    pub(crate) fn from_invoke(error: &InvokeError) -> Self {
        let mut refusal = Self::from(Self::reason_of(error)).with_detail(error.to_string());
        if let InvokeError::InvalidRequest { status, .. } | InvokeError::Service { status, .. } = error {
            refusal.status = Some(*status);
        }
        if let InvokeError::Throttled { retry_after: Some(wait), .. } = error {
            refusal.retry_after = Some(wait.as_secs().max(1));
        }
        refusal
    }

    /// What ended a streamed answer; before its head the client learns it, afterwards the log.
    pub(crate) fn from_stream(error: &StreamError) -> Self {
        let reason = match error {
            StreamError::Function { .. } => Reason::FunctionError,
            StreamError::Service { .. } => Reason::ServiceError,
            StreamError::Broken { .. } => Reason::Unreachable,
            StreamError::Timeout => Reason::Timeout,
        };
        let refusal = Self::from(reason);
        match error {
            StreamError::Function { code, details } => {
                let shown: String = details.chars().take(512).collect();
                let payload = Bytes::copy_from_slice(details.as_bytes());
                refusal.with_detail(format!("{code}: {shown}")).with_payload(payload)
            }
            other => refusal.with_detail(other.to_string()),
        }
    }

    /// The answer in the style of `errors`. `request_id` is plain ASCII by construction.
    pub(crate) fn respond(&self, errors: Errors, request_id: &str) -> Response<Full<Bytes>> {
        let mut response = match errors {
            Errors::Native => self.native(request_id),
            Errors::Runway => runway::answer(self, request_id),
            Errors::Krakend => krakend::answer(self, request_id),
            Errors::Envoy => envoy::answer(self),
        };
        // A connection whose framing is lost ends in every style.
        if self.close {
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }

    fn native(&self, request_id: &str) -> Response<Full<Bytes>> {
        let (status, name, title) = self.reason.row();
        // A script may choose the status it refuses with.
        let status = self.status.filter(|_| self.reason == Reason::Script).unwrap_or(status);
        let mut body = String::with_capacity(128 + request_id.len());
        for part in [
            r#"{"type":"urn:lambridge:problem:"#,
            name,
            r#"","title":""#,
            title,
            r#"","status":"#,
            &status.to_string(),
            r#","request_id":""#,
            request_id,
            "\"}",
        ] {
            body.push_str(part);
        }
        let mut response = Response::new(Full::new(Bytes::from(body)));
        *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(allow) = self.allow.as_deref().and_then(|text| HeaderValue::from_str(text).ok()) {
            headers.insert(ALLOW, allow);
        }
        if let Some(seconds) = self.retry_after {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use lambridge_invoke::{Executed, InvokeError};
    use lambridge_model::Errors;

    use super::{Reason, Refusal};

    fn check(error: InvokeError, status: u16, reason: &str) {
        let refusal = Refusal::from_invoke(&error);
        assert_eq!((refusal.reason.status(), refusal.reason.name()), (status, reason), "{error:?}");
    }

    #[test]
    fn each_reason_stands_at_its_number() {
        for (at, reason) in Reason::ALL.into_iter().enumerate() {
            assert_eq!(reason as usize, at, "{reason:?}");
        }
    }

    #[test]
    fn every_outcome_of_a_call_has_a_row() {
        let id = || Some("r".to_owned());
        let secret = || "arn:aws:lambda:us-east-1:123456789012:function:f".to_owned();
        check(
            InvokeError::Throttled { reason: "x".into(), retry_after: None, request_id: id() },
            503,
            "throttled",
        );
        check(InvokeError::NotFound { message: secret(), request_id: id() }, 502, "not_found");
        check(
            InvokeError::AccessDenied { kind: "k".into(), message: secret(), request_id: id(), cured: false },
            502,
            "access_denied",
        );
        check(InvokeError::TooLarge, 413, "event_too_large");
        let invalid = InvokeError::InvalidRequest {
            status: 400,
            kind: "k".into(),
            message: secret(),
            request_id: id(),
        };
        check(invalid, 502, "invalid_request");
        let service =
            InvokeError::Service { status: 500, kind: "k".into(), message: secret(), request_id: id() };
        check(service, 502, "service_error");
        check(InvokeError::Unreachable { message: secret(), executed: Executed::No }, 502, "unreachable");
        check(InvokeError::AnswerTooLarge { limit: 1 }, 502, "answer_too_large");
        check(InvokeError::Timeout { executed: Executed::Maybe }, 504, "timeout");
        check(InvokeError::NoCredentials { message: "x".into() }, 502, "no_credentials");
        check(InvokeError::NoRegion, 502, "no_credentials");
    }

    #[test]
    fn a_throttle_passes_the_wait_on() {
        let error = InvokeError::Throttled {
            reason: "x".into(),
            retry_after: Some(std::time::Duration::from_secs(7)),
            request_id: None,
        };
        assert_eq!(Refusal::from_invoke(&error).respond(Errors::Native, "id").headers()["retry-after"], "7");
        assert_eq!(
            Refusal::from(Reason::Overloaded).respond(Errors::Native, "id").headers()["retry-after"],
            "1"
        );
    }
}
