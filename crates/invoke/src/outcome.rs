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
        /// What it was for has been put right: the clock is corrected, or there are other keys to ask for.
        cured: bool,
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

impl InvokeError {
    /// Whether the function may have run.
    ///
    /// A 502 or 5xx other than Lambda's own refusals to start a sandbox leaves it open; every 4xx comes before the function,
    /// but for a 408, 409 or 410 of a sandbox that was being prepared, which did not run the handler either.
    pub fn executed(&self) -> Executed {
        match self {
            Self::Unreachable { executed, .. } | Self::Timeout { executed } => *executed,
            Self::AnswerTooLarge { .. } => Executed::Maybe,
            Self::Service { status: 502, kind, .. } if NEVER_STARTED.contains(&kind.as_str()) => Executed::No,
            Self::Service { .. } => Executed::Maybe,
            Self::Throttled { .. }
            | Self::NotFound { .. }
            | Self::AccessDenied { .. }
            | Self::TooLarge
            | Self::InvalidRequest { .. }
            | Self::NoCredentials { .. }
            | Self::NoRegion => Executed::No,
        }
    }

    /// AWS's request id, where an answer came and had one.
    pub fn request_id(&self) -> Option<&str> {
        match self {
            Self::Throttled { request_id, .. }
            | Self::NotFound { request_id, .. }
            | Self::AccessDenied { request_id, .. }
            | Self::InvalidRequest { request_id, .. }
            | Self::Service { request_id, .. } => request_id.as_deref(),
            _ => None,
        }
    }
}

/// The 502s that say that no sandbox could be started. Source: the service model's descriptions of them.
const NEVER_STARTED: [&str; 7] = [
    "EC2ThrottledException",
    "EC2UnexpectedException",
    "ENILimitReachedException",
    "ENINotReadyException",
    "ResourceNotReadyException",
    "SubnetIPAddressLimitReachedException",
    "EC2AccessDeniedException",
];
