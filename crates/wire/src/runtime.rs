//! The Runtime API: what a function's process and its sandbox say to each other.
//!
//! Header names are lower case, as HTTP libraries give them. An [`Invocation`]'s head is read leniently: a missing or
//! malformed deadline is `None`, not an error, and an empty header is an absent one (Managed Instances send empty ones).
//!
//! Source: "Using the Lambda runtime API", and the runtime interface emulator at 4fa2157 (January 2026).

use serde::{Deserialize, Serialize};

/// Base path of version 2018-06-01.
pub const BASE: &str = "/2018-06-01";
/// GET: the next event.
pub const NEXT: &str = "/2018-06-01/runtime/invocation/next";
/// POST: the process could not start.
pub const INIT_ERROR: &str = "/2018-06-01/runtime/init/error";
/// GET: SnapStart, before the snapshot.
pub const RESTORE_NEXT: &str = "/2018-06-01/runtime/restore/next";
/// POST: SnapStart, a hook failed.
pub const RESTORE_ERROR: &str = "/2018-06-01/runtime/restore/error";
/// GET: `pong`.
pub const PING: &str = "/2018-06-01/ping";

/// Names this invocation.
pub const REQUEST_ID: &str = "lambda-runtime-aws-request-id";
/// Milliseconds since 1970 at which it times out.
pub const DEADLINE_MS: &str = "lambda-runtime-deadline-ms";
/// With the qualifier if the caller gave one.
pub const INVOKED_FUNCTION_ARN: &str = "lambda-runtime-invoked-function-arn";
/// X-Ray context.
pub const TRACE_ID: &str = "lambda-runtime-trace-id";
/// JSON, not base64.
pub const CLIENT_CONTEXT: &str = "lambda-runtime-client-context";
/// JSON with `cognitoIdentityId` and `cognitoIdentityPoolId`.
pub const COGNITO_IDENTITY: &str = "lambda-runtime-cognito-identity";
/// Tenant of a function with tenant isolation.
pub const TENANT_ID: &str = "lambda-runtime-aws-tenant-id";
/// Names this delivery; to be sent back with the answer if it is there.
pub const INVOCATION_ID: &str = "lambda-runtime-invocation-id";
/// `streaming`, or absent.
pub const RESPONSE_MODE: &str = "lambda-runtime-function-response-mode";
/// `Category.Reason`, as a header of an error report or a trailer of a stream.
pub const ERROR_TYPE: &str = "lambda-runtime-function-error-type";
/// Trailer of a stream that failed: base64 of an [`ErrorReport`].
pub const ERROR_BODY: &str = "lambda-runtime-function-error-body";
/// JSON for X-Ray, at most 64 KB.
pub const XRAY_ERROR_CAUSE: &str = "lambda-runtime-function-xray-error-cause";
/// The one value of [`RESPONSE_MODE`].
pub const STREAMING: &str = "streaming";
/// Media type of an error report.
pub const ERROR_CONTENT_TYPE: &str = "application/vnd.aws.lambda.error+json";
/// What the API says when it took an answer. Source: the runtime interface emulator.
pub const ACCEPTED_BODY: &str = "{\"status\":\"OK\"}\n";

/// A path of the Runtime API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Path<'a> {
    /// GET [`NEXT`].
    Next,
    /// POST the answer to the invocation of this id.
    Response(&'a str),
    /// POST an error as the answer.
    Error(&'a str),
    /// POST [`INIT_ERROR`].
    InitError,
    /// GET [`RESTORE_NEXT`].
    RestoreNext,
    /// POST [`RESTORE_ERROR`].
    RestoreError,
    /// GET [`PING`].
    Ping,
}

impl<'a> Path<'a> {
    /// Reads a request path; a query is ignored.
    pub fn parse(path: &'a str) -> Option<Self> {
        let path = path.split('?').next().unwrap_or_default();
        match path {
            NEXT => Some(Self::Next),
            INIT_ERROR => Some(Self::InitError),
            RESTORE_NEXT => Some(Self::RestoreNext),
            RESTORE_ERROR => Some(Self::RestoreError),
            PING => Some(Self::Ping),
            _ => {
                let (id, what) = path.strip_prefix("/2018-06-01/runtime/invocation/")?.split_once('/')?;
                match what {
                    "response" if !id.is_empty() => Some(Self::Response(id)),
                    "error" if !id.is_empty() => Some(Self::Error(id)),
                    _ => None,
                }
            }
        }
    }

    /// `GET` or `POST`.
    pub fn method(self) -> &'static str {
        match self {
            Self::Next | Self::RestoreNext | Self::Ping => "GET",
            Self::Response(_) | Self::Error(_) | Self::InitError | Self::RestoreError => "POST",
        }
    }
}

