//! The Extensions API: how a process beside the runtime registers, waits for events, and reports that it failed.
//!
//! An extension that subscribes to `INVOKE` makes each invocation wait for its next poll; one that only lives beside the
//! function registers for nothing, or for `SHUTDOWN`. Unknown fields of an answer are ignored, and an event of an unknown
//! kind is [`Event::Unknown`]: the API has grown before.
//!
//! Source: "Using the Lambda Extensions API", and the runtime interface emulator at 4fa2157 (January 2026).

use serde::{Deserialize, Serialize};

/// POST.
pub const REGISTER: &str = "/2020-01-01/extension/register";
/// GET: the next event.
pub const NEXT: &str = "/2020-01-01/extension/event/next";
/// POST: the extension could not start.
pub const INIT_ERROR: &str = "/2020-01-01/extension/init/error";
/// POST: the extension ends with an error.
pub const EXIT_ERROR: &str = "/2020-01-01/extension/exit/error";

/// The extension's name: for an external one, its file name.
pub const NAME: &str = "lambda-extension-name";
/// Given at registration, sent with every later call.
pub const IDENTIFIER: &str = "lambda-extension-identifier";
/// Names one delivered event.
pub const EVENT_IDENTIFIER: &str = "lambda-extension-event-identifier";
/// `accountId` asks for the account in the answer to a registration.
pub const ACCEPT_FEATURE: &str = "lambda-extension-accept-feature";
/// Must stand with an error report.
pub const ERROR_TYPE: &str = "lambda-extension-function-error-type";
/// Extensions a sandbox takes at most. Source: Lambda quotas.
pub const MAX: usize = 10;

/// A path of the Extensions API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Path {
    /// [`REGISTER`].
    Register,
    /// [`NEXT`].
    Next,
    /// [`INIT_ERROR`].
    InitError,
    /// [`EXIT_ERROR`].
    ExitError,
}

impl Path {
    /// Reads a request path; a query is ignored.
    pub fn parse(path: &str) -> Option<Self> {
        match path.split('?').next().unwrap_or_default() {
            REGISTER => Some(Self::Register),
            NEXT => Some(Self::Next),
            INIT_ERROR => Some(Self::InitError),
            EXIT_ERROR => Some(Self::ExitError),
            _ => None,
        }
    }

    /// `GET` or `POST`.
    pub fn method(self) -> &'static str {
        if self == Self::Next { "GET" } else { "POST" }
    }
}

/// What an extension can ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum EventType {
    /// Each invocation.
    Invoke,
    /// The end of the sandbox.
    Shutdown,
}

/// Body of a registration.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegisterRequest {
    /// May be empty.
    #[serde(default)]
    pub events: Vec<EventType>,
}

/// Answer to a registration.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RegisterResponse {
    /// `AWS_LAMBDA_FUNCTION_NAME`.
    #[serde(default)]
    pub function_name: String,
    /// `AWS_LAMBDA_FUNCTION_VERSION`.
    #[serde(default)]
    pub function_version: String,
    /// `_HANDLER`.
    #[serde(default)]
    pub handler: String,
    /// Only with [`ACCEPT_FEATURE`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account_id: Option<String>,
}

/// What [`NEXT`] gives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "eventType", rename_all = "UPPERCASE")]
pub enum Event {
    /// An invocation began.
    #[serde(rename_all = "camelCase")]
    Invoke {
        /// Milliseconds since 1970.
        #[serde(default)]
        deadline_ms: u64,
        /// The invocation's id.
        #[serde(default)]
        request_id: String,
        /// With the qualifier if the caller gave one.
        #[serde(default)]
        invoked_function_arn: String,
        /// X-Ray context.
        #[serde(default)]
        tracing: Tracing,
    },
    /// The sandbox ends.
    #[serde(rename_all = "camelCase")]
    Shutdown {
        /// Why.
        #[serde(default)]
        shutdown_reason: ShutdownReason,
        /// Milliseconds since 1970: then it is killed.
        #[serde(default)]
        deadline_ms: u64,
    },
    /// Of a later version; to be skipped.
    #[serde(other)]
    Unknown,
}

/// X-Ray context of an invocation.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tracing {
    /// `X-Amzn-Trace-Id`.
    #[serde(default, rename = "type")]
    pub kind: String,
    /// The header's value.
    #[serde(default)]
    pub value: String,
}

impl Tracing {
    /// The context of `trace_id`.
    pub fn new(trace_id: impl Into<String>) -> Self {
        Self { kind: "X-Amzn-Trace-Id".to_owned(), value: trace_id.into() }
    }
}

/// Why a sandbox ends.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ShutdownReason {
    /// It is not needed any more.
    #[default]
    Spindown,
    /// An invocation took too long.
    Timeout,
    /// A process failed.
    Failure,
    /// Of a later version.
    #[serde(other)]
    Unknown,
}

