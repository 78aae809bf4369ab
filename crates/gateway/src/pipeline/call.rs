//! The call: attempts within one deadline.

use std::time::Instant as Clock;

use bytes::Bytes;
use http::request::Parts;
use lambridge_invoke::{Call, InvokeError, Invoked, Streamed, Target};
use lambridge_model::Invocation;
use memchr::memmem;
use tokio::time::Instant;

use crate::function::FunctionState;
use crate::problem::{Reason, Refusal};
use crate::record::{Facts, micros};
use crate::{random, retry};

/// What a function gave.
pub(super) enum Called {
    Whole(Invoked),
    /// It has begun.
    Stream(Streamed),
}

/// Invokes the function, again where that is safe and worthwhile; a function error is a refusal.
pub(super) async fn invoke(
    function: &FunctionState,
    target: &Target,
    tenant_id: Option<&str>,
    event: Bytes,
    head: &Parts,
    deadline: Instant,
    facts: &mut Facts,
) -> Result<Called, Refusal> {
    if let Some(calls) = facts.calls() {
        calls.invoke();
    }
    let began = Clock::now();
    let called = attempts(function, target, tenant_id, event, head, deadline, facts).await;
    facts.invoke_us = micros(began);
    let called = called.map_err(|error| {
        facts.lambda_request_id = request_id(&error).map(str::to_owned);
        Refusal::from_invoke(&error)
    })?;
    match &called {
        Called::Whole(invoked) => {
            facts.lambda_request_id.clone_from(&invoked.request_id);
            if let Some(kind) = &invoked.function_error {
                let refusal = function_error(kind, &invoked.payload);
                function.metrics.answered(Some(refusal.reason));
                return Err(refusal);
            }
        }
        Called::Stream(streamed) => facts.lambda_request_id.clone_from(&streamed.request_id),
    }
    function.metrics.answered(None);
    Ok(called)
}

async fn attempts(
    function: &FunctionState,
    target: &Target,
    tenant_id: Option<&str>,
    event: Bytes,
    head: &Parts,
    deadline: Instant,
    facts: &mut Facts,
) -> Result<Called, InvokeError> {
    let retries = function.settings.retries;
    let idempotent = retry::is_idempotent(&head.method);
    loop {
        facts.attempts += 1;
        let began = Clock::now();
        let call = Call {
            target,
            kind: function.kind(),
            payload: event.clone(),
            log_tail: false,
            trace_id: facts.trace.xray.as_deref(),
            tenant_id,
            deadline,
        };
        let called = match function.settings.invoke {
            Invocation::Stream => function.lambda.invoke_streaming(call).await.map(Called::Stream),
            Invocation::Sync | Invocation::Async | Invocation::DryRun => {
                function.lambda.invoke(call).await.map(Called::Whole)
            }
        };
        function.metrics.took(began.elapsed());
        let error = match called {
            Ok(called) => return Ok(called),
            Err(error) => error,
        };
        function.metrics.failed(&error);
        if facts.attempts > retries.max || !retry::is_worthwhile(&error, retries.on, idempotent) {
            return Err(error);
        }
        let next = Instant::now() + retry::wait(facts.attempts, &error, random::draw());
        // A wait that ends too late would turn a clear failure into a timeout.
        if next >= deadline {
            return Err(error);
        }
        tokio::time::sleep_until(next).await;
        function.metrics.retry();
    }
}

/// What a function error is to the client; the function's own words go to the log, cut to a line.
fn function_error(kind: &str, payload: &Bytes) -> Refusal {
    // Source: recorded 2025, Function.ResponseSizeTooLarge is a function error with status 200.
    let too_large =
        payload.len() < 1024 && memmem::find(payload, b"\"Function.ResponseSizeTooLarge\"").is_some();
    let reason = if too_large { Reason::AnswerTooLarge } else { Reason::FunctionError };
    let shown = String::from_utf8_lossy(&payload[..payload.len().min(512)]);
    Refusal::from(reason).with_detail(format!("{kind}: {shown}")).with_payload(payload.clone())
}

/// AWS's id of a failed call.
fn request_id(error: &InvokeError) -> Option<&str> {
    match error {
        InvokeError::Throttled { request_id, .. }
        | InvokeError::NotFound { request_id, .. }
        | InvokeError::AccessDenied { request_id, .. }
        | InvokeError::InvalidRequest { request_id, .. }
        | InvokeError::Service { request_id, .. } => request_id.as_deref(),
        InvokeError::TooLarge
        | InvokeError::Unreachable { .. }
        | InvokeError::AnswerTooLarge { .. }
        | InvokeError::Timeout { .. }
        | InvokeError::NoCredentials { .. }
        | InvokeError::NoRegion => None,
    }
}
