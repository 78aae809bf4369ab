//! The Invoke API: paths, headers, invocation kinds, and the shapes of its errors.
//!
//! A function name stands percent-encoded in the path, `:` included, as the SDKs send it; a reader decodes before it parses.
//! An error answer is a status, the header [`X_AMZN_ERROR_TYPE`] (which may go on after a `:`), and a JSON body whose text
//! is under `message` for some shapes and `Message` for the others: writers follow [`ErrorShape`], readers take both.
//!
//! Source: Lambda's service model 2015-03-31 (`Invoke`, `InvokeWithResponseStream`).

mod error;
mod path;

pub use error::{
    ERROR_SHAPES, ErrorShape, Fault, REQUEST_ENTITY_TOO_LARGE_TEXT, error_name, read_message, throttle,
};
pub use path::{InvokePath, Operation, decode_segment, encode_segment, invoke_path, parse_path, stream_path};

/// `X-Amz-Invocation-Type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum InvocationType {
    /// Wait for the function's answer: 200.
    #[default]
    RequestResponse,
    /// Queue and return: 202.
    Event,
    /// Check access and parameters only: 204.
    DryRun,
}

impl InvocationType {
    /// The header's value.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::RequestResponse => "RequestResponse",
            Self::Event => "Event",
            Self::DryRun => "DryRun",
        }
    }

    /// Reads the header; absent or empty is the default, an unknown value is `None`.
    pub fn from_header(value: Option<&str>) -> Option<Self> {
        match value.unwrap_or_default() {
            "" | "RequestResponse" => Some(Self::RequestResponse),
            "Event" => Some(Self::Event),
            "DryRun" => Some(Self::DryRun),
            _ => None,
        }
    }

    /// The status of a call that Lambda took.
    pub fn success_status(self) -> u16 {
        match self {
            Self::RequestResponse => 200,
            Self::Event => 202,
            Self::DryRun => 204,
        }
    }

    /// The largest event, in bytes.
    pub fn payload_limit(self) -> usize {
        match self {
            Self::RequestResponse | Self::DryRun => crate::limits::SYNC_PAYLOAD,
            Self::Event => crate::limits::ASYNC_PAYLOAD,
        }
    }
}

/// Which [`InvocationType`].
pub const X_AMZ_INVOCATION_TYPE: &str = "x-amz-invocation-type";
/// `Tail` asks for the last 4 KB of log.
pub const X_AMZ_LOG_TYPE: &str = "x-amz-log-type";
/// Base64 JSON for the handler's context.
pub const X_AMZ_CLIENT_CONTEXT: &str = "x-amz-client-context";
/// Tenant of a function with tenant isolation: see [`is_tenant_id`].
pub const X_AMZ_TENANT_ID: &str = "x-amz-tenant-id";
/// Idempotency name of a durable function's execution.
pub const X_AMZ_DURABLE_EXECUTION_NAME: &str = "x-amz-durable-execution-name";
/// X-Ray context.
pub const X_AMZN_TRACE_ID: &str = "x-amzn-trace-id";
/// The request's id, in the answer and, if the caller sets it, in the request.
pub const X_AMZN_REQUEST_ID: &str = "x-amzn-requestid";
/// Present when the function failed.
pub const X_AMZ_FUNCTION_ERROR: &str = "x-amz-function-error";
/// `$LATEST` or a number: what an alias resolved to.
pub const X_AMZ_EXECUTED_VERSION: &str = "x-amz-executed-version";
/// The end of the log in base64.
pub const X_AMZ_LOG_RESULT: &str = "x-amz-log-result";
/// Name of an error shape.
pub const X_AMZN_ERROR_TYPE: &str = "x-amzn-errortype";
/// Seen on recorded answers, always `0`.
pub const X_AMZN_REMAPPED_CONTENT_LENGTH: &str = "x-amzn-remapped-content-length";
/// Media type of a streamed Invoke's answer.
pub const EVENT_STREAM_TYPE: &str = "application/vnd.amazon.eventstream";
/// The one value of `X-Amz-Function-Error` today. Source: recorded answers.
pub const UNHANDLED: &str = "Unhandled";

/// Whether `text` can be a tenant's id. Source: the pattern of `TenantId` in the service model, `[a-zA-Z0-9\._:\/=+\-@ ]+`,
/// 1 to 256 characters.
pub fn is_tenant_id(text: &str) -> bool {
    (1..=256).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._:/=+-@ ".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::InvocationType as Kind;

    #[test]
    fn tenants() {
        for text in ["blue", "a.b_c:d/e=f+g-h@i j", " ", &"a".repeat(256)] {
            assert!(super::is_tenant_id(text), "{text}");
        }
        for text in ["", "a!", "a,b", "ä", "a\n", "a\0", &"a".repeat(257)] {
            assert!(!super::is_tenant_id(text), "{text:?}");
        }
    }

    #[test]
    fn kinds() {
        for kind in [Kind::RequestResponse, Kind::Event, Kind::DryRun] {
            assert_eq!(Kind::from_header(Some(kind.as_str())), Some(kind));
        }
        assert_eq!(Kind::from_header(None), Some(Kind::RequestResponse));
        assert_eq!(Kind::from_header(Some("")), Some(Kind::RequestResponse));
        assert_eq!(Kind::from_header(Some("event")), None);
    }
}
