//! A call that is refused, and how the answer says so.

use lambridge_wire::invoke::{self as wire, ErrorShape, throttle};

use super::set;
use crate::http::{Answer, json};

/// Seconds after which a throttled client may come back.
const RETRY_AFTER: &str = "1";

/// A call that is refused.
#[derive(Debug)]
pub(super) struct Problem {
    pub(super) status: u16,
    pub(super) name: &'static str,
    pub(super) message: String,
    pub(super) reason: Option<&'static str>,
}

impl Problem {
    pub(super) fn new(name: &'static str, message: impl Into<String>) -> Self {
        let status = ErrorShape::named(name).map_or(400, |shape| shape.status);
        Self { status, name, message: message.into(), reason: None }
    }

    pub(super) fn parameter(message: impl Into<String>) -> Self {
        Self::new("InvalidParameterValueException", message)
    }

    pub(super) fn content(message: impl Into<String>) -> Self {
        Self::new("InvalidRequestContentException", message)
    }

    /// Source: an answer recorded from AWS (localstack, `test_lambda_url_invalid_invoke_mode`).
    pub(super) fn validation(message: impl Into<String>) -> Self {
        Self::new("ValidationException", message)
    }

    pub(super) fn throttled() -> Self {
        let reason = Some(throttle::RESERVED_CONCURRENT);
        Self { reason, ..Self::new("TooManyRequestsException", throttle::MESSAGE) }
    }

    pub(super) fn answer(&self) -> Answer {
        let body = match ErrorShape::named(self.name) {
            Some(shape) => shape.body(&self.message, self.reason),
            None => {
                format!("{{\"message\":{}}}", serde_json::Value::from(self.message.as_str())).into_bytes()
            }
        };
        let mut answer = json(self.status, body);
        set(&mut answer, wire::X_AMZN_ERROR_TYPE, self.name);
        if self.reason.is_some() {
            set(&mut answer, "retry-after", RETRY_AFTER);
        }
        answer
    }
}
