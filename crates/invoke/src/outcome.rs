//! What can come of a call.

use std::time::Duration;

use bytes::Bytes;

/// Lambda took the call.
#[derive(Debug, Clone)]
pub struct Invoked {
    /// 200, 202 or 204.
    pub status: u16,
    /// The payload; for a function error, the error object.
    pub payload: Bytes,
    /// `X-Amz-Function-Error`: its presence means that the function failed.
    pub function_error: Option<String>,
    /// `X-Amz-Executed-Version`.
    pub executed_version: Option<String>,
    /// `X-Amz-Log-Result`, still base64.
    pub log_tail: Option<String>,
    /// AWS's request id.
    pub request_id: Option<String>,
}

/// Whether the function may have run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Executed {
    /// Surely not.
    No,
    /// Perhaps.
    Maybe,
}

/// Lambda did not take the call, or no one knows.
#[derive(Debug, thiserror::Error)]
pub enum InvokeError {
    /// 429.
    #[error("throttled: {reason}")]
    Throttled {
        /// AWS's `Reason`, or the error type.
        reason: String,
        /// `Retry-After`.
        retry_after: Option<Duration>,
        /// AWS's request id.
        request_id: Option<String>,
    },
    /// 404.
    #[error("function not found: {message}")]
    NotFound {
        /// AWS's message, for the log only.
        message: String,
        /// AWS's request id.
        request_id: Option<String>,
    },
    /// Any 403.
    #[error("access denied ({kind}): {message}")]
    AccessDenied {
        /// `x-amzn-ErrorType`.
        kind: String,
        /// For the log only.
        message: String,
        /// AWS's request id.
        request_id: Option<String>,
    },
    /// 413: larger than Lambda takes.
    #[error("the event is larger than Lambda takes")]
    TooLarge,
    /// Any other 4xx.
    #[error("Lambda refused the request with {status} {kind}: {message}")]
    InvalidRequest {
        /// HTTP status.
        status: u16,
        /// `x-amzn-ErrorType`.
        kind: String,
        /// For the log only.
        message: String,
        /// AWS's request id.
        request_id: Option<String>,
    },
    /// 5xx.
    #[error("Lambda failed with {status} {kind}: {message}")]
    Service {
        /// HTTP status.
        status: u16,
        /// `x-amzn-ErrorType`.
        kind: String,
        /// For the log only.
        message: String,
        /// AWS's request id.
        request_id: Option<String>,
    },
    /// No connection, or it broke.
    #[error("Lambda is unreachable: {message}")]
    Unreachable {
        /// What happened.
        message: String,
        /// `No` exactly when no byte of the request was sent.
        executed: Executed,
    },
    /// The answer is larger than a function may give.
    #[error("the answer is larger than {limit} bytes")]
    AnswerTooLarge {
        /// The bound.
        limit: usize,
    },
    /// The deadline passed.
    #[error("the deadline passed")]
    Timeout {
        /// Whether the request had left.
        executed: Executed,
    },
    /// No credentials.
    #[error("no credentials: {message}")]
    NoCredentials {
        /// What the chain said; never a secret.
        message: String,
    },
    /// No region and no ARN that names one.
    #[error("no region is configured")]
    NoRegion,
}