/// Where the answer to `id` goes.
pub fn response_path(id: &str) -> String {
    format!("/2018-06-01/runtime/invocation/{id}/response")
}

/// Where an error as the answer to `id` goes.
pub fn error_path(id: &str) -> String {
    format!("/2018-06-01/runtime/invocation/{id}/error")
}

/// The head of an event, from the headers of [`NEXT`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Invocation {
    /// Names it; empty when the header is missing, and then it cannot be answered.
    pub request_id: String,
    /// Milliseconds since 1970.
    pub deadline_ms: Option<u64>,
    /// With the qualifier if the caller gave one.
    pub function_arn: Option<String>,
    /// X-Ray context.
    pub trace_id: Option<String>,
    /// JSON.
    pub client_context: Option<String>,
    /// JSON.
    pub cognito_identity: Option<String>,
    /// Tenant.
    pub tenant_id: Option<String>,
    /// Names this delivery.
    pub invocation_id: Option<String>,
}

impl Invocation {
    /// Reads the head; `header` looks a lower-case name up.
    pub fn read<'h>(header: impl Fn(&str) -> Option<&'h str>) -> Self {
        let text = |name| header(name).map(str::trim).filter(|value| !value.is_empty());
        let owned = |name| text(name).map(str::to_owned);
        Self {
            request_id: owned(REQUEST_ID).unwrap_or_default(),
            deadline_ms: text(DEADLINE_MS).and_then(|value| value.parse().ok()),
            function_arn: owned(INVOKED_FUNCTION_ARN),
            trace_id: owned(TRACE_ID),
            client_context: owned(CLIENT_CONTEXT),
            cognito_identity: owned(COGNITO_IDENTITY),
            tenant_id: owned(TENANT_ID),
            invocation_id: owned(INVOCATION_ID),
        }
    }

    /// The head as header lines, absent ones left out, as an on-demand function gets them.
    pub fn headers(&self) -> Vec<(&'static str, String)> {
        let optional = [
            (INVOKED_FUNCTION_ARN, &self.function_arn),
            (TRACE_ID, &self.trace_id),
            (CLIENT_CONTEXT, &self.client_context),
            (COGNITO_IDENTITY, &self.cognito_identity),
            (TENANT_ID, &self.tenant_id),
            (INVOCATION_ID, &self.invocation_id),
        ];
        let mut lines = vec![(REQUEST_ID, self.request_id.clone())];
        lines.extend(self.deadline_ms.map(|deadline| (DEADLINE_MS, deadline.to_string())));
        lines.extend(
            optional.into_iter().filter_map(|(name, value)| value.clone().map(|value| (name, value))),
        );
        lines
    }
}

/// What a runtime reports when a function or its start fails; also the payload of such an invocation.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ErrorReport {
    /// For people.
    #[serde(default)]
    pub error_message: String,
    /// For programs.
    #[serde(default)]
    pub error_type: String,
    /// One line a frame; left out when the runtime gives none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stack_trace: Option<Vec<String>>,
}

impl ErrorReport {
    /// A report without a stack trace.
    pub fn new(error_type: impl Into<String>, error_message: impl Into<String>) -> Self {
        Self { error_message: error_message.into(), error_type: error_type.into(), stack_trace: None }
    }

    /// The report as JSON.
    pub fn to_json(&self) -> Vec<u8> {
        // Strings always serialize.
        serde_json::to_vec(self).unwrap_or_default()
    }
}

/// An error of the API itself: status, `errorType` and the usual text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ApiError {
    /// HTTP status.
    pub status: u16,
    /// `errorType` of the body.
    pub error_type: &'static str,
    /// `errorMessage` of the body, where it is always the same.
    pub message: &'static str,
}

impl ApiError {
    /// The id is not the current one, or was answered already.
    pub const INVALID_REQUEST_ID: Self =
        Self { status: 400, error_type: "InvalidRequestID", message: "Invalid request ID" };
    /// The body is shorter than announced.
    pub const TRUNCATED_REQUEST: Self =
        Self { status: 400, error_type: "TruncatedHTTPRequest", message: "HTTP request was truncated" };
    /// [`RESPONSE_MODE`] is neither absent nor `streaming`.
    pub const INVALID_RESPONSE_MODE: Self = Self {
        status: 400,
        error_type: "InvalidFunctionResponseMode",
        message: "Invalid function response mode",
    };
    /// For instance an answer before the first event.
    pub const INVALID_STATE: Self = Self {
        status: 403,
        error_type: "InvalidStateTransition",
        message: "State transition is not allowed",
    };
    /// The answer came after the deadline, or belongs to an earlier delivery.
    pub const TIMEOUT: Self = Self { status: 410, error_type: "InvokeTimeout", message: "Invoke timeout" };
    /// The answer is larger than [`crate::limits::SYNC_PAYLOAD`].
    pub const TOO_LARGE: Self = Self {
        status: 413,
        error_type: "RequestEntityTooLarge",
        message: "Exceeded maximum allowed payload size (6291556 bytes).",
    };
    /// The sandbox failed: the process should end.
    pub const INTERNAL: Self =
        Self { status: 500, error_type: "InternalServerError", message: "Internal Server Error" };

