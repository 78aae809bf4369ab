//! Which failed calls are tried again, and after which wait.
//!
//! `safe`: what surely was not executed, throttles, and any transport or service failure of an idempotent request
//! (RFC 9110 section 9.2.2). Refusals among them, where what they were for is put right or is to pass. `sdk`: every throttle, 5xx and broken connection, whatever the method. A function error
//! is an answer, and never comes here. Waits grow from 50 ms to 2 s with equal jitter. What `Retry-After` asks takes the place
//! of the fixed half, so that those who were told the same do not come back as one; a wait that would end after the deadline
//! is not begun.
//!
//! How many there may be among all calls is the [`budget`]'s affair.

mod budget;

use std::time::Duration;

use lambridge_invoke::{Executed, InvokeError};
use lambridge_model::RetryOn;

pub(crate) use budget::RetryBudget;

/// Faults of the function's configuration that Lambda answers with 502; trying again cannot help.
/// Source: Invoke API reference, errors.
const SETTLED: [&str; 9] = [
    "EC2AccessDeniedException",
    "InvalidRuntimeException",
    "InvalidSecurityGroupIDException",
    "InvalidSubnetIDException",
    "InvalidZipFileException",
    "KMSAccessDeniedException",
    "KMSDisabledException",
    "KMSInvalidStateException",
    "KMSNotFoundException",
];

/// Refusals of a function that is being made ready, or changed; it did not run.
/// Source: Invoke API reference, errors.
const UNREADY: [&str; 6] = [
    "CodeArtifactUserPendingException",
    "EFSMountConnectivityException",
    "EFSMountTimeoutException",
    "ResourceConflictException",
    "SnapStartNotReadyException",
    "SnapStartTimeoutException",
];

/// Whether the failure is worth another attempt.
pub(crate) fn is_worthwhile(error: &InvokeError, on: RetryOn, idempotent: bool) -> bool {
    let may_repeat = idempotent || on == RetryOn::Sdk;
    match error {
        InvokeError::Throttled { .. } => true,
        InvokeError::Unreachable { executed, .. } => *executed == Executed::No || may_repeat,
        InvokeError::Service { kind, .. } => {
            let may_repeat = may_repeat || error.executed() == Executed::No;
            may_repeat && (on == RetryOn::Sdk || !SETTLED.contains(&kind.as_str()))
        }
        InvokeError::AccessDenied { cured, .. } => *cured,
        InvokeError::InvalidRequest { kind, .. } => UNREADY.contains(&kind.as_str()),
        InvokeError::Timeout { .. }
        | InvokeError::NotFound { .. }
        | InvokeError::TooLarge
        | InvokeError::AnswerTooLarge { .. }
        | InvokeError::NoCredentials { .. }
        | InvokeError::NoRegion => false,
    }
}

/// Whether another region may have it better. Nothing runs twice but for an idempotent request: `on: sdk` allows that of
/// retries, and failing over is none. What Lambda says of the function or the caller is as true elsewhere.
pub(crate) fn is_elsewheres(error: &InvokeError, idempotent: bool) -> bool {
    match error {
        InvokeError::Throttled { .. } => true,
        InvokeError::Unreachable { .. } | InvokeError::Service { .. } | InvokeError::Timeout { .. } => {
            idempotent || error.executed() == Executed::No
        }
        InvokeError::NotFound { .. }
        | InvokeError::AccessDenied { .. }
        | InvokeError::TooLarge
        | InvokeError::InvalidRequest { .. }
        | InvokeError::AnswerTooLarge { .. }
        | InvokeError::NoCredentials { .. }
        | InvokeError::NoRegion => false,
    }
}

/// RFC 9110 section 9.2.2.
pub(crate) fn is_idempotent(method: &http::Method) -> bool {
    method.is_idempotent()
}

