//! The errors of the Invoke API: one table of every modelled shape, a writer for the server and readers for the client.
//!
//! Source: Lambda's service model 2015-03-31 for names, statuses and the key of the text; recorded answers for the front
//! door's 403s, which have no `Type`.

use serde::Deserialize;

/// Whose fault: the body's `Type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fault {
    /// The caller's or the function owner's.
    User,
    /// Lambda's.
    Service,
    /// The front door's errors carry no `Type`.
    Absent,
}

/// One error of the service model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ErrorShape {
    /// HTTP status.
    pub status: u16,
    /// Value of `x-amzn-ErrorType`.
    pub name: &'static str,
    /// `message` or `Message`.
    pub message_key: &'static str,
    /// The body's `Type`.
    pub fault: Fault,
}

const fn shape(status: u16, name: &'static str, message_key: &'static str, fault: Fault) -> ErrorShape {
    ErrorShape { status, name, message_key, fault }
}

const LOWER: &str = "message";
const UPPER: &str = "Message";

/// Every error of `Invoke` and `InvokeWithResponseStream`, by status.
pub const ERROR_SHAPES: &[ErrorShape] = &[
    shape(400, "InvalidParameterValueException", LOWER, Fault::User),
    shape(400, "InvalidRequestContentException", LOWER, Fault::User),
    shape(400, "ModeNotSupportedException", LOWER, Fault::User),
    shape(400, "NoPublishedVersionException", UPPER, Fault::User),
    shape(400, "RecursiveInvocationException", UPPER, Fault::User),
    shape(400, "SnapStartException", UPPER, Fault::User),
    shape(402, "ServiceQuotaExceededException", UPPER, Fault::User),
    shape(403, "AccessDeniedException", UPPER, Fault::Absent),
    shape(403, "InvalidSignatureException", LOWER, Fault::Absent),
    shape(403, "SignatureDoesNotMatch", LOWER, Fault::Absent),
    shape(403, "MissingAuthenticationTokenException", LOWER, Fault::Absent),
    shape(403, "UnrecognizedClientException", LOWER, Fault::Absent),
    shape(403, "IncompleteSignature", LOWER, Fault::Absent),
    shape(403, "IncompleteSignatureException", LOWER, Fault::Absent),
    shape(403, "InvalidClientTokenId", LOWER, Fault::Absent),
    shape(403, "ExpiredTokenException", LOWER, Fault::Absent),
    shape(403, "RequestExpired", LOWER, Fault::Absent),
    shape(403, "OptInRequired", LOWER, Fault::Absent),
    shape(403, "EFSMountFailureException", UPPER, Fault::User),
    shape(403, "S3FilesMountFailureException", UPPER, Fault::User),
    shape(404, "ResourceNotFoundException", UPPER, Fault::User),
    shape(408, "EFSMountConnectivityException", UPPER, Fault::User),
    shape(408, "EFSMountTimeoutException", UPPER, Fault::User),
    shape(408, "S3FilesMountConnectivityException", UPPER, Fault::User),
    shape(408, "S3FilesMountTimeoutException", UPPER, Fault::User),
    shape(408, "SnapStartTimeoutException", UPPER, Fault::User),
    shape(409, "ResourceConflictException", LOWER, Fault::User),
    shape(409, "SnapStartNotReadyException", UPPER, Fault::User),
    shape(409, "SnapStartRegenerationFailureException", UPPER, Fault::User),
    shape(409, "CodeArtifactUserPendingException", LOWER, Fault::User),
    shape(409, "CodeArtifactUserDeletedException", LOWER, Fault::User),
    shape(409, "CodeArtifactUserFailedException", LOWER, Fault::User),
    shape(409, "RuntimeAliasDeletedException", LOWER, Fault::User),
    shape(409, "RuntimeVersionDeletedException", LOWER, Fault::User),
    shape(409, "DurableExecutionAlreadyStartedException", UPPER, Fault::User),
    shape(410, "EFSIOException", UPPER, Fault::User),
    shape(413, "RequestTooLargeException", LOWER, Fault::User),
    shape(413, "SerializedRequestEntityTooLargeException", LOWER, Fault::User),
    shape(415, "UnsupportedMediaTypeException", LOWER, Fault::User),
    shape(429, "TooManyRequestsException", LOWER, Fault::User),
    shape(500, "ServiceException", UPPER, Fault::Service),
    shape(502, "EC2AccessDeniedException", UPPER, Fault::Service),
    shape(502, "EC2ThrottledException", UPPER, Fault::Service),
    shape(502, "EC2UnexpectedException", UPPER, Fault::Service),
    shape(502, "ENILimitReachedException", UPPER, Fault::Service),
    shape(502, "ENINotReadyException", UPPER, Fault::Service),
    shape(502, "InvalidRuntimeException", UPPER, Fault::Service),
    shape(502, "InvalidSecurityGroupIDException", UPPER, Fault::Service),
    shape(502, "InvalidSubnetIDException", UPPER, Fault::Service),
    shape(502, "InvalidZipFileException", UPPER, Fault::Service),
    shape(502, "KMSAccessDeniedException", UPPER, Fault::Service),
    shape(502, "KMSDisabledException", UPPER, Fault::Service),
    shape(502, "KMSInvalidStateException", UPPER, Fault::Service),
    shape(502, "KMSNotFoundException", UPPER, Fault::Service),
    shape(502, "ResourceNotReadyException", LOWER, Fault::Service),
    shape(502, "SubnetIPAddressLimitReachedException", UPPER, Fault::Service),
];

