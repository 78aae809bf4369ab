//! The Invoke API: what a client of Lambda sees.
//!
//! Of Lambda's API it has the operations that need no more than running functions: Invoke, whole or streamed, and the lists of functions and
//! aliases; the others are refused by name. The order of the checks is the front door's: Host, path, size, signature, then
//! the service's own: parameters, payload, function, throttle. A function that fails answers 200 with
//! `X-Amz-Function-Error`.
//!
//! The event is not parsed beyond the question whether it is JSON at all.
//!
//! Source: Lambda's service model 2015-03-31; answers recorded from AWS (localstack, `test_lambda.snapshot.json`).

mod list;
mod operation;
mod problem;
mod stream;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http::header::{HeaderName, HeaderValue};
use http::request::Parts;
use hyper::body::Incoming;
use lambridge_wire::invoke::{self as wire, InvocationType, InvokePath, Operation};
use lambridge_wire::limits::CLIENT_CONTEXT;
use lambridge_wire::name::{FunctionName, QualifierError};
use serde::de::IgnoredAny;

use self::operation::Asked;
use self::problem::Problem;
use crate::function::{Call, Done, Function, Throttled};
use crate::http::{Answer, BodyError, collect, json, text};
use crate::identity::{is_uuid, trace_id, uuid};
use crate::service::Service;

/// For a whole body to arrive.
const BODY_TIMEOUT: Duration = Duration::from_secs(60);
/// A list is asked for without a body; one that a client sends all the same is read and has no meaning.
const LIST_BODY: usize = 64 * 1024;
/// Tries of an asynchronous invocation that is throttled, each a second or more apart.
const THROTTLED_TRIES: u32 = 60;

/// Answers one request.
pub(crate) async fn answer(service: Arc<Service>, request: Request<Incoming>, local: SocketAddr) -> Answer {
    let (head, mut body) = request.into_parts();
    let asked = text(&head.headers, wire::X_AMZN_REQUEST_ID);
    let request_id = asked.filter(|id| is_uuid(id)).map_or_else(uuid, str::to_owned);
    let mut answer = match take(&service, &head, &mut body, local, &request_id).await {
        Ok(answer) => answer,
        Err(problem) => problem.answer(),
    };
    set(&mut answer, wire::X_AMZN_REQUEST_ID, &request_id);
    answer
}

async fn take(
    service: &Service,
    head: &Parts,
    body: &mut Incoming,
    local: SocketAddr,
    request_id: &str,
) -> Result<Answer, Problem> {
    check_host(head, local)?;
    match operation::of(head)? {
        Asked::Invoke(path) => invoke(service, head, body, &path, request_id).await,
        Asked::List(request) => {
            let body = payload(body, LIST_BODY).await?;
            check_signature(service, head, &body)?;
            list::answer(service, request.map_err(|error| Problem::validation(error.to_string()))?)
        }
    }
}

async fn invoke(
    service: &Service,
    head: &Parts,
    body: &mut Incoming,
    path: &InvokePath,
    request_id: &str,
) -> Result<Answer, Problem> {
    let kind = InvocationType::from_header(text(&head.headers, wire::X_AMZ_INVOCATION_TYPE));
    let limit = kind.unwrap_or_default().payload_limit();
    let event = payload(body, limit).await?;
    check_signature(service, head, &event)?;
    let kind =
        kind.ok_or_else(|| Problem::parameter("invocationType is none of RequestResponse, Event, DryRun"))?;
    if text(&head.headers, wire::X_AMZN_REQUEST_ID).is_some_and(|id| !is_uuid(id)) {
        return Err(Problem::content("The request id is not a UUID"));
    }
    let name: FunctionName = path
        .name
        .parse()
        .map_err(|error: lambridge_wire::name::NameError| Problem::parameter(error.to_string()))?;
    let qualifier = name.merge_qualifier(path.qualifier.as_deref()).map_err(|error| match error {
        QualifierError::Mismatch => Problem::parameter(error.to_string()),
        QualifierError::Invalid(_) => Problem::parameter(error.to_string()),
    })?;
    let arn = match qualifier {
        Some(qualifier) => name.with_qualifier(qualifier).unwrap_or_else(|_| name.clone()),
        None => name.clone(),
    }
    .arn(&service.region, &service.account);
    let function = service.find(name.name(), qualifier).ok_or_else(|| {
        // Recorded 24 November 2025: what was not asked for is named all the same.
        let latest = if qualifier.is_none() { ":$LATEST" } else { "" };
        Problem::new("ResourceNotFoundException", format!("Function not found: {arn}{latest}"))
    })?;
    let event = check_json(event)?;
    let call = call(head, event, arn, kind, request_id)?;
    let streams = path.operation == Operation::InvokeStream;
    match kind {
        InvocationType::DryRun => Ok(empty(kind)),
        InvocationType::Event if streams => {
            Err(Problem::parameter("a streamed invocation is none of kind Event"))
        }
        InvocationType::RequestResponse if streams => stream::answer(function, call).await,
        InvocationType::Event => behind(service, Arc::clone(function), call),
        InvocationType::RequestResponse => {
            let trace = call.trace_id.clone();
            let done = function.invoke(call).await.map_err(|Throttled| Problem::throttled())?;
            Ok(finished(done, function, &trace))
        }
    }
}