/// The wait before attempt `attempt` (the first retry is 1).
pub(crate) fn wait(attempt: u32, error: &InvokeError, draw: u64) -> Duration {
    let full = Duration::from_millis(50_u64.saturating_mul(1 << attempt.clamp(1, 7)) / 2)
        .min(Duration::from_secs(2));
    let half = full / 2;
    let jitter = Duration::from_micros(draw % (half.as_micros() as u64 + 1));
    let asked = match error {
        InvokeError::Throttled { retry_after: Some(asked), .. } => *asked,
        _ => Duration::ZERO,
    };
    half.max(asked) + jitter
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use lambridge_invoke::{Executed, InvokeError};
    use lambridge_model::RetryOn;

    use super::{is_elsewheres, is_worthwhile, wait};

    fn throttled(after: Option<u64>) -> InvokeError {
        InvokeError::Throttled {
            reason: String::new(),
            retry_after: after.map(Duration::from_secs),
            request_id: None,
        }
    }

    fn service(kind: &str) -> InvokeError {
        InvokeError::Service { status: 502, kind: kind.into(), message: String::new(), request_id: None }
    }

    fn refused(kind: &str) -> InvokeError {
        InvokeError::InvalidRequest {
            status: 409,
            kind: kind.into(),
            message: String::new(),
            request_id: None,
        }
    }

    fn unreachable(executed: Executed) -> InvokeError {
        InvokeError::Unreachable { message: String::new(), executed }
    }

    /// `expect`: safe and idempotent, safe and not, sdk and not.
    fn check(error: InvokeError, expect: [bool; 3]) {
        let found = [
            is_worthwhile(&error, RetryOn::Safe, true),
            is_worthwhile(&error, RetryOn::Safe, false),
            is_worthwhile(&error, RetryOn::Sdk, false),
        ];
        assert_eq!(found, expect, "{error:?}");
    }

    #[test]
    fn rules() {
        check(throttled(None), [true, true, true]);
        check(unreachable(Executed::No), [true, true, true]);
        check(unreachable(Executed::Maybe), [true, false, true]);
        check(service("ServiceException"), [true, false, true]);
        check(service("ENINotReadyException"), [true, true, true]);
        check(service("EC2AccessDeniedException"), [false, false, true]);
        check(service("KMSDisabledException"), [false, false, true]);
        check(InvokeError::Timeout { executed: Executed::Maybe }, [false; 3]);
        for cured in [true, false] {
            let (kind, message) = ("ExpiredTokenException".into(), String::new());
            check(InvokeError::AccessDenied { kind, message, request_id: None, cured }, [cured; 3]);
        }
        check(refused("SnapStartNotReadyException"), [true; 3]);
        check(refused("InvalidRequestContentException"), [false; 3]);
        check(InvokeError::NoRegion, [false; 3]);
        check(InvokeError::TooLarge, [false; 3]);
    }

    #[test]
    fn elsewhere() {
        let rows = [
            (throttled(None), true, true),
            (unreachable(Executed::No), true, true),
            (unreachable(Executed::Maybe), true, false),
            (service("ServiceException"), true, false),
            (service("ENINotReadyException"), true, true),
            (InvokeError::Timeout { executed: Executed::No }, true, true),
            (InvokeError::Timeout { executed: Executed::Maybe }, true, false),
            (InvokeError::NoRegion, false, false),
        ];
        for (error, idempotent, other) in rows {
            let found = (is_elsewheres(&error, true), is_elsewheres(&error, false));
            assert_eq!(found, (idempotent, other), "{error:?}");
        }
    }

    #[test]
    fn waits() {
        for attempt in 1..40 {
            let shortest = wait(attempt, &throttled(None), 0);
            let longest = wait(attempt, &throttled(None), u64::MAX);
            assert!(shortest >= Duration::from_millis(25) && longest <= Duration::from_secs(2), "{attempt}");
        }
        assert_eq!(wait(1, &throttled(Some(9)), 0), Duration::from_secs(9));
        assert!(wait(1, &throttled(Some(9)), 7) > Duration::from_secs(9));
    }
}
