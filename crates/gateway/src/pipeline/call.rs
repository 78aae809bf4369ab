//! The call: attempts within one deadline, at the function's own place and where it fails over to.
//!
//! One round asks each place in turn, as long as the failure is one that another place may not have. A further round is a
//! retry: it is made where that is safe and worthwhile, after a wait, and if the function's budget has one left.

use std::time::Duration;

use bytes::Bytes;
use http::Method;
use lambridge_invoke::{Call, Executed, InvokeError, Invoked, Streamed, Target};
use lambridge_model::Invocation;
use memchr::memmem;
use tokio::time::Instant;

use crate::function::{FunctionState, Pass, Place};
use crate::ledger::Ledger;
use crate::problem::{Reason, Refusal};
use crate::record::{Facts, micros_of};
use crate::{random, retry};

/// What a function gave.
pub(super) enum Called {
    Whole(Invoked),
    /// It has begun.
    Stream(Streamed),
}

/// Why no place gave anything.
enum Failed {
    Invoke(InvokeError),
    /// Every breaker is open; the first may close after this.
    Open(Duration),
}

/// One request's call, at whatever place.
struct Wanted<'a> {
    function: &'a FunctionState,
    /// Where the request names the function itself.
    named: Option<&'a Target>,
    tenant_id: Option<&'a str>,
    event: Bytes,
    idempotent: bool,
    began: Instant,
    deadline: Instant,
}

impl Wanted<'_> {
    /// When a place must have answered. Where the request may run twice and another place is left, one that hangs must
    /// leave it time; where it may not, cutting the call short would gain nothing.
    fn ends(&self, is_last: bool) -> Instant {
        match self.function.settings.attempt_timeout {
            Some(bound) if self.idempotent && !is_last => self.deadline.min(Instant::now() + bound),
            _ => self.deadline,
        }
    }

    fn has_time(&self) -> bool {
        Instant::now() < self.deadline
    }
}