fn check_signature(service: &Service, head: &Parts, body: &[u8]) -> Result<(), Problem> {
    service.check_signature(head, body).map_err(|(name, message)| Problem::new(name, message))
}

/// A page of another site must not reach a local emulator through its visitor's browser (DNS rebinding): the `Host` is a
/// loopback name or address, or the address that was connected to.
fn check_host(head: &Parts, local: SocketAddr) -> Result<(), Problem> {
    let host = text(&head.headers, "host").or(head.uri.host()).unwrap_or_default();
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.rsplit_once(':').map_or(host, |(name, _)| name),
    };
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    let known = match name.parse::<IpAddr>() {
        Ok(ip) => ip.to_canonical().is_loopback() || ip.to_canonical() == local.ip().to_canonical(),
        Err(_) => name == "localhost" || name.ends_with(".localhost"),
    };
    if known {
        return Ok(());
    }
    Err(Problem::new("AccessDeniedException", format!("`{host}` is not a name of this machine")))
}

async fn payload(body: &mut Incoming, limit: usize) -> Result<Bytes, Problem> {
    match tokio::time::timeout(BODY_TIMEOUT, collect(body, limit)).await {
        Ok(Ok((event, _))) => Ok(event),
        Ok(Err(BodyError::TooLarge)) => {
            let limit = limit - limit % 1024;
            let message =
                format!("Request must be smaller than {limit} bytes for the InvokeFunction operation");
            Err(Problem::new("RequestTooLargeException", message))
        }
        Ok(Err(BodyError::Broken)) => Err(Problem::content("The request body is broken")),
        Err(_) => Err(Problem { status: 408, ..Problem::content("The request body took too long") }),
    }
}

/// The event, if it is JSON; an empty one is `{}`.
fn check_json(event: Bytes) -> Result<Bytes, Problem> {
    if event.is_empty() {
        return Ok(Bytes::from_static(b"{}"));
    }
    let refuse = |what: &str, line: usize, column: usize| {
        Problem::content(format!(
            "Could not parse request body into json: Could not parse payload into json: {what}\n at [Source: REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled); line: {line}, column: {column}]"
        ))
    };
    let text = match std::str::from_utf8(&event) {
        Ok(text) => text,
        Err(error) => {
            let before = event.get(..error.valid_up_to()).unwrap_or_default();
            let byte = event.get(error.valid_up_to()).copied().unwrap_or_default();
            let line = 1 + before.iter().filter(|&&byte| byte == b'\n').count();
            // The byte behind the one that is wrong, as the recording has it.
            let column = 2 + before.iter().rev().take_while(|&&byte| byte != b'\n').count();
            return Err(refuse(&format!("Invalid UTF-8 start byte 0x{byte:02x}"), line, column));
        }
    };
    match serde_json::from_str::<IgnoredAny>(text) {
        Ok(_) => Ok(event),
        Err(error) => {
            let what = error.to_string();
            let what = what.split(" at line ").next().unwrap_or_default();
            Err(refuse(what, error.line(), error.column()))
        }
    }
}