/// An error of the API itself; the body is a [`crate::runtime::ErrorReport`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ApiError {
    /// No [`IDENTIFIER`] header.
    MissingExtensionIdentifier,
    /// It is no UUID.
    InvalidExtensionIdentifier,
    /// [`NAME`] is missing or not one of the external extensions.
    InvalidExtensionName,
    /// No such extension.
    UnknownExtensionIdentifier,
    /// For instance `next` after an exit error.
    InvalidExtensionState,
    /// An unknown event, or one this extension may not have.
    InvalidEventType,
    /// More than [`MAX`].
    TooManyExtensions,
    /// The runtime asked for its first event already.
    RegistrationClosed,
    /// [`ERROR_TYPE`] is missing.
    MissingHeader,
    /// The body is not JSON of the wanted shape.
    InvalidRequestFormat,
}

impl ApiError {
    /// HTTP status: 403, but 400 for a malformed body.
    pub fn status(self) -> u16 {
        if self == Self::InvalidRequestFormat { 400 } else { 403 }
    }

    /// `errorType` of the body.
    pub fn error_type(self) -> &'static str {
        match self {
            Self::MissingExtensionIdentifier => "Extension.MissingExtensionIdentifier",
            Self::InvalidExtensionIdentifier => "Extension.InvalidExtensionIdentifier",
            Self::InvalidExtensionName => "Extension.InvalidExtensionName",
            Self::UnknownExtensionIdentifier => "Extension.UnknownExtensionIdentifier",
            Self::InvalidExtensionState => "Extension.InvalidExtensionState",
            Self::InvalidEventType => "Extension.InvalidEventType",
            Self::TooManyExtensions => "Extension.TooManyExtensions",
            Self::RegistrationClosed => "Extension.RegistrationClosed",
            Self::MissingHeader => "Extension.MissingHeader",
            Self::InvalidRequestFormat => "InvalidRequestFormat",
        }
    }

    /// The body.
    pub fn body(self, message: &str) -> Vec<u8> {
        crate::runtime::ErrorReport::new(self.error_type(), message).to_json()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(event: &Event, json: &str) {
        assert_eq!(serde_json::to_string(event).unwrap(), json);
        assert_eq!(&serde_json::from_str::<Event>(json).unwrap(), event);
    }

    #[test]
    fn events() {
        let invoke = Event::Invoke {
            deadline_ms: 1,
            request_id: "r".into(),
            invoked_function_arn: "a".into(),
            tracing: Tracing::new("Root=1"),
        };
        check(
            &invoke,
            r#"{"eventType":"INVOKE","deadlineMs":1,"requestId":"r","invokedFunctionArn":"a","tracing":{"type":"X-Amzn-Trace-Id","value":"Root=1"}}"#,
        );
        let shutdown = Event::Shutdown { shutdown_reason: ShutdownReason::Timeout, deadline_ms: 2 };
        check(&shutdown, r#"{"eventType":"SHUTDOWN","shutdownReason":"timeout","deadlineMs":2}"#);
    }

    #[test]
    fn later_versions_are_taken() {
        let read = |json| serde_json::from_str::<Event>(json).unwrap();
        assert_eq!(read(r#"{"eventType":"FREEZE","x":1}"#), Event::Unknown);
        assert_eq!(
            read(r#"{"eventType":"SHUTDOWN","shutdownReason":"heat","new":true}"#),
            Event::Shutdown { shutdown_reason: ShutdownReason::Unknown, deadline_ms: 0 }
        );
    }

    #[test]
    fn registration() {
        let request = RegisterRequest { events: vec![EventType::Invoke, EventType::Shutdown] };
        let json = r#"{"events":["INVOKE","SHUTDOWN"]}"#;
        assert_eq!(serde_json::to_string(&request).unwrap(), json);
        assert_eq!(serde_json::from_str::<RegisterRequest>(json).unwrap(), request);
        assert!(serde_json::from_str::<RegisterRequest>(r#"{"events":["OTHER"]}"#).is_err());
        let answer: RegisterResponse = serde_json::from_str(
            r#"{"functionName":"f","functionVersion":"$LATEST","handler":"h","more":1}"#,
        )
        .unwrap();
        assert_eq!((answer.function_name.as_str(), answer.account_id), ("f", None));
    }

    #[test]
    fn paths() {
        for (text, path) in [
            (REGISTER, Path::Register),
            (NEXT, Path::Next),
            (INIT_ERROR, Path::InitError),
            (EXIT_ERROR, Path::ExitError),
        ] {
            assert_eq!(Path::parse(text), Some(path));
        }
        assert_eq!(Path::parse("/2020-01-01/extension/"), None);
        assert_eq!(ApiError::InvalidRequestFormat.status(), 400);
        assert_eq!(
            ApiError::MissingHeader.body("m"),
            br#"{"errorMessage":"m","errorType":"Extension.MissingHeader"}"#
        );
    }
}