/// Invokes the function, again where that is safe and worthwhile; a function error is a refusal.
pub(super) async fn invoke(
    function: &FunctionState,
    named: Option<&Target>,
    tenant_id: Option<&str>,
    event: Bytes,
    method: &Method,
    deadline: Instant,
    facts: &mut Facts,
) -> Result<Called, Refusal> {
    if let Some(calls) = facts.calls() {
        calls.invoke();
    }
    let began = Instant::now();
    facts.invoke_at_us = micros_of(began.into_std().duration_since(facts.started));
    let idempotent = retry::is_idempotent(method);
    let wanted = Wanted { function, named, tenant_id, event, idempotent, began, deadline };
    let called = attempts(&wanted, facts).await.map_err(|failed| match failed {
        Failed::Invoke(error) => {
            facts.lambda_request_id = error.request_id().map(str::to_owned);
            Refusal::from_invoke(&error)
        }
        Failed::Open(wait) => Refusal::circuit_open(wait),
    })?;
    match &called {
        Called::Whole(invoked) => {
            facts.lambda_request_id.clone_from(&invoked.request_id);
            if let (Some(ledger), Some(tail)) = (Ledger::of(function), &invoked.log_tail) {
                ledger.note(tail, facts);
            }
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

async fn attempts(wanted: &Wanted<'_>, facts: &mut Facts) -> Result<Called, Failed> {
    let function = wanted.function;
    let settings = function.settings.retries;
    function.retries.earn();
    let mut retries = 0;
    loop {
        let failed = match round(wanted, facts).await {
            Ok(called) => return Ok(called),
            Err(failed) => failed,
        };
        let Failed::Invoke(error) = &failed else { return Err(failed) };
        if retries == settings.max || !retry::is_worthwhile(error, settings.on, wanted.idempotent) {
            return Err(failed);
        }
        retries += 1;
        let now = Instant::now();
        let next = now + retry::wait(retries, error, random::draw());
        // A wait that ends too late would turn a clear failure into a timeout.
        if next >= wanted.deadline || !function.retries.spend(now) {
            return Err(failed);
        }
        tokio::time::sleep_until(next).await;
        function.metrics.retry();
    }
}

/// Each place in turn; what the last one that was called said.
async fn round(wanted: &Wanted<'_>, facts: &mut Facts) -> Result<Called, Failed> {
    let places = &wanted.function.places;
    let mut failed: Option<InvokeError> = None;
    let mut open: Option<Duration> = None;
    for (at, place) in places.iter().enumerate() {
        let pass = match place.breaker.as_ref().map(|breaker| breaker.admit(Instant::now())).transpose() {
            Ok(pass) => pass,
            Err(wait) => {
                open = Some(open.map_or(wait, |other| other.min(wait)));
                continue;
            }
        };
        facts.attempts += 1;
        if places.len() > 1 {
            facts.region = Some(place.region.clone());
        }
        let ends = wanted.ends(at + 1 == places.len());
        let tried = attempt(wanted, place, pass, ends, facts).await;
        if let Some(recording) = &mut facts.recording {
            // Only the first call may have found it.
            recording.region = place.lambda.region().map(str::to_owned);
        }
        match tried {
            Ok(called) => return Ok(called),
            Err(error) if retry::is_elsewheres(&error, wanted.idempotent) && wanted.has_time() => {
                failed = Some(error);
            }
            Err(error) => return Err(Failed::Invoke(error)),
        }
    }
    Err(failed.map_or_else(|| Failed::Open(open.unwrap_or_default()), Failed::Invoke))
}

/// One call at one place; the breaker and the bound on calls learn what came of it.
async fn attempt(
    wanted: &Wanted<'_>,
    place: &Place,
    pass: Option<Pass<'_>>,
    ends: Instant,
    facts: &mut Facts,
) -> Result<Called, InvokeError> {
    let function = wanted.function;
    // The clock is read no more often than it has to be.
    let began = if facts.attempts == 1 { wanted.began } else { Instant::now() };
    let call = Call {
        target: wanted.named.unwrap_or(&place.target),
        kind: function.kind(),
        payload: wanted.event.clone(),
        log_tail: function.settings.log_tail.is_some(),
        trace_id: facts.trace.xray.as_deref(),
        tenant_id: wanted.tenant_id,
        deadline: ends,
    };
    let called = match function.settings.invoke {
        // Boxed, so that opening a stream is no part of every call's future.
        Invocation::Stream => {
            // The call's own deadline goes on to the stream's first piece: this place gave its head in time then.
            let call = Call { deadline: wanted.deadline, ..call };
            let opened = Box::pin(tokio::time::timeout_at(ends, place.lambda.invoke_streaming(call))).await;
            let opened = opened.unwrap_or(Err(InvokeError::Timeout { executed: Executed::Maybe }));
            opened.map(Called::Stream)
        }
        Invocation::Sync | Invocation::Async | Invocation::DryRun => {
            place.lambda.invoke(call).await.map(Called::Whole)
        }
    };
    let ended = Instant::now();
    facts.invoke_us = micros_of(ended - wanted.began);
    function.metrics.took(ended - began);
    match &called {
        Ok(_) => {
            place.answered();
            function.gate.worked();
        }
        Err(error) => {
            function.metrics.failed(error);
            if let InvokeError::Throttled { reason, .. } = error {
                function.gate.throttled(reason, began);
            }
        }
    }
    if let Some(pass) = pass
        && let Some(failed) = is_failure(&called, pass.counts_function_errors())
    {
        pass.ended(failed, Instant::now());
    }
    called
}

/// Whether a call speaks for or against its place; a refusal of Lambda's does neither.
fn is_failure(called: &Result<Called, InvokeError>, function_errors: bool) -> Option<bool> {
    match called {
        Ok(Called::Whole(invoked)) => Some(function_errors && invoked.function_error.is_some()),
        Ok(Called::Stream(_)) | Err(InvokeError::AnswerTooLarge { .. }) => Some(false),
        Err(InvokeError::Unreachable { .. } | InvokeError::Service { .. } | InvokeError::Timeout { .. }) => {
            Some(true)
        }
        Err(
            InvokeError::Throttled { .. }
            | InvokeError::NotFound { .. }
            | InvokeError::AccessDenied { .. }
            | InvokeError::TooLarge
            | InvokeError::InvalidRequest { .. }
            | InvokeError::NoCredentials { .. }
            | InvokeError::NoRegion,
        ) => None,
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