/// `Reason` values of a 429. Source: the service model's `ThrottleReason`.
pub mod throttle {
    /// The account's concurrency is used up.
    pub const CONCURRENT: &str = "ConcurrentInvocationLimitExceeded";
    /// The function's reserved concurrency is used up.
    pub const RESERVED_CONCURRENT: &str = "ReservedFunctionConcurrentInvocationLimitExceeded";
    /// The account's rate.
    pub const RATE: &str = "FunctionInvocationRateLimitExceeded";
    /// The function's rate under reserved concurrency.
    pub const RESERVED_RATE: &str = "ReservedFunctionInvocationRateLimitExceeded";
    /// The API's own rate.
    pub const CALLER_RATE: &str = "CallerRateLimitExceeded";
    /// Snapshots being made.
    pub const SNAPSHOT: &str = "ConcurrentSnapshotCreateLimitExceeded";
    /// The text beside any of them. Source: recorded answers.
    pub const MESSAGE: &str = "Rate Exceeded.";
}

/// What a 413 says to a synchronous Invoke. As users report it: no recorded exchange shows it.
pub const REQUEST_ENTITY_TOO_LARGE_TEXT: &str =
    "Request must be smaller than 6291456 bytes for the InvokeFunction operation";

impl ErrorShape {
    /// The shape called `name`.
    pub fn named(name: &str) -> Option<&'static Self> {
        ERROR_SHAPES.iter().find(|shape| shape.name == name)
    }

    /// The JSON body with this shape's key for the text, `Type` where the shape has one, and a throttle's `Reason`.
    pub fn body(&self, message: &str, reason: Option<&str>) -> Vec<u8> {
        let mut body = String::with_capacity(message.len() + 64);
        body.push('{');
        if let Some(reason) = reason {
            member(&mut body, "Reason", reason);
        }
        match self.fault {
            Fault::User => member(&mut body, "Type", "User"),
            Fault::Service => member(&mut body, "Type", "Service"),
            Fault::Absent => {}
        }
        member(&mut body, self.message_key, message);
        body.push('}');
        body.into_bytes()
    }
}

fn member(body: &mut String, key: &str, value: &str) {
    if body.len() > 1 {
        body.push(',');
    }
    // `Value`'s Display is JSON and cannot fail for a string.
    body.push_str(&format!("{}:{}", serde_json::Value::from(key), serde_json::Value::from(value)));
}

/// The error's name in an `x-amzn-ErrorType` header: up to a `:`, after a `#`, both of which AWS is known to add.
pub fn error_name(header: &str) -> &str {
    let name = header.split(':').next().unwrap_or_default();
    name.rsplit('#').next().unwrap_or_default().trim()
}

/// What a client finds in an error body: text, `Type`, `Reason`. A body that is not such JSON gives nothing.
pub fn read_message(body: &[u8]) -> ErrorBody {
    serde_json::from_slice(body).unwrap_or_default()
}

/// The members of an error body that matter to a client.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct ErrorBody {
    #[serde(default, rename = "message")]
    lower: Option<String>,
    #[serde(default, rename = "Message")]
    upper: Option<String>,
    /// Some front doors name the error here instead of in the header.
    #[serde(default, rename = "__type")]
    pub kind: Option<String>,
    /// `User` or `Service`.
    #[serde(default, rename = "Type")]
    pub fault: Option<String>,
    /// Why a call was throttled.
    #[serde(default, rename = "Reason")]
    pub reason: Option<String>,
}

impl ErrorBody {
    /// The text under either key.
    pub fn message(&self) -> &str {
        self.lower.as_deref().or(self.upper.as_deref()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, message: &str, reason: Option<&str>, expect: &str) {
        let body = ErrorShape::named(name).unwrap().body(message, reason);
        assert_eq!(String::from_utf8(body.clone()).unwrap(), expect);
        let read = read_message(&body);
        assert_eq!((read.message(), read.reason.as_deref()), (message, reason));
    }

    #[test]
    fn bodies() {
        check(
            "ResourceNotFoundException",
            "Function not found: \"x\"",
            None,
            r#"{"Type":"User","Message":"Function not found: \"x\""}"#,
        );
        check(
            "TooManyRequestsException",
            throttle::MESSAGE,
            Some(throttle::RESERVED_CONCURRENT),
            r#"{"Reason":"ReservedFunctionConcurrentInvocationLimitExceeded","Type":"User","message":"Rate Exceeded."}"#,
        );
        check("AccessDeniedException", "no\n", None, r#"{"Message":"no\n"}"#);
        check("ServiceException", "", None, r#"{"Type":"Service","Message":""}"#);
    }

    #[test]
    fn names_are_unique_and_in_order() {
        for pair in ERROR_SHAPES.windows(2) {
            assert!(pair[0].status <= pair[1].status, "{}", pair[1].name);
        }
        let names: std::collections::BTreeSet<_> = ERROR_SHAPES.iter().map(|shape| shape.name).collect();
        assert_eq!(names.len(), ERROR_SHAPES.len());
    }

    #[test]
    fn readers_are_lenient() {
        assert_eq!(
            error_name("ResourceNotFoundException:http://internal.amazon.com/coral/"),
            "ResourceNotFoundException"
        );
        assert_eq!(error_name("com.amazon#AccessDeniedException"), "AccessDeniedException");
        assert_eq!(error_name(""), "");
        for body in [&b""[..], b"{", b"<html>", b"[]", b"null", br#"{"message":1}"#, &[b'['; 100_000]] {
            assert_eq!(read_message(body).message(), "");
        }
    }
}