fn call(head: &Parts, event: Bytes, arn: String, kind: InvocationType, id: &str) -> Result<Call, Problem> {
    let header = |name: &str| text(&head.headers, name).filter(|value| !value.is_empty());
    let asynchronous = kind == InvocationType::Event;
    // An asynchronous invocation has no client context. Source: Lambda developer guide, asynchronous invocation.
    let client_context = match header(wire::X_AMZ_CLIENT_CONTEXT).filter(|_| !asynchronous) {
        Some(encoded) => Some(client_context(encoded)?),
        None => None,
    };
    let tenant_id = header(wire::X_AMZ_TENANT_ID).map(str::to_owned);
    if tenant_id.as_ref().is_some_and(|tenant| !wire::is_tenant_id(tenant)) {
        return Err(Problem::parameter(
            "the tenant id has characters that are not allowed, or more than 256",
        ));
    }
    let log_tail = match header(wire::X_AMZ_LOG_TYPE) {
        None | Some("None") => false,
        Some("Tail") => !asynchronous,
        Some(other) => return Err(Problem::parameter(format!("logType `{other}` is neither None nor Tail"))),
    };
    Ok(Call {
        sink: None,
        request_id: id.to_owned(),
        event,
        arn,
        trace_id: header(wire::X_AMZN_TRACE_ID).map_or_else(trace_id, str::to_owned),
        client_context,
        cognito_identity: header("x-amz-cognito-identity").map(str::to_owned),
        tenant_id,
        log_tail,
    })
}

/// Decodes base64 JSON, and takes out line breaks: it travels on as a header.
fn client_context(encoded: &str) -> Result<String, Problem> {
    let invalid = || Problem::content("Client context must be a valid Base64-encoded JSON object.");
    if encoded.len() > CLIENT_CONTEXT {
        return Err(Problem::content(format!("Client context must be at most {CLIENT_CONTEXT} bytes")));
    }
    let decoded = base64_simd::STANDARD
        .decode_to_vec(encoded)
        .or_else(|_| base64_simd::STANDARD_NO_PAD.decode_to_vec(encoded))
        .map_err(|_| invalid())?;
    let text = String::from_utf8(decoded).map_err(|_| invalid())?;
    serde_json::from_str::<IgnoredAny>(&text).map_err(|_| invalid())?;
    // Inside JSON's strings they are escaped, so only insignificant ones go.
    Ok(text.replace(['\r', '\n'], " "))
}

/// Takes an asynchronous invocation, and runs it behind the caller's back.
fn behind(service: &Service, function: Arc<Function>, call: Call) -> Result<Answer, Problem> {
    let room = Arc::clone(&service.behind).try_acquire_owned().map_err(|_| Problem::throttled())?;
    let pauses = service.timing.async_retries.clone();
    tokio::spawn(async move {
        run_behind(&function, call, &pauses).await;
        drop(room);
    });
    Ok(empty(InvocationType::Event))
}

/// A failure is tried again after each of `pauses`, under the same request id; a throttle puts it back into the line.
async fn run_behind(function: &Arc<Function>, call: Call, pauses: &[Duration]) {
    let mut pauses = pauses.iter();
    let mut throttles = 0;
    while !function.context.lives.is_closed() {
        match function.invoke(call.clone()).await {
            Ok(done) if !done.outcome.failed => return,
            Ok(_) => match pauses.next() {
                Some(pause) => tokio::time::sleep(*pause).await,
                None => break,
            },
            Err(Throttled) => {
                throttles += 1;
                if throttles > THROTTLED_TRIES || function.context.run.instances == 0 {
                    break;
                }
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
    }
    let line = format!("asynchronous invocation {} was given up", call.request_id);
    (function.context.log.0)(&function.context.name, 0, &line);
}

fn finished(done: Done, function: &Function, trace: &str) -> Answer {
    let mut answer = json(200, done.outcome.payload);
    set(&mut answer, wire::X_AMZ_EXECUTED_VERSION, &function.context.version);
    set(&mut answer, wire::X_AMZN_TRACE_ID, trace);
    set(&mut answer, wire::X_AMZN_REMAPPED_CONTENT_LENGTH, "0");
    if done.outcome.failed {
        set(&mut answer, wire::X_AMZ_FUNCTION_ERROR, wire::UNHANDLED);
    }
    if let Some(tail) = done.log_tail {
        set(&mut answer, wire::X_AMZ_LOG_RESULT, &base64_simd::STANDARD.encode_to_string(tail));
    }
    answer
}

fn empty(kind: InvocationType) -> Answer {
    let mut answer = json(kind.success_status(), Bytes::new());
    answer.headers_mut().remove(http::header::CONTENT_TYPE);
    answer
}

/// Sets a header; a value that cannot be one (a client's own trace id is the only candidate) is left out.
fn set(answer: &mut Answer, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        answer.headers_mut().insert(HeaderName::from_static(name), value);
    }
}