    /// The body, with `message` in place of the usual text if there is one.
    pub fn body(&self, message: Option<&str>) -> Vec<u8> {
        ErrorReport::new(self.error_type, message.unwrap_or(self.message)).to_json()
    }
}

/// An error type as the platform accepts it, `(Runtime|Function).Word`; anything else becomes `fallback`.
/// Source: the runtime interface emulator.
pub fn accepted_error_type<'a>(reported: &'a str, fallback: &'a str) -> &'a str {
    let reason = reported.strip_prefix("Runtime.").or_else(|| reported.strip_prefix("Function."));
    let word = |text: &str| {
        text.len() > 1
            && text.starts_with(|c: char| c.is_ascii_uppercase())
            && text.bytes().all(|b| b.is_ascii_alphabetic())
    };
    if reason.is_some_and(word) { reported } else { fallback }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(path: &str, expect: Option<Path<'_>>) {
        assert_eq!(Path::parse(path), expect, "{path}");
    }

    #[test]
    fn paths() {
        check(NEXT, Some(Path::Next));
        check(&response_path("a-b"), Some(Path::Response("a-b")));
        check(&error_path("a-b"), Some(Path::Error("a-b")));
        check(INIT_ERROR, Some(Path::InitError));
        check("/2018-06-01/ping?x=1", Some(Path::Ping));
        check("/2018-06-01/runtime/invocation//response", None);
        check("/2018-06-01/runtime/invocation/a/b/response", None);
        check("/2018-06-01/runtime/invocation/next/", None);
        check("/", None);
        check("", None);
    }

    #[test]
    fn a_head_is_read_leniently() {
        let head = |name: &str| match name {
            REQUEST_ID => Some("id-1"),
            DEADLINE_MS => Some("soon"),
            TRACE_ID => Some(""),
            INVOKED_FUNCTION_ARN => Some("arn"),
            _ => None,
        };
        let expect = Invocation {
            request_id: "id-1".into(),
            function_arn: Some("arn".into()),
            ..Invocation::default()
        };
        assert_eq!(Invocation::read(head), expect);
        assert_eq!(Invocation::read(|_| None), Invocation::default());
        for deadline in ["", "-1", "99999999999999999999999", "1.5"] {
            assert_eq!(Invocation::read(|name| (name == DEADLINE_MS).then_some(deadline)).deadline_ms, None);
        }
    }

    #[test]
    fn written_heads_are_read() {
        let some = |text: &str| Some(text.to_owned());
        let full = Invocation {
            request_id: "r".into(),
            deadline_ms: Some(1),
            function_arn: some("a"),
            trace_id: some("t"),
            client_context: some("{}"),
            cognito_identity: some("{}"),
            tenant_id: some("x"),
            invocation_id: some("i"),
        };
        for head in [full, Invocation { request_id: "r".into(), ..Invocation::default() }] {
            let lines = head.headers();
            let find =
                |name: &str| lines.iter().find(|(key, _)| *key == name).map(|(_, value)| value.as_str());
            assert_eq!(Invocation::read(find), head);
        }
    }

    #[test]
    fn reports() {
        let report = ErrorReport { stack_trace: Some(vec!["a".into()]), ..ErrorReport::new("T", "m") };
        let json = r#"{"errorMessage":"m","errorType":"T","stackTrace":["a"]}"#;
        assert_eq!(String::from_utf8(report.to_json()).unwrap(), json);
        assert_eq!(serde_json::from_str::<ErrorReport>(json).unwrap(), report);
        assert_eq!(serde_json::from_str::<ErrorReport>("{}").unwrap(), ErrorReport::default());
        let body = ApiError::INVALID_REQUEST_ID.body(None);
        assert_eq!(body, br#"{"errorMessage":"Invalid request ID","errorType":"InvalidRequestID"}"#);
    }

    #[test]
    fn error_types() {
        for (reported, expect) in [
            ("Runtime.ExitError", "Runtime.ExitError"),
            ("Function.Oops", "Function.Oops"),
            ("Function.", "x"),
            ("Function.A", "x"),
            ("Function.oops", "x"),
            ("Function.Oops1", "x"),
            ("Mine.Oops", "x"),
            ("", "x"),
        ] {
            assert_eq!(accepted_error_type(reported, "x"), expect, "{reported}");
        }
    }
}
